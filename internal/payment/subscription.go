package payment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/null"
	"sede/internal/stripe"
	"sede/internal/subscription"
)

type twinArgs struct {
	Subscription ident.ID `json:"subscription"`
}

var doTwin = jobs.Kind[twinArgs]{Name: "payment.subscription"}

// Bills reports whether Stripe bills the organization in scope.
func (s *Service) Bills(tx *db.Tx, scope access.Scope) (bool, error) {
	if s.client == nil {
		return false, nil
	}
	p, err := s.organizations.Payer(tx, scope)
	return !p.Manual, err
}

// Pays returns the payment method that pays when somebody chooses one, which must be
// one that was given.
func (s *Service) Pays(tx *db.Tx, scope access.Scope, method null.Value[ident.ID]) (null.Value[ident.ID], error) {
	if !method.Valid {
		return methodOf(tx, scope, "")
	}
	var m Method
	err := find(tx, scope, method.V, &m)
	switch {
	case fault.Is(err, fault.NotFound):
		return method, fault.Broken(fault.Violation{Path: "paymentMethod", Text: fault.Textf("Item not found for %q.", "/payment-methods/"+method.V.String())})
	case err == nil && m.Status != Active:
		return method, fault.New(fault.Conflict, "Nobody has given this payment method yet.")
	}
	return method, err
}

// Changed has Stripe learn what changed of a subscription.
func (s *Service) Changed(tx *db.Tx, scope access.Scope, id ident.ID) {
	doTwin.Enqueue(tx, s.jobs, scope, twinArgs{id}, jobs.Options{})
}

// carryOut tells Stripe what is wanted of a subscription, until nothing more is, and
// loads what came of it.
func (s *Service) carryOut(ctx context.Context, job *jobs.Job[twinArgs]) error {
	if s.client == nil {
		return jobs.Discard(errGone)
	}
	organization, id := job.Scope.Organization(), job.Args.Subscription
	err := s.pushTwin(ctx, organization, id)
	if errors.Is(err, errNoTwin) { // which an operator must see
		err = s.compare(ctx, organization, id)
	}
	return jobFailure(err)
}

// errNoTwin says that Stripe does not know the twin any more.
var errNoTwin = errors.New("payment: Stripe does not know the subscription")

// noTwin tells a twin that is gone from other failures.
func noTwin(err error) error {
	if stripe.Is(err, stripe.Gone) {
		return fmt.Errorf("%w: %w", errNoTwin, err)
	}
	return err
}

// mostRounds bounds how often a subscription that changes while Stripe is told is
// told again at once.
const mostRounds = 5

func (s *Service) pushTwin(ctx context.Context, organization, id ident.ID) error {
	var w wish
	return s.again(ctx, &w, func() error { return s.pushRounds(ctx, organization, id, &w) })
}

func (s *Service) pushRounds(ctx context.Context, organization, id ident.ID, w *wish) (err error) {
	for range mostRounds {
		if *w, err = s.wanted(ctx, organization, id); err != nil {
			return err
		}
		at, err := s.find(ctx, w)
		if err != nil {
			return err
		}
		if at == nil && w.Over {
			return nil
		}
		begins := at == nil
		if begins {
			if at, err = s.startTwin(ctx, w); err != nil {
				return err
			}
		}
		// Its id is noted, and what was scheduled for a period that has begun is in force.
		if begins || at.PeriodFrom.After(w.PeriodFrom) && !w.Over {
			if err := s.pullTwin(ctx, organization, at.ID); err != nil {
				return err
			}
			if *w, err = s.wanted(ctx, organization, id); err != nil {
				return err
			}
		}
		if err := s.change(ctx, w, at); err != nil {
			return err
		}
		if err := s.pullTwin(ctx, organization, at.ID); err != nil {
			return err
		}
		after, err := s.wanted(ctx, organization, id)
		if err != nil || after.Wanted == w.Wanted {
			return err
		}
	}
	return jobs.Snooze(time.Second)
}

// find loads the twin; nil: there is none yet. One whose id was lost is known by its
// metadata.
func (s *Service) find(ctx context.Context, w *wish) (*stripe.Subscription, error) {
	if w.External.Valid {
		at, err := s.client.Subscription(ctx, w.External.V)
		if w.Over && stripe.Is(err, stripe.Gone) {
			return nil, nil
		}
		return &at, noTwin(err)
	}
	if !w.payer.Customer.Valid {
		return nil, nil
	}
	list, err := s.client.Subscriptions(ctx, w.payer.Customer.V)
	if stripe.Is(err, stripe.Gone) {
		return nil, nil
	}
	i := slices.IndexFunc(list, func(at stripe.Subscription) bool { return at.Metadata[metaSubscription] == w.ID.String() })
	if i < 0 || err != nil {
		return nil, err
	}
	return &list[i], nil
}

