package jobs

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/null"
)

// run is a job that this process runs.
type run struct {
	taken
	q         *Queue
	completed atomic.Bool // a transaction that made it done was committed
}

// scope is the reach of the job's work.
func (r *run) scope() access.Scope { return scopeOf(r.organization) }

func scopeOf(organization ident.ID) access.Scope {
	if organization.IsZero() {
		return access.Instance()
	}
	return access.System(organization)
}

// complete makes the job done in the caller's transaction.
func (r *run) complete(tx *db.Tx) error {
	ours, err := settle(tx, &r.taken, r.q.runner, r.success())
	if err != nil {
		return err
	}
	if !ours {
		return errLost
	}
	tx.AfterCommit(func() { r.completed.Store(true) })
	return nil
}

func (r *run) success() outcome {
	return outcome{state: done, attempts: r.attempt, finished: null.Of(r.q.now()), wipe: true}
}

// now is the time as the database keeps it.
func (q *Queue) now() time.Time { return q.Clock.Now().Truncate(time.Microsecond) }

// execute runs the job and writes down what came of it.
func (q *Queue) execute(r *run) {
	defer q.forget(r)
	began := q.Clock.Now()
	err := q.work(r)
	q.metrics.observe(r.kind, resultOf(err), q.Clock.Now().Sub(began))
	if r.completed.Load() {
		if err != nil {
			q.Log.Error("jobs: a job failed after it was done", "kind", r.kind, "job", r.id, "error", err)
		}
		return
	}
	o := r.success()
	if err != nil {
		o = q.failure(r, err)
	}
	q.settle(r, o, err)
}

// resultOf is what the metrics call an end.
func resultOf(err error) string {
	switch {
	case err == nil:
		return "done"
	case errors.Is(err, errSnooze):
		return "snoozed"
	}
	return "failed"
}

// work calls the worker, under its time-out, and turns a panic into an error.
func (q *Queue) work(r *run) (err error) {
	w := q.workers[r.kind]
	defer func() {
		if p := recover(); p != nil {
			q.Log.Error("jobs: panic", "kind", r.kind, "job", r.id, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("jobs: panic: %v", p)
		}
	}()
	if r.sealed {
		if r.args, err = q.Secret.Open(purpose(r.kind, r.id), r.args); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(q.life, w.timeout)
	defer cancel()
	return w.do(ctx, r)
}

// failure says what becomes of a job whose run failed.
func (q *Queue) failure(r *run, err error) outcome {
	now := q.now()
	o := outcome{state: waiting, attempts: r.attempt, error: null.Of(readable(err))}
	var v *verdict
	switch {
	case errors.As(err, &v) && v.snooze > 0:
		o.attempts, o.runAt, o.error = r.attempt-1, null.Of(now.Add(v.snooze)), null.Value[string]{}
	case q.life.Err() != nil: // sede ends: not the job's fault
		return q.unbegun(r)
	case v != nil && v.discard, r.attempt >= r.most:
		o.state, o.finished = failed, null.Of(now)
	default:
		o.runAt = null.Of(now.Add(q.pause(r.attempt)))
	}
	return o
}

// unbegun lets the job wait again as if the run had not begun.
func (q *Queue) unbegun(r *run) outcome {
	return outcome{state: waiting, attempts: r.attempt - 1, runAt: null.Of(q.now())}
}

// giveBack lets others run a job that was taken and not begun.
func (q *Queue) giveBack(r *run) {
	defer q.forget(r)
	q.settle(r, q.unbegun(r), nil)
}

// longest is the longest pause between two runs.
const longest = 24 * time.Hour

// pause is how long a job waits after its n-th run failed: n^4 seconds, 1 s after
// the first, 16 s after the second, 81 s, 4 min, 10 min and so on, give or take a
// tenth so that jobs that failed together do not come back together.
func (q *Queue) pause(n int) time.Duration {
	d := longest
	if n < 18 {
		d = min(d, time.Duration(n*n*n*n)*time.Second)
	}
	var b [8]byte
	if _, err := io.ReadFull(q.Random, b[:]); err != nil {
		return d
	}
	jitter := binary.BigEndian.Uint64(b[:]) % uint64(d/5)
	return (d - d/10 + time.Duration(jitter)).Truncate(time.Microsecond)
}

// longestError bounds what is kept of an error, in bytes.
const longestError = 1000

// readable is the text of an error as the database can keep it.
func readable(err error) string {
	text := strings.ReplaceAll(strings.ToValidUTF8(err.Error(), "?"), "\x00", "?")
	if len(text) > longestError {
		text = strings.ToValidUTF8(text[:longestError], "") + "…"
	}
	return text
}

// settle writes down what came of a run. When that fails, too, the job stays
// running, and look finds it later.
func (q *Queue) settle(r *run, o outcome, cause error) {
	ours := false
	err := q.DB.Write(context.WithoutCancel(q.life), access.Instance(), func(tx *db.Tx) (err error) {
		ours, err = settle(tx, &r.taken, q.runner, o)
		return err
	})
	switch {
	case err != nil:
		q.Log.Error("jobs: the end of a job could not be written down", "kind", r.kind, "job", r.id, "error", err)
	case !ours:
		q.Log.Warn("jobs: a job was taken from this process while it ran", "kind", r.kind, "job", r.id)
	case o.state == failed:
		q.Log.Error("jobs: a job failed for good", "kind", r.kind, "job", r.id, "attempts", r.attempt, "error", cause)
	case cause != nil && !errors.Is(cause, errSnooze):
		q.Log.Warn("jobs: a job failed and will be repeated", "kind", r.kind, "job", r.id, "attempt", r.attempt, "at", o.runAt.V, "error", cause)
	}
}

// forget ends a run's place among those of this process.
func (q *Queue) forget(r *run) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.mine, r.id)
}
