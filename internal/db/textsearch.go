package db

import (
	"errors"
	"slices"

	"sede/internal/access"
	"sede/internal/ident"
	"sede/internal/page"
)

// textLimits say when a search does what.
type textLimits struct {
	pending int // up to so many pending rows are looked at one by one
	blocks  int // up to so many blocks are read before anything else is tried
	found   int // up to so many rows that may match are all read
	walk    int // so many rows are read in the order of the page when more may match
	keys    int // so many keys are read in that order when those did not fill the page
	sorted  int // up to so many rows that may match are gathered, or sorted when nothing else helps
	parts   int // up to so many blocks are read in the order of segments
}

var usualTextLimits = textLimits{pending: 20_000, blocks: 256, found: countLimit, walk: 3_000, keys: 400_000, sorted: 200_000, parts: 4_096}

// spansRead is how many trigrams of a term are looked up in a segment, those with
// the fewest rows.
const spansRead = 3

// textSearch finds the rows of a collection that may match filters on texts.
type textSearch struct {
	tx       *Tx
	name     textName
	limits   textLimits
	filters  []textFilter
	pending  []ident.ID
	segments []segment
}

// search returns how to search for the page's filters; nil when the index is of no
// use: there is none yet, or too much is pending.
func (p *pager) search(filters []textFilter) (*textSearch, error) {
	s := &textSearch{tx: p.tx, name: textName{p.org, p.l.Table}, limits: p.tx.db.texts.limits, filters: filters}
	// Pending rows are read first: what moves from there into a segment meanwhile
	// is then seen twice, and not missed.
	rows := p.tx.Query(`SELECT id FROM text_pending WHERE organization_id = $1 AND collection = $2 LIMIT $3`,
		p.org, p.l.Table, int64(s.limits.pending+1))
	for rows.Next() {
		var id ident.ID
		if err := rows.Scan(&id); err != nil {
			rows.Close()
			return nil, err
		}
		s.pending = append(s.pending, id)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if n := int64(len(s.pending)); n >= indexFrom {
		p.tx.db.texts.notice(s.name, n)
	}
	if len(s.pending) > s.limits.pending {
		return nil, nil
	}
	var err error
	s.segments, err = p.tx.segments(s.name)
	if err != nil || len(s.segments) == 0 {
		return nil, ignoreDamage(err)
	}
	return s, nil
}

// ignoreDamage drops the error that says to do without the index.
func ignoreDamage(err error) error {
	if errors.Is(err, errTextIndex) {
		return nil
	}
	return err
}

// look is the part of a segment that a search reads: for each filter and term the
// spans that are looked up.
type look struct {
	*segment
	filters []textFilter
	blocks  int
}

// look chooses the spans with the fewest blocks.
func (s *textSearch) look(at *segment) look {
	l := look{segment: at, filters: make([]textFilter, len(s.filters))}
	for i, filter := range s.filters {
		for _, spans := range filter {
			chosen := slices.Clone(spans)
			size := func(of span) int { from, to := at.around(of); return to - from }
			slices.SortStableFunc(chosen, func(a, b span) int { return size(a) - size(b) })
			chosen = chosen[:min(len(chosen), spansRead)]
			for len(chosen) > 1 && size(chosen[len(chosen)-1]) > 8*(1+size(chosen[0])) {
				chosen = chosen[:len(chosen)-1] // reading that one costs more than rows it would rule out
			}
			if size(chosen[0]) == 0 {
				continue // the term is in no row
			}
			for _, of := range chosen {
				l.blocks += size(of)
			}
			l.filters[i] = append(l.filters[i], chosen)
		}
	}
	return l
}

// looks are those of all segments, and how many blocks they read together.
func (s *textSearch) looks() (list []look, blocks int) {
	for i := range s.segments {
		l := s.look(&s.segments[i])
		if slices.ContainsFunc(l.filters, func(f textFilter) bool { return len(f) == 0 }) {
			continue
		}
		list = append(list, l)
		blocks += l.blocks
	}
	return list, blocks
}

// numbers appends the numbers of the blocks to read.
func (l *look) numbers(list []int64) []int64 {
	for _, filter := range l.filters {
		for _, spans := range filter {
			for _, of := range spans {
				for from, to := l.around(of); from < to; from++ {
					list = append(list, l.base+int64(from))
				}
			}
		}
	}
	return list
}

// rows are the rows of the segment that may match all filters, ascending.
func (l *look) rows(blocks map[int64][]byte) (all []uint16, err error) {
	for i, filter := range l.filters {
		var any []uint16
		for _, spans := range filter {
			rows, err := l.holding(spans, blocks)
			if err != nil {
				return nil, err
			}
			any = union(any, rows)
		}
		if i > 0 {
			any = intersection(all, any)
		}
		all = any
	}
	return all, nil
}

// holding are the rows that have a key in each of the spans, ascending.
func (l *look) holding(spans []span, blocks map[int64][]byte) (all []uint16, err error) {
	for i, of := range spans {
		var rows []uint16
		for from, to := l.around(of); from < to; from++ {
			if rows, err = rowsIn(rows, l.firsts[from], blocks[l.base+int64(from)], of); err != nil {
				return nil, err
			}
		}
		if of.hi-of.lo > rowMask { // of several trigrams
			slices.Sort(rows)
			rows = slices.Compact(rows)
		}
		if i > 0 {
			rows = intersection(all, rows)
		}
		all = rows
	}
	return all, nil
}

func union(a, b []uint16) []uint16 {
	if len(a) == 0 {
		return b
	}
	all := append(a, b...)
	slices.Sort(all)
	return slices.Compact(all)
}

func intersection(a, b []uint16) []uint16 {
	both := a[:0]
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] < b[j]:
			i++
		case a[i] > b[j]:
			j++
		default:
			both = append(both, a[i])
			i, j = i+1, j+1
		}
	}
	return both
}

