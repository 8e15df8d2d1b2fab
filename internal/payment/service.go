package payment

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/billing"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/mail"
	"sede/internal/null"
	"sede/internal/organization"
	"sede/internal/outbound"
	"sede/internal/page"
	"sede/internal/stripe"
	"sede/internal/subscription"
)

// Who may do what.
var (
	mayRead    = access.Within(access.Payers)
	mayWrite   = access.Within(access.Payers).ToChange()
	mayResolve = access.Operators()
)

// Service holds the use cases.
type Service struct {
	db            *db.DB
	audit         *audit.Log
	jobs          *jobs.Queue
	ids           *ident.Source
	now           clock.Clock
	mail          *mail.Post
	client        *stripe.Client // nil: Stripe is not used
	secrets       []string       // of webhooks
	organizations *organization.Service
	subscriptions *subscription.Service
	invoices      *billing.Service
	problem       func(w http.ResponseWriter, r *http.Request, err error)
	seen          sync.Map // products and coupons that Stripe has, as keys
}

// List returns a page of what the organization pays with, the newest first.
func (s *Service) List(ctx context.Context, who *access.Caller, q *page.Query) (r page.Result[Method], err error) {
	if err := mayRead.Check(who); err != nil {
		return r, err
	}
	err = s.db.Read(ctx, who.Scope(), func(tx *db.Tx) (err error) {
		r, err = list(tx, who.Scope(), q)
		return err
	})
	return r, err
}

// Get loads one payment method; Missing when the organization has no such one.
func (s *Service) Get(ctx context.Context, who *access.Caller, id ident.ID, m *Method) error {
	if err := mayRead.Check(who); err != nil {
		return err
	}
	return s.db.Read(ctx, who.Scope(), func(tx *db.Tx) error { return find(tx, who.Scope(), id, m) })
}

// Create begins a payment method: it is pending until somebody gave it on the page
// of Stripe's that setupUrl leads to. It is a Conflict where invoices are paid by
// transfer, and Unavailable while Stripe does not answer.
func (s *Service) Create(ctx context.Context, who *access.Caller, m *Method) error {
	if err := mayWrite.Check(who); err != nil {
		return err
	}
	if text := outbound.CheckAddress(m.ReturnURL, true); !text.IsZero() {
		return fault.Broken(fault.Violation{Path: "returnUrl", Text: text})
	}
	id := s.ids.New()
	var setup stripe.Setup
	err := s.withPayer(ctx, who, func(p payer) (err error) {
		setup, err = s.client.CreateSetup(ctx, "setup:"+id.String()+":"+p.customer, p.customer, p.currency, "", m.ReturnURL, m.ReturnURL)
		return err
	})
	if err != nil {
		return err
	}
	return s.db.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		now := s.now.Now().Truncate(time.Second)
		*m = Method{ID: id, Organization: who.Organization, Status: Pending, SetupURL: orNull(setup.URL), Session: null.Of(setup.ID), Version: 1, CreatedAt: now, UpdatedAt: now}
		if err := insert(tx, who.Scope(), m); err != nil {
			return err
		}
		return s.record(tx, who, who.Scope(), "create", nil, m)
	})
}

// Update makes a payment method the one that invoices are paid with.
func (s *Service) Update(ctx context.Context, who *access.Caller, id ident.ID, m *Method, apply func() error) error {
	if err := mayWrite.Check(who); err != nil {
		return err
	}
	scope := who.Scope()
	return s.db.Write(ctx, scope, func(tx *db.Tx) error {
		if err := s.lock(tx, scope); err != nil {
			return err
		}
		*m = Method{}
		if err := find(tx, scope, id, m); err != nil {
			return err
		}
		before := *m
		if err := apply(); err != nil {
			return err
		}
		switch {
		case m.Default == before.Default:
			return nil
		case !m.Default:
			return fault.Broken(fault.Violation{Path: "default", Text: fault.Textf("Make another payment method the default instead.")})
		case m.Status != Active:
			return fault.New(fault.Conflict, "Nobody has given this payment method yet.")
		}
		if err := s.onlyDefault(tx, scope, id); err != nil {
			return err
		}
		m.Version, m.UpdatedAt = m.Version+1, s.now.Now().Truncate(time.Second)
		if err := update(tx, scope, m); err != nil {
			return err
		}
		doPush.Enqueue(tx, s.jobs, scope, pushArgs{Method: m.External.V, Version: m.Version}, jobs.Options{})
		if err := s.loadLive(tx, scope); err != nil {
			return err
		}
		return s.record(tx, who, scope, "update", &before, m)
	})
}

