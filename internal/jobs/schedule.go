package jobs

import (
	"context"
	"time"

	"sede/internal/access"
	"sede/internal/db"
)

// repeated is a Schedule at work.
type repeated struct {
	Schedule
	kind  Kind[struct{}]
	next  time.Time // as last seen
	known bool
}

func (s *repeated) worker() Worker {
	return s.kind.Worker(func(ctx context.Context, _ *Job[struct{}]) error { return s.Do(ctx) })
}

// due reports whether the schedule must be looked at: it was never seen, its time
// has come, or its time is so far off that the clock must have jumped back.
func (s *repeated) due(now time.Time) bool {
	return !s.known || !s.next.After(now) || s.jumped(now)
}

func (s *repeated) jumped(now time.Time) bool { return s.next.Sub(now) > 2*s.Every }

// repeat enqueues the schedules that are due and returns when the next one is.
func (q *Queue) repeat(ctx context.Context) (next time.Time, err error) {
	now := q.now()
	for _, s := range q.schedules {
		if s.due(now) {
			if err := q.move(ctx, s, now); err != nil {
				return next, err
			}
		}
		if next.IsZero() || s.next.Before(next) {
			next = s.next
		}
	}
	return next, nil
}

// move enqueues a schedule's job and sets its next time. Of several processes one
// does. After the clock jumped back only the time is set.
func (q *Queue) move(ctx context.Context, s *repeated, now time.Time) error {
	var next time.Time
	err := q.DB.Write(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		at, err := nextOf(tx, s.Name, now.Add(s.Every))
		if err != nil {
			return err
		}
		seen := repeated{Schedule: s.Schedule, next: at, known: true}
		if next = at; !seen.due(now) {
			return nil
		}
		next = now.Add(s.Every)
		ours, err := moveNext(tx, s.Name, at, next)
		if err == nil && ours && !seen.jumped(now) {
			s.kind.Enqueue(tx, q, access.Instance(), struct{}{}, Options{Unique: s.Name})
		}
		return err
	})
	if err == nil {
		s.next, s.known = next, true
	}
	return err
}
