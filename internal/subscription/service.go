package subscription

import (
	"context"
	"slices"
	"time"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/billing"
	"sede/internal/coupon"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/organization"
	"sede/internal/page"
	"sede/internal/product"
	"sede/internal/secret"
)

// Who may do what.
var (
	mayRead     = access.Within(access.Readers)
	mayWrite    = access.Within(access.Payers).ToChange()
	mayInvoices = access.Within(access.Payers)
)

// Service holds the use cases of subscriptions.
type Service struct {
	db            *db.DB
	audit         *audit.Log
	ids           *ident.Source
	secret        *secret.Box
	products      *product.Service
	coupons       *coupon.Service
	invoices      *billing.Service
	organizations *organization.Service

	provider Provider // nil: sede bills everybody

	// granted hears of the modules that a subscription grants from now on.
	granted func(tx *db.Tx, scope access.Scope, modules []string, trialEndsAt null.Value[time.Time]) error
}

// OnGrant sets who hears, in the transaction that changes it, of the modules that
// an organization's subscription grants from then on, and of the end of its trial.
func (s *Service) OnGrant(do func(tx *db.Tx, scope access.Scope, modules []string, trialEndsAt null.Value[time.Time]) error) {
	s.granted = do
}

// grant tells what the subscription grants, if that is not what it was.
func (s *Service) grant(tx *db.Tx, scope access.Scope, before, sub *Subscription) error {
	modules, trial := sub.grants()
	if before != nil {
		old, oldTrial := before.grants()
		if slices.Equal(old, modules) && oldTrial == trial {
			return nil
		}
	}
	return s.granted(tx, scope, modules, trial)
}

// List returns a page of the organization's subscriptions, the newest first.
func (s *Service) List(ctx context.Context, who *access.Caller, q *page.Query) (r page.Result[Subscription], err error) {
	if err := mayRead.Check(who); err != nil {
		return r, err
	}
	err = s.db.Read(ctx, who.Scope(), func(tx *db.Tx) error {
		if r, err = list(tx, who.Scope(), q); err != nil {
			return err
		}
		return s.fillDiscounts(tx, r.Items)
	})
	return r, err
}

// Get loads one subscription; Missing when the organization has no such one.
func (s *Service) Get(ctx context.Context, who *access.Caller, id ident.ID, sub *Subscription) error {
	return s.db.Read(ctx, who.Scope(), func(tx *db.Tx) error { return s.load(tx, who.Scope(), id, sub) })
}

// Invoices returns a page of the invoices of one subscription.
func (s *Service) Invoices(ctx context.Context, who *access.Caller, parent string, q *page.Query) (r page.Result[billing.Invoice], err error) {
	id, err := ident.Parse(parent)
	if err != nil {
		return r, fault.Missing()
	}
	err = s.db.Read(ctx, who.Scope(), func(tx *db.Tx) error {
		if err := find(tx, who.Scope(), id, new(Subscription)); err != nil {
			return err
		}
		if err := mayInvoices.Check(who); err != nil {
			return err
		}
		r, err = s.invoices.Of(tx, who.Scope(), id, q)
		return err
	})
	return r, err
}

// load finds a subscription with its discount.
func (s *Service) load(tx *db.Tx, scope access.Scope, id ident.ID, sub *Subscription) error {
	if err := find(tx, scope, id, sub); err != nil {
		return err
	}
	return s.fillDiscount(tx, sub)
}

func (s *Service) fillDiscount(tx *db.Tx, sub *Subscription) error {
	sub.Discount = nil
	if !sub.Coupon.Valid {
		return nil
	}
	c, err := s.coupons.Find(tx, sub.Coupon.V)
	sub.Discount = &c
	return err
}

// fillDiscounts completes a page: of an organization's subscriptions few have a
// discount, and those have mostly the same.
func (s *Service) fillDiscounts(tx *db.Tx, items []Subscription) error {
	known := map[ident.ID]*coupon.Coupon{}
	for i := range items {
		id := items[i].Coupon
		if !id.Valid {
			continue
		}
		if known[id.V] == nil {
			c, err := s.coupons.Find(tx, id.V)
			if err != nil {
				return err
			}
			known[id.V] = &c
		}
		items[i].Discount = known[id.V]
	}
	return nil
}

// Create begins a subscription: with a trial if a product has one and the
// organization had none before, else with the first invoice.
func (s *Service) Create(ctx context.Context, who *access.Caller, sub *Subscription) error {
	if err := mayWrite.Check(who); err != nil {
		return err
	}
	given := *sub
	return s.change(ctx, who, func(tx *db.Tx, at time.Time) (*billing.Bill, *Subscription, error) {
		*sub = given
		return s.create(tx, who, sub, at)
	})
}

