package bank_test

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"sede/internal/app"
	"sede/internal/db"
	"sede/internal/sedetest"
)

// BenchmarkBesideImport measures how long other requests take while 100,000
// transactions are imported, beside how long they take when nothing else happens:
// reads and writes of another organization, one after the other.
func BenchmarkBesideImport(b *testing.B) {
	for _, engine := range []db.Engine{db.SQLite, db.PostgreSQL} {
		b.Run(engine.String(), func(b *testing.B) {
			for b.Loop() {
				in, bank := withStub(b, engine, func(c *app.Config) { c.Synchronous = "full" })
				bank.tell(func(out io.Writer) { writeMany(out, 100_000) })
				connect(b, in, "first")
				quiet := ask(b, in, func(n int) bool { return n < 1000 })
				var done atomic.Bool
				go func() {
					defer done.Store(true)
					in.RunJobs()
				}()
				busy := ask(b, in, func(int) bool { return !done.Load() })
				for i, name := range []string{"read", "write"} {
					q, p := sedetest.P99(quiet[i]), sedetest.P99(busy[i])
					b.ReportMetric(float64(q.Microseconds())/1000, "quiet-"+name+"-p99-ms")
					b.ReportMetric(float64(p.Microseconds())/1000, "busy-"+name+"-p99-ms")
					b.ReportMetric(float64(p)/float64(q), name+"-times")
				}
			}
		})
	}
}

// ask sends reads and writes in turn while more says so, and tells how long each took.
func ask(b *testing.B, in *sedetest.Instance, more func(n int) bool) (took [2][]time.Duration) {
	b.Helper()
	c := in.As("owner@demo.example", "")
	for n := 0; more(n); n++ {
		begin := time.Now()
		a := c.Do("GET", "/locations", "")
		read := time.Since(begin)
		if a.Status != http.StatusOK {
			b.Fatalf("%d %s", a.Status, a.Body)
		}
		begin = time.Now()
		if a = c.Do("POST", "/locations", fmt.Sprintf(`{"name": "place %d"}`, n)); a.Status != http.StatusCreated {
			b.Fatalf("%d %s", a.Status, a.Body)
		}
		took[0], took[1] = append(took[0], read), append(took[1], time.Since(begin))
	}
	return took
}

// BenchmarkImportMemory tells the most memory that is in use while transactions are
// imported: the same for ten times as many.
func BenchmarkImportMemory(b *testing.B) {
	for _, engine := range []db.Engine{db.SQLite, db.PostgreSQL} {
		for _, many := range []int{100_000, 1_000_000} {
			b.Run(fmt.Sprintf("%v/%d", engine, many), func(b *testing.B) {
				for b.Loop() {
					in, bank := withStub(b, engine)
					bank.tell(func(out io.Writer) { writeMany(out, many) })
					connect(b, in, "first")
					stop, most := make(chan struct{}), make(chan uint64)
					go watchHeap(stop, most)
					in.RunJobs()
					close(stop)
					b.ReportMetric(float64(<-most)/(1<<20), "heap-MiB")
				}
			})
		}
	}
}

// watchHeap tells the most that is in use after a collection, until stop is closed.
func watchHeap(stop chan struct{}, most chan uint64) {
	var top uint64
	for {
		select {
		case <-stop:
			most <- top
			return
		case <-time.After(250 * time.Millisecond):
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			top = max(top, m.HeapAlloc)
		}
	}
}
