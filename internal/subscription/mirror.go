package subscription

import (
	"errors"
	"slices"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
)

// State is what a provider says of a subscription.
type State struct {
	External           string
	Status             string
	PeriodFrom         time.Time
	PeriodTo           time.Time
	CancelAtPeriodEnd  null.Value[bool] // null: it does not know yet what people want
	CanceledAt         null.Value[time.Time]
	EndedAt            null.Value[time.Time]
	PaymentMethod      null.Value[ident.ID]
	MethodKnown        bool // PaymentMethod is what it is; false: as for CancelAtPeriodEnd
	DiscountUsed       bool // the discount has been used up
	FirstInvoiceIsOpen bool
}

// Mirror stores what the provider says, whose invoices are stored already. A subscription that has ended here stays
// ended. When a new period has begun what was scheduled is in force. After
// the days of grace one that is past due is unpaid, as where sede bills.
func (s *Service) Mirror(tx *db.Tx, scope access.Scope, id ident.ID, m State) error {
	if err := s.invoices.Lock(tx, scope); err != nil {
		return err
	}
	var sub Subscription
	if err := s.load(tx, scope, id, &sub); err != nil {
		return err
	}
	if !sub.live() || !slices.Contains(statuses, m.Status) {
		return nil
	}
	before := sub
	grace, err := s.invoices.GraceDays(tx)
	if err != nil {
		return err
	}
	s.mirror(&sub, m, grace, tx.Now(scope).Truncate(time.Second))
	if err := s.dun(tx, scope, &before, &sub); err != nil {
		return err
	}
	return s.store(tx, nil, scope, "load", &before, &sub)
}

// dun sends mail when the first invoice waits to be paid, when one was not paid, and
// when the days of grace are over.
func (s *Service) dun(tx *db.Tx, scope access.Scope, before, sub *Subscription) error {
	begins := sub.Status == Incomplete && sub.FirstUnpaid && !before.External.Valid
	if !begins && (sub.Status == before.Status || sub.Status != PastDue && sub.Status != Unpaid) {
		return nil
	}
	books, err := s.invoices.Books(tx, scope, sub.ID)
	open := books.Open
	switch {
	case err != nil || len(open) == 0:
		return err
	case begins:
		s.invoices.Ask(tx, scope, open[0])
	case sub.Status == Unpaid:
		return s.invoices.Warn(tx, scope, open[0])
	case before.Status != Unpaid:
		s.invoices.Refused(tx, scope, open[0])
	}
	return nil
}

func (s *Service) mirror(sub *Subscription, m State, graceDays int, now time.Time) {
	if sub.External = null.Of(m.External); m.MethodKnown {
		sub.PaymentMethod = m.PaymentMethod
	}
	if m.PeriodFrom.After(sub.PeriodFrom) {
		if sub.Scheduled != nil {
			sub.Products, sub.Seats, sub.Scheduled, sub.Changes = sub.Scheduled.Products, sub.Scheduled.Seats, nil, false
		}
		sub.Anchor = m.PeriodFrom
	}
	if !m.PeriodTo.IsZero() {
		sub.PeriodFrom, sub.PeriodTo = m.PeriodFrom, m.PeriodTo
	}
	sub.Status, sub.FirstUnpaid = m.Status, m.FirstInvoiceIsOpen
	if m.Status == PastDue || m.Status == Unpaid {
		sub.PastDueSince = null.Of(sub.PastDueSince.Or(now))
		if !sub.PastDueSince.V.AddDate(0, 0, graceDays).After(now) {
			sub.Status = Unpaid // whatever the provider still tries
		}
	} else {
		sub.PastDueSince = null.Value[time.Time]{}
	}
	if m.CancelAtPeriodEnd.Valid {
		sub.CancelAtPeriodEnd, sub.CanceledAt = m.CancelAtPeriodEnd.V, m.CanceledAt
	}
	if m.DiscountUsed {
		sub.dropDiscount()
	}
	if !sub.live() {
		sub.EndedAt, sub.Scheduled, sub.Changes, sub.CancelAtPeriodEnd = null.Of(m.EndedAt.Or(now)), nil, false, false
		sub.CanceledAt = null.Of(sub.CanceledAt.Or(m.CanceledAt.Or(now)))
	}
}

