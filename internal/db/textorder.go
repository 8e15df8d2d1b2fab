package db

import (
	"cmp"
	"slices"

	"sede/internal/ident"
)

// inOrder reads what matches in the order of the page, with segments whose rows have
// that order: of each segment only the rows with the first values, then more of them.
type inOrder struct {
	*pager
	s     *textSearch
	looks []look
	order anchorOrder // of the page
	want  int
	share float64 // of all rows, those that the index names, about
	parts int     // blocks read

	values   []value  // of all segments, in the order of the page
	waiting  []anchor // pending rows that match and are not in sorted yet, in order
	pending  map[ident.ID]bool
	seen     map[ident.ID]bool
	sorted   []ident.ID // what matches
	verified int        // rows that were asked whether they match
}

// value is one by which rows are ordered, and how many rows have it.
type value struct {
	at   int64
	rows int
}

// inOrder returns how to read the page in the order of segments; nil when it is in
// another one, or not all segments have it.
func (p *pager) inOrder(s *textSearch, looks []look) *inOrder {
	o, ok := p.anchorOrder()
	if !ok || o.column == "" || o.column != p.l.textOrder().column || p.size <= 0 || p.offset+int64(p.size) >= int64(s.limits.found) {
		return nil
	}
	i := &inOrder{pager: p, s: s, looks: looks, order: o, want: int(p.offset) + p.size + 1}
	named, rows := 0, 0
	for n := range looks {
		if len(looks[n].steps) == 0 {
			return nil
		}
		named += looks[n].named()
		rows += looks[n].segment.rows
	}
	i.share = float64(max(named, 1)) / float64(max(rows, 1))
	return i
}

// named is about how many rows of the segment the index names, at least 1.
func (l *look) named() int {
	fewest := l.segment.rows
	for _, filter := range l.filters {
		sum := 0
		for _, spans := range filter {
			least := l.segment.rows
			for _, of := range spans {
				from, to := l.around(of)
				least = min(least, (to-from)*blockBytes)
			}
			sum += least
		}
		fewest = min(fewest, sum)
	}
	return max(fewest, 1)
}

// walk is how many rows are to be read one after the other first: as many as should do
// where many match, or where other filters may leave few.
func (i *inOrder) walk(p *pager) int {
	switch {
	case p.others != p.l.where():
		return i.s.limits.walk / 3
	case i.share >= 0.25:
		return min(i.s.limits.walk, 16*i.want+64)
	}
	return 0
}

// read reads the page and the total; false when that took too long.
func (i *inOrder) read() (done bool, err error) {
	i.pending, i.seen = make(map[ident.ID]bool, len(i.s.pending)), map[ident.ID]bool{}
	for _, id := range i.s.pending {
		i.pending[id] = true
	}
	if i.waiting, err = i.matching(i.s.pending); err != nil {
		return false, err
	}
	i.list()
	rows := int(2 * float64(i.want) / i.share)
	for from := 0; from < len(i.values); rows *= 4 {
		to, n := from, 0
		for ; to < len(i.values) && (to == from || n < rows); to++ {
			n += i.values[to].rows
		}
		if ok, err := i.part(i.values[from].at, i.values[to-1].at); !ok || err != nil {
			return false, ignoreDamage(err)
		}
		if len(i.sorted) >= i.want {
			return true, i.showFirst(i.s, i.looks, i.sorted)
		}
		from = to
	}
	for _, w := range i.waiting {
		i.sorted = append(i.sorted, w.key)
	}
	return true, i.all(i.sorted)
}

// list lists the values of all segments.
func (i *inOrder) list() {
	rows := map[int64]int{}
	for n := range i.looks {
		s := i.looks[n].segment
		for k, each := range s.steps {
			to := s.rows
			if k+1 < len(s.steps) {
				to = s.steps[k+1].from
			}
			rows[each.at] += to - each.from
		}
	}
	for at, n := range rows {
		i.values = append(i.values, value{at, n})
	}
	slices.SortFunc(i.values, func(a, b value) int {
		if i.order.descending {
			a, b = b, a
		}
		return cmp.Compare(a.at, b.at)
	})
}

