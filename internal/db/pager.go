package db

import (
	"strconv"

	"sede/internal/ident"
	"sede/internal/page"
)

// pager is one call of Listing.Page.
type pager struct {
	l       *Listing
	tx      *Tx
	org     ident.ID
	args    []any // of where
	own     int   // how many of them are the listing's, not of filters
	where   string
	order   string
	size    int
	offset  int64
	scan    func(*Rows) error
	counted bool     // the total is in row_count
	told    bool     // the listing's Total tells the total
	groups  []string // patterns of the counters whose sum the total is

	texts   []textFilter // of filters that the index of texts serves
	textual string       // their conditions
	others  string       // all other conditions

	rows  int // read, up to size+1
	more  bool
	total page.Total
}

// read gets the page and the total.
func (p *pager) read() error {
	if done, err := p.withTexts(); done || err != nil {
		return err
	}
	switch {
	case p.size <= 0:
		return p.count(p.countRow())
	case p.deep():
		return p.readDeep()
	}
	if p.far() {
		return p.readFar()
	}
	var total Row
	pipelined := p.tx.pg != nil
	if pipelined {
		total = p.countAhead()
	}
	if err := p.page(cut{skip: p.offset}); err != nil {
		return err
	}
	if !p.more && (p.rows > 0 || p.offset == 0) {
		p.total = page.Total{Rows: p.offset + int64(p.rows), Exact: true}
		return nil
	}
	if !pipelined {
		total = p.countRow()
	}
	return p.count(total)
}

// far reports whether so many rows come before the page that it pays to skip them by
// their keys.
func (p *pager) far() bool {
	return p.offset >= deepFrom && p.l.From == "" && !p.l.Wide && p.own == 1 && p.l.key() == "id"
}

// readFar gets a page that is far from the beginning: the keys first, since the index
// of the order has them without the rows that are skipped.
func (p *pager) readFar() error {
	total := p.countRow
	if p.tx.pg != nil {
		row := p.countAhead()
		total = func() Row { return row }
	}
	args := p.args[:len(p.args):len(p.args)]
	rows := p.tx.Query("SELECT "+p.l.key()+" FROM "+p.l.Table+" WHERE "+p.where+" ORDER BY "+p.order+
		" LIMIT "+strconv.Itoa(p.size+1)+" OFFSET "+placeholder(len(args)+1), append(args, p.offset)...)
	var keys []ident.ID
	for rows.Next() {
		var key ident.ID
		if err := rows.Scan(&key); err != nil {
			rows.Close()
			return err
		}
		keys = append(keys, key)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return err
	}
	if p.more = len(keys) > p.size; p.more {
		keys = keys[:p.size]
	}
	if len(keys) > 0 {
		if err := p.scanListed(keys); err != nil {
			return err
		}
		if !p.more {
			p.total = page.Total{Rows: p.offset + int64(p.rows), Exact: true}
			return nil
		}
	}
	return p.count(total())
}

// page reads size rows, and looks whether there is one more.
func (p *pager) page(c cut) error { return p.take(p.open(c)) }

// cut says where a page begins: behind skip rows, counted from an anchor if at
// is not empty.
type cut struct {
	at   string // condition on the key; its argument is key
	key  ident.ID
	skip int64
}

// open sends the statement that reads the page.
func (p *pager) open(c cut) *Rows {
	args := p.args[:len(p.args):len(p.args)]
	text := "SELECT " + p.l.Select + " FROM " + p.l.from() + " WHERE " + p.where
	if c.at != "" {
		args = append(args, c.key)
		text += " AND " + c.at + placeholder(len(args))
	}
	text += " ORDER BY " + p.order + " LIMIT " + strconv.Itoa(p.size+1)
	if c.skip > 0 {
		args = append(args, c.skip)
		text += " OFFSET " + placeholder(len(args))
	}
	return p.tx.Query(text, args...)
}

