package subscription

import (
	"context"
	"errors"
	"time"

	"sede/internal/access"
	"sede/internal/billing"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/tax"
)

// Provider bills subscriptions in the place of sede: it makes their invoices and
// gets the money. What people want of a subscription stays here and is what the
// provider is told; states, periods and invoices are the provider's, and Mirror
// brings them back.
type Provider interface {
	// Bills reports whether the provider bills the organization in scope.
	Bills(tx *db.Tx, scope access.Scope) (bool, error)
	// Changed is called in the transaction in which something changes that the
	// provider must learn. It has it done afterwards.
	Changed(tx *db.Tx, scope access.Scope, subscription ident.ID)
	// Pays returns the payment method that pays when somebody chooses one, or takes
	// that back (null). It is a Conflict when that one can't pay.
	Pays(tx *db.Tx, scope access.Scope, method null.Value[ident.ID]) (null.Value[ident.ID], error)
	// Refresh loads a subscription from the provider, outside of transactions;
	// Unavailable when there is no answer.
	Refresh(ctx context.Context, scope access.Scope, subscription ident.ID) error
	// Preview tells what the provider will charge. It asks the provider, so it is
	// called outside of transactions; Unavailable when there is no answer.
	Preview(ctx context.Context, scope access.Scope, q Question) (billing.Bill, error)
}

// Question asks a provider for the charge of a change that was not made.
type Question struct {
	Twin     Twin // as it would be
	At       time.Time
	Upcoming bool // what the next period comes to, instead of what is charged now
}

// Stripe is the name of the provider that is one; sede itself has none.
const Stripe = "stripe"

// behind says that a new period has begun of which the provider did not tell yet, so that
// what is in force is not known.
type behind struct{ id ident.ID }

func (behind) Error() string { return "subscription: the provider has begun another period" }

// current is behind where the provider bills and the period that is known is over.
func (s *Subscription) current(at time.Time) error {
	if s.elsewhere() && s.live() && s.Status != Incomplete && !at.Before(s.PeriodTo) {
		return behind{s.ID}
	}
	return nil
}

// caughtUp does something, and once more after the provider was asked when it turns out
// that a period has begun that was not known.
func (s *Service) caughtUp(ctx context.Context, scope access.Scope, do func() error) error {
	err := do()
	b, is := errors.AsType[behind](err)
	if !is {
		return err
	}
	if err := s.provider.Refresh(ctx, scope, b.id); err != nil {
		return err
	}
	if err = do(); errors.As(err, &b) {
		return fault.Wrap(err, fault.Conflict, "The next period is just beginning. Try again in some minutes.")
	}
	return err
}

// SetProvider sets who bills the organizations that it says it bills.
func (s *Service) SetProvider(p Provider) { s.provider = p }

// assign says who bills a new subscription.
func (s *Service) assign(tx *db.Tx, scope access.Scope, sub *Subscription) error {
	if s.provider == nil {
		return nil
	}
	bills, err := s.provider.Bills(tx, scope)
	if bills {
		sub.Provider = Stripe
	}
	return err
}

// elsewhere reports whether not sede bills the subscription.
func (s *Subscription) elsewhere() bool { return s.Provider != "" }

// want counts what the provider must learn, and has it told.
func (s *Service) want(tx *db.Tx, scope access.Scope, sub *Subscription) error {
	if !sub.elsewhere() {
		return nil
	}
	sub.Wanted, sub.WantedAt = sub.Wanted+1, null.Of(tx.Now(scope).Truncate(time.Second))
	s.provider.Changed(tx, scope, sub.ID)
	return storeProvider(tx, scope, sub)
}

// actAt has the provider charge for a change from a time on that was promised.
func (s *Service) actAt(tx *db.Tx, scope access.Scope, sub *Subscription, at time.Time) error {
	if !sub.elsewhere() {
		return nil
	}
	sub.WantedAt = null.Of(at)
	return storeProvider(tx, scope, sub)
}

