package db

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"sede/internal/ident"
)

// anchorOrder returns the page's order if anchors may serve it.
func (p *pager) anchorOrder() (o anchorOrder, ok bool) {
	key := p.l.key()
	columns, ok := strings.CutSuffix(p.order, key)
	if !ok {
		o.descending = true
		if columns, ok = strings.CutSuffix(p.order, key+" DESC"); !ok {
			return o, false
		}
	}
	if columns == "" {
		return o, true
	}
	for _, c := range p.l.Columns {
		if c.Fixed != "" && columns == c.SQL+o.direction()+", " {
			o.column, o.kind = c.SQL, c.Fixed
			return o, p.l.From == ""
		}
	}
	return o, false
}

func (o anchorOrder) direction() string {
	if o.descending {
		return " DESC"
	}
	return ""
}

// by is what stands behind ORDER BY.
func (o anchorOrder) by(key string) string {
	if o.column == "" {
		return key + o.direction()
	}
	return o.column + o.direction() + ", " + key + o.direction()
}

// from is the condition for the rows from another one on, which is given by its
// value in the column and its key.
func (o anchorOrder) from(key, at, id string) string {
	op := " >= "
	if o.descending {
		op = " <= "
	}
	if o.column == "" {
		return key + op + id
	}
	return "(" + o.column + ", " + key + ")" + op + "(" + at + ", " + id + ")"
}

// arg is the argument for the column's value.
func (o anchorOrder) arg(a anchor) any {
	if o.kind == KindTime {
		return time.UnixMicro(a.at).UTC()
	}
	return a.at
}

// begin adds the condition for the rows from the anchor on.
func (o anchorOrder) begin(key string, args []any, a anchor) (string, []any) {
	args = append(args[:len(args):len(args)], a.key)
	id, at := placeholder(len(args)), ""
	if o.column != "" {
		args = append(args, o.arg(a))
		at = placeholder(len(args))
	}
	return o.from(key, at, id), args
}

// value is the column that at is read from.
func (o anchorOrder) value() string {
	if o.column == "" {
		return "0"
	}
	return o.column
}

// scan reads value and key behind dest.
func (o anchorOrder) scan(rows *Rows, a *anchor, dest ...any) error {
	if o.kind != KindTime {
		return rows.Scan(append(dest, &a.at, &a.key)...)
	}
	var at time.Time
	err := rows.Scan(append(dest, &at, &a.key)...)
	a.at = at.UnixMicro()
	return err
}

// prove makes the list true for the numbers just read.
func (l *anchorList) prove(p *pager, o anchorOrder, n numbers) error {
	if l.proven && l.numbers == n {
		return nil
	}
	ok := l.proven && l.numbers.removed == n.removed
	if more := n.rows - l.numbers.rows; ok && more != 0 {
		var err error
		if ok, err = l.admit(p, o, more); err != nil {
			return err
		}
	}
	if !ok {
		l.list = l.list[:0]
	}
	key := p.l.key()
	err := p.tx.Row("SELECT "+key+" FROM "+p.l.from()+" WHERE "+p.where+" ORDER BY "+key+" DESC LIMIT 1", p.args...).Scan(&l.newest)
	if errors.Is(err, ErrNoRows) {
		l.newest, err = ident.ID{}, nil
	}
	l.numbers, l.proven = n, err == nil
	return err
}

// admit puts new rows into the list; false when those with keys beyond the newest are
// not all that there are.
func (l *anchorList) admit(p *pager, o anchorOrder, more int64) (bool, error) {
	args := append(p.args[:len(p.args):len(p.args)], l.newest)
	beyond := " FROM " + p.l.from() + " WHERE " + p.where + " AND " + p.l.key() + " > " + placeholder(len(args))
	if o.column == "" {
		var n int64
		if err := p.tx.Row("SELECT count(*)"+beyond, args...).Scan(&n); err != nil || n != more {
			return false, err
		}
		for i := 0; i < len(l.list) && o.descending; i++ {
			l.list[i].before += n
		}
		return true, nil
	}
	if more < 0 || more > arrivalsMost {
		return false, nil
	}
	rows := p.tx.Query("SELECT "+o.column+", "+p.l.key()+beyond+" LIMIT "+strconv.Itoa(arrivalsMost+1), args...)
	defer rows.Close()
	var arrived []anchor
	for rows.Next() {
		var a anchor
		if err := o.scan(rows, &a); err != nil {
			return false, err
		}
		arrived = append(arrived, a)
	}
	if err := rows.Err(); err != nil || int64(len(arrived)) != more {
		return false, err
	}
	slices.SortFunc(arrived, o.compare)
	n := 0
	for i := range l.list {
		for n < len(arrived) && o.compare(arrived[n], l.list[i]) < 0 {
			n++
		}
		l.list[i].before += int64(n)
	}
	return true, nil
}

// fill adds anchors behind the one with the number, or from the beginning, up to a
// row, and returns the number of the last one before that.
func (l *anchorList) fill(p *pager, o anchorOrder, at int, index int64) (int, error) {
	for _, every := range []int64{anchorFirst, anchorEvery} {
		if at < 0 || index-l.list[at].before >= 2*every {
			if err := l.fillEvery(p, o, at, index, every); err != nil {
				return at, err
			}
			at, _ = l.last(index)
		}
	}
	return at, nil
}

func (l *anchorList) fillEvery(p *pager, o anchorOrder, at int, index, every int64) error {
	key, args, where, start := p.l.key(), p.args, p.where, int64(0)
	if at >= 0 {
		start = l.list[at].before
		where, args = o.begin(key, args, l.list[at])
		where = p.where + " AND " + where
	}
	table := " FROM " + p.l.from() + " WHERE "
	first := "SELECT 0, " + o.value() + ", " + key + table + where + " ORDER BY " + o.by(key) + " LIMIT 1"
	next := table + p.where + " AND " + o.from(key, "step_at", "step_key") + " ORDER BY " + o.by(key) + " LIMIT 1 OFFSET " + strconv.FormatInt(every, 10)
	args = append(args[:len(args):len(args)], (index-start)/every)
	enough := "step < " + placeholder(len(args))
	if p.tx.lite != nil {
		next = "SELECT step + 1, " + o.value() + ", " + key + " FROM anchor CROSS JOIN " + p.l.from() + " WHERE " + enough + " AND " + p.where +
			" AND " + key + " = (SELECT " + key + next + ")"
	} else {
		next = "SELECT step + 1, found.* FROM anchor CROSS JOIN LATERAL (SELECT " + o.value() + ", " + key + next + ") AS found WHERE " + enough
	}
	rows := p.tx.Query("WITH RECURSIVE anchor (step, step_at, step_key) AS (SELECT * FROM ("+first+") AS beginning UNION ALL "+next+
		") SELECT step, step_at, step_key FROM anchor", args...)
	defer rows.Close()
	var added []anchor
	for rows.Next() {
		var a anchor
		if err := o.scan(rows, &a, &a.before); err != nil {
			return err
		}
		if a.before = start + a.before*every; at >= 0 && a.before == start {
			continue // which is there
		}
		added = append(added, a)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	l.list = slices.Insert(l.list, at+1, added...)
	return nil
}