func (s *Service) create(tx *db.Tx, who *access.Caller, sub *Subscription, at time.Time) (*billing.Bill, *Subscription, error) {
	scope := who.Scope()
	if err := s.refuseSecond(tx, scope); err != nil {
		return nil, nil, err
	}
	if err := s.defaults(tx, scope, sub); err != nil {
		return nil, nil, err
	}
	if err := s.organizations.RoomFor(tx, scope, null.Of(sub.Seats)); err != nil {
		return nil, nil, err
	}
	trial, err := s.buy(tx, sub.Products, nil, sub.Type, sub.Currency)
	if err != nil {
		return nil, nil, err
	}
	had, err := hadAny(tx, scope)
	if err != nil {
		return nil, nil, err
	}
	if err := s.assign(tx, scope, sub); err != nil {
		return nil, nil, err
	}
	if err := s.choose(tx, scope, &Subscription{}, sub); err != nil {
		return nil, nil, err
	}
	sub.ID, sub.Organization, sub.Version = s.ids.New(), scope.Organization(), 1
	sub.CreatedAt, sub.UpdatedAt, sub.Anchor = at, at, at
	if sub.CouponCode != "" {
		if err := s.discount(tx, who.Scope(), sub, sub.CouponCode); err != nil {
			return nil, nil, err
		}
	}
	charge, books := nothing(sub), billing.Books{}
	inTrial := trial > 0 && !had
	if !inTrial || sub.elsewhere() {
		if err := s.canIssue(tx, scope, sub); err != nil {
			return nil, nil, err
		}
	}
	if inTrial {
		sub.Status = Trialing
		sub.PeriodFrom, sub.PeriodTo = at, at.AddDate(0, 0, int(trial))
		sub.TrialEndsAt = null.Of(sub.PeriodTo)
	} else {
		sub.Status = Active
		sub.PeriodFrom, sub.PeriodTo = billing.Period(sub.Anchor, sub.Type, 0)
		if charge, err = s.chargePeriod(tx, scope, sub, billing.ReasonCreate, &books); err != nil {
			return nil, nil, err
		}
		if sub.elsewhere() { // until the provider says that it is paid
			sub.Status, sub.FirstUnpaid = Incomplete, true
		}
	}
	if err := s.planBy(tx, scope, sub, &books); err != nil {
		return nil, nil, err
	}
	if err := insert(tx, scope, sub); err != nil {
		return nil, nil, err
	}
	if err := s.want(tx, scope, sub); err != nil {
		return nil, nil, err
	}
	sub.Preview = nil
	if err := s.grant(tx, scope, nil, sub); err != nil {
		return nil, nil, err
	}
	return charge, sub, s.record(tx, who, scope, "create", nil, sub)
}

// refuseSecond is a Conflict that names the live subscription, if there is one.
func (s *Service) refuseSecond(tx *db.Tx, scope access.Scope) error {
	id, err := liveID(tx, scope)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err == nil {
		err = &fault.Error{Kind: fault.Conflict, Text: fault.Textf("This organization has a subscription already. Change it, or cancel it first."),
			Conflicts: fault.Items{{Resource: "Subscription", Key: id.String()}}}
	}
	return err
}

// defaults fills what was left out: the first address and the organization's
// currency.
func (s *Service) defaults(tx *db.Tx, scope access.Scope, sub *Subscription) error {
	if sub.Address.IsZero() {
		first, err := s.organizations.FirstAddress(tx, scope)
		if fault.Is(err, fault.NotFound) {
			err = fault.Broken(fault.Violation{Path: "organizationAddress", Code: fault.CodeNull, Text: fault.Textf("Add an address of the organization first.")})
		}
		if err != nil {
			return err
		}
		sub.Address = first
	}
	if sub.Currency == "" {
		settings, err := s.organizations.Settings(tx, scope)
		if err != nil {
			return err
		}
		sub.Currency = settings.Currency
	}
	if sub.Metadata == nil {
		sub.Metadata = []Pair{}
	}
	return nil
}

// Update changes seats, products, address and metadata, and plans or undoes the
// end of a subscription. What is more acts now and is charged now, what is less
// acts when the period ends.
func (s *Service) Update(ctx context.Context, who *access.Caller, id ident.ID, sub *Subscription, apply func() error) error {
	return s.change(ctx, who, func(tx *db.Tx, at time.Time) (*billing.Bill, *Subscription, error) {
		if err := s.load(tx, who.Scope(), id, sub); err != nil {
			return nil, nil, err
		}
		before := *sub
		if err := apply(); err != nil {
			return nil, nil, err
		}
		if err := mayWrite.Check(who); err != nil {
			return nil, nil, err
		}
		if !before.live() {
			return nil, nil, ended()
		}
		charge, err := s.update(tx, who.Scope(), &before, sub, sub.wanted(&before, hydra.Sent(ctx, "seats"), hydra.Sent(ctx, "products")), at)
		if err != nil {
			return nil, nil, err
		}
		return charge, sub, s.store(tx, who, who.Scope(), "update", &before, sub)
	})
}

