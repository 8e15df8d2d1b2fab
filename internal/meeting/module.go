package meeting

import (
	"sede/internal/employee"
	"sede/internal/feature"
	"sede/internal/holiday"
	"sede/internal/hydra"
	"sede/internal/location"
	"sede/internal/webhook"
)

// New returns the use cases.
func New(p feature.Platform, employees *employee.Service, locations *location.Service, settings Settings) *Service {
	return &Service{
		db: p.DB, audit: p.Audit, ids: p.IDs, now: p.Clock, random: p.Random, mail: p.Mail, baseURL: p.BaseURL, problem: p.Problem,
		employees: employees, locations: locations, settings: settings, holidays: holiday.New(),
	}
}

// Module hands the feature to the composition.
func (s *Service) Module() feature.Module {
	return feature.Module{
		Resources: []hydra.Declaration{s.resource(), s.slots(), s.feeds(), s.imports()}, Schedules: s.schedules(),
		Routes: s.routes(), Describe: []hydra.Describe{describe}, Events: webhook.Changes("Meeting"),
	}
}
