package reference

import (
	"context"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"sede/internal/feature"
	"sede/internal/hydra"
)

// New returns the use cases. It fails when the languages can't be read.
func New(ctx context.Context, p feature.Platform) (*Service, error) {
	s := &Service{db: p.DB, audit: p.Audit, now: p.Clock, atlas: newAtlas(), reader: hydra.Reader}
	s.namers.make = func(reader language.Tag) display.Namer { return display.Tags(reader) }
	_, err := s.current(ctx, 0)
	return s, err
}

// Module hands the feature to the composition.
func (s *Service) Module() feature.Module {
	return feature.Module{Resources: s.resources()}
}
