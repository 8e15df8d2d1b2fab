package payment

import (
	"context"
	"errors"
	"strconv"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/stripe"
)

// pushArgs name the payment method that is to be the default. The version makes the
// idempotency key: each time somebody decides is another.
type pushArgs struct {
	Method  string `json:"method"`
	Version int64  `json:"version"`
}

type detachArgs struct {
	Method string `json:"method"`
}

var (
	doPush   = jobs.Kind[pushArgs]{Name: "payment.default"}
	doDetach = jobs.Kind[detachArgs]{Name: "payment.detach"}
)

// push tells Stripe the default, then loads what came of it.
func (s *Service) push(ctx context.Context, job *jobs.Job[pushArgs]) error {
	customer, err := s.customerOf(ctx, job.Scope)
	if err != nil {
		return discarded(err)
	}
	err = s.keyed(ctx, "default:"+job.Args.Method+":"+strconv.FormatInt(job.Args.Version, 10), func(key string) error {
		_, err := s.client.SetDefault(ctx, key, customer, job.Args.Method)
		return err
	})
	if err != nil && !stripe.Is(err, stripe.Gone) {
		return jobFailure(err)
	}
	if err == nil {
		if err := s.follow(ctx, job.Scope, &job.Args); err != nil {
			return jobFailure(err)
		}
	}
	return s.pullCustomer(ctx, job.Scope.Organization(), customer, "")
}

// follow has the live subscription be paid with the customer's default again, unless
// somebody chose otherwise: Stripe gives a subscription the payment method that paid it
// first, and goes on with that one.
func (s *Service) follow(ctx context.Context, scope access.Scope, a *pushArgs) error {
	var id ident.ID
	err := s.db.Read(ctx, scope, func(tx *db.Tx) (err error) {
		id, err = s.subscriptions.Live(tx, scope)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	w, err := s.wanted(ctx, scope.Organization(), id)
	if err != nil || w.method != "" {
		return err
	}
	at, err := s.find(ctx, &w)
	if err != nil || at == nil || at.Over() || at.PaymentMethod == "" {
		return err
	}
	none := ""
	return s.keyed(ctx, "follow:"+a.Method+":"+strconv.FormatInt(a.Version, 10), func(key string) error {
		_, err := s.client.ChangeSubscription(ctx, key, at.ID, stripe.Change{PaymentMethod: &none})
		return err
	})
}

// detach takes a payment method from the customer, then loads what came of it.
func (s *Service) detach(ctx context.Context, job *jobs.Job[detachArgs]) error {
	customer, err := s.customerOf(ctx, job.Scope)
	if err != nil {
		return discarded(err)
	}
	err = s.keyed(ctx, "detach:"+job.Args.Method, func(key string) error { return s.client.Detach(ctx, key, job.Args.Method) })
	if err != nil {
		return jobFailure(err)
	}
	return s.pullCustomer(ctx, job.Scope.Organization(), customer, "")
}

// setups looks what became of the pages that are open. The first payment method that
// is given becomes the default.
func (s *Service) setups(ctx context.Context, organization ident.ID, c *stripe.Customer) (list []stripe.Setup, err error) {
	var known []Method
	err = s.db.Read(ctx, access.System(organization), func(tx *db.Tx) (err error) {
		known, err = all(tx, access.System(organization))
		return err
	})
	for i := range known {
		if known[i].Status != Pending || err != nil {
			continue
		}
		setup, failed := s.client.Setup(ctx, known[i].Session.V)
		if stripe.Is(failed, stripe.Gone) {
			setup, failed = stripe.Setup{ID: known[i].Session.V, Status: "expired"}, nil
		}
		if c.Deleted { // nobody will give it to that customer
			setup.Status = "expired"
		}
		if failed == nil && setup.Method != "" && c.PaymentMethod == "" && !c.Deleted {
			failed = s.keyed(ctx, "first:"+setup.Method, func(key string) (err error) {
				*c, err = s.client.SetDefault(ctx, key, c.ID, setup.Method)
				return err
			})
		}
		list, err = append(list, setup), failed
	}
	return list, err
}

// mirrorSetups writes Stripe's ids to the payment methods that were given, and
// removes those that nobody gave in time.
func (s *Service) mirrorSetups(tx *db.Tx, scope access.Scope, setups []stripe.Setup) error {
	known, err := all(tx, scope)
	if err != nil {
		return err
	}
	for _, setup := range setups {
		for i := range known {
			m := &known[i]
			if m.Session.V != setup.ID || m.Status != Pending {
				continue
			}
			if setup.Status == "expired" {
				err = errors.Join(remove(tx, scope, m.ID), s.record(tx, nil, scope, "expire", m, nil))
			} else if setup.Method != "" {
				err = s.adopt(tx, scope, known, m, setup.Method)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// adopt gives a pending payment method its id at Stripe. A row that was made for the
// same one, because the list told of it first, is dropped.
func (s *Service) adopt(tx *db.Tx, scope access.Scope, known []Method, m *Method, external string) error {
	for i := range known {
		if known[i].External.V == external {
			if err := remove(tx, scope, known[i].ID); err != nil {
				return err
			}
		}
	}
	m.External, m.Version = orNull(external), m.Version+1
	return update(tx, scope, m)
}

// mirror makes the stored payment methods those that Stripe has.
func (s *Service) mirror(tx *db.Tx, scope access.Scope, at []stripe.PaymentMethod, first string) error {
	known, err := all(tx, scope)
	if err != nil {
		return err
	}
	now := s.now.Now().Truncate(time.Second)
	there, anyNews := map[string]bool{}, false
	for i := range at {
		there[at[i].ID] = true
		news, err := s.mirrorOne(tx, scope, known, &at[i], at[i].ID == first, now)
		if err != nil {
			return err
		}
		anyNews = anyNews || news
	}
	for i := range known {
		if m := &known[i]; m.External.Valid && !there[m.External.V] {
			if err := remove(tx, scope, m.ID); err != nil {
				return err
			}
			if anyNews = true; m.Removed { // which was recorded when somebody did it
				continue
			}
			if err := s.record(tx, nil, scope, "detach", m, nil); err != nil {
				return err
			}
		}
	}
	if !anyNews {
		return nil
	}
	return s.loadLive(tx, scope)
}

// mirrorOne stores one payment method as it is at Stripe and reports whether that is
// news.
func (s *Service) mirrorOne(tx *db.Tx, scope access.Scope, known []Method, at *stripe.PaymentMethod, isDefault bool, now time.Time) (news bool, err error) {
	for i := range known {
		m := &known[i]
		if m.External.V != at.ID {
			continue
		}
		before := *m
		if m.Removed || !m.take(at, isDefault) {
			return false, nil
		}
		m.Version, m.UpdatedAt = m.Version+1, now
		if err := update(tx, scope, m); err != nil {
			return false, err
		}
		return true, s.record(tx, nil, scope, "load", &before, m)
	}
	m := Method{ID: s.ids.New(), Organization: scope.Organization(), Version: 1, CreatedAt: now, UpdatedAt: now}
	m.take(at, isDefault)
	if err := insert(tx, scope, &m); err != nil {
		return false, err
	}
	return true, s.record(tx, nil, scope, "load", nil, &m)
}
