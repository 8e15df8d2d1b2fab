package entitlement

import (
	"sede/internal/feature"
	"sede/internal/hydra"
	"sede/internal/organization"
	"sede/internal/product"
	"sede/internal/webhook"
)

// TrialDays is for how many days a new organization tries everything, unless the
// operator says otherwise.
const TrialDays = 14

// New returns the use cases. trialDays says for how many days a new organization
// tries everything: 0 is TrialDays, less is not at all.
func New(p feature.Platform, products *product.Service, organizations *organization.Service, trialDays int) *Service {
	if trialDays == 0 {
		trialDays = TrialDays
	}
	return &Service{db: p.DB, audit: p.Audit, ids: p.IDs, products: products, organizations: organizations, trialDays: trialDays}
}

// Module hands the feature to the composition.
func (s *Service) Module() feature.Module {
	return feature.Module{Resources: []hydra.Declaration{s.resource()}, Events: webhook.Changes("OrganizationModule")}
}
