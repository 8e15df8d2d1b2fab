package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/secret"
	"sede/internal/sedetest"
)

// bench is a database with a queue of the test's own on it.
type bench struct {
	t  *testing.T
	in *sedetest.Instance
	q  *jobs.Queue
}

func newBench(t *testing.T, engine db.Engine) *bench {
	t.Helper()
	in := sedetest.New(t, engine)
	return &bench{t: t, in: in, q: newQueue(t, in)}
}

// newQueue is one more process on the database.
func newQueue(t testing.TB, in *sedetest.Instance) *jobs.Queue {
	t.Helper()
	box, err := secret.NewBox(nil, make([]byte, secret.MinKey))
	if err != nil {
		t.Fatal(err)
	}
	return jobs.New(jobs.Config{DB: in.App.Database(), Clock: in.Clock, IDs: ident.NewSource(in.Clock.Now, nil), Secret: box})
}

func (b *bench) register(q *jobs.Queue, workers []jobs.Worker, schedules ...jobs.Schedule) {
	b.t.Helper()
	if err := q.Register(workers, schedules); err != nil {
		b.t.Fatal(err)
	}
}

// write runs a transaction over the instance.
func (b *bench) write(fn func(tx *db.Tx) error) {
	b.t.Helper()
	if err := b.in.App.Database().Write(b.t.Context(), access.Instance(), fn); err != nil {
		b.t.Fatal(err)
	}
}

// run runs what is due and checks how many jobs that are.
func (b *bench) run(q *jobs.Queue, want int) {
	b.t.Helper()
	n, err := q.RunDue(b.t.Context())
	if err != nil || n != want {
		b.t.Fatalf("%d jobs ran, %v, want %d", n, err, want)
	}
}

// jobs reads "kind state attempts" of all jobs.
func (b *bench) jobs() (list []string) {
	b.t.Helper()
	err := b.in.App.Database().Read(b.t.Context(), access.Instance(), func(tx *db.Tx) error {
		rows := tx.Query(`SELECT kind, state, attempts FROM job ORDER BY id`)
		defer rows.Close()
		for rows.Next() {
			var kind, state string
			var attempts int
			if err := rows.Scan(&kind, &state, &attempts); err != nil {
				return err
			}
			list = append(list, fmt.Sprint(kind, " ", state, " ", attempts))
		}
		return rows.Err()
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return list
}

func (b *bench) expect(want ...string) {
	b.t.Helper()
	if got := b.jobs(); !slices.Equal(got, want) {
		b.t.Errorf("the jobs are %q, want %q", got, want)
	}
}

type note struct{ Text string }

// TestEnqueue: a job is there when its transaction commits, runs once, in order,
// and knows whose it is.
func TestEnqueue(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		b := newBench(t, engine)
		var did []string
		kind := jobs.Kind[note]{Name: "test.note"}
		b.register(b.q, []jobs.Worker{kind.Worker(func(_ context.Context, j *jobs.Job[note]) error {
			did = append(did, j.Args.Text)
			if j.Scope != access.System(demo(b.in)) && j.Scope != access.Instance() {
				t.Errorf("%s has another scope", j.Args.Text)
			}
			return nil
		})})
		b.write(func(tx *db.Tx) error {
			kind.Enqueue(tx, b.q, access.Instance(), note{"first"}, jobs.Options{})
			kind.Enqueue(tx, b.q, access.System(demo(b.in)), note{"second"}, jobs.Options{Sealed: true})
			kind.Enqueue(tx, b.q, access.Instance(), note{"later"}, jobs.Options{At: b.in.Clock.Now().Add(time.Hour)})
			return nil
		})
		lost := errors.New("lost")
		err := b.in.App.Database().Write(t.Context(), access.Instance(), func(tx *db.Tx) error {
			kind.Enqueue(tx, b.q, access.Instance(), note{"never"}, jobs.Options{})
			return lost
		})
		if !errors.Is(err, lost) {
			t.Fatal(err)
		}
		b.run(b.q, 2)
		b.run(b.q, 0)
		b.in.Clock.Advance(time.Hour)
		b.run(b.q, 1)
		if want := []string{"first", "second", "later"}; !slices.Equal(did, want) {
			t.Errorf("it did %q, want %q", did, want)
		}
	})
}

func demo(in *sedetest.Instance) ident.ID {
	id, err := ident.Parse(in.Names["demo"])
	if err != nil {
		panic(err)
	}
	return id
}

