package db

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"sede/internal/access"
	"sede/internal/page"
)

// Listing describes a collection to Page. It is made once and not changed.
type Listing struct {
	Table   string            // the table; also the resource that Count counts
	Select  string            // the columns that scan reads
	From    string            // what to read from, default Table
	Where   string            // condition that always holds, default "organization_id = $1", "TRUE" when Wide
	Columns map[string]Column // fields that may be filtered and ordered by their API names
	Order   string            // default order, e.g. "starts_at, id"; default Key
	Key     string            // unique within the collection, breaks ties; default "id"

	// Counted says that Count keeps the number of rows that Where lets through,
	// so that the total of an unfiltered collection is read instead of counted.
	// Page calls with args are always counted.
	Counted bool

	// Total is a statement for the number of rows that Where lets through, with
	// its arguments, if that is to be had for less than counting them.
	Total string

	// Groups names fields with few values, none with a slash in it, by which
	// CountGroup counts the rows too. The total of an exact filter on these
	// fields alone is then read as well.
	Groups []string

	// Texts names fields of texts, whose filters Contains are served by an index
	// that IndexTexts makes. Their order is stored: new ones come last, and then
	// all rows are noted in text_pending anew. The table has the macro Searchable
	// in a migration, and is known to RegisterTexts.
	Texts []string

	// Wide says that the collection is not one of an organization: $1 is then
	// the first of Page's args instead of the organization.
	Wide bool
}

// Column is what a field is in SQL.
type Column struct {
	SQL  string // column or expression
	Fold string // column with the folded text (see Fold): what Contains and orders look at

	// Order is the column or expression to order by, default Fold, without it SQL.
	Order string

	// NotNull says that the column is never NULL. Otherwise nulls come first in
	// ascending order and last in descending, spelled out for PostgreSQL, which
	// can then use an index for the order only if that says the same.
	NotNull bool

	// Fixed says that the column is never NULL and never changes once the row is
	// there, which the macro Fixed in a migration sees to, and what it holds:
	// KindTime or KindInt. A page far inside an order by it costs what page 1 costs.
	Fixed Kind

	// Any is for a field of many values, which are rows elsewhere: a condition
	// with %s in the place of the comparison, such as
	// "EXISTS (SELECT 1 FROM guest g WHERE g.organization_id = $1 AND g.meeting_id = meeting.id AND g.user_id %s)".
	// SQL and Fold are not used then, and there is no order by the field.
	Any string
}

// countLimit is up to where matches are counted exactly.
const countLimit = 1_000

// errField says that a Query names a field that the Listing doesn't have.
var errField = errors.New("db: unknown field")

// PageOf reads one page of the collection into items, as Page does. scan reads the
// columns of Select into an item.
func PageOf[T any](l *Listing, tx *Tx, scope access.Scope, q *page.Query, args []any, scan func(*T, func(...any) error) error) (r page.Result[T], err error) {
	r.Items = make([]T, 0, q.Size)
	r.Total, r.More, err = l.Page(tx, scope, q, args, func(rows *Rows) error {
		var item T
		r.Items = append(r.Items, item)
		return scan(&r.Items[len(r.Items)-1], rows.Scan)
	})
	return r, err
}

// Page reads one page of the collection. scan is called for each row and must
// read the columns of Select. args are for the conditions of Where and From,
// from $2 on ($1 is the scope's organization), or from $1 on when Wide.
//
// The total is exact where counters tell it (see Counted, Total, Groups) and up to
// 1,000 matches otherwise; beyond, it is 1,000 and not Exact. more says whether a
// further page has rows. On PostgreSQL page and total take one round trip. In
// an order by Key alone or by a Fixed column page N of an unfiltered Counted
// collection costs what page 1 costs, see anchors; in others the keys before it are
// skipped one by one.
//
// The zero Scope finds nothing.
func (l *Listing) Page(tx *Tx, scope access.Scope, q *page.Query, args []any, scan func(*Rows) error) (total page.Total, more bool, err error) {
	if scope == (access.Scope{}) {
		return page.Total{Exact: true}, false, nil
	}
	p := pager{l: l, tx: tx, size: q.Size, offset: offsetOf(q), scan: scan}
	if !l.Wide {
		p.args = append(p.args, scope.Organization())
	}
	p.args = append(p.args, args...)
	p.own = len(p.args)
	p.org = scope.Organization()
	p.counted = l.Counted && len(args) == 0 && len(q.Filters) == 0
	p.told = l.Total != "" && len(q.Filters) == 0
	if len(args) == 0 {
		p.groups = l.groups(q.Filters)
	}
	if err := p.conditions(q.Filters); err != nil {
		return total, false, err
	}
	if err := p.sort(q.Order); err != nil {
		return total, false, err
	}
	err = p.read()
	return p.total, p.more, err
}

