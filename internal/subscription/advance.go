package subscription

import (
	"time"

	"sede/internal/access"
	"sede/internal/billing"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/null"
)

// A subscription knows when something happens to it next: the trial or the period
// ends, an invoice is due, the grace is over, a draft may have become complete.
// Then it catches up with the clock in a transaction of its own, so that a crash
// leaves it either before or after. What was done moves the time.

const (
	every     = time.Minute
	atOnce    = 4              // transactions
	together  = 16             // subscriptions in one
	draftWait = 24 * time.Hour // until a draft is tried again
	mostSteps = 500            // of one subscription in one transaction
)

func (s *Service) due() jobs.Due {
	return jobs.Due{Name: "subscription.advance", Table: "subscription", Every: every, AtOnce: atOnce, Together: together, Do: s.catchUp,
		Lock: func(tx *db.Tx, scope access.Scope, _ ident.ID) error { return s.invoices.LockAhead(tx, scope) }}
}

// catchUp lets a subscription catch up with the clock.
func (s *Service) catchUp(tx *db.Tx, scope access.Scope, id ident.ID) error {
	var sub Subscription
	s.invoices.Ahead(tx)
	found := findAhead(tx, scope, id)
	books, err := s.invoices.Books(tx, scope, id)
	if err != nil {
		return err
	}
	if err := found(&sub); err != nil {
		return err
	}
	if err := s.fillDiscount(tx, &sub); err != nil {
		return err
	}
	before := sub
	if err := s.advance(tx, scope, &sub, &books); err != nil {
		return err
	}
	return s.store(tx, nil, scope, "advance", &before, &sub)
}

// advance does what has come to pass since, one thing after the other.
func (s *Service) advance(tx *db.Tx, scope access.Scope, sub *Subscription, books *billing.Books) error {
	made, err := s.invoices.Complete(tx, scope, books, sub.Address)
	if err != nil {
		return err
	}
	for _, i := range made {
		sub.FirstUnpaid = sub.FirstUnpaid && (i.Reason != billing.ReasonCreate || i.Status != billing.Paid)
	}
	grace, err := s.invoices.GraceDays(tx)
	if err != nil {
		return err
	}
	now := tx.Now(scope)
	for range mostSteps {
		at, what := sub.next(books.Open, grace)
		if what == nothingNext || at.After(now) {
			break
		}
		if err := s.step(tx, scope, sub, what, at, books); err != nil {
			return err
		}
	}
	return s.planBy(tx, scope, sub, books)
}

// happening is what can happen to a subscription by itself.
type happening uint8

const (
	nothingNext happening = iota
	periodEnds
	invoiceDue
	graceEnds
)

// next tells what happens first to the subscription, whose open invoices are
// given in the order in which they are due. No period begins while it is unpaid.
func (s *Subscription) next(open []*billing.Invoice, graceDays int) (at time.Time, what happening) {
	if !s.live() || s.Status == Unpaid && !s.CancelAtPeriodEnd {
		return at, nothingNext
	}
	at, what = s.PeriodTo, periodEnds
	first := func(t time.Time, h happening) {
		if t.Before(at) {
			at, what = t, h
		}
	}
	if s.Status == Active && len(open) > 0 {
		first(open[0].DueAt.V, invoiceDue)
	}
	if s.Status == PastDue {
		first(s.PastDueSince.V.AddDate(0, 0, graceDays), graceEnds)
	}
	return at, what
}

func (s *Service) step(tx *db.Tx, scope access.Scope, sub *Subscription, what happening, at time.Time, books *billing.Books) error {
	switch what {
	case invoiceDue:
		sub.Status, sub.PastDueSince = PastDue, null.Of(at)
		return s.invoices.Remind(tx, scope, books.Open[0])
	case graceEnds:
		sub.Status = Unpaid
		return s.invoices.Warn(tx, scope, books.Open[0])
	}
	if sub.CancelAtPeriodEnd {
		sub.end(at)
		return nil
	}
	reason := billing.ReasonCycle
	if sub.Status == Trialing {
		reason = billing.ReasonCreate
	}
	sub.advancePeriod()
	_, err := s.chargePeriod(tx, scope, sub, reason, books)
	return err
}