// TestUnique: a key holds back a second job while the first waits or runs.
func TestUnique(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		b := newBench(t, engine)
		kind := jobs.Kind[note]{Name: "test.unique"}
		enqueue := func(scope access.Scope, key string) {
			b.write(func(tx *db.Tx) error {
				kind.Enqueue(tx, b.q, scope, note{}, jobs.Options{Unique: key})
				return nil
			})
		}
		b.register(b.q, []jobs.Worker{kind.Worker(func(context.Context, *jobs.Job[note]) error {
			enqueue(access.Instance(), "a") // while it runs
			return nil
		})})
		enqueue(access.Instance(), "a")
		enqueue(access.Instance(), "a")
		b.run(b.q, 1)
		enqueue(access.Instance(), "a")
		enqueue(access.Instance(), "b")
		enqueue(access.System(demo(b.in)), "a")
		b.expect("test.unique done 1", "test.unique waiting 0", "test.unique waiting 0", "test.unique waiting 0")
	})
}

// TestRetry: what fails is repeated later and later, until its attempts are used
// up; panics and time-outs fail, too.
func TestRetry(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		b := newBench(t, engine)
		tries := 0
		kind := jobs.Kind[note]{Name: "test.retry", Attempts: 3, Timeout: time.Millisecond}
		b.register(b.q, []jobs.Worker{kind.Worker(func(ctx context.Context, j *jobs.Job[note]) error {
			tries++
			if j.Attempt != tries || j.Last != (tries == 3) {
				t.Errorf("attempt %d of %d, last: %v", j.Attempt, tries, j.Last)
			}
			switch tries {
			case 1:
				return errors.New("a \x00 failure")
			case 2:
				panic("a panic")
			}
			<-ctx.Done()
			return ctx.Err()
		})})
		b.write(func(tx *db.Tx) error {
			kind.Enqueue(tx, b.q, access.Instance(), note{}, jobs.Options{})
			return nil
		})
		b.run(b.q, 1)
		b.in.Clock.Advance(800 * time.Millisecond)
		b.run(b.q, 0)
		b.in.Clock.Advance(400 * time.Millisecond)
		b.run(b.q, 1)
		b.in.Clock.Advance(14 * time.Second)
		b.run(b.q, 0)
		b.in.Clock.Advance(4 * time.Second)
		b.run(b.q, 1)
		b.expect("test.retry failed 3")
		b.in.Clock.Advance(48 * time.Hour)
		b.run(b.q, 0)
	})
}

// TestVerdicts: work that can't succeed is given up at once, work that can't be
// done yet is put off without counting.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		b := newBench(t, engine)
		kind := jobs.Kind[note]{Name: "test.verdict"}
		b.register(b.q, []jobs.Worker{kind.Worker(func(_ context.Context, j *jobs.Job[note]) error {
			if j.Args.Text == "hopeless" {
				return fmt.Errorf("wrapped: %w", jobs.Discard(errors.New("no such address")))
			}
			return jobs.Snooze(time.Hour)
		})})
		b.write(func(tx *db.Tx) error {
			kind.Enqueue(tx, b.q, access.Instance(), note{"hopeless"}, jobs.Options{})
			kind.Enqueue(tx, b.q, access.Instance(), note{"early"}, jobs.Options{})
			return nil
		})
		b.run(b.q, 2)
		b.run(b.q, 0)
		b.expect("test.verdict failed 1", "test.verdict waiting 0")
		b.in.Clock.Advance(time.Hour)
		b.run(b.q, 1)
	})
}

// TestComplete: the effect and the end of a job are one; a run that lost its job
// keeps nothing.
func TestComplete(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		b := newBench(t, engine)
		kind := jobs.Kind[note]{Name: "test.effect"}
		effect := func(tx *db.Tx, j *jobs.Job[note]) error {
			if err := j.Complete(tx); err != nil {
				return err
			}
			tx.Queue(`INSERT INTO language (id) VALUES ($1)`, j.Args.Text)
			return nil
		}
		steal := false
		b.register(b.q, []jobs.Worker{kind.Worker(func(ctx context.Context, j *jobs.Job[note]) error {
			if steal {
				b.write(func(tx *db.Tx) error {
					tx.Queue(`UPDATE job SET state = 'discarded', runner_id = NULL WHERE id = $1`, j.ID)
					return nil
				})
			}
			return b.in.App.Database().Write(ctx, access.Instance(), func(tx *db.Tx) error { return effect(tx, j) })
		})})
		enqueue := func(text string) {
			b.write(func(tx *db.Tx) error {
				kind.Enqueue(tx, b.q, access.Instance(), note{text}, jobs.Options{})
				return nil
			})
		}
		enqueue("x-one")
		b.run(b.q, 1)
		steal = true
		enqueue("x-two")
		b.run(b.q, 1)
		b.expect("test.effect done 1", "test.effect discarded 1")
		var n int
		err := b.in.App.Database().Read(t.Context(), access.Instance(), func(tx *db.Tx) error {
			return tx.Row(`SELECT count(*) FROM language WHERE id LIKE 'x-%'`).Scan(&n)
		})
		if err != nil || n != 1 {
			t.Errorf("%d effects, %v", n, err)
		}
	})
}