// onlyDefault takes the default from all others.
func (s *Service) onlyDefault(tx *db.Tx, scope access.Scope, id ident.ID) error {
	others, err := all(tx, scope)
	if err != nil {
		return err
	}
	for i := range others {
		if o := &others[i]; o.ID != id && o.Default {
			o.Default, o.Version, o.UpdatedAt = false, o.Version+1, s.now.Now().Truncate(time.Second)
			if err := update(tx, scope, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// Delete takes a payment method away. Stripe is told until it confirms.
func (s *Service) Delete(ctx context.Context, who *access.Caller, id ident.ID) error {
	if err := mayWrite.Check(who); err != nil {
		return err
	}
	scope := who.Scope()
	return s.db.Write(ctx, scope, func(tx *db.Tx) error {
		if err := s.lock(tx, scope); err != nil {
			return err
		}
		var m Method
		if err := find(tx, scope, id, &m); err != nil {
			return err
		}
		before := m
		m.Removed, m.Default, m.Version, m.UpdatedAt = true, false, m.Version+1, s.now.Now().Truncate(time.Second)
		if m.External.Valid {
			doDetach.Enqueue(tx, s.jobs, scope, detachArgs{Method: m.External.V}, jobs.Options{})
			if err := errors.Join(update(tx, scope, &m), s.loadLive(tx, scope)); err != nil {
				return err
			}
		} else if err := remove(tx, scope, id); err != nil {
			return err
		}
		return s.record(tx, who, scope, "delete", &before, nil)
	})
}

// Visit makes a link to Stripe's page for the caller's organization, whose id or
// slug is given; Missing for another. It is good for minutes.
func (s *Service) Visit(ctx context.Context, who *access.Caller, ref string, v *Visit, p *Portal) error {
	if err := mayWrite.Check(who); err != nil {
		return err
	}
	id, err := s.organizations.Find(ctx, ref)
	if err != nil {
		return err
	}
	if id != who.Organization {
		return fault.Missing()
	}
	if text := outbound.CheckAddress(v.ReturnURL, true); !text.IsZero() {
		return fault.Broken(fault.Violation{Path: "returnUrl", Text: text})
	}
	p.ID = id
	return s.withPayer(ctx, who, func(payer payer) error {
		p.URL, err = s.client.Portal(ctx, "portal:"+s.ids.New().String(), payer.customer, "", v.ReturnURL)
		return err
	})
}

// lock lets one at a time change what an organization pays with, until the
// transaction ends.
func (s *Service) lock(tx *db.Tx, scope access.Scope) error {
	return tx.Lock("payment/" + scope.Organization().String())
}

// unavailable is what people hear of a call to Stripe that failed.
func unavailable(err error) error {
	if err == nil {
		return nil
	}
	if stripe.Is(err, stripe.Retry) {
		return fault.Wrap(err, fault.Unavailable, "Stripe can't be reached at the moment. Try again later.")
	}
	return err
}

// record appends to the organization's audit log; after nil: it is gone.
func (s *Service) record(tx *db.Tx, who *access.Caller, scope access.Scope, action string, before, after *Method) error {
	e := audit.Entry{Scope: scope, Action: action, Resource: "PaymentMethod"}
	if before != nil {
		e.Key, e.Before = before.ID.String(), hydra.JSON(fields, before)
	}
	if after != nil {
		e.Key, e.After = after.ID.String(), hydra.JSON(fields, after)
	}
	return s.audit.Append(tx, who, e)
}
