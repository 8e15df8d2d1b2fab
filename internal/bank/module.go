package bank

import (
	"context"
	"net/http"
	"strings"

	"sede/internal/access"
	"sede/internal/bank/kontomatik"
	"sede/internal/bank/sandbox"
	"sede/internal/db"
	"sede/internal/feature"
	"sede/internal/hydra"
	"sede/internal/jobs"
	"sede/internal/webhook"
)

// Settings are what the operator decides.
type Settings struct {
	URL string // of Kontomatik; empty: there is the Sandbox bank only
	Key string
	// KeepMonths is how many months transactions are kept; 0: for good.
	KeepMonths int
}

// sandboxPath is where people meet the Sandbox bank.
const sandboxPath = "/sandbox-bank"

// New returns the use cases. problem answers a page of the Sandbox bank that failed.
func New(ctx context.Context, p feature.Platform, settings Settings, organizations Organizations,
	problem func(w http.ResponseWriter, r *http.Request, err error)) (*Service, error) {
	s := &Service{db: p.DB, audit: p.Audit, jobs: p.Jobs, ids: p.IDs, now: p.Clock, box: p.Secret, log: p.Log, mail: p.Mail, webhooks: p.Webhooks, organizations: organizations,
		keepMonths: settings.KeepMonths}
	s.providers = &providers{db: p.DB, clock: p.Clock, key: newKey(), catalogue: map[string]catalogue{}}
	if settings.URL != "" {
		client, err := kontomatik.New(kontomatik.Config{URL: settings.URL, Key: settings.Key})
		if err != nil {
			return nil, err
		}
		s.providers.real = client
	}
	own, err := sandboxBox(ctx, p)
	if err != nil {
		return nil, err
	}
	s.providers.bank = sandbox.New(sandbox.Config{
		Key: s.providers.key, Pages: p.BaseURL + sandboxPath, Secret: own, Random: p.Random, Store: records{p.DB}, Clock: p.Clock, Log: p.Log, Problem: problem,
	})
	return s, nil
}

// Module hands the feature to the composition.
func (s *Service) Module() feature.Module {
	return feature.Module{
		Resources: []hydra.Declaration{s.integrations(), s.banks(), s.accounts(), s.histories(), s.transactions(), s.removed(), s.matches()},
		Routes:    s.routes(),
		Workers:   []jobs.Worker{doSignIn.Worker(s.signIn), doRenew.Worker(s.renew), doPull.Worker(s.doPull), doForget.Worker(s.forget), doErase.Worker(s.erase), doMatch.Worker(s.match)},
		Due:       []jobs.Due{s.due()},
		Texts:     []*db.Listing{&transactionListing},
		Events:    append(events(), webhook.Changes("Integration", "BankAccount", "PaymentMatch")...),
		Schedules: []jobs.Schedule{
			{Name: "bank.retention", Every: retentionEvery, Do: s.removeOld},
			{Name: "bank.removed", Every: day, Do: s.forgetRemoved},
			{Name: "bank.sandbox-records", Every: day, Do: s.forgetRecords},
		},
	}
}

// routes serve the pages of the Sandbox bank.
func (s *Service) routes() []hydra.Route {
	pages := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, below, _ := strings.Cut(r.URL.Path, sandboxPath)
		inner := r.Clone(r.Context())
		inner.URL.Path, inner.URL.RawPath = below, ""
		s.providers.bank.Pages().ServeHTTP(w, inner)
	})
	return []hydra.Route{
		{Pattern: "GET " + sandboxPath + "/{$}", Handler: pages},
		{Pattern: "GET " + sandboxPath + "/page.css", Handler: pages},
		{Pattern: "GET " + sandboxPath + "/sign-in/{token}", Handler: pages},
		{Pattern: "POST " + sandboxPath + "/sign-in/{token}", Handler: pages},
	}
}

// forgetRecords removes what the Sandbox bank needs no more.
func (s *Service) forgetRecords(ctx context.Context) error {
	before := s.now.Now()
	for {
		var n int64
		err := s.db.Write(ctx, access.Instance(), func(tx *db.Tx) (err error) {
			n, err = forgetRecords(tx, before)
			return err
		})
		if err != nil || n == 0 {
			return err
		}
	}
}
