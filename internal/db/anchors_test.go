package db_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/page"
)

// deepQuery is a random page, mostly far from the beginning, in a random order.
func deepQuery(r *rand.Rand, rows int) *page.Query {
	q := &page.Query{Number: 1 + r.IntN(rows/25), Size: 30}
	if field := []string{"", "id", "rank", "born", "exact"}[r.IntN(5)]; field != "" {
		q.Order = []page.Order{{Field: field, Descending: r.IntN(2) == 0}}
	}
	return q
}

// TestDeepPages compares pages far from the beginning with the plain order,
// while rows come and go everywhere.
func TestDeepPages(t *testing.T) {
	with(t, func(t *testing.T, d *db.DB) {
		r := rand.New(rand.NewPCG(9, uint64(time.Now().UnixNano())))
		ids := newIDs()
		scope := org(ids)
		items := randomItems(r, 3000, []ident.ID{ids.New()})
		insert(t, d, scope, items)
		insert(t, d, org(ids), items[:10])
		l := things()
		check := func() {
			t.Helper()
			for range 6 {
				q := deepQuery(r, len(items))
				got, want := list(t, d, l, scope, q), model(items, q)
				if !slices.Equal(got.ids, want.ids) || got.total != want.total || got.more != want.more {
					t.Fatalf("page %d of %d, %v:\n got %v\nwant %v", q.Number, len(items), q.Order, got, want)
				}
			}
		}
		check()
		for step := range 40 {
			switch step % 4 {
			case 0: // rows with the largest keys
				added := randomItems(r, 1+r.IntN(300), []ident.ID{ids.New()})
				for i := range added {
					added[i].name += fmt.Sprint("end", step)
					added[i].id = ident.ID(bytes.Repeat([]byte{255}, 16))
					added[i].id[13], added[i].id[14], added[i].id[15] = byte(step), byte(i>>8), byte(i)
				}
				insert(t, d, scope, added)
				items = append(items, added...)
			case 1: // rows anywhere
				if step%8 == 1 {
					continue
				}
				added := randomItems(r, 5, []ident.ID{ids.New()})
				for i := range added {
					added[i].name += fmt.Sprint("any", step)
				}
				insert(t, d, scope, added)
				items = append(items, added...)
			default: // rows removed, named or not
				if step%8 == 2 {
					continue
				}
				at := r.IntN(len(items))
				gone := items[at]
				items = slices.Delete(items, at, at+1)
				must(t, d.Write(t.Context(), scope, func(tx *db.Tx) error {
					if step%4 == 2 {
						db.Count(tx, scope, "thing", -1, gone.id)
					} else {
						db.Count(tx, scope, "thing", -1)
					}
					return second(tx.Exec("DELETE FROM thing WHERE organization_id = $1 AND id = $2", scope.Organization(), gone.id))
				}))
			}
			check()
		}
	})
}

// TestAnchors looks at how many there are: as many as the pages that were asked for
// need, and new rows do not do away with them.
func TestAnchors(t *testing.T) {
	with(t, func(t *testing.T, d *db.DB) {
		r := rand.New(rand.NewPCG(9, 10))
		ids := newIDs()
		scope := org(ids)
		items := randomItems(r, 2000, []ident.ID{ids.New()})
		for i := range items {
			items[i].id = ids.New()
		}
		insert(t, d, scope, items)
		ask := func(number, want int, order ...page.Order) {
			t.Helper()
			q := &page.Query{Number: number, Size: 50, Order: order}
			if got, want := list(t, d, things(), scope, q), model(items, q); !slices.Equal(got.ids, want.ids) {
				t.Errorf("page %d of %d, %v:\n got %v\nwant %v", number, len(items), order, got.ids, want.ids)
			}
			if n := d.Anchors(); n != want {
				t.Errorf("%d anchors, want %d", n, want)
			}
		}
		rank := page.Order{Field: "rank", Descending: true}
		ask(2, 0, rank)
		ask(11, 1+500/db.AnchorEvery, rank)
		ask(21, 1+1000/db.AnchorEvery, rank)
		ask(7, 1+1000/db.AnchorEvery, rank)
		ask(11, 1+1000/db.AnchorEvery+1+500/db.AnchorEvery)
		added := randomItems(r, 100, []ident.ID{ids.New()})
		for i := range added {
			added[i].id, added[i].name = ids.New(), fmt.Sprint("added ", i)
			added[i].rank = 21
		}
		insert(t, d, scope, added)
		items = append(items, added...)
		n := 1 + 1000/db.AnchorEvery + 1 + 500/db.AnchorEvery
		ask(11, n)
		ask(22, n, rank)
		if d.Anchors() < n {
			t.Error("anchors were made anew")
		}
	})
}

// TestFixed has the database refuse to change what orders with anchors rely on.
func TestFixed(t *testing.T) {
	with(t, func(t *testing.T, d *db.DB) {
		id := newIDs().New()
		scope := org(newIDs())
		fixed(t, d)
		must(t, d.Write(t.Context(), scope, func(tx *db.Tx) error { return add(tx, id, "a") }))
		for column, refused := range map[string]bool{"rank = rank": false, "name = 'b', born = born": false, "rank = rank + 1": true, "born = at, name = 'c'": true} {
			err := d.Write(t.Context(), scope, func(tx *db.Tx) error {
				return second(tx.Exec("UPDATE thing SET "+column+" WHERE organization_id = $1 AND id = $2", scope.Organization(), id))
			})
			if (err != nil) != refused {
				t.Error(column, err)
			}
		}
	})
}

