package subscription

import (
	"sede/internal/billing"
	"sede/internal/coupon"
	"sede/internal/db"
	"sede/internal/feature"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/null"
	"sede/internal/organization"
	"sede/internal/product"
	"sede/internal/webhook"
)

// Features are those that subscriptions are made of.
type Features struct {
	Products      *product.Service
	Coupons       *coupon.Service
	Invoices      *billing.Service
	Organizations *organization.Service
}

// New returns the use cases.
func New(p feature.Platform, f Features) *Service {
	return &Service{db: p.DB, audit: p.Audit, ids: p.IDs, secret: p.Secret,
		products: f.Products, coupons: f.Coupons, invoices: f.Invoices, organizations: f.Organizations}
}

// Module hands the feature to the composition.
func (s *Service) Module() feature.Module {
	return feature.Module{Resources: []hydra.Declaration{s.resource()}, Due: []jobs.Due{s.due()}, Events: webhook.Changes("Subscription")}
}

// shown is how many subscriptions and addresses an organization lists.
const shown = 100

// Fill completes organizations with their subscriptions.
func (s *Service) Fill(tx *db.Tx, items []organization.Organization) error {
	ids := make([]ident.ID, len(items))
	place := map[ident.ID]*organization.Organization{}
	for i := range items {
		ids[i], place[items[i].ID] = items[i].ID, &items[i]
	}
	found, err := heldBy(tx, ids, false)
	for _, h := range found {
		o := place[h.organization]
		if len(o.Subscriptions) < shown {
			o.Subscriptions = append(o.Subscriptions, h.id)
		}
		if h.live {
			o.CurrentSubscription = null.Of(h.id)
			o.ProductionLike = o.ProductionLike || h.pays() && o.Type != organization.Demo && o.Type != organization.Sandbox
		}
	}
	return err
}

// SeatLimits tells how many seats the organizations bought with their live
// subscriptions.
func (s *Service) SeatLimits(tx *db.Tx, organizations []ident.ID) (map[ident.ID]null.Value[int64], error) {
	found, err := heldBy(tx, organizations, true)
	limits := make(map[ident.ID]null.Value[int64], len(found))
	for _, h := range found {
		limits[h.organization] = null.Of(h.seats)
	}
	return limits, err
}