func ended() error { return fault.New(fault.Conflict, "This subscription has ended.") }

// update changes a subscription to what is wanted of it.
func (s *Service) update(tx *db.Tx, scope access.Scope, before, sub *Subscription, wanted Terms, at time.Time) (*billing.Bill, error) {
	charge := nothing(sub)
	if err := s.choose(tx, scope, before, sub); err != nil {
		return nil, err
	}
	if sub.CancelAtPeriodEnd != before.CancelAtPeriodEnd {
		if sub.CanceledAt = (null.Value[time.Time]{}); sub.CancelAtPeriodEnd {
			sub.CanceledAt = null.Of(at)
		} else {
			sub.CancelReason = null.Value[string]{}
		}
	}
	sub.Products, sub.Seats = before.Products, before.Seats
	if wanted.same(before.terms()) {
		sub.Scheduled = nil
	}
	sub.Changes = sub.Scheduled != nil
	if wanted.same(sub.planned()) {
		return charge, s.plan(tx, scope, sub)
	}
	if err := before.current(at); err != nil {
		return nil, err
	}
	if sub.Status == Unpaid || sub.Status == Incomplete {
		return nil, fault.New(fault.Conflict, "Pay the open invoices first.")
	}
	if err := s.organizations.RoomFor(tx, scope, null.Of(wanted.Seats)); err != nil {
		return nil, err
	}
	if _, err := s.buy(tx, wanted.Products, before.Products, sub.Type, sub.Currency); err != nil {
		return nil, err
	}
	if sub.Status == Trialing { // nothing is charged yet
		sub.Products, sub.Seats = wanted.Products, wanted.Seats
		return charge, s.plan(tx, scope, sub)
	}
	now, added, scheduled := change(before.terms(), wanted)
	sub.Products, sub.Seats, sub.Scheduled, sub.Changes = now.Products, now.Seats, scheduled, scheduled != nil
	var lines []billing.Line
	for _, a := range added {
		more, err := billing.Part([]billing.Item{a.Item}, a.seats, at, sub.PeriodFrom, sub.PeriodTo)
		if err != nil {
			return nil, tooMuch()
		}
		lines = append(lines, more...)
	}
	if len(lines) > 0 {
		if err := s.canIssue(tx, scope, sub); err != nil {
			return nil, err
		}
		var err error
		if charge, err = s.charge(tx, scope, sub, billing.ReasonUpdate, lines, at, new(billing.Books)); err != nil {
			return nil, err
		}
	}
	return charge, s.plan(tx, scope, sub)
}

// wanted are the terms that a change asks for with the seats or products that were
// sent. Others stay as they are scheduled, unless what is scheduled is dropped.
func (s *Subscription) wanted(before *Subscription, seats, products bool) Terms {
	wanted := before.planned()
	if !s.Changes {
		wanted = before.terms()
	}
	if seats {
		wanted.Seats = s.Seats
	}
	if products {
		wanted.Products = s.Products
		once(wanted.Products)
	}
	return wanted
}

// once makes a quantity that was left out 1.
func once(products []Bought) {
	for i := range products {
		products[i].Quantity = max(1, products[i].Quantity)
	}
}

// store writes the next version of a subscription if something is different.
func (s *Service) store(tx *db.Tx, who *access.Caller, scope access.Scope, action string, before, sub *Subscription) error {
	if same(before, sub) {
		return nil
	}
	sub.Version, sub.UpdatedAt = before.Version+1, tx.Now(scope).Truncate(time.Second)
	if err := update(tx, scope, sub); err != nil {
		return err
	}
	if err := s.grant(tx, scope, before, sub); err != nil {
		return err
	}
	if err := s.tell(tx, who, scope, sub); err != nil {
		return err
	}
	return s.record(tx, who, scope, action, before, sub)
}

// record appends to the organization's audit log.
func (s *Service) record(tx *db.Tx, who *access.Caller, scope access.Scope, action string, before, after *Subscription) error {
	e := audit.Entry{Scope: scope, Action: action, Resource: "Subscription", Key: after.ID.String(), After: hydra.JSON(fields, after)}
	if before != nil {
		e.Before = hydra.JSON(fields, before)
	}
	return s.audit.Append(tx, who, e)
}
