package jobs

import (
	"context"
	"time"
)

// Start begins to run jobs, until Close.
func (q *Queue) Start() {
	q.busy.Go(q.loop)
}

// How long Close waits for running jobs, before and after it tells them to end.
const (
	grace     = 10 * time.Second
	lastGrace = 5 * time.Second
)

// Close begins no further job and returns when those that run have ended. After
// 10 seconds they are told to, and what does not end within 5 more is left to
// other processes. Close may be called more than once.
func (q *Queue) Close() {
	q.stopping.Do(func() { close(q.stop) })
	ended := make(chan struct{})
	go func() {
		q.busy.Wait()
		close(ended)
	}()
	for _, wait := range []time.Duration{grace, lastGrace} {
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

// loop runs what is due and sleeps until something is: until the next job's time
// or schedule, until somebody enqueues, at most for one look.
func (q *Queue) loop() {
	slots := make(chan struct{}, q.Workers)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-q.stop:
			return
		case <-timer.C:
		case <-q.wakeup:
		}
		timer.Reset(q.turn(slots))
	}
}

// turn begins what is due, as far as there are slots, and returns how long there
// is nothing more to do.
func (q *Queue) turn(slots chan struct{}) time.Duration {
	due, err := q.repeat(q.life)
	if err == nil {
		err = q.lookAtTimes(q.life)
	}
	for err == nil {
		free := cap(slots) - len(slots)
		if free == 0 || q.stopped() {
			return interval // the end of a job wakes the loop
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
		if runs, err = q.take(q.life, free); err == nil {
			q.begin(runs, slots)
		}
	}
	if q.life.Err() == nil {
		q.Log.Error("jobs: the database failed", "error", err)
	}
	return interval
}

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

// begin runs each job on a goroutine of its own.
func (q *Queue) begin(runs []*run, slots chan struct{}) {
	for _, r := range runs {
		slots <- struct{}{}
		q.busy.Go(func() {
			q.execute(r)
			<-slots
			q.wake()
		})
	}
}

// RunDue runs the jobs and schedules that are due, one after the other, those due
// first first, until none is left. It returns how many ran; whether they went
// well is written down with them. It is for tests, which then decide when.
func (q *Queue) RunDue(ctx context.Context) (n int, err error) {
	if _, err := q.repeat(ctx); err != nil {
		return 0, err
	}
	if err := q.look(ctx); err != nil {
		return 0, err
	}
	for {
		runs, err := q.take(ctx, 1)
		if err != nil || len(runs) == 0 {
			return n, err
		}
		q.execute(runs[0])
		n++
	}
}
