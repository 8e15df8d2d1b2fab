package stripe

import (
	"context"
	"time"

	api "github.com/stripe/stripe-go/v85"
)

// Item is one product of a subscription.
type Item struct {
	ID       string // Stripe's; empty for one that is added
	Product  string
	Unit     int64 // what one costs for a period
	Quantity int64
}

// Subscription is what Stripe knows of one.
type Subscription struct {
	ID, Customer      string
	Status            string // Stripe's word
	Currency          string // lower case
	Items             []Item
	PeriodFrom        time.Time
	PeriodTo          time.Time
	TrialEnd          time.Time // zero: no trial
	CancelAtPeriodEnd bool      // or at another time that was set
	CanceledAt        time.Time
	EndedAt           time.Time
	Coupon            string // of the first discount; empty: none
	TaxRates          []string
	PaymentMethod     string // its own; empty: the customer's
	LatestInvoice     string
	Metadata          map[string]string
	Created           time.Time
}

// Over reports whether nothing can come of it any more.
func (s *Subscription) Over() bool {
	return s.Status == string(api.SubscriptionStatusCanceled) || s.Status == string(api.SubscriptionStatusIncompleteExpired)
}

func subscriptionOf(s *api.Subscription, err error) (Subscription, error) {
	if err := arrived(func() string { return s.ID }, err); err != nil {
		return Subscription{}, err
	}
	r := Subscription{ID: s.ID, Status: string(s.Status), Currency: string(s.Currency), TrialEnd: at(s.TrialEnd),
		CancelAtPeriodEnd: s.CancelAtPeriodEnd || s.CancelAt != 0, CanceledAt: at(s.CanceledAt), EndedAt: at(s.EndedAt),
		Metadata: s.Metadata, Created: at(s.Created)}
	if s.Customer != nil {
		r.Customer = s.Customer.ID
	}
	if s.DefaultPaymentMethod != nil {
		r.PaymentMethod = s.DefaultPaymentMethod.ID
	}
	if s.LatestInvoice != nil {
		r.LatestInvoice = s.LatestInvoice.ID
	}
	for _, rate := range s.DefaultTaxRates {
		r.TaxRates = append(r.TaxRates, rate.ID)
	}
	for _, d := range s.Discounts {
		if d != nil && r.Coupon == "" && d.Source != nil && d.Source.Coupon != nil {
			r.Coupon = d.Source.Coupon.ID
		}
	}
	if s.Items == nil {
		return r, nil
	}
	for _, i := range s.Items.Data {
		item := Item{ID: i.ID, Quantity: i.Quantity}
		if i.Price != nil {
			item.Unit = i.Price.UnitAmount
			if i.Price.Product != nil {
				item.Product = i.Price.Product.ID
			}
		}
		r.Items = append(r.Items, item)
		if end := at(i.CurrentPeriodEnd); end.After(r.PeriodTo) {
			r.PeriodFrom, r.PeriodTo = at(i.CurrentPeriodStart), end
		}
	}
	return r, nil
}

// The intervals of prices.
const (
	Month = string(api.PriceRecurringIntervalMonth)
	Year  = string(api.PriceRecurringIntervalYear)
)

// Start says how a subscription begins. What is due at once is paid with the
// customer's payment method; where there is none, or it is refused, the
// subscription begins incomplete and waits for its first invoice to be paid.
type Start struct {
	Customer, Currency, Interval string
	Items                        []Item
	TrialEnd                     time.Time // zero: no trial
	Coupon                       string    // empty: none
	TaxRates                     []string
	Metadata                     map[string]string
	PaymentMethod                string // empty: the customer's
}

// StartSubscription begins a subscription.
func (c *Client) StartSubscription(ctx context.Context, key string, s Start) (Subscription, error) {
	p := &api.SubscriptionCreateParams{Customer: &s.Customer, Currency: text(s.Currency), Metadata: s.Metadata,
		CollectionMethod: api.String(string(api.SubscriptionCollectionMethodChargeAutomatically)),
		PaymentBehavior:  api.String("allow_incomplete"), DefaultPaymentMethod: text(s.PaymentMethod), DefaultTaxRates: texts(s.TaxRates),
		PaymentSettings: &api.SubscriptionCreatePaymentSettingsParams{SaveDefaultPaymentMethod: api.String("on_subscription")}}
	for _, i := range s.Items {
		p.Items = append(p.Items, &api.SubscriptionCreateItemParams{Quantity: api.Int64(i.Quantity),
			PriceData: &api.SubscriptionCreateItemPriceDataParams{Currency: &s.Currency, Product: api.String(i.Product), UnitAmount: api.Int64(i.Unit),
				Recurring: &api.SubscriptionCreateItemPriceDataRecurringParams{Interval: &s.Interval}}})
	}
	if s.Coupon != "" {
		p.Discounts = []*api.SubscriptionCreateDiscountParams{{Coupon: &s.Coupon}}
	}
	if !s.TrialEnd.IsZero() {
		p.TrialEnd = api.Int64(s.TrialEnd.Unix())
		p.TrialSettings = &api.SubscriptionCreateTrialSettingsParams{
			EndBehavior: &api.SubscriptionCreateTrialSettingsEndBehaviorParams{MissingPaymentMethod: api.String("create_invoice")}}
	}
	p.AddExpand("discounts")
	write(ctx, &p.Params, key)
	return subscriptionOf(c.api.V1Subscriptions.Create(ctx, p))
}