// found are rows of segments that may match.
type found struct {
	*segment
	rows []uint16
}

// read returns the rows of the segments that may match.
func (s *textSearch) read(looks []look) (list []found, n int, err error) {
	var numbers []int64
	for i := range looks {
		numbers = looks[i].numbers(numbers)
	}
	blocks, err := s.tx.blocks(s.name, numbers)
	if err != nil {
		return nil, 0, err
	}
	for i := range looks {
		rows, err := looks[i].rows(blocks)
		if err != nil {
			return nil, 0, err
		}
		if len(rows) > 0 {
			list = append(list, found{looks[i].segment, rows})
			n += len(rows)
		}
	}
	return list, n, nil
}

// readAll returns the rows of the segments that may match; false when they are more
// than can be sorted.
func (s *textSearch) readAll(looks []look) (list []found, ok bool, err error) {
	n := len(s.pending)
	for i := range looks {
		part, m, err := s.read(looks[i : i+1])
		if err != nil {
			return nil, false, err
		}
		if n += m; n > s.limits.sorted {
			return nil, false, nil
		}
		list = append(list, part...)
	}
	return list, true, nil
}

// ids are the ids of rows, behind the others. The slice of those stays as it is.
func (s *textSearch) ids(others []ident.ID, list []found) ([]ident.ID, error) {
	ids := slices.Clone(others)
	var numbers []int64
	for _, f := range list {
		for _, row := range f.rows {
			if n := f.idBlock(int(row)); len(numbers) == 0 || numbers[len(numbers)-1] != n {
				numbers = append(numbers, n)
			}
		}
	}
	blocks, err := s.tx.blocks(s.name, numbers)
	if err != nil {
		return nil, err
	}
	for _, f := range list {
		for _, row := range f.rows {
			block, at := blocks[f.idBlock(int(row))], int(row)%blockIDs*len(ident.ID{})
			if int(row) >= f.segment.rows || at+len(ident.ID{}) > len(block) {
				return nil, errTextIndex
			}
			ids = append(ids, ident.ID(block[at:]))
		}
	}
	return ids, nil
}

// withTexts reads the page and the total with the index; false when it is of no use
// for the filters.
func (p *pager) withTexts() (done bool, err error) {
	if len(p.texts) == 0 {
		return false, nil
	}
	s, err := p.search(p.texts)
	if s == nil || err != nil {
		return false, err
	}
	looks, blocks := s.looks()
	if blocks > s.limits.blocks {
		return p.common(s, looks)
	}
	list, n, err := s.read(looks)
	if err != nil {
		return false, ignoreDamage(err)
	}
	if n > s.limits.found {
		return p.common(s, looks)
	}
	ids, err := s.ids(s.pending, list)
	if err != nil {
		return false, ignoreDamage(err)
	}
	return true, p.among(ids)
}

