package jobs_test

import (
	"context"
	"testing"

	"sede/internal/access"
	"sede/internal/app"
	"sede/internal/db"
	"sede/internal/jobs"
	"sede/internal/sedetest"
)

// BenchmarkJobs runs jobs that do nothing, on durable databases: enqueue puts one
// job into each transaction, from many goroutines; work runs jobs that wait, 10,000 of them,
// eight at once.
func BenchmarkJobs(b *testing.B) {
	for _, engine := range []db.Engine{db.SQLite, db.PostgreSQL} {
		start := func(b *testing.B) (*sedetest.Instance, *jobs.Queue) {
			in := sedetest.NewWith(b, engine, func(c *app.Config) { c.Synchronous = "full" })
			return in, newQueue(b, in)
		}
		kind := jobs.Kind[note]{Name: "test.speed"}
		enqueue := func(b *testing.B, in *sedetest.Instance, q *jobs.Queue, n int) {
			err := in.App.Database().Write(b.Context(), access.Instance(), func(tx *db.Tx) error {
				for range n {
					kind.Enqueue(tx, q, access.Instance(), note{"speed"}, jobs.Options{})
				}
				return nil
			})
			if err != nil {
				b.Error(err)
			}
		}
		b.Run(engine.String()+"/enqueue", func(b *testing.B) {
			in, q := start(b)
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					enqueue(b, in, q, 1)
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
		})
		b.Run(engine.String()+"/work", func(b *testing.B) {
			in, q := start(b)
			did := make(chan struct{}, 1000)
			worker := kind.Worker(func(context.Context, *jobs.Job[note]) error {
				did <- struct{}{}
				return nil
			})
			if err := q.Register([]jobs.Worker{worker}, nil); err != nil {
				b.Fatal(err)
			}
			const batch = 10_000
			for n := 0; n < b.N; n += batch {
				enqueue(b, in, q, min(batch, b.N-n))
			}
			b.ResetTimer()
			q.Start()
			for range b.N {
				<-did
			}
			q.Close()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
		})
	}
}