// TestRescueAlone: a process that is alone with the database runs what its
// predecessor ran without waiting for a lease.
func TestRescueAlone(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		b := newBench(t, engine)
		next := newQueue(t, b.in)
		next.Alone = true
		kind := jobs.Kind[note]{Name: "test.alone"}
		b.register(next, []jobs.Worker{kind.Worker(func(context.Context, *jobs.Job[note]) error { return nil })})
		b.register(b.q, []jobs.Worker{kind.Worker(func(context.Context, *jobs.Job[note]) error {
			b.run(next, 0) // takes it; its pause begins
			b.in.Clock.Advance(2 * time.Second)
			b.run(next, 1)
			return nil
		})})
		b.write(func(tx *db.Tx) error {
			kind.Enqueue(tx, b.q, access.Instance(), note{}, jobs.Options{})
			return nil
		})
		b.run(b.q, 1)
		b.expect("test.alone done 2")
	})
}

// TestRescue: a job whose process died is run by another after the lease, and
// the dead one, should it come back, keeps nothing.
func TestRescue(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		b := newBench(t, engine)
		other := newQueue(t, b.in)
		kind := jobs.Kind[note]{Name: "test.rescue"}
		var rescued bool
		b.register(other, []jobs.Worker{kind.Worker(func(context.Context, *jobs.Job[note]) error {
			rescued = true
			return nil
		})})
		b.register(b.q, []jobs.Worker{kind.Worker(func(ctx context.Context, j *jobs.Job[note]) error {
			b.run(other, 0) // sees it run
			b.in.Clock.Advance(19 * time.Second)
			b.run(other, 0)
			b.in.Clock.Advance(time.Second)
			b.run(other, 0) // takes it; its pause begins
			b.in.Clock.Advance(2 * time.Second)
			b.run(other, 1)
			return b.in.App.Database().Write(ctx, access.Instance(), j.Complete)
		})})
		b.write(func(tx *db.Tx) error {
			kind.Enqueue(tx, b.q, access.Instance(), note{}, jobs.Options{})
			return nil
		})
		b.run(b.q, 1)
		if !rescued {
			t.Error("nobody took the job")
		}
		b.expect("test.rescue done 2")
	})
}

// TestSchedule: once per interval over all processes, whatever clocks do.
func TestSchedule(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		b := newBench(t, engine)
		var ran atomic.Int64
		schedule := jobs.Schedule{Name: "test.hourly", Every: time.Hour, Do: func(context.Context) error {
			ran.Add(1)
			return nil
		}}
		other := newQueue(t, b.in)
		b.register(b.q, nil, schedule)
		b.register(other, nil, schedule)
		tick := func(d time.Duration, want int64) {
			t.Helper()
			ran.Store(0)
			b.in.Clock.Advance(d)
			for range 2 {
				for _, q := range []*jobs.Queue{b.q, other} {
					if _, err := q.RunDue(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
			}
			if n := ran.Load(); n != want {
				t.Errorf("after %v it ran %d times, want %d", d, n, want)
			}
		}
		tick(0, 0) // first one interval after it was first seen
		tick(59*time.Minute, 0)
		tick(time.Minute, 1)
		tick(time.Hour, 1)
		tick(30*24*time.Hour, 1)  // a jump forwards, or a long night: once
		tick(-60*24*time.Hour, 0) // a jump backwards: not twice
		tick(time.Hour, 1)        // and not never again
		tick(30*time.Minute, 0)
		tick(-20*time.Minute, 0)
		tick(50*time.Minute, 1)
	})
}

// TestStart runs jobs on their own: at once after the commit, and all of them
// before Close returns.
func TestStart(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		b := newBench(t, engine)
		const all = 200
		var did atomic.Int64
		finished := make(chan struct{})
		kind := jobs.Kind[note]{Name: "test.start"}
		b.register(b.q, []jobs.Worker{kind.Worker(func(context.Context, *jobs.Job[note]) error {
			if did.Add(1) == all {
				close(finished)
			}
			return nil
		})})
		b.q.Start()
		for range all {
			b.write(func(tx *db.Tx) error {
				kind.Enqueue(tx, b.q, access.Instance(), note{}, jobs.Options{})
				return nil
			})
		}
		select {
		case <-finished:
		case <-time.After(30 * time.Second):
			t.Errorf("%d jobs ran, want %d", did.Load(), all)
		}
		b.q.Close()
		for _, job := range b.jobs() {
			if job != "test.start done 1" {
				t.Errorf("a job is %s", job)
			}
		}
	})
}