// take hands the rows to scan.
func (p *pager) take(rows *Rows) error {
	defer rows.Close()
	for rows.Next() {
		if p.rows == p.size {
			p.more = true
			break
		}
		p.rows++
		if err := p.scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

const countedSQL = "SELECT rows FROM row_count WHERE organization_id = $1 AND resource = $2"

func (p *pager) countSQL() string {
	return "SELECT count(*) FROM (SELECT 1 FROM " + p.l.from() + " WHERE " + p.where +
		" LIMIT " + strconv.Itoa(countLimit+1) + ") AS matching"
}

func (p *pager) countRow() Row {
	switch {
	case p.counted:
		return p.tx.Row(countedSQL, p.org, p.l.Table)
	case p.told:
		return p.tx.Row(p.l.Total, p.args...)
	case p.groups != nil:
		sql, args := p.groupsSQL()
		return p.tx.Row(sql, args...)
	}
	return p.tx.Row(p.countSQL(), p.args...)
}

func (p *pager) countAhead() Row {
	switch {
	case p.counted:
		return p.tx.Ahead(countedSQL, p.org, p.l.Table)
	case p.told:
		return p.tx.Ahead(p.l.Total, p.args...)
	case p.groups != nil:
		sql, args := p.groupsSQL()
		return p.tx.Ahead(sql, args...)
	}
	return p.tx.Ahead(p.countSQL(), p.args...)
}

// count sets the total from what was counted.
func (p *pager) count(row Row) error {
	if p.groups != nil {
		return p.countGroups(row)
	}
	err := row.Scan(&p.total.Rows)
	if err == ErrNoRows {
		err = nil // nothing was counted yet
	}
	p.total.Exact = p.counted || p.told || p.total.Rows <= countLimit
	if !p.total.Exact {
		p.total.Rows = countLimit
	}
	return err
}

// countGroups sets the total from the counters of groups. When these don't add
// up, because rows were written by a sede that knew of no groups, it counts.
func (p *pager) countGroups(row Row) error {
	var off int64
	if err := row.Scan(&p.total.Rows, &off); err != nil {
		return err
	}
	if p.total.Exact = off == 0; p.total.Exact {
		return nil
	}
	p.groups = nil
	return p.count(p.countRow())
}

// deep reports whether so many rows come before the page that an anchor pays.
func (p *pager) deep() bool {
	key := p.l.key()
	return p.counted && !p.tx.write && p.offset >= deepFrom && (p.order == key || p.order == key+" DESC")
}

// descending reports the direction of a deep page.
func (p *pager) descending() bool { return p.order != p.l.key() }

// readDeep gets a page that is far from the beginning. When there are anchors
// already, it takes their numbers for the current ones, so that page and numbers
// come in one round trip, and tries again when they are not.
func (p *pager) readDeep() error {
	row := p.tx.Ahead("SELECT rows, removed FROM row_count WHERE organization_id = $1 AND resource = $2", p.org, p.l.Table)
	var n numbers
	if guess, ok := p.tx.db.anchors.known(anchorName{p.org, p.l.Table}); ok && p.offset < guess.rows {
		c, ok, err := p.cut(guess, true)
		if err != nil {
			return err
		}
		if ok {
			rows := p.open(c)
			if err := row.Scan(&n.rows, &n.removed); err == nil && n == guess {
				p.total = page.Total{Rows: n.rows, Exact: true}
				return p.take(rows)
			}
			rows.Close()
		}
	}
	if err := row.Scan(&n.rows, &n.removed); err != nil && err != ErrNoRows {
		return err
	}
	p.total = page.Total{Rows: n.rows, Exact: true}
	if p.offset >= n.rows {
		return nil
	}
	c, ok, err := p.cut(n, false)
	if err != nil {
		return err
	}
	if !ok {
		c = cut{skip: p.offset}
	}
	return p.page(c)
}

// cut returns how to begin at an anchor; false when there is none.
func (p *pager) cut(n numbers, guess bool) (cut, bool, error) {
	index := p.offset
	if p.descending() {
		index = n.rows - 1 - p.offset
	}
	a, ok, err := p.tx.db.anchors.find(p, n, index, guess)
	if err != nil || !ok {
		return cut{}, false, err
	}
	if p.descending() { // the row just before the anchor is the first one counted
		return cut{p.l.key() + " < ", a.key, a.before - 1 - index}, true, nil
	}
	return cut{p.l.key() + " >= ", a.key, index - a.before}, true, nil
}
