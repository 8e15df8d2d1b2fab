package payment

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/null"
	"sede/internal/page"
	"sede/internal/stripe"
	"sede/internal/subscription"
)

// reconcileEvery is how often everything is compared, for messages that got lost.
const reconcileEvery = 6 * time.Hour

const batch = 100

// reconcile loads all customers and all subscriptions that Stripe bills, has Stripe
// told what it did not learn, and notes where both still differ. One that fails does
// not hold up the others.
func (s *Service) reconcile(ctx context.Context) error {
	if s.client == nil {
		return nil
	}
	return errors.Join(s.reconcileCustomers(ctx), s.reconcileTwins(ctx))
}

// doReconcile does the same when an operator asks.
var doReconcile = jobs.Kind[struct{}]{Name: "payment.reconcile", Timeout: time.Hour}

func (s *Service) reconcileNow(ctx context.Context, _ *jobs.Job[struct{}]) error {
	return s.reconcile(ctx)
}

// Reconcile has everything compared soon. While that waits or runs, asking again
// changes nothing. It is a Conflict where Stripe is not used.
func (s *Service) Reconcile(ctx context.Context, who *access.Caller, _ string, _ *hydra.None, _ *hydra.None) error {
	if err := mayResolve.Check(who); err != nil {
		return err
	}
	if s.client == nil {
		return fault.New(fault.Conflict, "Stripe is not used here. An operator of the server must set its key first.")
	}
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		doReconcile.Enqueue(tx, s.jobs, access.Instance(), struct{}{}, jobs.Options{Unique: "now"})
		return nil
	})
}

// Drifts returns a page of what is different, the newest first.
func (s *Service) Drifts(ctx context.Context, who *access.Caller, q *page.Query) (r page.Result[Drift], err error) {
	if err := mayResolve.Check(who); err != nil {
		return r, err
	}
	err = s.db.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		r, err = listDrifts(tx, q)
		return err
	})
	return r, err
}

// Drift loads one difference; Missing when there is none, or no more.
func (s *Service) Drift(ctx context.Context, who *access.Caller, id ident.ID, d *Drift) error {
	if err := mayResolve.Check(who); err != nil {
		return err
	}
	return s.db.Read(ctx, access.Instance(), func(tx *db.Tx) error { return findDrift(tx, id, d) })
}

func (s *Service) reconcileCustomers(ctx context.Context) (failed error) {
	last := ident.ID{}
	for {
		var found []customerOfOrganization
		err := s.db.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
			found, err = customers(tx, last, batch)
			return err
		})
		if err != nil {
			return errors.Join(failed, err)
		}
		for _, c := range found {
			if err := s.pullCustomer(ctx, c.organization, c.customer, ""); err != nil {
				failed = errors.Join(failed, fmt.Errorf("customer of %s: %w", c.organization, err))
			}
			last = c.organization
		}
		if len(found) < batch || ctx.Err() != nil {
			return errors.Join(failed, ctx.Err())
		}
	}
}

func (s *Service) reconcileTwins(ctx context.Context) (failed error) {
	last := subscription.Billed{}
	for {
		var found []subscription.Billed
		err := s.db.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
			found, err = s.subscriptions.BilledBy(tx, subscription.Stripe, last, batch)
			return err
		})
		if err != nil {
			return errors.Join(failed, err)
		}
		for _, b := range found {
			if err := s.compare(ctx, b.Organization, b.ID); err != nil {
				failed = errors.Join(failed, fmt.Errorf("subscription %s: %w", b.ID, err))
			}
			last = b
		}
		if len(found) < batch || ctx.Err() != nil {
			return errors.Join(failed, ctx.Err())
		}
	}
}

// compare brings a subscription up to date on both sides and notes what is still
// different.
func (s *Service) compare(ctx context.Context, organization, id ident.ID) error {
	gone := false
	if err := s.pushTwin(ctx, organization, id); errors.Is(err, errNoTwin) {
		gone = true
	} else if err != nil {
		return err
	}
	w, err := s.wanted(ctx, organization, id)
	if err != nil {
		return err
	}
	var list []Drift
	switch {
	case gone:
		list = []Drift{{Field: "externalId", Ours: w.External.V, Theirs: ""}}
	case w.External.Valid && !w.Over:
		at, err := s.client.Subscription(ctx, w.External.V)
		if err != nil {
			return err
		}
		if synced(&at, &w.Twin) {
			list = drifts(&at, &w.Twin)
		}
	}
	return s.db.Write(ctx, w.scope, func(tx *db.Tx) error {
		if err := s.lock(tx, w.scope); err != nil {
			return err
		}
		return s.noteDrifts(tx, w.scope, id, list)
	})
}

