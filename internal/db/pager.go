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
	where   string
	order   string
	size    int
	offset  int64
	scan    func(*Rows) error
	counted bool // the total is in row_count

	rows  int // read, up to size+1
	more  bool
	total page.Total
}

// read gets the page and the total.
func (p *pager) read() error {
	switch {
	case p.size <= 0:
		return p.count(p.countRow())
	case p.deep():
		return p.readDeep()
	}
	var total Row
	pipelined := p.tx.pg != nil
	if pipelined {
		total = p.countAhead()
	}
	if err := p.page(p.where, p.order, p.args, p.offset); err != nil {
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

// page reads size rows, and looks whether there is one more.
func (p *pager) page(where, order string, args []any, skip int64) error {
	text := "SELECT " + p.l.Select + " FROM " + p.l.from() + " WHERE " + where +
		" ORDER BY " + order + " LIMIT " + strconv.Itoa(p.size+1)
	if skip > 0 {
		text += " OFFSET $" + strconv.Itoa(len(args)+1)
		args = append(args[:len(args):len(args)], skip)
	}
	rows := p.tx.Query(text, args...)
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
	if p.counted {
		return p.tx.Row(countedSQL, p.org, p.l.Table)
	}
	return p.tx.Row(p.countSQL(), p.args...)
}

func (p *pager) countAhead() Row {
	if p.counted {
		return p.tx.Ahead(countedSQL, p.org, p.l.Table)
	}
	return p.tx.Ahead(p.countSQL(), p.args...)
}

// count sets the total from what was counted.
func (p *pager) count(row Row) error {
	err := row.Scan(&p.total.Rows)
	if err == ErrNoRows {
		err = nil // nothing was counted yet
	}
	p.total.Exact = p.counted || p.total.Rows <= countLimit
	if !p.total.Exact {
		p.total.Rows = countLimit
	}
	return err
}

// deep reports whether so many rows come before the page that an anchor pays.
func (p *pager) deep() bool {
	key := p.l.key()
	return p.counted && !p.tx.write && p.offset >= deepFrom && (p.order == key || p.order == key+" DESC")
}

// readDeep gets a page that is far from the beginning.
func (p *pager) readDeep() error {
	var removed int64
	err := p.tx.Row("SELECT rows, removed FROM row_count WHERE organization_id = $1 AND resource = $2",
		p.org, p.l.Table).Scan(&p.total.Rows, &removed)
	if err != nil && err != ErrNoRows {
		return err
	}
	p.total.Exact = true
	if p.offset >= p.total.Rows {
		return nil
	}
	key := p.l.key()
	descending := p.order != key
	index := p.offset
	if descending {
		index = p.total.Rows - 1 - p.offset
	}
	a, ok, err := p.tx.db.anchors.find(p, p.total.Rows, removed, index, descending)
	switch {
	case err != nil:
		return err
	case !ok:
		return p.page(p.where, p.order, p.args, p.offset)
	}
	args := append(p.args[:len(p.args):len(p.args)], a.key)
	at := key + " >= $"
	skip := index - a.before
	if descending {
		// The anchor's own row comes before.before; it is passed by or not there.
		at, skip = key+" < $", a.before-1-index
	}
	where := p.where + " AND " + at + strconv.Itoa(len(args))
	return p.page(where, p.order, args, skip)
}
