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
	if p.size <= 0 {
		return p.count(p.countRow())
	}
	if o, ok := p.deep(); ok {
		return p.readDeep(o)
	}
	var total Row
	pipelined := p.tx.pg != nil
	if pipelined {
		total = p.countAhead()
	}
	if err := p.take(p.open()); err != nil {
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

// open sends the statement that reads the page, and one row more.
func (p *pager) open() *Rows {
	args := p.args[:len(p.args):len(p.args)]
	if p.offset > 0 {
		args = append(args, p.offset)
	}
	if p.far() {
		return p.openFar("", args)
	}
	text := "SELECT " + p.l.Select + p.rest("")
	if p.offset > 0 {
		text += " OFFSET " + placeholder(len(args))
	}
	return p.tx.Query(text, args...)
}

// rest is the statement for the page's rows behind the columns.
func (p *pager) rest(begin string) string {
	return " FROM " + p.l.from() + " WHERE " + p.where + begin + " ORDER BY " + p.order + " LIMIT " + strconv.Itoa(p.size+1)
}

// openFar finds the keys first, since the index of the order has them without the rows
// that are skipped. The last of the arguments says how many.
func (p *pager) openFar(begin string, args []any) *Rows {
	keys := "(SELECT " + p.l.key() + " AS wanted" + p.rest(begin) + " OFFSET " + placeholder(len(args)) + ")"
	return p.tx.Query(p.tx.selectFrom(p.l.Select, p.l.Table, p.where, p.l.key(), keys)+" ORDER BY "+p.order, args...)
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

// deep reports whether so many rows come before the page that an anchor pays, and the
// order of the anchors.
func (p *pager) deep() (anchorOrder, bool) {
	if !p.counted || p.tx.write || p.offset < deepFrom {
		return anchorOrder{}, false
	}
	return p.anchorOrder()
}

const numbersSQL = "SELECT rows, removed FROM row_count WHERE organization_id = $1 AND resource = $2"

// readDeep gets a page that is far from the beginning. When there are anchors
// already, it takes their numbers for the current ones, so that page and numbers
// come in one round trip, and tries again when they are not.
func (p *pager) readDeep(o anchorOrder) error {
	row := p.tx.Ahead(numbersSQL, p.org, p.l.Table)
	var n numbers
	name := anchorName{p.org, p.l.Table, o}
	if guess, ok := p.tx.db.anchors.known(name); ok && p.offset < guess.rows {
		a, ok, err := p.tx.db.anchors.find(p, name, guess, p.offset, true)
		if err != nil {
			return err
		}
		if ok {
			rows := p.openAt(o, a)
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
	a, ok, err := p.tx.db.anchors.find(p, name, n, p.offset, false)
	if err != nil {
		return err
	}
	if !ok {
		return p.take(p.open())
	}
	return p.take(p.openAt(o, a))
}

// openAt sends the statement that reads the page from an anchor on.
func (p *pager) openAt(o anchorOrder, a anchor) *Rows {
	begin, args := o.begin(p.l.key(), p.args, a)
	args = append(args, p.offset-a.before)
	if o.column != "" {
		return p.openFar(" AND "+begin, args)
	}
	return p.tx.Query("SELECT "+p.l.Select+p.rest(" AND "+begin)+" OFFSET "+placeholder(len(args)), args...)
}
