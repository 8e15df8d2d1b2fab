package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/jobs"
	"sede/internal/sedetest"
)

// TestProcesses lets two processes work on one database: nothing is done twice,
// nothing is left, both work, and a schedule runs once.
func TestProcesses(t *testing.T) {
	t.Parallel()
	b := newBench(t, db.PostgreSQL)
	twin := b.in.Twin()
	const all = 1500
	kind := jobs.Kind[note]{Name: "test.shared"}
	var mu sync.Mutex
	did, by, scheduled := map[string]int{}, map[int]int{}, 0
	queues := []*jobs.Queue{b.q, newQueue(t, twin)}
	for i, q := range queues {
		b.register(q, []jobs.Worker{kind.Worker(func(_ context.Context, j *jobs.Job[note]) error {
			mu.Lock()
			defer mu.Unlock()
			did[j.Args.Text]++
			by[i]++
			return nil
		})}, jobs.Schedule{Name: "test.shared", Every: time.Hour, Do: func(context.Context) error {
			mu.Lock()
			defer mu.Unlock()
			scheduled++
			return nil
		}})
		b.run(q, 0) // sees the schedule first
	}
	b.write(func(tx *db.Tx) error {
		for i := range all {
			kind.Enqueue(tx, queues[i%2], access.Instance(), note{fmt.Sprint(i)}, jobs.Options{})
		}
		return nil
	})
	b.in.Clock.Advance(time.Hour)
	for _, q := range queues {
		q.Start()
	}
	for end := time.Now().Add(time.Minute); time.Now().Before(end) && slices.ContainsFunc(b.jobs(), func(job string) bool {
		return job != "test.shared done 1" && job != "schedule.test.shared done 1"
	}); {
		time.Sleep(20 * time.Millisecond)
	}
	for _, q := range queues {
		q.Close()
	}
	for text, n := range did {
		if n != 1 {
			t.Errorf("job %s was done %d times", text, n)
		}
	}
	if len(did) != all || by[0] == 0 || by[1] == 0 || scheduled != 1 {
		t.Errorf("%d of %d jobs were done, by %v; the schedule ran %d times", len(did), all, by, scheduled)
	}
}

// TestClose gives running jobs time, then tells them to end; those that do not
// finish wait again, and the run does not count.
func TestClose(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		b := newBench(t, engine)
		kind := jobs.Kind[note]{Name: "test.close"}
		begun := make(chan struct{}, 3)
		release := make(chan struct{})
		q := jobs.New(jobs.Config{DB: b.q.DB, Clock: b.q.Clock, IDs: b.q.IDs, Secret: b.q.Secret, Workers: 2, Grace: 200 * time.Millisecond})
		b.register(q, []jobs.Worker{kind.Worker(func(ctx context.Context, j *jobs.Job[note]) error {
			begun <- struct{}{}
			if j.Args.Text == "patient" {
				<-release
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		})})
		b.write(func(tx *db.Tx) error {
			for _, text := range []string{"patient", "endless", "unbegun"} {
				kind.Enqueue(tx, q, access.Instance(), note{text}, jobs.Options{})
			}
			return nil
		})
		q.Start()
		<-begun
		<-begun
		time.AfterFunc(50*time.Millisecond, func() { close(release) })
		q.Close()
		b.expect("test.close done 1", "test.close waiting 0", "test.close waiting 0")
	})
}

// TestFaults lets every step of the database fail, one at a time, while a job is
// taken, does its work and ends. In the end the work is done once.
func TestFaults(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		b := newBench(t, engine)
		kind := jobs.Kind[note]{Name: "test.fault"}
		b.register(b.q, []jobs.Worker{kind.Worker(func(ctx context.Context, j *jobs.Job[note]) error {
			return b.in.App.Database().Write(ctx, access.Instance(), func(tx *db.Tx) error {
				tx.Queue(`INSERT INTO language (id) VALUES ($1)`, j.Args.Text)
				return j.Complete(tx)
			})
		})})
		steps := 1
		for ; ; steps++ {
			text := fmt.Sprint("x-fault-", steps)
			b.write(func(tx *db.Tx) error {
				kind.Enqueue(tx, b.q, access.Instance(), note{text}, jobs.Options{})
				return nil
			})
			b.in.FailAt(steps)
			_, _ = b.q.RunDue(t.Context())
			fired := b.in.Fired()
			for range 3 { // what is left of it is found, and repeated after its pause
				if _, err := b.q.RunDue(t.Context()); err != nil {
					t.Fatal(err)
				}
				b.in.Clock.Advance(10 * time.Minute)
			}
			var n int
			err := b.in.App.Database().Read(t.Context(), access.Instance(), func(tx *db.Tx) error {
				return tx.Row(`SELECT count(*) FROM language WHERE id = $1`, text).Scan(&n)
			})
			if err != nil || n != 1 {
				t.Fatalf("with step %d failing the work was done %d times, %v", steps, n, err)
			}
			if !fired {
				break
			}
		}
		if steps < 5 {
			t.Errorf("only %d steps were tried", steps)
		}
		for _, job := range b.jobs() {
			if job != "test.fault done 1" && job != "test.fault done 2" {
				t.Errorf("a job is %s", job)
			}
		}
	})
}

// TestClockJump: what was enqueued or put off while the clock was ahead does not
// wait until the wrong time comes.
func TestClockJump(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		b := newBench(t, engine)
		kind := jobs.Kind[note]{Name: "test.jump"}
		broken := true
		b.register(b.q, []jobs.Worker{kind.Worker(func(context.Context, *jobs.Job[note]) error {
			if broken {
				return errors.New("not now")
			}
			return nil
		})})
		enqueue := func(o jobs.Options) {
			b.write(func(tx *db.Tx) error {
				kind.Enqueue(tx, b.q, access.Instance(), note{}, o)
				return nil
			})
		}
		enqueue(jobs.Options{At: b.in.Clock.Now().Add(48 * time.Hour)}) // rightly in the future
		b.run(b.q, 0)
		b.in.Clock.Advance(24 * time.Hour)
		enqueue(jobs.Options{})
		b.run(b.q, 1) // put off by a second
		enqueue(jobs.Options{At: b.in.Clock.Now().Add(time.Hour)})
		b.in.Clock.Advance(-24 * time.Hour)
		broken = false
		b.run(b.q, 0)
		b.in.Clock.Advance(2 * time.Second)
		b.run(b.q, 1)
		b.in.Clock.Advance(time.Hour)
		b.run(b.q, 1)
		b.in.Clock.Advance(46 * time.Hour)
		b.run(b.q, 0)
		b.in.Clock.Advance(time.Hour)
		b.run(b.q, 1)
	})
}
