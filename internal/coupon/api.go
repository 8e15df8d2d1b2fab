package coupon

import (
	"time"

	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/money"
	"sede/internal/null"
)

var fields = []hydra.Field[Coupon]{
	hydra.ID(func(c *Coupon) *ident.ID { return &c.ID }),
	hydra.Text("code", func(c *Coupon) *string { return &c.Code }).Required().OnCreate().Length(3, maxCode).
		Doc("What people type to get the discount, in any case.").Example("WELCOME-10").Filter(hydra.Exact).Sortable(),
	hydra.Text("name", func(c *Coupon) *string { return &c.Name }).
		Doc("What invoices call the discount; left out: its code.").Example("Welcome").Means("https://schema.org/name"),
	hydra.NullInt("percent", func(c *Coupon) *null.Value[int64] { return &c.Percent }).OnCreate().Between(1, 100).
		Doc("How many percent it takes off.").Example("10"),
	hydra.NullInt("amount", func(c *Coupon) *null.Value[int64] { return &c.Amount }).OnCreate().Between(1, money.Most).
		Doc("How much it takes off an invoice before tax, in minor units."),
	hydra.NullText("currency", func(c *Coupon) *null.Value[string] { return &c.Currency }).OnCreate().Length(3, 3).
		Doc("The currency of the amount; invoices in others get nothing off."),
	hydra.Text("duration", func(c *Coupon) *string { return &c.Duration }).OnCreate().OneOf(Once, Repeating, Forever).
		Doc("Whether one invoice gets the discount, those of some periods, or all.").Example(Once).Filter(hydra.Exact),
	hydra.NullInt("periods", func(c *Coupon) *null.Value[int64] { return &c.Periods }).OnCreate().Between(1, 120).
		Doc("How many periods a repeating discount lasts."),
	hydra.NullTime("redeemBy", func(c *Coupon) *null.Value[time.Time] { return &c.RedeemBy }).
		Doc("From when on it can't be applied any more. Discounts that are applied go on.").Filter(hydra.DateRange, hydra.Existence),
	hydra.NullInt("maxRedemptions", func(c *Coupon) *null.Value[int64] { return &c.MaxRedemptions }).Between(1, 1_000_000).
		Doc("How often it can be applied."),
	hydra.Int("redemptions", func(c *Coupon) *int64 { return &c.Redemptions }).ReadOnly().Doc("How often it was applied."),
	hydra.Entries("appliesTo", func(c *Coupon) *[]Target { return &c.AppliesTo },
		hydra.KeyRef("product", "Product", func(t *Target) *string { return &t.Product }).Required().Doc("A product."),
	).Short("product").OnCreate().Doc("The products that get cheaper, as IRIs; none: all."),
	hydra.Bool("active", func(c *Coupon) *bool { return &c.Active }).
		Doc("Whether it can be applied. Discounts that are applied go on.").Filter(hydra.Boolean),
	hydra.Time("createdAt", func(c *Coupon) *time.Time { return &c.CreatedAt }).ReadOnly().Filter(hydra.DateRange).Sortable(),
	hydra.Time("updatedAt", func(c *Coupon) *time.Time { return &c.UpdatedAt }).ReadOnly(),
}

func (s *Service) resource() hydra.Declaration {
	return hydra.Resource[Coupon]{
		Name: "Coupon", Path: "/coupons",
		Doc:      "A discount with a code.",
		Fields:   fields,
		Version:  func(c *Coupon) int64 { return c.Version },
		Volatile: true, // redemptions change no version
		Defaults: func(c *Coupon) { c.Active, c.Duration = true, Once },
		Validate: (*Coupon).Validate,
		Operations: []hydra.Operation{
			hydra.List[Coupon]{Access: mayManage, Do: hydra.OfAll(s.List)},
			hydra.Create[Coupon]{Access: mayManage, Do: s.Create},
			hydra.Get[Coupon]{Access: mayManage, Do: hydra.ByID(s.Get)},
			hydra.Update[Coupon]{Access: mayManage, Do: hydra.UpdateByID(s.Update)},
		},
	}
}