// Change says what is to become of a subscription. Zero values leave things as
// they are.
type Change struct {
	Currency, Interval string // of items that are added
	Items              []Item // by their ids, or added without one; quantity 0 takes one off
	// ChargeAt is the time from which on more is charged, at once. Zero: nothing is
	// charged for the change, the next invoice has it.
	ChargeAt          time.Time
	CancelAtPeriodEnd *bool
	Coupon            *string  // empty: no discount
	TaxRates          []string // nil: as they are; empty: none
	Metadata          map[string]string
	PaymentMethod     *string // empty: the customer's
}

// ChangeSubscription changes a subscription that is not over.
func (c *Client) ChangeSubscription(ctx context.Context, key, id string, d Change) (Subscription, error) {
	p := &api.SubscriptionUpdateParams{CancelAtPeriodEnd: d.CancelAtPeriodEnd, DefaultPaymentMethod: d.PaymentMethod, Metadata: d.Metadata, DefaultTaxRates: texts(d.TaxRates)}
	if len(d.Items) > 0 {
		p.ProrationBehavior = api.String("none")
		if !d.ChargeAt.IsZero() {
			p.ProrationBehavior, p.ProrationDate = api.String("always_invoice"), api.Int64(d.ChargeAt.Unix())
		}
	}
	for _, i := range d.Items {
		q := &api.SubscriptionUpdateItemParams{ID: text(i.ID)}
		switch {
		case i.ID == "":
			q.Quantity = api.Int64(i.Quantity)
			q.PriceData = &api.SubscriptionUpdateItemPriceDataParams{Currency: &d.Currency, Product: api.String(i.Product), UnitAmount: api.Int64(i.Unit),
				Recurring: &api.SubscriptionUpdateItemPriceDataRecurringParams{Interval: &d.Interval}}
		case i.Quantity == 0:
			q.Deleted = api.Bool(true)
		default:
			q.Quantity = api.Int64(i.Quantity)
		}
		p.Items = append(p.Items, q)
	}
	switch {
	case d.Coupon == nil:
	case *d.Coupon == "":
		p.AddUnsetField(api.SubscriptionUpdateParamsUnsetFieldDiscounts)
	default:
		p.Discounts = []*api.SubscriptionUpdateDiscountParams{{Coupon: d.Coupon}}
	}
	p.AddExpand("discounts")
	write(ctx, &p.Params, key)
	return subscriptionOf(c.api.V1Subscriptions.Update(ctx, id, p))
}

// CancelSubscription ends a subscription at once, without paying anything back and
// without another invoice. One that is over already is Gone.
func (c *Client) CancelSubscription(ctx context.Context, key, id string) (Subscription, error) {
	p := &api.SubscriptionCancelParams{InvoiceNow: api.Bool(false), Prorate: api.Bool(false)}
	p.AddExpand("discounts")
	write(ctx, &p.Params, key)
	return subscriptionOf(c.api.V1Subscriptions.Cancel(ctx, id, p))
}

// Subscription loads a subscription.
func (c *Client) Subscription(ctx context.Context, id string) (Subscription, error) {
	p := &api.SubscriptionRetrieveParams{}
	p.AddExpand("discounts")
	return subscriptionOf(c.api.V1Subscriptions.Retrieve(ctx, id, p))
}

// Subscriptions returns all of the customer's, the newest first, those that are
// over too.
func (c *Client) Subscriptions(ctx context.Context, customer string) (list []Subscription, err error) {
	p := &api.SubscriptionListParams{Customer: &customer, Status: api.String("all")}
	p.Limit = api.Int64(100)
	p.AddExpand("data.discounts")
	for s, err := range c.api.V1Subscriptions.List(ctx, p).All(ctx) {
		each, err := subscriptionOf(s, err)
		if err != nil {
			return nil, err
		}
		list = append(list, each)
	}
	return list, nil
}
