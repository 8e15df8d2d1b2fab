package clearing_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/app"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/sedetest"
)

// benchRows is how many locations are cleared and brought back.
const benchRows = 100_000

// BenchmarkClear clears and restores an organization with many rows while another
// one works. It reports rows per second of both, with archiving, and how long
// writes of the other took: p99 in quiet and meanwhile.
func BenchmarkClear(b *testing.B) {
	for _, engine := range []db.Engine{db.SQLite, db.PostgreSQL} {
		b.Run(engine.String(), func(b *testing.B) {
			in := sedetest.NewWith(b, engine, func(c *app.Config) { c.Clock, c.Synchronous = clock.System{}, "full" })
			fill(b, in)
			other := in.As("owner@other.example", "other")
			write := func() time.Duration {
				began := time.Now()
				if a := other.Do(http.MethodPost, "/locations", `{"name":"Elsewhere"}`); a.Status != http.StatusCreated {
					b.Error(a.Status, a.Body)
				}
				return time.Since(began)
			}
			var quiet []time.Duration
			for range 500 {
				quiet = append(quiet, write())
			}
			b.ResetTimer()
			for range b.N {
				for _, step := range []struct{ path, body, name string }{{"/organizations/clear", confirm, "clear"}, {"/organizations/restore", "", "restore"}} {
					if a := in.As("owner@demo.example", "demo").Do(http.MethodPost, step.path, step.body); a.Status != http.StatusOK {
						b.Fatal(a.Status, a.Body)
					}
					var done atomic.Bool
					began := time.Now()
					go func() {
						defer done.Store(true)
						if _, err := in.App.RunJobs(context.Background()); err != nil {
							b.Error(err)
						}
					}()
					var busy []time.Duration
					for !done.Load() {
						busy = append(busy, write())
						time.Sleep(2 * time.Millisecond)
					}
					b.ReportMetric(benchRows/time.Since(began).Seconds(), step.name+"-rows/s")
					b.ReportMetric(p99(busy), step.name+"-p99-ms")
				}
			}
			b.ReportMetric(p99(quiet), "quiet-p99-ms")
		})
	}
}

func p99(list []time.Duration) float64 {
	return float64(sedetest.P99(list).Microseconds()) / 1000
}

// fill gives the demo many locations.
func fill(b *testing.B, in *sedetest.Instance) {
	b.Helper()
	org, err := ident.Parse(in.Names["demo"])
	if err != nil {
		b.Fatal(err)
	}
	ids, now := ident.NewSource(nil, nil), time.Now()
	for done := 0; done < benchRows; done += 5000 {
		err := in.App.Database().Write(b.Context(), access.System(org), func(tx *db.Tx) error {
			for i := range 5000 {
				name := fmt.Sprintf("Place %d", done+i)
				tx.Queue(`INSERT INTO location (organization_id, id, name, name_fold, time_zone, country, version, created_at, updated_at)
					VALUES ($1, $2, $3, $4, 'Europe/Lisbon', 'PT', 1, $5, $5)`, org, ids.New(), name, db.Fold(name), now)
			}
			db.Count(tx, access.System(org), "location", 5000)
			db.CountGroup(tx, access.System(org), "location", 5000, "PT")
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
