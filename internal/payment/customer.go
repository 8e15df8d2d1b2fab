package payment

import (
	"context"
	"errors"
	"strings"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/organization"
	"sede/internal/stripe"
)

// payer is who pays at Stripe.
type payer struct{ customer, currency string }

// errGone says that there is nothing to do for a job any more.
var errGone = errors.New("payment: the organization has no customer at Stripe")

// payer returns the organization's customer at Stripe, which is made when it is
// first needed. It is a Conflict where Stripe is not used and never was.
func (s *Service) payer(ctx context.Context, who *access.Caller) (p payer, err error) {
	var known organization.Payer
	err = s.db.Read(ctx, who.Scope(), func(tx *db.Tx) error {
		if known, err = s.organizations.Payer(tx, who.Scope()); err != nil {
			return err
		}
		settings, err := s.organizations.Settings(tx, who.Scope())
		p.currency = strings.ToLower(settings.Currency)
		return err
	})
	if err != nil {
		return p, err
	}
	if s.client == nil || known.Manual && !known.Customer.Valid {
		return p, fault.New(fault.Conflict, "The invoices of this organization are paid by transfer.")
	}
	if p.customer = known.Customer.V; known.Customer.Valid {
		return p, nil
	}
	p.customer, err = s.makeCustomer(ctx, who.Scope(), known)
	return p, unavailable(err)
}

// withPayer does something with the organization's customer, and once more with another
// when somebody deleted the one that was known.
func (s *Service) withPayer(ctx context.Context, who *access.Caller, do func(p payer) error) error {
	for try := 0; ; try++ {
		p, err := s.payer(ctx, who)
		if err != nil {
			return err
		}
		if err = do(p); try > 0 || !stripe.Is(err, stripe.Gone) {
			return unavailable(err)
		}
		if err := s.pullCustomer(ctx, who.Organization, p.customer, ""); err != nil {
			return unavailable(err)
		}
	}
}

// makeCustomer makes the organization's customer, unless Stripe has one that nobody noted:
// an answer may have been lost, or said that it failed. The idempotency key is the
// organization's, so that of many who come at once all get the same.
func (s *Service) makeCustomer(ctx context.Context, scope access.Scope, known organization.Payer) (string, error) {
	id := scope.Organization().String()
	c, err := s.lostCustomer(ctx, id)
	if err == nil && c.ID == "" {
		err = s.keyed(ctx, customerKey(id), func(key string) (err error) {
			c, err = s.client.CreateCustomer(ctx, key, stripe.CustomerData{Name: known.Name, Metadata: map[string]string{metaOrganization: id}})
			return err
		})
	}
	if err != nil {
		return "", err
	}
	var stored string
	err = s.db.Write(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		stored, err = s.organizations.SetCustomer(tx, access.System(scope.Organization()), c.ID)
		return err
	})
	return stored, err
}

// metaOrganization is the customer's metadata that says whose it is.
const metaOrganization = "organization"

func customerKey(organization string) string { return "customer:" + organization }

// searchLag is how far Stripe's search may be behind.
const searchLag = time.Hour

// lostCustomer looks for a customer that was made for the organization. Those that can't
// be found by their metadata yet matter only when a call failed before: else the key
// brings them back.
func (s *Service) lostCustomer(ctx context.Context, organization string) (c stripe.Customer, err error) {
	var used int64
	err = s.db.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		used, err = keysUsed(tx, customerKey(organization))
		return err
	})
	if err != nil {
		return c, err
	}
	var since time.Time
	if used > 0 {
		since = s.now.Now().Add(-searchLag)
	}
	list, err := s.client.CustomersWith(ctx, metaOrganization, organization, since)
	if err != nil || len(list) == 0 {
		return c, err
	}
	found, err := s.client.Customer(ctx, list[0].ID) // since when it may have been deleted
	if stripe.Is(err, stripe.Gone) || err == nil && found.Deleted {
		return c, nil
	}
	return found, err
}

