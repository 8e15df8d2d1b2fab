package db_test

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/page"
)

// item is a row of the table thing.
type item struct {
	id     ident.ID
	name   string
	size   null.Value[int64]
	at     null.Value[time.Time]
	active bool
	owner  null.Value[ident.ID]
	rank   int64
	born   time.Time
}

func things() *db.Listing {
	return &db.Listing{
		Table: "thing", Select: "id, name", Counted: true,
		Columns: map[string]db.Column{
			"id":       {SQL: "id", NotNull: true},
			"name":     {SQL: "name", Fold: "name_fold", NotNull: true},
			"exact":    {SQL: "name", NotNull: true},
			"size":     {SQL: "size"},
			"at":       {SQL: "at"},
			"isActive": {SQL: "active", NotNull: true},
			"owner":    {SQL: "owner"},
			"rank":     {SQL: "rank", NotNull: true, Fixed: db.KindInt},
			"born":     {SQL: "born", NotNull: true, Fixed: db.KindTime},
			"parts":    {Any: "EXISTS (SELECT 1 FROM part p WHERE p.organization_id = $1 AND p.thing_id = thing.id AND p.id %s)"},
		},
	}
}

// listed is what one call of Page gave.
type listed struct {
	ids   []ident.ID
	total page.Total
	more  bool
}

func list(t testing.TB, d *db.DB, l *db.Listing, scope access.Scope, q *page.Query, args ...any) listed {
	t.Helper()
	var r listed
	must(t, d.Read(t.Context(), scope, func(tx *db.Tx) (err error) {
		r.total, r.more, err = l.Page(tx, scope, q, args, func(rows *db.Rows) error {
			var id ident.ID
			var name string
			err := rows.Scan(&id, &name)
			r.ids = append(r.ids, id)
			return err
		})
		return err
	}))
	return r
}

func insert(t testing.TB, d *db.DB, scope access.Scope, items []item) {
	t.Helper()
	must(t, d.Write(t.Context(), scope, func(tx *db.Tx) error {
		for _, i := range items {
			tx.Queue("INSERT INTO thing (organization_id, id, name, name_fold, size, at, active, owner, rank, born) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
				scope.Organization(), i.id, i.name, db.Fold(i.name), i.size, i.at, i.active, i.owner, i.rank, i.born)
		}
		db.Count(tx, scope, "thing", int64(len(items)))
		return nil
	}))
}

