package jobs

import (
	"context"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/null"
)

// slack is by how much clocks may differ, and go back, without consequence.
const slack = 5 * time.Minute

// mend brings back the jobs that were enqueued or put off while the clock was
// ahead: they wait as long as they would have with the right one. It looks for
// them when the process begins and after its clock jumped back.
func (q *Queue) mend(ctx context.Context) error {
	now := q.now()
	if !q.wall.IsZero() && q.wall.Sub(now) <= slack {
		q.wall = now
		return nil
	}
	for {
		n := 0
		err := q.DB.Write(ctx, access.Instance(), func(tx *db.Tx) error {
			list, err := fromFuture(tx, now.Add(slack))
			for i := range list {
				list[i].moveBack(now)
				moveJob(tx, &list[i])
			}
			n = len(list)
			return err
		})
		if err != nil {
			return err
		}
		if n > 0 {
			q.Log.Warn("jobs: jobs from the future are brought back, since the clock was ahead", "jobs", n)
		}
		if n < batch {
			q.wall = now
			return nil
		}
	}
}

// moveBack keeps how long the job was to wait, from now on.
func (s *stray) moveBack(now time.Time) {
	from := s.createdAt
	if s.startedAt.V.After(from) {
		from = s.startedAt.V
	}
	s.runAt = now.Add(s.runAt.Sub(from))
	if s.createdAt.After(now) {
		s.createdAt = now
	}
	if s.startedAt.V.After(now) {
		s.startedAt = null.Of(now)
	}
}
