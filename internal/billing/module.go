package billing

import (
	"sede/internal/feature"
	"sede/internal/organization"
	"sede/internal/product"
	"sede/internal/webhook"
)

// New returns the use cases.
func New(p feature.Platform, products *product.Service, organizations *organization.Service) *Service {
	return &Service{db: p.DB, audit: p.Audit, mail: p.Mail, ids: p.IDs, now: p.Clock, products: products, organizations: organizations}
}

// Module hands the feature to the composition.
func (s *Service) Module() feature.Module {
	return feature.Module{Resources: s.resources(), Events: webhook.Changes("Invoice", "CreditNote")}
}
