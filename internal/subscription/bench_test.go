package subscription_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/sedetest"
)

// BenchmarkRenewal renews 100,000 subscriptions of as many organizations, each with an
// invoice with its number, mail about it and entries in the audit log; with -short 5,000.
func BenchmarkRenewal(b *testing.B) {
	many := 100_000
	if testing.Short() {
		many = 5_000
	}
	for _, engine := range []db.Engine{db.SQLite, db.PostgreSQL} {
		b.Run(engine.String(), func(b *testing.B) {
			var most atomic.Uint64
			for b.Loop() {
				b.StopTimer()
				in := subscribed(b, engine, many)
				in.Clock.Advance(32 * 24 * time.Hour)
				stop := watchHeap(&most)
				b.StartTimer()
				if err := in.App.Jobs().GoThrough(context.Background(), "subscription.advance"); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				stop()
				if n := invoicesOf(b, in); n != many { // the one that was copied has one that is not paid
					b.Fatalf("there are %d invoices", n)
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(many)*float64(b.N)/b.Elapsed().Seconds(), "renewals/s")
			b.ReportMetric(float64(most.Load())/(1<<20), "heap-MiB")
		})
	}
}

// watchHeap notes the most that the heap holds until it is stopped.
func watchHeap(most *atomic.Uint64) (stop func()) {
	runtime.GC()
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(50 * time.Millisecond):
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				if m.HeapInuse > most.Load() {
					most.Store(m.HeapInuse)
				}
			}
		}
	}()
	return func() { close(done) }
}

// subscribed is a sede in which n organizations have a subscription, copies of one.
func subscribed(b testing.TB, engine db.Engine, n int) *sedetest.Instance {
	b.Helper()
	in := sedetest.New(b, engine)
	in.RunJobs() // sees the schedules
	in.As("operator@demo.example", "").Must(http.MethodPatch, "/invoice-issuers/default-issuer",
		`{"name": "Sede Lda", "streetLine": "Rua Augusta 1", "postCode": "1100-048", "city": "Lisboa", "country": "/countries/PT", "vatNumber": "PT501442600"}`)
	owner := in.As("owner@demo.example", "")
	home := owner.Must(http.MethodPost, "/organization-addresses",
		`{"name": "Demo", "streetLine": "Rua do Ouro 2", "postCode": "1100-060", "city": "Lisboa", "country": "/countries/PT", "email": "pay@demo.example"}`).Header.Get("Location")
	owner.Must(http.MethodPost, "/subscriptions", fmt.Sprintf(`{"products": ["/products/team"], "seats": 6, "organizationAddress": %q}`, home))
	in.Clock.Advance(15 * 24 * time.Hour) // the trial ends
	in.RunJobs()
	demo, ids := in.Names["demo"], ident.NewSource(in.Clock.Now, nil)
	from, err := ident.Parse(demo)
	if err != nil {
		b.Fatal(err)
	}
	for n--; n > 0; n -= 500 {
		err := in.App.Database().Write(context.Background(), access.Instance(), func(tx *db.Tx) error {
			for range min(n, 500) {
				to := ids.New()
				copyRows(tx, "organization", map[string]any{"id": to, "slug": to.String()}, "id", from)
				copyRows(tx, "organization_config", map[string]any{"organization_id": to}, "organization_id", from)
				copyRows(tx, "organization_address", map[string]any{"organization_id": to}, "organization_id", from)
				copyRows(tx, "subscription", map[string]any{"organization_id": to}, "organization_id", from)
				copyRows(tx, "organization_module", map[string]any{"organization_id": to}, "organization_id", from)
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return in
}

// copyRows copies rows, with other values in some columns.
func copyRows(tx *db.Tx, table string, instead map[string]any, where string, from ident.ID) {
	var names, values []string
	args := []any{from}
	for _, column := range columnsOf(tx.Engine(), tx, table) {
		names = append(names, column)
		if v, ok := instead[column]; ok {
			args = append(args, v)
			column = fmt.Sprint("$", len(args))
			if _, isID := v.(ident.ID); isID && tx.Engine() == db.PostgreSQL {
				column += "::uuid"
			}
		}
		values = append(values, column)
	}
	tx.Queue(`INSERT INTO `+table+` (`+strings.Join(names, ", ")+`) SELECT `+strings.Join(values, ", ")+` FROM `+table+` WHERE `+where+` = $1`, args...)
}

// known are the columns of tables, for tests that run beside each other.
var known sync.Map

func columnsOf(engine db.Engine, tx *db.Tx, table string) (columns []string) {
	key := engine.String() + table
	if list, ok := known.Load(key); ok {
		return list.([]string)
	}
	sql := `SELECT column_name::text FROM information_schema.columns WHERE table_name = $1 ORDER BY ordinal_position`
	if engine == db.SQLite {
		sql = `SELECT name FROM pragma_table_info($1)`
	}
	rows := tx.Query(sql, table)
	defer rows.Close()
	for rows.Next() {
		var name string
		if rows.Scan(&name) == nil {
			columns = append(columns, strings.Clone(name))
		}
	}
	known.Store(key, columns)
	return columns
}

func invoicesOf(b *testing.B, in *sedetest.Instance) (n int) {
	b.Helper()
	err := in.App.Database().Read(context.Background(), access.Instance(), func(tx *db.Tx) error {
		return tx.Row(`SELECT count(*) FROM invoice`).Scan(&n)
	})
	if err != nil {
		b.Fatal(err)
	}
	return n
}
