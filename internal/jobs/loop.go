package jobs

import (
	"context"
	"time"
)

// Start begins to run jobs and chores, until Close.
func (q *Queue) Start() {
	q.started.Store(true)
	q.startChores()
	ready := make(chan *run, q.Workers)
	q.busy.Go(func() {
		defer close(ready)
		q.loop(ready)
	})
	for range q.Workers {
		q.busy.Go(func() {
			for r := range ready {
				if q.stopped() {
					q.giveBack(r)
					continue
				}
				q.execute(r)
				if len(ready) <= cap(ready)/2 {
					q.wake()
				}
			}
		})
	}
}

// Started reports whether this process runs jobs.
func (q *Queue) Started() bool { return q.started.Load() }

// How long Close waits for running jobs, before and after it tells them to end.
const (
	grace     = 10 * time.Second
	lastGrace = 5 * time.Second
)

// Close begins no further job and returns when those that run have ended. After
// 10 seconds they are told to, and what does not end within 5 more is run again
// by a process that lives. Close may be called more than once.
func (q *Queue) Close() {
	q.stopping.Do(func() { close(q.stop) })
	ended := make(chan struct{})
	go func() {
		q.busy.Wait()
		close(ended)
	}()
	for _, wait := range []time.Duration{q.Grace, lastGrace} {
		select {
		case <-ended:
			q.kill()
			return
		case <-time.After(wait):
			q.kill()
		}
	}
	q.Log.Error("jobs: running jobs do not end; they will be run again")
}

// loop makes ready what is due and sleeps until something is: until the next job's
// time or schedule, until somebody enqueues, at most for one interval.
func (q *Queue) loop(ready chan<- *run) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-q.stop:
			return
		case <-timer.C:
		case <-q.wakeup:
		}
		timer.Reset(q.turn(ready))
	}
}

// turn takes what is due, as long as there is room for half of what there can be,
// and returns how long there is nothing more to do. Jobs are taken some at a time
// because each time costs a commit.
func (q *Queue) turn(ready chan<- *run) time.Duration {
	due, err := q.repeat(q.life)
	if err == nil {
		err = q.lookAtTimes(q.life)
	}
	for err == nil {
		free := cap(ready) - len(ready)
		if free < (cap(ready)+1)/2 || q.stopped() {
			return interval // the workers wake the loop when there is room
		}
		var next time.Time
		var runs []*run
		var some bool
		if next, some, err = q.nextDue(q.life); err != nil {
			break
		}
		if now := q.now(); !some || next.After(now) {
			if some && (due.IsZero() || next.Before(due)) {
				due = next
			}
			return pauseUntil(due, now)
		}
		var more bool
		if runs, more, err = q.take(q.life, free); err != nil {
			break
		}
		if len(runs) == 0 && !more {
			return crowded
		}
		for _, r := range runs {
			ready <- r
		}
	}
	if q.life.Err() == nil {
		q.Log.Error("jobs: the database failed", "error", err)
	}
	return interval
}

// crowded is how long the loop sleeps when all that is due must wait for other jobs,
// if none of them ends before.
const crowded = time.Second

// pauseUntil is how long the loop may sleep; zero means that nothing is known to
// come.
func pauseUntil(due, now time.Time) time.Duration {
	if due.IsZero() {
		return interval
	}
	return min(max(due.Sub(now), 0), interval)
}

func (q *Queue) stopped() bool {
	select {
	case <-q.stop:
		return true
	default:
		return false
	}
}

// RunDue runs the chores, and the jobs and schedules that are due, one after the
// other, those due first first, until none is left. It returns how many jobs ran;
// whether they went well is written down with them. It is for tests, which then
// decide when.
func (q *Queue) RunDue(ctx context.Context) (n int, err error) {
	for _, c := range q.chores {
		q.doChore(ctx, c)
	}
	if _, err := q.repeat(ctx); err != nil {
		return 0, err
	}
	if err := q.look(ctx); err != nil {
		return 0, err
	}
	for {
		runs, more, err := q.take(ctx, 1)
		if err != nil || len(runs) == 0 && !more {
			return n, err
		}
		for _, r := range runs {
			q.execute(r)
			n++
		}
	}
}
