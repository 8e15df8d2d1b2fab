package stripe

import (
	"context"

	api "github.com/stripe/stripe-go/v85"
)

// PreviewChange tells what a change of a subscription would be charged at once, or,
// where nothing is (ChargeAt is zero), what the next invoice would come to after it.
// Nothing is changed.
func (c *Client) PreviewChange(ctx context.Context, subscription string, d Change) (Invoice, error) {
	details := &api.InvoiceCreatePreviewSubscriptionDetailsParams{}
	switch {
	case !d.ChargeAt.IsZero():
		details.ProrationBehavior, details.ProrationDate = api.String("always_invoice"), api.Int64(d.ChargeAt.Unix())
	case len(d.Items) > 0:
		details.ProrationBehavior = api.String("none")
	}
	for _, i := range d.Items {
		q := previewItem(i, d.Currency, d.Interval)
		if q.ID = text(i.ID); i.ID != "" {
			q.PriceData = nil
		}
		if i.ID != "" && i.Quantity == 0 {
			q.Quantity, q.Deleted = nil, api.Bool(true)
		}
		details.Items = append(details.Items, q)
	}
	p := &api.InvoiceCreatePreviewParams{Subscription: &subscription, SubscriptionDetails: details}
	if len(d.TaxRates) > 0 {
		details.DefaultTaxRates = texts(d.TaxRates)
	} else if d.TaxRates != nil {
		details.UnsetFields = append(details.UnsetFields, api.InvoiceCreatePreviewSubscriptionDetailsParamsUnsetFieldDefaultTaxRates)
	}
	switch {
	case d.Coupon == nil:
	case *d.Coupon == "":
		p.AddUnsetField(api.InvoiceCreatePreviewParamsUnsetFieldDiscounts)
	default:
		p.Discounts = []*api.InvoiceCreatePreviewDiscountParams{{Coupon: d.Coupon}}
	}
	return c.preview(ctx, p)
}

// PreviewStart tells what the first invoice of a subscription would come to. The
// customer may be one that Stripe does not know; then its country is what matters.
func (c *Client) PreviewStart(ctx context.Context, s Start, country string) (Invoice, error) {
	p := &api.InvoiceCreatePreviewParams{Customer: text(s.Customer), Currency: text(s.Currency),
		SubscriptionDetails: &api.InvoiceCreatePreviewSubscriptionDetailsParams{DefaultTaxRates: texts(s.TaxRates)}}
	if s.Customer == "" {
		p.CustomerDetails = &api.InvoiceCreatePreviewCustomerDetailsParams{Address: &api.AddressParams{Country: text(country)}}
	}
	for _, i := range s.Items {
		p.SubscriptionDetails.Items = append(p.SubscriptionDetails.Items, previewItem(i, s.Currency, s.Interval))
	}
	if s.Coupon != "" {
		p.Discounts = []*api.InvoiceCreatePreviewDiscountParams{{Coupon: &s.Coupon}}
	}
	return c.preview(ctx, p)
}

func previewItem(i Item, currency, interval string) *api.InvoiceCreatePreviewSubscriptionDetailsItemParams {
	return &api.InvoiceCreatePreviewSubscriptionDetailsItemParams{Quantity: api.Int64(i.Quantity),
		PriceData: &api.InvoiceCreatePreviewSubscriptionDetailsItemPriceDataParams{Currency: &currency, Product: api.String(i.Product),
			UnitAmount: api.Int64(i.Unit), Recurring: &api.InvoiceCreatePreviewSubscriptionDetailsItemPriceDataRecurringParams{Interval: &interval}}}
}

func (c *Client) preview(ctx context.Context, p *api.InvoiceCreatePreviewParams) (Invoice, error) {
	p.Context = ctx
	got, err := c.api.V1Invoices.CreatePreview(ctx, p)
	return c.whole(ctx, got, err)
}
