package transfer

import (
	"context"
	"sync"

	"sede/internal/archive"
	"sede/internal/db"
	"sede/internal/feature"
	"sede/internal/organization"
)

// New returns the use cases and gives organizations their operations. It makes the
// key that signs archives, if there is none yet.
func New(ctx context.Context, p feature.Platform, organizations *organization.Service) (*Service, error) {
	s := &Service{db: p.DB, clock: p.Clock, blobs: p.Blobs, organizations: organizations, turns: make(chan struct{}, atOnce)}
	s.key = func(tx *db.Tx) (*archive.Key, error) { return archive.LoadKey(tx, p.Secret, p.Random, p.Clock.Now()) }
	s.schema = sync.OnceValues(func() (map[string]*db.Table, error) { return db.Schema(context.Background()) })
	organizations.Offer(s.operations()...)
	return s, archive.HaveKey(ctx, p.DB, p.Secret, p.Random, p.Clock.Now())
}