// Drift is something of a subscription that is different here and at Stripe although
// Stripe was told: somebody changed it there.
type Drift struct {
	ID           ident.ID
	Organization ident.ID
	Subscription ident.ID
	Field        string // as of Subscription, or a product of it
	Ours         string
	Theirs       string
	FoundAt      time.Time
}

// drifts compares what Stripe charges with what is wanted.
func drifts(at *stripe.Subscription, t *subscription.Twin) (list []Drift) {
	add := func(field, ours, theirs string) {
		if ours != theirs {
			list = append(list, Drift{Field: field, Ours: ours, Theirs: theirs})
		}
	}
	next := itemsOf(t.Next())
	for _, i := range next {
		add(i.Product, number(i.Quantity), number(quantityOf(at.Items, i.Product)))
	}
	for _, i := range at.Items {
		if quantityOf(next, i.Product) == 0 {
			add(i.Product, "0", number(i.Quantity))
		}
	}
	if !usedUp(at, t) {
		add("discount", couponOf(t).ID, at.Coupon)
	}
	return list
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// noteDrifts stores what is different of a subscription now. What was known keeps its
// id and the time it was found.
func (s *Service) noteDrifts(tx *db.Tx, scope access.Scope, id ident.ID, list []Drift) error {
	known, err := driftsOf(tx, scope, id)
	if err != nil {
		return err
	}
	keep := map[ident.ID]bool{}
	for _, d := range list {
		found := false
		for _, k := range known {
			if k.Field == d.Field && k.Ours == d.Ours && k.Theirs == d.Theirs {
				keep[k.ID], found = true, true
			}
		}
		if !found {
			d.ID, d.Organization, d.Subscription, d.FoundAt = s.ids.New(), scope.Organization(), id, s.now.Now().Truncate(time.Second)
			insertDrift(tx, scope, &d)
		}
	}
	for _, k := range known {
		if !keep[k.ID] {
			removeDrift(tx, scope, k.ID)
		}
	}
	return nil
}

// PushOurs has Stripe told again what is wanted of the subscription, as it is here.
func (s *Service) PushOurs(ctx context.Context, who *access.Caller, id ident.ID, _ *hydra.None, d *Drift) error {
	return s.resolve(ctx, who, id, d, func(tx *db.Tx, scope access.Scope) error {
		if d.Field == "externalId" {
			return fault.New(fault.Conflict, "Stripe does not know this subscription any more. Take theirs, which ends it.")
		}
		return s.subscriptions.Again(tx, scope, d.Subscription)
	})
}

// TakeTheirs makes what is wanted of the subscription what Stripe has.
func (s *Service) TakeTheirs(ctx context.Context, who *access.Caller, id ident.ID, _ *hydra.None, d *Drift) error {
	return s.resolve(ctx, who, id, d, func(tx *db.Tx, scope access.Scope) error {
		theirs := subscription.Theirs{}
		switch d.Field {
		case "externalId":
			theirs.Ended = true
		case "discount":
			if theirs.NoDiscount = d.Theirs == ""; theirs.NoDiscount {
				break
			}
			id, is := couponID(d.Theirs)
			if !is {
				return fault.New(fault.Conflict, "This discount was made at Stripe and is not known here. Push ours instead.")
			}
			theirs.Coupon = null.Of(id)
		default:
			quantity, err := strconv.ParseInt(d.Theirs, 10, 64)
			if err != nil {
				return err
			}
			theirs.Product, theirs.Seats = productOf(d.Field)
			theirs.Quantity = quantity
		}
		return s.subscriptions.Take(tx, scope, who, d.Subscription, theirs)
	})
}

// resolve does something about a drift, which is gone then.
func (s *Service) resolve(ctx context.Context, who *access.Caller, id ident.ID, d *Drift, do func(tx *db.Tx, scope access.Scope) error) error {
	if err := mayResolve.Check(who); err != nil {
		return err
	}
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		*d = Drift{}
		if err := findDrift(tx, id, d); err != nil {
			return err
		}
		scope := access.System(d.Organization)
		if err := s.lock(tx, scope); err != nil {
			return err
		}
		if err := do(tx, scope); err != nil {
			return err
		}
		removeDrift(tx, scope, d.ID)
		return nil
	})
}