// ByExternal returns the subscription that is the provider's under an id; Missing
// when there is none in scope.
func (s *Service) ByExternal(tx *db.Tx, scope access.Scope, external string) (id ident.ID, err error) {
	err = orMissing(tx.Row(`SELECT id FROM subscription WHERE organization_id = $1 AND external_id = $2`, scope.Organization(), external).Scan(&id))
	return id, err
}

// OfExternal returns whose subscription the provider's under an id is; Missing when it is
// nobody's. The transaction's scope is the instance.
func (s *Service) OfExternal(tx *db.Tx, external string) (organization ident.ID, err error) {
	err = orMissing(tx.Row(`SELECT organization_id FROM subscription WHERE external_id = $1 LIMIT 1`, external).Scan(&organization))
	return organization, err
}

// Live returns the live subscription in scope if the provider bills it; else it is
// Missing.
func (s *Service) Live(tx *db.Tx, scope access.Scope) (id ident.ID, err error) {
	err = orMissing(tx.Row(`SELECT id FROM subscription WHERE organization_id = $1 AND live AND provider <> ''`, scope.Organization()).Scan(&id))
	return id, err
}

// Again has the provider told once more what is wanted of a subscription.
func (s *Service) Again(tx *db.Tx, scope access.Scope, id ident.ID) error {
	var sub Subscription
	if err := s.load(tx, scope, id, &sub); err != nil {
		return err
	}
	return s.want(tx, scope, &sub)
}

// Theirs is something that a provider has otherwise than it is here.
type Theirs struct {
	Product    string
	Seats      bool // the quantity is that of seats
	Quantity   int64
	NoDiscount bool
	Coupon     null.Value[ident.ID] // the discount is of that one, which is redeemed
	Ended      bool
}

// Take makes what is wanted of a subscription what the provider has. Fewer seats than
// are taken are a Conflict.
func (s *Service) Take(tx *db.Tx, scope access.Scope, who *access.Caller, id ident.ID, theirs Theirs) error {
	if err := s.invoices.Lock(tx, scope); err != nil {
		return err
	}
	var sub Subscription
	if err := s.load(tx, scope, id, &sub); err != nil {
		return err
	}
	before := sub
	sub.Products = slices.Clone(sub.Products)
	switch {
	case theirs.Ended:
		now := tx.Now(scope).Truncate(time.Second)
		sub.end(now)
		sub.CanceledAt = null.Of(sub.CanceledAt.Or(now))
	case theirs.NoDiscount:
		sub.dropDiscount()
	case theirs.Coupon.Valid:
		c, err := s.coupons.Find(tx, theirs.Coupon.V)
		if err == nil {
			err = s.coupons.Redeem(tx, scope, c.ID)
		}
		if _, refused := errors.AsType[*fault.Error](err); refused {
			return fault.New(fault.Conflict, "This can't be taken over as it is. Push ours instead.")
		}
		if err != nil {
			return err
		}
		sub.give(&c)
	case theirs.Seats:
		if err := s.organizations.RoomFor(tx, scope, null.Of(theirs.Quantity)); err != nil {
			return err
		}
		sub.Seats, sub.Scheduled, sub.Changes = max(1, theirs.Quantity), nil, false
	default:
		sub.Scheduled, sub.Changes = nil, false
		i := slices.IndexFunc(sub.Products, func(b Bought) bool { return b.Product == theirs.Product })
		switch {
		case i < 0 || theirs.Quantity == 0 && len(sub.Products) == 1:
			return fault.New(fault.Conflict, "This can't be taken over as it is. Push ours instead.")
		case theirs.Quantity == 0:
			sub.Products = slices.Delete(sub.Products, i, i+1)
		default:
			sub.Products[i].Quantity = theirs.Quantity
		}
	}
	return s.store(tx, who, scope, "take", &before, &sub)
}
