package db_test

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/page"
)

// seed inserts n active things with names "thing 1" and so on.
func seed(t testing.TB, d *db.DB, scope access.Scope, n int) (ids []ident.ID) {
	t.Helper()
	source := newIDs()
	for len(ids) < n {
		must(t, d.Write(context.Background(), scope, func(tx *db.Tx) error {
			made := min(5000, n-len(ids))
			for range made {
				id := source.New()
				name := "thing " + strconv.Itoa(len(ids))
				tx.Queue("INSERT INTO thing (organization_id, id, name, name_fold, size) VALUES ($1, $2, $3, $4, $5)",
					scope.Organization(), id, name, name, len(ids))
				ids = append(ids, id)
			}
			db.Count(tx, scope, "thing", int64(made))
			return nil
		}))
	}
	if d.Engine() == db.PostgreSQL {
		must(t, d.Write(context.Background(), scope, func(tx *db.Tx) error { return second(tx.Exec("ANALYZE thing")) }))
	}
	return ids
}

func benchEach(b *testing.B, bench func(b *testing.B, open opener)) {
	b.Run("SQLite", func(b *testing.B) { bench(b, openSQLite) })
	b.Run("PostgreSQL", func(b *testing.B) { bench(b, openPostgreSQL) })
}

// record is what a hot read fills.
type record struct {
	id     ident.ID
	name   string
	size   int64
	active bool
}

func BenchmarkReadByKey(b *testing.B) {
	benchEach(b, func(b *testing.B, open opener) {
		d := open(b, nil)
		scope := org(newIDs())
		ids := seed(b, d, scope, 10_000)
		for _, kind := range []string{"background", "cancellable"} {
			b.Run(kind, func(b *testing.B) {
				ctx := context.Background()
				if kind == "cancellable" {
					c, cancel := context.WithCancel(ctx)
					defer cancel()
					ctx = c
				}
				b.ReportAllocs()
				r := new(record)
				i := 0
				for b.Loop() {
					i++
					err := d.Read(ctx, scope, func(tx *db.Tx) error {
						return tx.Row("SELECT id, name, size, active FROM thing WHERE organization_id = $1 AND id = $2",
							scope.Organization(), ids[i*7919%len(ids)]).Scan(&r.id, &r.name, &r.size, &r.active)
					})
					must(b, err)
				}
			})
		}
		b.Run("parallel", func(b *testing.B) {
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				r := new(record)
				for i := 0; pb.Next(); i++ {
					must(b, d.Read(context.Background(), scope, func(tx *db.Tx) error {
						return tx.Row("SELECT id, name, size, active FROM thing WHERE organization_id = $1 AND id = $2",
							scope.Organization(), ids[i*7919%len(ids)]).Scan(&r.id, &r.name, &r.size, &r.active)
					}))
				}
			})
		})
	})
}

func benchPage(b *testing.B, d *db.DB, scope access.Scope, q *page.Query, want int) {
	l := things()
	list(b, d, l, scope, &page.Query{Number: q.Number, Size: q.Size, Order: q.Order}) // makes the anchors
	l.Select = "id, name, size, active"
	r := new(record)
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		must(b, d.Read(context.Background(), scope, func(tx *db.Tx) error {
			_, _, err := l.Page(tx, scope, q, nil, func(rows *db.Rows) error {
				n++
				return rows.Scan(&r.id, &r.name, &r.size, &r.active)
			})
			return err
		}))
		if n != want {
			b.Fatalf("%d rows", n)
		}
	}
}

func BenchmarkPage(b *testing.B) {
	benchEach(b, func(b *testing.B, open opener) {
		for _, rows := range []int{1000, 1_000_000} {
			if testing.Short() && rows > 1000 {
				continue
			}
			d := open(b, nil)
			scope := org(newIDs())
			seed(b, d, scope, rows)
			name := func(s string) string { return fmt.Sprintf("%s/%d", s, rows) }
			b.Run(name("first"), func(b *testing.B) { benchPage(b, d, scope, &page.Query{Number: 1, Size: 30}, 30) })
			b.Run(name("middle"), func(b *testing.B) { benchPage(b, d, scope, &page.Query{Number: rows / 60, Size: 30}, 30) })
			b.Run(name("last"), func(b *testing.B) { benchPage(b, d, scope, &page.Query{Number: rows / 30, Size: 30}, 30) })
			b.Run(name("by name"), func(b *testing.B) {
				benchPage(b, d, scope, &page.Query{Number: 1, Size: 30, Order: []page.Order{{Field: "name"}}}, 30)
			})
			b.Run(name("filtered"), func(b *testing.B) {
				benchPage(b, d, scope, &page.Query{Number: 1, Size: 30, Filters: []page.Filter{
					{Field: "name", Op: page.Contains, Values: []page.Value{{Text: "thing 9"}}}}}, 30)
			})
		}
	})
}

func BenchmarkWrite(b *testing.B) {
	benchEach(b, func(b *testing.B, open opener) {
		for _, parallel := range []int{1, 16, 64} {
			b.Run(strconv.Itoa(parallel), func(b *testing.B) {
				var commits atomic.Int64
				d := open(b, func(cfg *db.Config) {
					cfg.MaxConns = 32
					cfg.Interrupt = func(op string) error {
						if op == "commit" {
							commits.Add(1)
						}
						return nil
					}
				})
				defer func() { b.ReportMetric(float64(b.N)/float64(max(1, commits.Load())), "writes/commit") }()
				ids := newIDs()
				b.SetParallelism(max(1, parallel/2))
				b.ReportAllocs()
				write := func() {
					id := ids.New()
					scope := access.System(ident.ID{1, id[15]})
					must(b, d.Write(context.Background(), scope, func(tx *db.Tx) error {
						tx.Queue("INSERT INTO thing (organization_id, id, name, name_fold, size) VALUES ($1, $2, $3, $4, $5)",
							scope.Organization(), id, id.String(), "x", 7)
						db.Count(tx, scope, "thing", 1)
						return nil
					}))
				}
				if parallel == 1 {
					for b.Loop() {
						write()
					}
					return
				}
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						write()
					}
				})
			})
		}
	})
}