// candidate is a row of a segment that may match.
type candidate struct {
	*segment
	at  int64
	row uint16
}

// part goes on with the rows that have the values from the first to the last; false
// when that takes too long.
func (i *inOrder) part(first, last int64) (ok bool, err error) {
	low, high := min(first, last), max(first, last)
	var parts []look
	for n := range i.looks {
		if from, to := i.looks[n].before(low), i.looks[n].before(high+1); from < to {
			parts = append(parts, i.looks[n].only(from, to))
			i.parts += parts[len(parts)-1].blocks
		}
	}
	if i.parts > i.s.limits.parts {
		return false, nil
	}
	read, _, err := i.s.read(parts)
	if err != nil {
		return false, err
	}
	var list []candidate
	for _, f := range read {
		for _, row := range f.rows {
			if at := f.valueOf(int(row)); at >= low && at <= high {
				list = append(list, candidate{f.segment, at, row})
			}
		}
	}
	slices.SortFunc(list, func(a, b candidate) int {
		if i.order.descending {
			a, b = b, a
		}
		return cmp.Compare(a.at, b.at)
	})
	for len(list) > 0 && len(i.sorted) < i.want {
		n := 1 // whole values, some more than are wanted
		for n < len(list) && (n < 2*i.want || list[n].at == list[n-1].at) {
			n++
		}
		if ok, err := i.verify(list[:n]); !ok || err != nil {
			return ok, err
		}
		list = list[n:]
	}
	return true, nil
}

// only is what is to be read for some rows: from one on to before another.
func (l *look) only(from, to int) look {
	part := look{segment: l.segment, filters: make([]textFilter, len(l.filters))}
	for n, filter := range l.filters {
		for _, spans := range filter {
			few := make([]span, len(spans))
			for k, of := range spans {
				if of.hi-of.lo == rowMask { // one trigram
					of = span{of.lo | uint64(from), of.lo | uint64(to-1)}
				}
				few[k] = of
				a, b := l.around(of)
				part.blocks += b - a
			}
			part.filters[n] = append(part.filters[n], few)
		}
	}
	return part
}

// verify adds those of the candidates that match, which are all with their values;
// false when they are too many.
func (i *inOrder) verify(list []candidate) (ok bool, err error) {
	if len(list) > i.s.limits.sorted/8 {
		return false, nil
	}
	slices.SortFunc(list, func(a, b candidate) int { return cmp.Or(cmp.Compare(a.base, b.base), cmp.Compare(a.row, b.row)) })
	rows := make([]found, len(list))
	for n, c := range list {
		rows[n] = found{c.segment, []uint16{c.row}}
	}
	ids, err := i.s.ids(nil, rows)
	if err != nil {
		return false, err
	}
	var anchors []anchor
	for n, id := range ids {
		if !i.pending[id] && !i.seen[id] {
			i.seen[id] = true
			anchors = append(anchors, anchor{at: list[n].at, key: id})
		}
	}
	slices.SortFunc(anchors, i.order.compare)
	for part := range slices.Chunk(anchors, 2*i.want+64) {
		if i.verified += len(part); i.verified > 8*i.s.limits.found {
			return false, nil
		}
		if err := i.add(part); err != nil || len(i.sorted) >= i.want {
			return true, err
		}
	}
	return true, nil
}

// add adds those of the rows that match, and the pending ones before them.
func (i *inOrder) add(part []anchor) error {
	ids := make([]ident.ID, len(part))
	for n := range part {
		ids[n] = part[n].key
	}
	matching, err := i.matching(ids)
	for _, m := range matching {
		for len(i.waiting) > 0 && i.order.compare(i.waiting[0], m) < 0 {
			i.sorted, i.waiting = append(i.sorted, i.waiting[0].key), i.waiting[1:]
		}
		i.sorted = append(i.sorted, m.key)
	}
	return err
}

// matching are those of the rows with the ids that match, in order.
func (i *inOrder) matching(ids []ident.ID) (list []anchor, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows := i.listed(i.order.value()+", "+i.l.key(), " ORDER BY "+i.pager.order, ids)
	defer rows.Close()
	for rows.Next() {
		var a anchor
		if err := i.order.scan(rows, &a); err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, rows.Err()
}