// TestDeepPagesAmongWrites compares, within one snapshot each, pages with what the database
// says of the whole collection, while two processes add and remove rows.
func TestDeepPagesAmongWrites(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		var cfg db.Config
		d := open(t, func(c *db.Config) { cfg = *c })
		other, err := db.Open(t.Context(), cfg)
		must(t, err)
		t.Cleanup(func() { must(t, other.Close()) })
		ids := newIDs()
		scope := org(ids)
		seed := rand.New(rand.NewPCG(13, uint64(time.Now().UnixNano())))
		insert(t, d, scope, randomItems(seed, 1500, []ident.ID{ids.New()}))
		ctx, cancel := context.WithCancel(t.Context())
		wrote := make(chan error)
		for n, d := range []*db.DB{d, other} {
			r := rand.New(rand.NewPCG(uint64(n), seed.Uint64()))
			go func() {
				var err error
				for step := 0; ctx.Err() == nil && err == nil; step++ {
					err = change(d, scope, r, ids, fmt.Sprint(n, ",", step))
					time.Sleep(time.Millisecond)
				}
				wrote <- err
			}()
		}
		for n := range 120 {
			if q := deepQuery(seed, 1500); n%2 == 0 {
				deepAmong(t, d.Snapshot, scope, q)
			} else {
				list(t, d, things(), scope, q)
			}
		}
		cancel()
		must(t, <-wrote)
		must(t, <-wrote)
		for range 30 {
			deepAmong(t, d.Read, scope, deepQuery(seed, 1500))
		}
	})
}

// change adds some rows, or removes one or the other.
func change(d *db.DB, scope access.Scope, r *rand.Rand, ids *ident.Source, name string) error {
	return d.Write(context.Background(), scope, func(tx *db.Tx) error {
		if r.IntN(3) > 0 {
			n := 1 + r.IntN(5)
			for i := range n {
				id := ids.New()
				if r.IntN(20) == 0 {
					id[0] = byte(r.IntN(256))
				}
				tx.Queue("INSERT INTO thing (organization_id, id, name, name_fold, rank, born) VALUES ($1, $2, $3, $3, $4, $5)", scope.Organization(),
					id, fmt.Sprint(name, ".", i), int64(r.IntN(40)-20), time.UnixMicro(int64(r.IntN(30)-15)*1e12).UTC())
			}
			db.Count(tx, scope, "thing", int64(n))
			return nil
		}
		var id ident.ID
		err := tx.Row("SELECT id FROM thing WHERE organization_id = $1 AND rank >= $2 ORDER BY rank, id LIMIT 1", scope.Organization(), int64(r.IntN(38)-20)).Scan(&id)
		if err != nil {
			return err
		}
		n, err := tx.Exec("DELETE FROM thing WHERE organization_id = $1 AND id = $2", scope.Organization(), id)
		if n == 0 || err != nil {
			return err // another was faster
		}
		db.Count(tx, scope, "thing", -1, id)
		return nil
	})
}

// deepAmong compares a page with the whole collection.
func deepAmong(t *testing.T, read func(context.Context, access.Scope, func(*db.Tx) error) error, scope access.Scope, q *page.Query) {
	t.Helper()
	order := "id"
	if len(q.Order) > 0 {
		column, direction := q.Order[0].Field, ""
		if column == "exact" {
			column = "name"
		}
		if q.Order[0].Descending {
			direction = " DESC"
		}
		order = column + direction + ", id" + direction
	}
	must(t, read(t.Context(), scope, func(tx *db.Tx) error {
		var got, want []ident.ID
		total, _, err := things().Page(tx, scope, q, nil, func(rows *db.Rows) error {
			var id ident.ID
			got = append(got, id)
			return rows.Scan(&got[len(got)-1], new(string))
		})
		if err != nil {
			return err
		}
		rows := tx.Query("SELECT id FROM thing WHERE organization_id = $1 ORDER BY "+order, scope.Organization())
		defer rows.Close()
		for rows.Next() {
			var id ident.ID
			if err := rows.Scan(&id); err != nil {
				return err
			}
			want = append(want, id)
		}
		n := int64(len(want))
		want = want[min(len(want), q.Offset()):]
		want = want[:min(len(want), q.Size)]
		if total != (page.Total{Rows: n, Exact: true}) || !slices.Equal(got, want) {
			t.Fatalf("page %d of %d, %v: total %v\n got %v\nwant %v", q.Number, n, q.Order, total, got, want)
		}
		return rows.Err()
	}))
}

// fixed has the database refuse changes of the things' fixed columns.
func fixed(t *testing.T, d *db.DB) {
	t.Helper()
	must(t, d.Write(t.Context(), access.Instance(), func(tx *db.Tx) error { return macros(tx, d.Render(`{{.Fixed "thing" "rank" "born"}}`)) }))
}
