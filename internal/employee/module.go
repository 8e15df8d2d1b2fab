package employee

import (
	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/feature"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/webhook"
)

// New returns the use cases. isMember tells whether a user belongs to the
// organization.
func New(p feature.Platform, isMember func(tx *db.Tx, scope access.Scope, user ident.ID) (bool, error)) *Service {
	return &Service{db: p.DB, audit: p.Audit, ids: p.IDs, now: p.Clock, isMember: isMember}
}

// Module hands the feature to the composition.
func (s *Service) Module() feature.Module {
	return feature.Module{Resources: []hydra.Declaration{s.resource()}, Texts: []*db.Listing{&listing}, Events: webhook.Changes("Employee")}
}