// advancePeriod begins the next period: the first one after a trial, else the one
// that follows, with the terms that were scheduled for it.
func (s *Subscription) advancePeriod() {
	if s.Status == Trialing {
		s.Status = Active
		s.beginPeriod(s.PeriodTo, 0)
		return
	}
	s.beginPeriod(s.Anchor, s.Period+1)
}

// beginPeriod begins a period, counted since the anchor.
func (s *Subscription) beginPeriod(anchor time.Time, period int64) {
	if s.Scheduled != nil {
		s.Products, s.Seats, s.Scheduled = s.Scheduled.Products, s.Scheduled.Seats, nil
	}
	s.Anchor, s.Period = anchor, period
	s.PeriodFrom, s.PeriodTo = billing.Period(anchor, s.Type, period)
}

// plan sets when something happens next, by the instance's clock.
func (s *Service) plan(tx *db.Tx, scope access.Scope, sub *Subscription) error {
	if !sub.live() || sub.elsewhere() {
		sub.NextAt = null.Value[time.Time]{}
		return nil
	}
	s.invoices.Ahead(tx)
	books, err := s.invoices.Books(tx, scope, sub.ID)
	if err != nil {
		return err
	}
	return s.planBy(tx, scope, sub, &books)
}

// planBy is plan where the subscription's books are known.
func (s *Service) planBy(tx *db.Tx, scope access.Scope, sub *Subscription, books *billing.Books) error {
	sub.NextAt = null.Value[time.Time]{}
	if !sub.live() || sub.elsewhere() {
		return nil
	}
	grace, err := s.invoices.GraceDays(tx)
	if err != nil {
		return err
	}
	if at, what := sub.next(books.Open, grace); what != nothingNext {
		sub.NextAt = null.Of(tx.When(scope, at))
	}
	if again := tx.When(scope, tx.Now(scope).Add(draftWait).Truncate(time.Second)); len(books.Drafts) > 0 && (!sub.NextAt.Valid || again.Before(sub.NextAt.V)) {
		sub.NextAt = null.Of(again)
	}
	return nil
}

// Paid notes that an invoice was paid: a subscription that has nothing else
// overdue is active again. One that stood still past the end of its period begins
// a new one now, which is charged.
func (s *Service) Paid(tx *db.Tx, scope access.Scope, i *billing.Invoice) error {
	var sub Subscription
	if err := s.load(tx, scope, i.Subscription, &sub); err != nil {
		return err
	}
	before := sub
	if i.Reason == billing.ReasonCreate {
		sub.FirstUnpaid = false
	}
	books, err := s.invoices.Books(tx, scope, sub.ID)
	if err != nil {
		return err
	}
	open := books.Open
	if sub.Status == PastDue || sub.Status == Unpaid {
		now := tx.Now(scope).Truncate(time.Second)
		switch overdue := len(open) > 0 && !open[0].DueAt.V.After(now); {
		case !overdue:
			if err := s.resume(tx, scope, &sub, now, &books); err != nil {
				return err
			}
		case sub.Status == PastDue:
			sub.PastDueSince = open[0].DueAt
		}
	}
	if err := s.planBy(tx, scope, &sub, &books); err != nil {
		return err
	}
	return s.store(tx, nil, scope, "paid", &before, &sub)
}

// resume makes a subscription active again.
func (s *Service) resume(tx *db.Tx, scope access.Scope, sub *Subscription, now time.Time, books *billing.Books) error {
	stood := sub.Status == Unpaid && !sub.PeriodTo.After(now)
	sub.Status, sub.PastDueSince = Active, null.Value[time.Time]{}
	if !stood {
		return nil
	}
	sub.beginPeriod(now, 0)
	_, err := s.chargePeriod(tx, scope, sub, billing.ReasonCycle, books)
	return err
}
