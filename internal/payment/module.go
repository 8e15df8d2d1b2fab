package payment

import (
	"time"

	"sede/internal/billing"
	"sede/internal/feature"
	"sede/internal/hydra"
	"sede/internal/jobs"
	"sede/internal/organization"
	"sede/internal/stripe"
	"sede/internal/subscription"
	"sede/internal/throttle"
	"sede/internal/webhook"
)

// Settings are what the operator decides.
type Settings struct {
	Key     string   // the secret key; empty: Stripe is not used
	Secrets []string // that webhooks may be signed with
	URL     string   // of another than Stripe's own server, for tests
}

// Features are those that payments are about.
type Features struct {
	Organizations *organization.Service
	Subscriptions *subscription.Service
	Invoices      *billing.Service
}

// New returns the use cases.
func New(p feature.Platform, settings Settings, f Features) (*Service, error) {
	s := &Service{db: p.DB, audit: p.Audit, jobs: p.Jobs, ids: p.IDs, now: p.Clock, mail: p.Mail, secrets: settings.Secrets, organizations: f.Organizations,
		subscriptions: f.Subscriptions, invoices: f.Invoices, problem: p.Problem}
	if settings.Key == "" {
		return s, nil
	}
	client, err := stripe.New(stripe.Config{Key: settings.Key, URL: settings.URL})
	s.client = client
	return s, err
}

// Used reports whether Stripe is used at all, and whether it moves real money.
func (s *Service) Used() (used, live bool) {
	return s.client != nil, s.client != nil && s.client.Live()
}

// Module hands the feature to the composition.
func (s *Service) Module() feature.Module {
	return feature.Module{
		Resources: s.resources(),
		Routes:    []hydra.Route{{Pattern: "POST /webhooks/stripe", Handler: s.hear(s.problem), Class: throttle.Webhook}},
		Describe:  []hydra.Describe{describe},
		Workers:   []jobs.Worker{doEvent.Worker(s.work), doPush.Worker(s.push), doDetach.Worker(s.detach), doTwin.Worker(s.carryOut), doReconcile.Worker(s.reconcileNow)},
		Events:    webhook.Changes("PaymentMethod"),
		Schedules: []jobs.Schedule{
			{Name: "payment.forget", Every: 24 * time.Hour, Do: s.forget},
			{Name: "payment.reconcile", Every: reconcileEvery, Do: s.reconcile},
		},
	}
}
