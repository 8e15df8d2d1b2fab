package jobs

import (
	"context"
	"errors"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
)

// A process that runs jobs beats at every look, so its row in job_runner changes.
// A job that was seen running in another process for a whole lease, without a
// beat of that process, is taken from it. The lease is measured by this process's
// own clock between two looks, so it does not matter whether clocks agree or
// jump. Who is alone with the database takes it at the first look.
const (
	interval = 5 * time.Second  // between two looks, and the longest that a job enqueued by another process may wait
	lease    = 20 * time.Second // several looks
)

// watch is what was seen of the runs of other processes.
type watch map[seen]seenAt

type seen struct {
	job     ident.ID
	runner  ident.ID
	attempt int
	beat    int64
}

type seenAt struct {
	first time.Time
	there bool // at the last look
}

// errDied is written down for a run that never ended.
var errDied = errors.New("jobs: the process ended while it ran the job")

// lookAtTimes looks once per interval. Only the loop calls it.
func (q *Queue) lookAtTimes(ctx context.Context) error {
	now := q.Clock.Now()
	if age := now.Sub(q.looked); !q.looked.IsZero() && age >= 0 && age < interval {
		return nil
	}
	err := q.look(ctx)
	if err == nil {
		q.looked = now
	}
	return err
}

// look says that this process lives, if it runs something, takes the jobs of
// processes that died, and brings back what waits for a wrong time.
func (q *Queue) look(ctx context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.mend(ctx); err != nil {
		return err
	}
	if len(q.mine) > 0 {
		err := q.DB.Write(ctx, access.Instance(), func(tx *db.Tx) error {
			beat(tx, q.runner, q.now())
			return nil
		})
		if err != nil {
			return err
		}
	}
	var there []sighting
	err := q.DB.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		there, err = runningNow(tx)
		return err
	})
	if err != nil {
		return err
	}
	if dead := q.dead(there); len(dead) > 0 {
		return q.rescue(ctx, dead)
	}
	return nil
}

// nextDue returns when the next waiting job is due, false when none waits.
func (q *Queue) nextDue(ctx context.Context) (at time.Time, some bool, err error) {
	err = q.DB.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		at, some, err = q.claim.nextDue(tx, q.kinds)
		return err
	})
	return at, some, err
}

// dead returns the runs whose process died, and those of this process that it
// knows nothing of, because their end could not be written down.
func (q *Queue) dead(there []sighting) (list []sighting) {
	now := q.Clock.Now()
	for key, s := range q.watch {
		s.there = false
		q.watch[key] = s
	}
	for _, s := range there {
		if s.runner == q.runner {
			if q.mine[s.id] == nil {
				list = append(list, s)
			}
			continue
		}
		key := seen{s.id, s.runner, s.attempt, s.beat}
		at, known := q.watch[key]
		if !known {
			at.first = now
		}
		at.there = true
		q.watch[key] = at
		if q.Alone || now.Sub(at.first) >= lease {
			list = append(list, s)
		}
	}
	for key, s := range q.watch {
		if !s.there {
			delete(q.watch, key)
		}
	}
	return list
}

// rescue lets the jobs run again, each after the pause of a failed run.
func (q *Queue) rescue(ctx context.Context, list []sighting) error {
	return q.DB.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		for i := range list {
			r := run{taken: list[i].taken, q: q}
			o := q.failure(&r, errDied)
			o.wipe = false
			if _, err := settle(tx, &r.taken, list[i].runner, o); err != nil {
				return err
			}
			q.Log.Warn("jobs: a job is taken from a process that died", "kind", r.kind, "job", r.id, "attempt", r.attempt)
		}
		return nil
	})
}