// vocabulary makes names that differ in what must not and must matter.
var vocabulary = []string{"a", "A", "ą", "b", "B", "z", "Z", "ß", "ss", "ł", "L", "%", "_", `\`, "'", "1", " ", "é", "東"}

func word(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(3) {
		b.WriteString(vocabulary[r.IntN(len(vocabulary))])
	}
	return b.String()
}

func randomItems(r *rand.Rand, n int, owners []ident.ID) []item {
	var items []item
	for i := range n {
		it := item{name: word(r) + fmt.Sprint("#", i), active: r.IntN(2) == 0,
			rank: int64(r.IntN(40) - 20), born: time.UnixMicro(int64(r.IntN(30)-15) * 1e12).UTC()}
		for k := range it.id {
			it.id[k] = byte(r.IntN(256))
		}
		if r.IntN(3) > 0 {
			it.size = null.Of(int64(r.IntN(5) - 2))
		}
		if r.IntN(3) > 0 {
			it.at = null.Of(time.UnixMicro(int64(r.IntN(4)-2) * 1e12).UTC())
		}
		if r.IntN(2) > 0 {
			it.owner = null.Of(owners[r.IntN(len(owners))])
		}
		items = append(items, it)
	}
	return items
}

func randomQuery(r *rand.Rand, items []item, owners []ident.ID) *page.Query {
	q := &page.Query{Number: 1 + r.IntN(4), Size: r.IntN(12)}
	text := func() page.Value { return page.Value{Text: word(r)} }
	for range r.IntN(3) {
		var f page.Filter
		switch r.IntN(7) {
		case 0:
			f = page.Filter{Field: "name", Op: page.Contains, Values: []page.Value{text(), text()}[:1+r.IntN(2)]}
		case 1:
			f = page.Filter{Field: "exact", Op: page.Contains, Values: []page.Value{text()}}
		case 2:
			f = page.Filter{Field: "name", Op: page.Equal}
			for range r.IntN(7) {
				f.Values = append(f.Values, page.Value{Text: items[r.IntN(len(items))].name})
			}
		case 3:
			f = page.Filter{Field: "size", Op: page.Before + page.Op(r.IntN(4)), Values: []page.Value{{Kind: page.Int, Int: int64(r.IntN(5) - 2)}}}
		case 4:
			f = page.Filter{Field: "at", Op: page.Before + page.Op(r.IntN(4)), Values: []page.Value{{Kind: page.Time, Time: time.UnixMicro(int64(r.IntN(4)-2) * 1e12)}}}
		case 5:
			f = page.Filter{Field: []string{"size", "at", "owner"}[r.IntN(3)], Op: page.Exists, Values: []page.Value{{Kind: page.Bool, Bool: r.IntN(2) == 0}}}
		case 6:
			if r.IntN(2) == 0 {
				f = page.Filter{Field: "isActive", Op: page.Equal, Values: []page.Value{{Kind: page.Bool, Bool: r.IntN(2) == 0}}}
			} else {
				f = page.Filter{Field: "owner", Op: page.Equal, Values: []page.Value{{Kind: page.ID, ID: owners[r.IntN(len(owners))]}}}
			}
		}
		q.Filters = append(q.Filters, f)
	}
	fields := []string{"id", "name", "exact", "size", "at", "isActive", "owner", "rank", "born"}
	for range r.IntN(3) {
		q.Order = append(q.Order, page.Order{Field: fields[r.IntN(len(fields))], Descending: r.IntN(2) == 0})
	}
	return q
}

// matches is the model of a filter.
func matches(i item, f page.Filter) bool {
	any := func(test func(page.Value) bool) bool { return slices.ContainsFunc(f.Values, test) }
	side := func(c int) bool {
		switch f.Op {
		case page.Before:
			return c <= 0
		case page.StrictlyBefore:
			return c < 0
		case page.After:
			return c >= 0
		}
		return c > 0
	}
	switch {
	case f.Op == page.Exists:
		there := map[string]bool{"size": i.size.Valid, "at": i.at.Valid, "owner": i.owner.Valid}[f.Field]
		return there == f.Values[0].Bool
	case f.Field == "name" && f.Op == page.Contains:
		return any(func(v page.Value) bool { return strings.Contains(db.Fold(i.name), db.Fold(v.Text)) })
	case f.Field == "exact":
		lower := func(s string) string {
			return strings.Map(func(r rune) rune {
				if 'A' <= r && r <= 'Z' {
					r += 'a' - 'A'
				}
				return r
			}, s)
		}
		return any(func(v page.Value) bool { return strings.Contains(lower(i.name), lower(v.Text)) })
	case f.Field == "name":
		return any(func(v page.Value) bool { return v.Text == i.name })
	case f.Field == "size":
		return i.size.Valid && side(cmp.Compare(i.size.V, f.Values[0].Int))
	case f.Field == "at":
		return i.at.Valid && side(i.at.V.Compare(f.Values[0].Time))
	case f.Field == "owner":
		return i.owner.Valid && i.owner.V == f.Values[0].ID
	}
	return i.active == f.Values[0].Bool
}

// compare is the model of an order by one field.
func compare(a, b item, field string) int {
	flag := func(v bool) int {
		if v {
			return 1
		}
		return 0
	}
	switch field {
	case "name":
		return strings.Compare(db.Fold(a.name), db.Fold(b.name))
	case "exact":
		return strings.Compare(a.name, b.name)
	case "size":
		return cmp.Or(flag(a.size.Valid)-flag(b.size.Valid), cmp.Compare(a.size.V, b.size.V))
	case "at":
		return cmp.Or(flag(a.at.Valid)-flag(b.at.Valid), a.at.V.Compare(b.at.V))
	case "rank":
		return cmp.Compare(a.rank, b.rank)
	case "born":
		return a.born.Compare(b.born)
	case "isActive":
		return flag(a.active) - flag(b.active)
	case "owner":
		return cmp.Or(flag(a.owner.Valid)-flag(b.owner.Valid), bytes.Compare(a.owner.V[:], b.owner.V[:]))
	}
	return bytes.Compare(a.id[:], b.id[:])
}

// model is what Page must give.
func model(items []item, q *page.Query) listed {
	var found []item
	for _, i := range items {
		if !slices.ContainsFunc(q.Filters, func(f page.Filter) bool { return !matches(i, f) }) {
			found = append(found, i)
		}
	}
	slices.SortFunc(found, func(a, b item) int {
		sign := 1
		for _, o := range q.Order {
			sign = 1
			if o.Descending {
				sign = -1
			}
			if c := compare(a, b, o.Field); c != 0 {
				return c * sign
			}
		}
		return sign * bytes.Compare(a.id[:], b.id[:])
	})
	r := listed{total: page.Total{Rows: int64(len(found)), Exact: true}}
	from := min(q.Offset(), len(found))
	to := min(from+q.Size, len(found))
	for _, i := range found[from:to] {
		r.ids = append(r.ids, i.id)
	}
	r.more = q.Size > 0 && to < len(found)
	return r
}

// TestListingIsTheModel compares random pages of both engines with a model.
func TestListingIsTheModel(t *testing.T) {
	with(t, func(t *testing.T, d *db.DB) {
		r := rand.New(rand.NewPCG(7, uint64(time.Now().UnixNano())))
		ids := newIDs()
		owners := []ident.ID{ids.New(), ids.New(), ids.New()}
		scope, other := org(ids), org(ids)
		items := randomItems(r, 60, owners)
		insert(t, d, scope, items)
		insert(t, d, other, randomItems(r, 20, owners))
		l := things()
		for range 400 {
			q := randomQuery(r, items, owners)
			want := model(items, q)
			got := list(t, d, l, scope, q)
			if !slices.Equal(got.ids, want.ids) || got.total != want.total || got.more != want.more {
				t.Fatalf("query %+v\n got %v\nwant %v", q, got, want)
			}
		}
		all := &page.Query{Number: 1, Size: 100}
		if got := list(t, d, l, access.Scope{}, all); len(got.ids) != 0 || got.total.Rows != 0 {
			t.Error("the zero scope sees rows")
		}
		wide := &db.Listing{Table: "thing", Select: "id, name", Wide: true, Where: "active = $1"}
		if got := list(t, d, wide, access.Instance(), all, true); got.total.Rows < 1 || int(got.total.Rows) != len(got.ids) {
			t.Error(got.total)
		}
	})
}

func TestListingEdges(t *testing.T) {
	with(t, func(t *testing.T, d *db.DB) {
		ids := newIDs()
		scope := org(ids)
		items := []item{{id: ids.New(), name: "50%_off\\"}, {id: ids.New(), name: "50 x off"}}
		insert(t, d, scope, items)
		part := ids.New()
		must(t, d.Write(t.Context(), scope, func(tx *db.Tx) error {
			return second(tx.Exec("INSERT INTO part VALUES ($1, $2, $3)", scope.Organization(), part, items[1].id))
		}))
		l := things()
		value := func(text string) []page.Value { return []page.Value{{Text: text}} }
		id := func(i ident.ID) []page.Value { return []page.Value{{Kind: page.ID, ID: i}} }
		yes, no := []page.Value{{Kind: page.Bool, Bool: true}}, []page.Value{{Kind: page.Bool}}
		for _, test := range []struct {
			f    page.Filter
			want int64
		}{
			{page.Filter{Field: "name", Op: page.Contains, Values: value("%_")}, 1},
			{page.Filter{Field: "name", Op: page.Contains, Values: value("_")}, 1},
			{page.Filter{Field: "name", Op: page.Contains, Values: value(`\`)}, 1},
			{page.Filter{Field: "exact", Op: page.Contains, Values: value("X OFF")}, 1},
			{page.Filter{Field: "name", Op: page.Contains, Values: value("")}, 2},
			{page.Filter{Field: "name", Op: page.Contains, Values: value("50\x00")}, 0},
			{page.Filter{Field: "name", Op: page.Contains, Values: value("\xff")}, 0},
			{page.Filter{Field: "name", Op: page.Contains, Values: value(strings.Repeat("%", 60_000))}, 0},
			{page.Filter{Field: "name", Op: page.Equal, Values: value("50\x00")}, 0},
			{page.Filter{Field: "name", Op: page.Equal}, 0},
			{page.Filter{Field: "parts", Op: page.Equal, Values: id(part)}, 1},
			{page.Filter{Field: "parts", Op: page.Equal, Values: append(id(part), id(ids.New())...)}, 1},
			{page.Filter{Field: "parts", Op: page.Equal, Values: id(ids.New())}, 0},
			{page.Filter{Field: "parts", Op: page.Exists, Values: yes}, 1},
			{page.Filter{Field: "parts", Op: page.Exists, Values: no}, 1},
		} {
			got := list(t, d, l, scope, &page.Query{Number: 1, Size: 30, Filters: []page.Filter{test.f}})
			if got.total.Rows != test.want || len(got.ids) != int(test.want) {
				t.Errorf("%+.80v: %d rows, want %d", test.f, got.total.Rows, test.want)
			}
		}
		for _, q := range []*page.Query{{Number: 1 << 62, Size: 100}, {Number: 1 << 40, Size: 1}, {Number: 2, Size: 30}} {
			if got := list(t, d, l, scope, q); len(got.ids) != 0 || got.more || got.total != (page.Total{Rows: 2, Exact: true}) {
				t.Error(q, got)
			}
		}
		err := d.Read(t.Context(), scope, func(tx *db.Tx) error {
			_, _, err := l.Page(tx, scope, &page.Query{Number: 1, Size: 1, Order: []page.Order{{Field: "nowhere"}}}, nil, nil)
			return err
		})
		if err == nil {
			t.Error("an unknown field was ordered by")
		}
	})
}

// TestTotalsBeyondTheLimit counts no further than 1,000.
func TestTotalsBeyondTheLimit(t *testing.T) {
	t.Parallel()
	d := openSQLite(t, nil)
	ids := newIDs()
	scope := org(ids)
	seed(t, d, scope, 1_002)
	l := things()
	active := []page.Filter{{Field: "isActive", Op: page.Equal, Values: []page.Value{{Kind: page.Bool, Bool: true}}}}
	q := &page.Query{Number: 1, Size: 5, Filters: active}
	if got := list(t, d, l, scope, q); got.total != (page.Total{Rows: 1_000}) || !got.more {
		t.Error(got.total, got.more)
	}
	q.Filters = nil
	if got := list(t, d, l, scope, q); got.total != (page.Total{Rows: 1_002, Exact: true}) {
		t.Error(got.total)
	}
}
