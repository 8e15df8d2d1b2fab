// Package jobs does work outside of requests: what must follow a change, such as
// mail, and what repeats. A job is a row in the same database, written in the
// transaction of the change, so that neither is there without the other.
//
// A job runs at least once, and its effect in the database happens once: Complete
// makes it done in the transaction of the effect, and fails when the job is not
// this run's any more. A run that fails is repeated, each time later, until its
// attempts are used up; then the job is failed and waits for an operator. Jobs of
// a process that died are run by another, or by the same when it is back.
//
// No organization and no kind takes all workers, so that none keeps the work of
// others waiting (fair.go).
//
// A Kind is declared by the feature whose work it is, a Worker does it. Several
// processes on one PostgreSQL database share the work.
package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
)

// Kind is one sort of work, whose arguments are an A, stored as JSON. The name
// is never changed, since jobs of it may wait.
type Kind[A any] struct {
	Name     string        // e.g. "mail.deliver"
	Attempts int           // runs before a job is failed; 0: 20, which takes about six days
	Timeout  time.Duration // of one run; 0: one minute
	AtOnce   int           // runs at once in a process, for work that waits for others; 0: no limit of its own
}

const (
	defaultAttempts = 20
	defaultTimeout  = time.Minute
)

// Options say how a job is to be run. The zero Options: as soon as possible.
type Options struct {
	At     time.Time // not before; zero: at once
	Unique string    // not empty: nothing is enqueued while a job of the organization with that kind and key waits or runs
	Sealed bool      // the arguments are encrypted at rest
	Series string    // not empty: of the jobs of the organization with that kind and series one runs at a time
}

// Enqueue puts a job into the transaction: it is there when the transaction
// commits, and workers hear of it then. scope says whose job it is, an
// organization's or the instance's, and must be within the transaction's.
func (k Kind[A]) Enqueue(tx *db.Tx, q *Queue, scope access.Scope, args A, o Options) {
	content, err := json.Marshal(args)
	if err != nil {
		panic("jobs: arguments of " + k.Name + ": " + err.Error())
	}
	attempts := k.Attempts
	if attempts == 0 {
		attempts = defaultAttempts
	}
	q.enqueue(tx, scope, k.Name, attempts, content, o)
}

// Worker returns what does the jobs of the kind.
func (k Kind[A]) Worker(do func(ctx context.Context, job *Job[A]) error) Worker {
	timeout := k.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	return Worker{kind: k.Name, timeout: timeout, atOnce: k.AtOnce, do: func(ctx context.Context, r *run) error {
		job := Job[A]{ID: r.id, Scope: r.scope(), Attempt: r.attempt, Last: r.attempt >= r.most, run: r}
		if err := json.Unmarshal(r.args, &job.Args); err != nil {
			return Discard(fmt.Errorf("jobs: arguments of %s: %w", k.Name, err))
		}
		return do(ctx, &job)
	}}
}

// Worker does the jobs of one kind.
type Worker struct {
	kind    string
	timeout time.Duration
	atOnce  int
	do      func(ctx context.Context, r *run) error
}

// Job is one run of a job.
type Job[A any] struct {
	ID      ident.ID
	Scope   access.Scope // of the organization whose job it is, or of the instance
	Args    A
	Attempt int  // from 1
	Last    bool // when this run fails the job is failed

	run *run
}

// Complete makes the job done within the transaction. It fails when the job is
// no longer this run's, because the process was taken for dead or an operator
// discarded it; then nothing may be kept. A job that was not completed when its
// worker returns nil is made done then.
func (j *Job[A]) Complete(tx *db.Tx) error { return j.run.complete(tx) }

// errLost says that a job is no longer the run's.
var errLost = errors.New("jobs: the job is no longer this run's")

// Schedule is work that repeats: Do runs once per interval over all processes,
// first one interval after the schedule was first seen. It is a job of kind
// "schedule." and the name, so a run that fails is repeated, and two do not
// overlap. Intervals that pass while no process runs are made up for by one run.
type Schedule struct {
	Name    string // e.g. "account.forget"; never changed
	Every   time.Duration
	Timeout time.Duration // of one run; 0: one minute
	Do      func(ctx context.Context) error
}

// Discard makes an error that fails the job at once, for work that can't ever
// succeed.
func Discard(err error) error { return &verdict{err: err, discard: true} }

// Snooze makes an error that puts the job off without counting the attempt, for
// work that can't be done yet.
func Snooze(d time.Duration) error { return &verdict{err: errSnooze, snooze: d} }

var errSnooze = errors.New("jobs: put off")

// verdict is an error that says what becomes of the job.
type verdict struct {
	err     error
	discard bool
	snooze  time.Duration
}

func (v *verdict) Error() string { return v.err.Error() }
func (v *verdict) Unwrap() error { return v.err }