// customerOf returns the customer of a job's organization, errGone when there is
// none.
func (s *Service) customerOf(ctx context.Context, scope access.Scope) (customer string, err error) {
	err = s.db.Read(ctx, scope, func(tx *db.Tx) error {
		known, err := s.organizations.Payer(tx, scope)
		if err == nil && (!known.Customer.Valid || s.client == nil) {
			err = errGone
		}
		customer = known.Customer.V
		return err
	})
	return customer, err
}

// discarded fails a job at once that can never be done.
func discarded(err error) error {
	if errors.Is(err, errGone) {
		return jobs.Discard(err)
	}
	return err
}

// jobFailure tells what a repetition can help from what an operator must see. What
// Stripe puts off is put off as long as it says.
func jobFailure(err error) error {
	switch after := stripe.After(err); {
	case stripe.Is(err, stripe.Misconfigured):
		return jobs.Discard(err)
	case after > 0:
		return jobs.Snooze(after)
	}
	return err
}

// pullCustomer loads what the customer pays with, and what became of the pages on
// which somebody was to give something, and stores the whole of it. also is another
// subject whose events are settled with it.
func (s *Service) pullCustomer(ctx context.Context, organization ident.ID, customer, also string) error {
	ticket, events, err := s.begin(ctx, customer, also)
	if err != nil {
		return err
	}
	c, err := s.client.Customer(ctx, customer)
	if stripe.Is(err, stripe.Gone) {
		c, err = stripe.Customer{ID: customer, Deleted: true}, nil
	}
	if err != nil {
		return err
	}
	setups, err := s.setups(ctx, organization, &c)
	if err != nil {
		return err
	}
	var methods []stripe.PaymentMethod
	if !c.Deleted {
		if methods, err = s.client.PaymentMethods(ctx, customer); err != nil {
			return err
		}
	}
	return s.loaded(ctx, organization, customer, ticket, events, func(tx *db.Tx, scope access.Scope) error {
		known, err := s.organizations.Payer(tx, scope)
		if err != nil || known.Customer.V != customer { // another pays by now
			return err
		}
		if c.Deleted {
			if err := s.dropCustomer(tx, scope, customer); err != nil {
				return err
			}
		}
		if err := s.mirrorSetups(tx, scope, setups); err != nil {
			return err
		}
		return s.mirror(tx, scope, methods, c.PaymentMethod)
	})
}

// dropCustomer forgets a customer that somebody deleted at Stripe, which ended what it
// had there. When one is needed again, another is made, with another key.
func (s *Service) dropCustomer(tx *db.Tx, scope access.Scope, customer string) error {
	base := customerKey(scope.Organization().String())
	used, err := keysUsed(tx, base)
	if err != nil {
		return err
	}
	useKey(tx, base, used+1)
	return errors.Join(s.organizations.DropCustomer(tx, scope, customer), s.loadLive(tx, scope))
}

// begin takes a ticket for a subject.
func (s *Service) begin(ctx context.Context, subjects ...string) (ticket int64, events []string, err error) {
	err = s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		ticket, events = 0, nil
		for i, about := range subjects {
			if about == "" {
				continue
			}
			n, found, err := take(tx, about)
			if err != nil {
				return err
			}
			if i == 0 {
				ticket = n
			}
			events = append(events, found...)
		}
		return nil
	})
	return ticket, events, err
}

// loaded stores what was loaded with a ticket, unless newer is stored.
func (s *Service) loaded(ctx context.Context, organization ident.ID, about string, ticket int64, events []string, store func(tx *db.Tx, scope access.Scope) error) error {
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		scope := access.System(organization)
		if err := s.lock(tx, scope); err != nil {
			return err
		}
		newest, err := apply(tx, about, ticket)
		if err != nil {
			return err
		}
		settle(tx, events, s.now.Now())
		if !newest {
			return nil
		}
		return store(tx, scope)
	})
}

// Moved has Stripe learn that an address of the organization is another, which may
// change how it is taxed.
func (s *Service) Moved(tx *db.Tx, scope access.Scope) error { return s.loadLive(tx, scope) }

// loadLive has the live subscription loaded again, because something else may pay it.
func (s *Service) loadLive(tx *db.Tx, scope access.Scope) error {
	id, err := s.subscriptions.Live(tx, scope)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err == nil {
		s.Changed(tx, scope, id)
	}
	return err
}
