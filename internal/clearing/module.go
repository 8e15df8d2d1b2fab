package clearing

import (
	"context"
	"sync"
	"time"

	"sede/internal/archive"
	"sede/internal/db"
	"sede/internal/feature"
	"sede/internal/jobs"
	"sede/internal/null"
	"sede/internal/organization"
)

// New returns the use cases and gives organizations their operations.
func New(p feature.Platform, organizations *organization.Service) *Service {
	s := &Service{db: p.DB, audit: p.Audit, jobs: p.Jobs, ids: p.IDs, clock: p.Clock, blobs: p.Blobs, log: p.Log, organizations: organizations}
	s.key = func(tx *db.Tx) (*archive.Key, error) { return archive.LoadKey(tx, p.Secret, p.Random, s.moment()) }
	s.schema = sync.OnceValues(func() (map[string]*db.Table, error) { return db.Schema(context.Background()) })
	organizations.OnShow(func(tx *db.Tx, items []organization.Organization) error { return fill(tx, items, s.moment()) })
	organizations.Offer(s.operations()...)
	return s
}

// Module hands the feature to the composition.
func (s *Service) Module() feature.Module {
	return feature.Module{
		Workers:   []jobs.Worker{doClear.Worker(s.doClear), doRestore.Worker(s.doRestore)},
		Schedules: []jobs.Schedule{{Name: "clearing.expire", Every: 24 * time.Hour, Do: s.expire}},
	}
}

func clearableUntil(o *organization.Organization) *null.Value[time.Time] { return &o.ClearableUntil }
