package product

import (
	"sede/internal/feature"
	"sede/internal/hydra"
)

// New returns the use cases.
func New(p feature.Platform) *Service { return &Service{db: p.DB, audit: p.Audit, now: p.Clock} }

// Module hands the feature to the composition.
func (s *Service) Module() feature.Module {
	return feature.Module{Resources: []hydra.Declaration{s.resource()}}
}