// offsetOf is q.Offset without overflow.
func offsetOf(q *page.Query) int64 {
	const most = 1 << 40
	number, size := max(int64(q.Number), 1)-1, max(int64(q.Size), 0)
	if size > 0 && number > most/size {
		return most
	}
	return number * size
}

func (l *Listing) key() string {
	if l.Key == "" {
		return "id"
	}
	return l.Key
}

func (l *Listing) from() string {
	if l.From == "" {
		return l.Table
	}
	return l.From
}

func (l *Listing) where() string {
	switch {
	case l.Where != "":
		return l.Where
	case l.Wide:
		return "TRUE"
	}
	return "organization_id = $1"
}

// conditions writes WHERE.
func (p *pager) conditions(filters []page.Filter) error {
	all, others, textual := p.l.where(), p.l.where(), ""
	for i := range filters {
		var b strings.Builder
		b.WriteString(" AND ")
		if err := p.filter(&b, &filters[i]); err != nil {
			return err
		}
		all += b.String()
		if f, ok := p.textFilter(&filters[i]); ok {
			p.texts = append(p.texts, f)
			textual += b.String()
		} else {
			others += b.String()
		}
	}
	p.where, p.others, p.textual = all, others, strings.TrimPrefix(textual, " AND ")
	return nil
}

const nothing = "1 = 0"

// filter writes one condition.
func (p *pager) filter(b *strings.Builder, f *page.Filter) error {
	c, ok := p.l.Columns[f.Field]
	if !ok {
		return fmt.Errorf("%w %q", errField, f.Field)
	}
	switch f.Op {
	case page.Contains:
		p.contains(b, c, f.Values)
		return nil
	case page.Exists:
		return exists(b, c, f.Values)
	case page.Equal:
		compare := p.equal(f.Values)
		if compare == "" {
			b.WriteString(nothing)
			return nil
		}
		c.apply(b, c.SQL, compare)
		return nil
	}
	if len(f.Values) != 1 {
		return fmt.Errorf("db: filter on %q needs one value", f.Field)
	}
	if bad(f.Values[0]) {
		b.WriteString(nothing)
		return nil
	}
	c.apply(b, c.SQL, comparison(f.Op)+p.arg(argument(f.Values[0])))
	return nil
}

func comparison(op page.Op) string {
	switch op {
	case page.Before:
		return "<= "
	case page.StrictlyBefore:
		return "< "
	case page.After:
		return ">= "
	}
	return "> "
}

// apply writes "column comparison", or the comparison inside Any.
func (c *Column) apply(b *strings.Builder, column, compare string) {
	if c.Any != "" {
		b.WriteString(strings.Replace(c.Any, "%s", compare, 1))
		return
	}
	b.WriteString(column)
	b.WriteByte(' ')
	b.WriteString(compare)
}

// equal returns "= $n" or "IN ($n, ...)", empty when no value can match. The
// list is filled up to a power of two with its last value, so that lists of all
// lengths share few statements.
func (p *pager) equal(values []page.Value) string {
	var b strings.Builder
	n := 0
	for _, v := range values {
		if !bad(v) {
			n++
			b.WriteString(", " + p.arg(argument(v)))
		}
	}
	if n == 0 {
		return ""
	}
	for size := 1; n > 1 && size < 2*n; size *= 2 {
		for ; n < size && size < 2*n; n++ {
			b.WriteString(", " + p.arg(p.args[len(p.args)-1]))
		}
	}
	list := b.String()[2:]
	if n == 1 {
		return "= " + list
	}
	return "IN (" + list + ")"
}

