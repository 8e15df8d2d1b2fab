package payment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"sede/internal/access"
	"sede/internal/billing"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/organization"
	"sede/internal/phrase"
	"sede/internal/stripe"
	"sede/internal/subscription"
	"sede/internal/tax"
)

// wish is what is wanted of a subscription, and whose it is.
type wish struct {
	subscription.Twin
	payer organization.Payer
	buyer billing.Party
	scope access.Scope
	// method is Stripe's id of the payment method that somebody chose; empty: the
	// customer's default, also where the one that was chosen is gone.
	method   string
	language phrase.Language // of its invoices
}

func (s *Service) wanted(ctx context.Context, organization, id ident.ID) (w wish, err error) {
	scope := access.System(organization)
	err = s.db.Read(ctx, scope, func(tx *db.Tx) error {
		w = wish{scope: scope}
		if w.Twin, err = s.subscriptions.Twin(tx, scope, id); err != nil {
			return err
		}
		if w.payer, err = s.organizations.Payer(tx, scope); err != nil {
			return err
		}
		settings, err := s.organizations.Settings(tx, scope)
		if err != nil {
			return err
		}
		w.language = phrase.Match(settings.LegalLanguage)
		if w.method, err = chosen(tx, scope, w.OwnMethod); err != nil {
			return err
		}
		w.buyer, err = s.invoices.Buyer(tx, scope, w.Address)
		return err
	})
	return w, err
}

// chosen is Stripe's id of a payment method that can pay; empty: there is none.
func chosen(tx *db.Tx, scope access.Scope, id null.Value[ident.ID]) (external string, err error) {
	var m Method
	if !id.Valid {
		return "", nil
	}
	if err = find(tx, scope, id.V, &m); fault.Is(err, fault.NotFound) {
		return "", nil
	}
	return m.External.V, err // empty while it is pending
}

// key is the idempotency key of a step towards what is wanted.
func (w *wish) key(step string) string {
	return "subscription:" + w.ID.String() + ":" + strconv.FormatInt(w.Wanted, 10) + ":" + step
}

func (s *Service) meta(w *wish) map[string]string {
	return map[string]string{metaSubscription: w.ID.String(), metaWanted: strconv.FormatInt(w.Wanted, 10), metaCoupon: markOf(&w.Twin),
		metaMethod: w.method, metaBuyer: hash(w.customer())}
}

// customer is what Stripe is told of who pays.
func (w *wish) customer() stripe.CustomerData {
	d := stripe.CustomerData{Name: w.buyer.Name, Email: w.buyer.Email, Country: w.buyer.Country, Exempt: "none"}
	if len(w.buyer.Lines) > 1 {
		d.Street, d.City = w.buyer.Lines[0], w.buyer.Lines[1]
	}
	if w.Treatment.Category == tax.ReverseCharge {
		d.Exempt = "reverse"
	}
	return d
}

// charging completes a change for which more is charged from a time on: tax and
// discount are those that are wanted by now.
func (w *wish) charging(d stripe.Change, at *stripe.Subscription, from time.Time, rates []string) stripe.Change {
	d.ChargeAt, d.Metadata = latest(from, at.PeriodFrom), map[string]string{}
	if !slices.Equal(rates, at.TaxRates) {
		d.TaxRates = rates
	}
	if d.Coupon = newCoupon(at, &w.Twin); d.Coupon != nil {
		d.Metadata[metaCoupon] = markOf(&w.Twin)
	}
	if d.PaymentMethod = w.newMethod(at); d.PaymentMethod != nil {
		d.Metadata[metaMethod] = w.method
	}
	return d
}

// newMethod is the payment method that the twin is to get of its own; nil: it has been
// told already. What somebody sets at Stripe's own page since stays.
func (w *wish) newMethod(at *stripe.Subscription) *string {
	if at.Metadata[metaMethod] == w.method {
		return nil
	}
	return &w.method
}

// newCoupon is the discount that the twin is to get; nil: the one that it has, or that
// it had and used up.
func newCoupon(at *stripe.Subscription, t *subscription.Twin) *string {
	c := couponOf(t)
	_, number := markAt(at)
	if number == t.DiscountNumber && at.Coupon == c.ID || c.ID == "" && at.Coupon == "" || usedUp(at, t) {
		return nil
	}
	return &c.ID
}

// hash tells changes and customers apart, so that one that is another has another
// idempotency key.
func hash(d any) string {
	content, err := json.Marshal(d)
	if err != nil {
		panic("payment: a change can't be encoded: " + err.Error())
	}
	sum := sha256.Sum256(content)
	return ":" + hex.EncodeToString(sum[:8])
}