// listed selects of the rows with the ids those that match the page's filters.
func (p *pager) listed(columns, end string, ids []ident.ID) *Rows {
	args := p.args[:len(p.args):len(p.args)]
	sql := p.tx.selectListed(columns, p.l.Table, p.where, p.l.key(), placeholder(len(args)+1), KindID)
	return p.tx.Query(sql+end, append(args, p.tx.idList(ids))...)
}

// among reads the page and the total from the rows with the ids, which all are that
// may match.
func (p *pager) among(ids []ident.ID) error {
	if len(ids) == 0 {
		p.total = page.Total{Exact: true}
		return nil
	}
	sorted, err := p.sorted(ids)
	if err != nil {
		return err
	}
	return p.all(sorted)
}

// all reads the page and the total from the keys of all rows that match, in its order.
func (p *pager) all(sorted []ident.ID) error {
	n := int64(len(sorted))
	p.more = p.size > 0 && p.offset+int64(p.size) < n
	last := !p.more && p.size > 0 && p.offset < n // whose total is exact, as that of other pages
	p.total = page.Total{Rows: n, Exact: n <= countLimit || last}
	if !p.total.Exact {
		p.total.Rows = countLimit
	}
	if p.size <= 0 || p.offset >= n {
		return nil
	}
	return p.show(sorted)
}

// show reads the page from the keys of rows that match, in its order.
func (p *pager) show(sorted []ident.ID) error {
	sorted = sorted[p.offset:]
	return p.scanListed(sorted[:min(len(sorted), p.size)])
}

// scanListed hands the rows with the keys to scan, in the order of the page.
func (p *pager) scanListed(keys []ident.ID) error {
	return p.take(p.listed(p.l.Select, " ORDER BY "+p.order, keys))
}

// sorted are those of the rows with the ids that match the page's filters, in the
// page's order.
func (p *pager) sorted(ids []ident.ID) (sorted []ident.ID, err error) {
	slices.SortFunc(ids, compareIDs)
	ids = slices.Compact(ids)
	rows := p.listed(p.l.key(), " ORDER BY "+p.order, ids)
	defer rows.Close()
	for rows.Next() {
		var id ident.ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		sorted = append(sorted, id)
	}
	return sorted, rows.Err()
}

// Matching returns the keys of all rows that the filters let through, in the query's
// order, found with the index of texts. ok is false when it is of no use for the
// filters: because there is none on texts, or too many rows may match.
func (l *Listing) Matching(tx *Tx, scope access.Scope, q *page.Query) (keys []ident.ID, ok bool, err error) {
	if scope == (access.Scope{}) {
		return nil, true, nil
	}
	p := pager{l: l, tx: tx, org: scope.Organization(), args: []any{scope.Organization()}}
	if err := p.conditions(q.Filters); err != nil {
		return nil, false, err
	}
	if err := p.sort(q.Order); err != nil || len(p.texts) == 0 {
		return nil, false, err
	}
	s, err := p.search(p.texts)
	if s == nil || err != nil {
		return nil, false, err
	}
	looks, _ := s.looks()
	list, ok, err := s.readAll(looks)
	if err != nil || !ok {
		return nil, false, ignoreDamage(err)
	}
	ids, err := s.ids(s.pending, list)
	if err != nil {
		return nil, false, ignoreDamage(err)
	}
	if len(ids) > 0 {
		keys, err = p.sorted(ids)
	}
	return keys, err == nil, err
}

// Each reads the rows with the keys, in the query's order, as Page does.
func (l *Listing) Each(tx *Tx, scope access.Scope, q *page.Query, keys []ident.ID, scan func(*Rows) error) error {
	p := pager{l: l, tx: tx, args: []any{scope.Organization()}, where: l.where()}
	if err := p.sort(q.Order); err != nil || len(keys) == 0 || scope == (access.Scope{}) {
		return err
	}
	rows := p.listed(l.Select, " ORDER BY "+p.order, keys)
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
