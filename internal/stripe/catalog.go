package stripe

import (
	"context"

	api "github.com/stripe/stripe-go/v85"
)

// There are things that sede names itself: products and coupons have ids that sede
// gives. What is there already is as good as what was just made.

const codeExists = "resource_already_exists"

// EnsureProduct makes a product with that id unless it is there.
func (c *Client) EnsureProduct(ctx context.Context, key, id, name string, metadata map[string]string) error {
	p := &api.ProductCreateParams{ID: &id, Name: &name, Metadata: metadata}
	write(ctx, &p.Params, key)
	_, err := c.api.V1Products.Create(ctx, p)
	return unlessThere(err)
}

// Coupon is the rule of a discount.
type Coupon struct {
	ID, Name   string
	PercentOff float64 // 0: AmountOff
	AmountOff  int64
	Currency   string // of the amount
	Duration   string // once, repeating or forever
	Months     int64  // of repeating
	Products   []string
}

// EnsureCoupon makes a coupon with that id unless it is there. Who may redeem it
// and how often is for the caller to say.
func (c *Client) EnsureCoupon(ctx context.Context, key string, d Coupon) error {
	p := &api.CouponCreateParams{ID: &d.ID, Name: text(d.Name), Duration: &d.Duration}
	if d.PercentOff > 0 {
		p.PercentOff = &d.PercentOff
	} else {
		p.AmountOff, p.Currency = &d.AmountOff, text(d.Currency)
	}
	if d.Months > 0 {
		p.DurationInMonths = &d.Months
	}
	if len(d.Products) > 0 {
		p.AppliesTo = &api.CouponCreateAppliesToParams{Products: api.StringSlice(d.Products)}
	}
	write(ctx, &p.Params, key)
	_, err := c.api.V1Coupons.Create(ctx, p)
	return unlessThere(err)
}

func unlessThere(err error) error {
	if err = failure(err); IsCode(err, codeExists) {
		return nil
	}
	return err
}

// CreateTaxRate makes a rate of value added tax that is added to prices, and
// returns its id, which Stripe gives. percent is e.g. 23.
func (c *Client) CreateTaxRate(ctx context.Context, key, name, country string, percent float64) (id string, err error) {
	p := &api.TaxRateCreateParams{DisplayName: &name, Country: text(country), Percentage: &percent, Inclusive: api.Bool(false),
		TaxType: api.String(string(api.TaxRateTaxTypeVAT))}
	write(ctx, &p.Params, key)
	got, err := c.api.V1TaxRates.Create(ctx, p)
	if err := arrived(func() string { return got.ID }, err); err != nil {
		return "", err
	}
	return got.ID, nil
}
