package db

import (
	"slices"

	"sede/internal/ident"
	"sede/internal/page"
)

// common reads the page of a search for what many rows may have: they are met soon
// when rows are read in order.
func (p *pager) common(s *textSearch, looks []look) (done bool, err error) {
	inOrder := p.inOrder(s, looks)
	most := s.limits.walk
	if inOrder != nil {
		most = inOrder.walk(p)
	}
	if done, err := p.walk(s, looks, most); done || err != nil {
		return done, err
	}
	if inOrder != nil {
		if done, err := inOrder.read(); done || err != nil {
			return done, err
		}
	}
	list, ok, err := s.readAll(looks)
	if err != nil {
		return false, ignoreDamage(err)
	}
	if !ok { // too many to gather, which are met some time
		return p.walk(s, looks, 4*s.limits.walk)
	}
	ids, err := s.ids(s.pending, list)
	if err != nil {
		return false, ignoreDamage(err)
	}
	slices.SortFunc(ids, compareIDs)
	ids = slices.Compact(ids)
	filled, err := p.pick(s.limits, ids)
	if err != nil {
		return false, err
	}
	if filled {
		return true, p.countCommon(s, looks)
	}
	return true, p.among(ids)
}

// pick reads the page from the rows with the ids, which all are that may match, in
// ascending order. It goes through the keys of the collection in the order of the
// page, which the index of that order has without the rows, and looks at those rows
// only; false when these don't fill the page soon.
func (p *pager) pick(limits textLimits, ids []ident.ID) (filled bool, err error) {
	want := p.offset + int64(p.size) + 1
	if p.size <= 0 || want > int64(limits.found) {
		return false, nil
	}
	var matching []ident.ID
	for skip, looked := 0, 0; skip < limits.keys && looked < 4*limits.found; {
		met, read, err := p.meet(ids, skip, min(limits.keys-skip, limits.keys/4), int(2*want)+64)
		if err != nil {
			return false, err
		}
		if len(met) > 0 {
			part, err := p.sorted(met)
			if err != nil {
				return false, err
			}
			matching = append(matching, part...)
		}
		if int64(len(matching)) >= want {
			p.more = true
			return true, p.show(matching)
		}
		if read == 0 {
			return false, nil
		}
		skip, looked = skip+read, looked+len(met)
	}
	return false, nil
}

// meet goes through keys in the order of the page, from behind so many on, and
// returns those that are among the ids, up to a number of them, and how many keys it
// has read.
func (p *pager) meet(ids []ident.ID, skip, most, enough int) (met []ident.ID, read int, err error) {
	args := p.args[:p.own:p.own]
	rows := p.tx.Query("SELECT "+p.l.key()+" FROM "+p.l.Table+" WHERE "+p.l.where()+" ORDER BY "+p.order+
		" LIMIT "+placeholder(p.own+1)+" OFFSET "+placeholder(p.own+2), append(args, int64(most), int64(skip))...)
	defer rows.Close()
	for len(met) < enough && rows.Next() {
		var id ident.ID
		if err := rows.Scan(&id); err != nil {
			return nil, 0, err
		}
		read++
		if _, ok := slices.BinarySearchFunc(ids, id, compareIDs); ok {
			met = append(met, id)
		}
	}
	return met, read, rows.Err()
}

// countCommon sets the total of a search for what many rows may have. When nothing
// else is filtered the index tells whether they are too many to be counted.
func (p *pager) countCommon(s *textSearch, looks []look) error {
	if p.others == p.l.where() {
		n := 0
		for i := 0; i < len(looks) && n <= 2*countLimit; i++ {
			_, more, err := s.read(looks[i : i+1])
			if ignoreDamage(err) != nil {
				return err
			}
			n += more
		}
		if n > 2*countLimit {
			p.total = page.Total{Rows: countLimit}
			return nil
		}
	}
	ok, err := p.countSome(s, looks)
	if err == nil && !ok {
		err = p.count(p.countRow())
	}
	return err
}

// walk reads up to so many rows in the order of the page; false when those that match
// don't fill the page and there are more rows.
func (p *pager) walk(s *textSearch, looks []look, most int) (done bool, err error) {
	want := p.offset + int64(p.size) + 1
	if p.size <= 0 || want > int64(most) {
		return false, nil
	}
	args := p.args[:len(p.args):len(p.args)]
	rows := p.tx.Query("SELECT "+p.l.key()+", CASE WHEN "+p.textual+" THEN 1 ELSE 0 END FROM "+p.l.Table+" WHERE "+p.others+
		" ORDER BY "+p.order+" LIMIT "+placeholder(len(args)+1), append(args, int64(most))...)
	var matching []ident.ID
	read := 0
	for ; int64(len(matching)) < want && rows.Next(); read++ {
		var id ident.ID
		var matches int
		if err := rows.Scan(&id, &matches); err != nil {
			rows.Close()
			return false, err
		}
		if matches == 1 {
			matching = append(matching, id)
		}
	}
	rows.Close()
	switch err := rows.Err(); {
	case err != nil:
		return false, err
	case int64(len(matching)) == want:
		return true, p.showFirst(s, looks, matching)
	case read < most:
		return true, p.all(matching)
	}
	return false, nil
}

// showFirst reads a page that others follow from the keys of the first rows that match.
func (p *pager) showFirst(s *textSearch, looks []look, sorted []ident.ID) error {
	p.more = true
	if err := p.show(sorted); err != nil {
		return err
	}
	return p.countCommon(s, looks)
}

// countSome counts rows that match up to the limit of counting; false when it is
// better done without the index.
func (p *pager) countSome(s *textSearch, looks []look) (ok bool, err error) {
	const part = countLimit + countLimit/5
	seen := make(map[ident.ID]struct{}, part)
	var total int64
	count := func(ids []ident.ID) error {
		ids = slices.DeleteFunc(ids, func(id ident.ID) bool {
			_, there := seen[id]
			seen[id] = struct{}{}
			return there
		})
		var n int64
		rows := p.listed("count(*)", "", ids)
		defer rows.Close()
		for rows.Next() {
			if err := rows.Scan(&n); err != nil {
				return err
			}
		}
		total += n
		return rows.Err()
	}
	if err := count(s.pending); err != nil {
		return false, err
	}
	for i := range looks {
		list, _, err := s.read(looks[i : i+1])
		if err != nil {
			return false, ignoreDamage(err)
		}
		for _, f := range list {
			if i == 0 && 2*len(f.rows) > f.segment.rows && f.segment.rows > part {
				return false, nil // so many that they are soon met one after the other
			}
			for rows := range slices.Chunk(f.rows, part) {
				if total > countLimit {
					break
				}
				ids, err := s.ids(nil, []found{{f.segment, rows}})
				if err != nil {
					return false, ignoreDamage(err)
				}
				if err := count(ids); err != nil {
					return false, err
				}
			}
		}
		if total > countLimit {
			break
		}
	}
	p.total = page.Total{Rows: min(total, countLimit), Exact: total <= countLimit}
	return true, nil
}
