package meeting

import (
	"context"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/jobs"
)

// keepCancelled is how long a cancelled meeting stays.
const keepCancelled = 30 * 24 * time.Hour

// schedules are the work that repeats: once a day the meetings that were
// cancelled long ago are removed. What they were stays in the audit log.
func (s *Service) schedules() []jobs.Schedule {
	return []jobs.Schedule{{Name: "meeting.forget", Every: 24 * time.Hour, Do: s.forgetCancelled}}
}

// forgetCancelled removes them in batches, so that no other write waits long.
func (s *Service) forgetCancelled(ctx context.Context) error {
	before := s.now.Now().Add(-keepCancelled)
	for {
		var n int64
		err := s.db.Write(ctx, access.Instance(), func(tx *db.Tx) (err error) {
			n, err = forget(tx, before)
			return err
		})
		if err != nil || n < forgetBatch {
			return err
		}
	}
}
