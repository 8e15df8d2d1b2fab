package subscription

import (
	"context"
	"time"

	"sede/internal/access"
	"sede/internal/billing"
	"sede/internal/coupon"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
)

// Cancellation says how a subscription is to end.
type Cancellation struct {
	AtPeriodEnd bool
	Reason      null.Value[string]
}

// Cancel ends a subscription when its period ends, or at once. Nothing is paid
// back. Repeating it changes nothing.
func (s *Service) Cancel(ctx context.Context, who *access.Caller, id ident.ID, in *Cancellation, sub *Subscription) error {
	if err := mayWrite.Check(who); err != nil {
		return err
	}
	return s.change(ctx, who, func(tx *db.Tx, at time.Time) (*billing.Bill, *Subscription, error) {
		*sub = Subscription{}
		if err := s.load(tx, who.Scope(), id, sub); err != nil {
			return nil, nil, err
		}
		before := *sub
		switch {
		case !sub.live() || in.AtPeriodEnd && sub.CancelAtPeriodEnd:
			return nothing(sub), sub, nil
		case in.AtPeriodEnd:
			sub.CancelAtPeriodEnd = true
		default:
			sub.end(at)
		}
		sub.CancelReason = in.Reason
		if !sub.CanceledAt.Valid {
			sub.CanceledAt = null.Of(at)
		}
		if err := s.plan(tx, who.Scope(), sub); err != nil {
			return nil, nil, err
		}
		return nothing(sub), sub, s.store(tx, who, who.Scope(), "cancel", &before, sub)
	})
}

// nothing is the charge of what costs nothing now.
func nothing(sub *Subscription) *billing.Bill {
	return &billing.Bill{Charge: billing.Charge{Currency: sub.Currency, Lines: []billing.Line{}}}
}

// end makes the subscription one that is over. What is owed stays owed.
func (s *Subscription) end(at time.Time) {
	s.Status, s.EndedAt, s.NextAt, s.Scheduled = Canceled, null.Of(at), null.Value[time.Time]{}, nil
	s.CancelAtPeriodEnd = false
}

// Redemption applies a code to a subscription.
type Redemption struct {
	Coupon       string
	Subscription null.Value[ident.ID] // null: the live one
	Replace      bool
}

// Clearing takes the discount off a subscription.
type Clearing struct {
	Subscription null.Value[ident.ID] // null: the live one
}

// ApplyCoupon gives the subscription a discount on its future invoices. One
// discount is in force at a time: another is a Conflict unless it is replaced, the
// same again changes nothing.
func (s *Service) ApplyCoupon(ctx context.Context, who *access.Caller, _ string, in *Redemption, sub *Subscription) error {
	if err := mayWrite.Check(who); err != nil {
		return err
	}
	return s.changeNext(ctx, who, func(tx *db.Tx, _ time.Time) (*billing.Bill, *Subscription, error) {
		if err := s.named(tx, who.Scope(), in.Subscription, sub); err != nil {
			return nil, nil, err
		}
		before := *sub
		switch {
		case !sub.live():
			return nil, nil, ended()
		case sub.Discount != nil && sub.Discount.Code == coupon.Normal(in.Coupon):
			return s.upcoming(tx, who.Scope(), sub)
		case sub.Discount != nil && !in.Replace:
			return nil, nil, fault.New(fault.Conflict, "Another discount is in force. Replace it or clear it first.")
		}
		if err := s.discount(tx, who.Scope(), sub, in.Coupon); err != nil {
			return nil, nil, err
		}
		if err := s.store(tx, who, who.Scope(), "apply-coupon", &before, sub); err != nil {
			return nil, nil, err
		}
		return s.upcoming(tx, who.Scope(), sub)
	})
}

// ClearCoupon takes the discount off future invoices. Without one it changes
// nothing.
func (s *Service) ClearCoupon(ctx context.Context, who *access.Caller, _ string, in *Clearing, sub *Subscription) error {
	if err := mayWrite.Check(who); err != nil {
		return err
	}
	return s.changeNext(ctx, who, func(tx *db.Tx, _ time.Time) (*billing.Bill, *Subscription, error) {
		if err := s.named(tx, who.Scope(), in.Subscription, sub); err != nil {
			return nil, nil, err
		}
		before := *sub
		sub.dropDiscount()
		if err := s.store(tx, who, who.Scope(), "clear-coupon", &before, sub); err != nil {
			return nil, nil, err
		}
		return s.upcoming(tx, who.Scope(), sub)
	})
}

// named loads the subscription that a body names, else the live one.
func (s *Service) named(tx *db.Tx, scope access.Scope, id null.Value[ident.ID], sub *Subscription) error {
	*sub = Subscription{}
	if !id.Valid {
		current, err := liveID(tx, scope)
		if fault.Is(err, fault.NotFound) {
			return fault.New(fault.Conflict, "This organization has no subscription.")
		}
		if err != nil {
			return err
		}
		id.V = current
	}
	return s.load(tx, scope, id.V, sub)
}

// upcoming is what the next period will cost as things stand.
func (s *Service) upcoming(tx *db.Tx, scope access.Scope, sub *Subscription) (*billing.Bill, *Subscription, error) {
	next := *sub
	if !sub.live() || sub.CancelAtPeriodEnd {
		return nothing(sub), sub, nil
	}
	next.advancePeriod()
	lines, err := billing.Whole(items(next.Products), next.Seats, next.PeriodFrom, next.PeriodTo)
	if err != nil {
		return nil, nil, tooMuch()
	}
	bill, err := s.invoices.Bill(tx, scope, billing.Order{Subscription: sub.ID, Address: sub.Address, Reason: billing.ReasonCycle,
		Currency: sub.Currency, Lines: lines, Discount: sub.Discount, From: next.PeriodFrom, To: next.PeriodTo})
	return bill, sub, err
}
