package location

import (
	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/feature"
	"sede/internal/hydra"
	"sede/internal/webhook"
)

// New returns the use cases. zone tells the time zone that an organization's
// new locations get.
func New(p feature.Platform, zone func(tx *db.Tx, scope access.Scope) (string, error)) *Service {
	return &Service{db: p.DB, audit: p.Audit, ids: p.IDs, now: p.Clock, zone: zone}
}

// Module hands the feature to the composition.
func (s *Service) Module() feature.Module {
	return feature.Module{Resources: []hydra.Declaration{s.resource()}, Texts: []*db.Listing{&listing}, Events: webhook.Changes("Location")}
}