// startTwin begins the subscription at Stripe.
func (s *Service) startTwin(ctx context.Context, w *wish) (*stripe.Subscription, error) {
	customer, err := s.buyerAt(ctx, w)
	if err != nil {
		return nil, err
	}
	if err := s.catalogue(ctx, w); err != nil {
		return nil, err
	}
	rates, err := s.taxRates(ctx, w)
	if err != nil {
		return nil, err
	}
	start := w.start(customer, rates)
	start.Metadata = s.meta(w)
	if w.TrialEndsAt.Valid && w.TrialEndsAt.V.After(s.now.Now()) {
		start.TrialEnd = w.TrialEndsAt.V
	}
	start.PaymentMethod = w.method
	var at stripe.Subscription
	err = s.keyed(ctx, w.key("start"), func(key string) error {
		at, err = s.client.StartSubscription(ctx, key, start)
		return err
	})
	return &at, err
}

// buyerAt is the organization's customer, which Stripe was told about. It is made where
// there is none, or none any more.
func (s *Service) buyerAt(ctx context.Context, w *wish) (customer string, err error) {
	if customer = w.payer.Customer.V; customer != "" {
		if err = s.describe(ctx, w, customer); !stripe.Is(err, stripe.Gone) {
			return customer, err
		}
		if err := s.pullCustomer(ctx, w.scope.Organization(), customer, ""); err != nil {
			return "", err
		}
	}
	if customer, err = s.makeCustomer(ctx, w.scope, w.payer); err != nil {
		return "", err
	}
	return customer, s.describe(ctx, w, customer)
}

// change makes the twin what is wanted. The last step notes that it is.
func (s *Service) change(ctx context.Context, w *wish, at *stripe.Subscription) error {
	switch {
	case at.Over():
		return nil
	case !w.Over && synced(at, &w.Twin):
		return s.move(ctx, w, at)
	case w.Over:
		err := s.keyed(ctx, w.key("cancel"), func(key string) error {
			_, err := s.client.CancelSubscription(ctx, key, at.ID)
			return err
		})
		if stripe.Is(err, stripe.Gone) {
			return nil
		}
		return err
	}
	if err := s.catalogue(ctx, w); err != nil {
		return err
	}
	if at.Metadata[metaBuyer] != hash(w.customer()) {
		if err := s.describe(ctx, w, at.Customer); err != nil {
			return err
		}
	}
	rates, err := s.taxRates(ctx, w)
	if err != nil {
		return err
	}
	charged, now, next := chargedOf(at), itemsOf(w.Now()), itemsOf(w.Next())
	for _, step := range steps(at.Items, charged, now, next, at.Status == subscription.Trialing) {
		d := stripe.Change{Currency: at.Currency, Interval: interval(w.Type), Items: withIDs(step.items, at), Metadata: map[string]string{}}
		if step.charged {
			charged = most(charged, now)
			d = w.charging(d, at, w.WantedAt.V, rates)
		}
		// Also when nothing is charged: what the items no longer say must not be forgotten.
		d.Metadata[metaCharged] = writeCharged(charged, expected(at.Items, step.items), at.PeriodFrom)
		changed, err := s.send(ctx, w.key(step.name+hash(d)), at.ID, d)
		if err != nil {
			return err
		}
		at.Items, at.Coupon, at.Metadata = changed.Items, changed.Coupon, changed.Metadata
	}
	d := stripe.Change{CancelAtPeriodEnd: &w.CancelAtPeriodEnd, TaxRates: rates, Metadata: s.meta(w), Coupon: newCoupon(at, &w.Twin),
		PaymentMethod: w.newMethod(at)}
	d.Metadata[metaCharged] = writeCharged(charged, at.Items, at.PeriodFrom)
	_, err = s.send(ctx, w.key("note"+hash(d)), at.ID, d)
	return err
}

// move tells Stripe where the customer is by now and how it is taxed, if that is news.
// Invoices that follow are taxed so.
func (s *Service) move(ctx context.Context, w *wish, at *stripe.Subscription) error {
	rates, err := s.taxRates(ctx, w)
	buyer := hash(w.customer())
	if err != nil || at.Metadata[metaBuyer] == buyer && slices.Equal(rates, at.TaxRates) {
		return err
	}
	if err := s.describe(ctx, w, at.Customer); err != nil {
		return err
	}
	d := stripe.Change{TaxRates: rates, Metadata: map[string]string{metaBuyer: buyer}}
	_, err = s.send(ctx, w.key("move"+hash(d)), at.ID, d)
	return err
}

// send changes a twin.
func (s *Service) send(ctx context.Context, base, id string, d stripe.Change) (at stripe.Subscription, err error) {
	err = s.keyed(ctx, base, func(key string) error {
		at, err = s.client.ChangeSubscription(ctx, key, id, d)
		return err
	})
	return at, err
}

// expected are the items that a twin has after a step.
func expected(items, step []stripe.Item) []stripe.Item {
	for _, i := range step {
		items = set(items, i, i.Quantity)
	}
	return items
}

// withIDs gives items the ids that they got in an earlier step.
func withIDs(items []stripe.Item, at *stripe.Subscription) []stripe.Item {
	for i := range items {
		for _, known := range at.Items {
			if known.Product == items[i].Product {
				items[i].ID = known.ID
			}
		}
	}
	return items
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
