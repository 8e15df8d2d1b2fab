package invitation

import (
	"sede/internal/account"
	"sede/internal/feature"
	"sede/internal/organization"
	"sede/internal/webhook"
)

// New returns the use cases.
func New(p feature.Platform, accounts *account.Service, organizations *organization.Service) *Service {
	return &Service{db: p.DB, audit: p.Audit, ids: p.IDs, now: p.Clock, random: p.Random, mail: p.Mail,
		baseURL: p.BaseURL, accounts: accounts, organizations: organizations}
}

// Module hands the feature to the composition.
func (s *Service) Module() feature.Module {
	return feature.Module{Resources: s.resources(), Pages: s.pages(), Events: webhook.Changes("OrganizationUserInvitation")}
}