// contains writes that the folded column contains one of the texts. A field without one is compared
// without the case of ASCII letters, the same on both engines.
func (p *pager) contains(b *strings.Builder, c Column, values []page.Value) {
	column, prepare := c.textColumn()
	b.WriteByte('(')
	n := 0
	for _, v := range values {
		if bad(v) || len(v.Text) > likeLimit {
			continue
		}
		if n > 0 {
			b.WriteString(" OR ")
		}
		n++
		p.holds(b, c, column, prepare(v.Text))
	}
	if n == 0 {
		b.WriteString(nothing)
	}
	b.WriteByte(')')
}

// holds writes that the column contains the text. SQLite gets instr, since it
// plans a LIKE anew for every value; PostgreSQL gets LIKE, which an index of
// trigrams can serve.
func (p *pager) holds(b *strings.Builder, c Column, column, text string) {
	if p.tx.Engine() == SQLite && c.Any == "" {
		c.apply(b, "instr("+column+", "+p.arg(text)+")", "> 0")
		return
	}
	c.apply(b, column, "LIKE "+p.arg("%"+escapeLike(text)+"%")+` ESCAPE '\'`)
}

// likeLimit is the longest text searched for; nothing that is filtered by is
// as long, and SQLite refuses patterns of 50,000 bytes.
const likeLimit = 10_000

// escapeLike takes the meaning from what LIKE treats specially.
func escapeLike(s string) string {
	if !strings.ContainsAny(s, `%_\`) {
		return s
	}
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}

func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func exists(b *strings.Builder, c Column, values []page.Value) error {
	if len(values) != 1 {
		return errors.New("db: the filter for existence needs one value")
	}
	switch {
	case c.Any == "" && values[0].Bool:
		b.WriteString(c.SQL + " IS NOT NULL")
	case c.Any == "":
		b.WriteString(c.SQL + " IS NULL")
	case values[0].Bool:
		c.apply(b, "", "IS NOT NULL")
	default:
		b.WriteString("NOT ")
		c.apply(b, "", "IS NOT NULL")
	}
	return nil
}

// bad reports whether no row can have the value, because no text is like it.
func bad(v page.Value) bool { return v.Kind == page.Text && badText(v.Text) }

func argument(v page.Value) any {
	switch v.Kind {
	case page.Int:
		return v.Int
	case page.Bool:
		return v.Bool
	case page.Time:
		return v.Time
	case page.ID:
		return v.ID
	}
	return v.Text
}

// sort writes ORDER BY. Ties are broken by the key, in the direction of the
// last field, so that an index over field and key serves both directions.
func (p *pager) sort(order []page.Order) error {
	key := p.l.key()
	if len(order) == 0 {
		p.order = p.l.Order
		if p.order == "" {
			p.order = key
		}
		last := strings.TrimSpace(p.order[strings.LastIndexByte(p.order, ',')+1:])
		switch {
		case last == key, last == key+" DESC":
		case strings.Contains(last, " DESC"):
			p.order += ", " + key + " DESC"
		default:
			p.order += ", " + key
		}
		return nil
	}
	var b strings.Builder
	direction := ""
	for _, o := range order {
		c, ok := p.l.Columns[o.Field]
		if !ok || c.Any != "" {
			return fmt.Errorf("%w %q to order by", errField, o.Field)
		}
		direction = ""
		if o.Descending {
			direction = " DESC"
		}
		column := cmp.Or(c.Order, c.Fold, c.SQL)
		if column == key {
			b.WriteString(key + direction)
			p.order = b.String()
			return nil // nothing after the key can matter
		}
		b.WriteString(column + direction)
		if !c.NotNull {
			b.WriteString(nulls(o.Descending))
		}
		b.WriteString(", ")
	}
	p.order = b.String() + key + direction
	return nil
}

func nulls(descending bool) string {
	if descending {
		return " NULLS LAST"
	}
	return " NULLS FIRST"
}

// arg adds an argument and returns its placeholder.
func (p *pager) arg(v any) string {
	p.args = append(p.args, v)
	return placeholder(len(p.args))
}

func placeholder(n int) string { return "$" + strconv.Itoa(n) }