// tell has the provider told what somebody changed, and stores what the provider
// said.
func (s *Service) tell(tx *db.Tx, who *access.Caller, scope access.Scope, sub *Subscription) error {
	switch {
	case !sub.elsewhere():
		return nil
	case who == nil:
		return storeProvider(tx, scope, sub)
	}
	return s.want(tx, scope, sub)
}

// choose takes over the payment method that somebody chose for the subscription.
func (s *Service) choose(tx *db.Tx, scope access.Scope, before, sub *Subscription) (err error) {
	if sub.PaymentMethod == before.PaymentMethod {
		return nil
	}
	if !sub.elsewhere() {
		return fault.New(fault.Conflict, "The invoices of this organization are paid by transfer.")
	}
	sub.OwnMethod = sub.PaymentMethod
	sub.PaymentMethod, err = s.provider.Pays(tx, scope, sub.OwnMethod)
	return err
}

// canIssue returns nil when an invoice could be issued now. A provider issues by itself
// when the time comes, so it must be told all that an invoice says before.
func (s *Service) canIssue(tx *db.Tx, scope access.Scope, sub *Subscription) error {
	return s.invoices.CanIssue(tx, scope, sub.Address)
}

// quote is what the provider will charge.
func (s *Service) quote(tx *db.Tx, scope access.Scope, sub *Subscription, reason string, lines []billing.Line, from time.Time) (*billing.Bill, error) {
	c, err := s.invoices.Quote(tx, scope, billing.Order{Subscription: sub.ID, Address: sub.Address, Reason: reason, Currency: sub.Currency,
		Lines: lines, Discount: sub.Discount, From: from, To: sub.PeriodTo})
	return &billing.Bill{Charge: c}, err
}

// Twin is all that a provider must know of a subscription.
type Twin struct {
	Subscription
	Treatment tax.Treatment // of what it costs
	Over      bool          // it has ended here
}

// Twin loads a subscription for its provider.
func (s *Service) Twin(tx *db.Tx, scope access.Scope, id ident.ID) (t Twin, err error) {
	if err := s.load(tx, scope, id, &t.Subscription); err != nil {
		return t, err
	}
	c, err := s.quote(tx, scope, &t.Subscription, billing.ReasonCycle, nil, t.PeriodFrom)
	if err != nil {
		return t, err
	}
	t.Treatment, t.Over = c.Treatment, !t.live()
	return t, nil
}

// Next are the terms that the next period begins with.
func (s *Subscription) Next() Terms {
	if s.Scheduled != nil {
		return *s.Scheduled
	}
	return s.terms()
}

// Now are the terms in force.
func (s *Subscription) Now() Terms { return s.terms() }

// Billed is one live subscription that a provider bills.
type Billed struct{ Organization, ID ident.ID }

// BilledBy returns the live subscriptions of all organizations that a provider
// bills, in order, after one of them. The transaction's scope is the instance.
func (s *Service) BilledBy(tx *db.Tx, provider string, last Billed, most int) (found []Billed, err error) {
	rows := tx.Query(`SELECT organization_id, id FROM subscription WHERE provider = $1 AND live AND (organization_id, id) > ($2, $3)
		ORDER BY organization_id, id LIMIT $4`, provider, last.Organization, last.ID, most)
	defer rows.Close()
	for rows.Next() {
		var b Billed
		if err := rows.Scan(&b.Organization, &b.ID); err != nil {
			return nil, err
		}
		found = append(found, b)
	}
	return found, rows.Err()
}

// storeProvider stores what concerns the provider.
func storeProvider(tx *db.Tx, scope access.Scope, s *Subscription) error {
	changed, err := tx.Exec(`UPDATE subscription SET provider = $3, external_id = $4, payment_method_id = $5, wanted = $6, wanted_at = $7, own_method_id = $8, discount_number = $9
		WHERE organization_id = $1 AND id = $2`, scope.Organization(), s.ID, s.Provider, s.External, s.PaymentMethod, s.Wanted, s.WantedAt, s.OwnMethod, s.DiscountNumber)
	if err == nil && changed == 0 {
		err = fault.Missing()
	}
	return err
}
