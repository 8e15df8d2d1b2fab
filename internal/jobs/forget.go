package jobs

import (
	"context"
	"time"

	"sede/internal/access"
	"sede/internal/db"
)

// How long finished jobs are kept.
const (
	keepDone   = 24 * time.Hour
	keepFailed = 30 * 24 * time.Hour
)

// Schedules are those of the package, for the composition: every hour what nobody
// needs any more is removed.
func (q *Queue) Schedules() []Schedule {
	return []Schedule{{Name: "jobs.forget", Every: time.Hour, Do: func(ctx context.Context) error {
		now := q.now()
		for _, old := range []struct {
			state  string
			before time.Time
		}{{done, now.Add(-keepDone)}, {failed, now.Add(-keepFailed)}, {discarded, now.Add(-keepFailed)}} {
			if err := q.forgetOld(ctx, old.state, old.before); err != nil {
				return err
			}
		}
		return q.DB.Write(ctx, access.Instance(), func(tx *db.Tx) error {
			forgetRunners(tx, now.Add(-keepDone))
			return nil
		})
	}}}
}

func (q *Queue) forgetOld(ctx context.Context, state string, before time.Time) error {
	for {
		var n int64
		err := q.DB.Write(ctx, access.Instance(), func(tx *db.Tx) (err error) {
			n, err = forget(tx, state, before)
			return err
		})
		if err != nil || n < batch {
			return err
		}
	}
}
