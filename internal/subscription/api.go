package subscription

import (
	"time"

	"sede/internal/billing"
	"sede/internal/coupon"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/product"
	"sede/internal/throttle"
)

var boughtFields = []hydra.Field[Bought]{
	hydra.KeyRef("product", "Product", func(b *Bought) *string { return &b.Product }).Required().Doc("What is bought.").Example("/products/team"),
	hydra.Int("quantity", func(b *Bought) *int64 { return &b.Quantity }).Between(0, 10_000).
		Doc("How many times; 1 when it is left out, and for what is sold by seats.").Example("1"),
	hydra.Int("flat", func(b *Bought) *int64 { return &b.Flat }).ReadOnly().Doc("What one costs for a period, at the price it was bought at."),
	hydra.Int("perSeat", func(b *Bought) *int64 { return &b.PerSeat }).ReadOnly().Doc("What it costs for each seat and period, at the price it was bought at."),
}

var fields = []hydra.Field[Subscription]{
	hydra.ID(func(s *Subscription) *ident.ID { return &s.ID }),
	hydra.Ref("organization", "Organization", func(s *Subscription) *ident.ID { return &s.Organization }).ReadOnly(),
	hydra.Ref("organizationAddress", "OrganizationAddress", func(s *Subscription) *ident.ID { return &s.Address }).
		Doc("Whom invoices are made out to. Left out: the first address of the organization."),
	hydra.Text("type", func(s *Subscription) *string { return &s.Type }).OneOf(product.Intervals()...).OnCreate().
		Doc("How long a period is.").Example(product.Monthly).Filter(hydra.Exact),
	hydra.NullRef("paymentMethod", "PaymentMethod", func(s *Subscription) *null.Value[ident.ID] { return &s.PaymentMethod }).
		Doc("What pays. Null: invoices are paid by transfer, or nobody has given anything yet. One can be chosen where Stripe bills; null chooses the organization's default."),
	hydra.Text("currency", func(s *Subscription) *string { return &s.Currency }).OnCreate().Length(3, 3).
		Doc("The currency of the prices. Left out: that of the organization's settings.").Example("EUR"),
	hydra.Entries("products", func(s *Subscription) *[]Bought { return &s.Products }, boughtFields...).Short("product").Most(20).Required().
		Doc("What is bought, each as an IRI or with its quantity. More acts at once, less when the period ends.").Example(`["/products/team"]`),
	hydra.Int("seats", func(s *Subscription) *int64 { return &s.Seats }).Between(1, maxSeats).
		Doc("How many people have room. More acts at once, less when the period ends.").Example("5").Filter(hydra.Range, hydra.Numeric),
	hydra.Texts("modules", func(s *Subscription) *[]string { m := s.modules(); return &m }).ReadOnly().
		Doc("The modules that the products grant."),
	hydra.Text("status", func(s *Subscription) *string { return &s.Status }).ReadOnly().OneOf(statuses...).
		Doc("Past due: an invoice was not paid in time. Unpaid: nor in the days of grace after that.").Filter(hydra.Exact),
	hydra.NullText("externalId", func(s *Subscription) *null.Value[string] { return &s.External }).ReadOnly().
		Doc("The id at the provider of payments; null: sede itself makes the invoices."),
	hydra.Entries("metadata", func(s *Subscription) *[]Pair { return &s.Metadata },
		hydra.Text("key", func(p *Pair) *string { return &p.Key }).Required().Length(1, 40),
		hydra.Text("value", func(p *Pair) *string { return &p.Value }).Length(0, 500),
	).Most(50).Doc("Whatever you want to keep with it."),
	hydra.Bool("active", func(s *Subscription) *bool { v := s.active(); return &v }).ReadOnly().
		Doc("Whether what was bought can be used."),
	hydra.Bool("awaiting", func(s *Subscription) *bool { v := s.awaiting(); return &v }).ReadOnly().
		Doc("Whether the customer owes something: the first invoice, or one that is overdue."),
	hydra.NullTime("trialEndsAt", func(s *Subscription) *null.Value[time.Time] { return &s.TrialEndsAt }).ReadOnly().
		Doc("When the trial ends or ended; null: there was none."),
	hydra.Time("currentPeriodStart", func(s *Subscription) *time.Time { return &s.PeriodFrom }).ReadOnly(),
	hydra.Time("currentPeriodEnd", func(s *Subscription) *time.Time { return &s.PeriodTo }).ReadOnly(),
	hydra.Object("scheduled", func(s *Subscription) *Terms { return s.Scheduled },
		hydra.Objects("products", func(t *Terms) *[]Bought { return &t.Products }, boughtFields...),
		hydra.Int("seats", func(t *Terms) *int64 { return &t.Seats }),
	).Nullable().Doc("What the next period begins with, if it is less; null: the same."),
	hydra.Bool("changeScheduled", func(s *Subscription) *bool { return &s.Changes }).
		Doc("Whether something is scheduled. False drops it."),
	hydra.Bool("cancelAtPeriodEnd", func(s *Subscription) *bool { return &s.CancelAtPeriodEnd }).
		Doc("Whether it ends with the period. False takes a cancellation back while the period lasts."),
	hydra.NullText("cancelReason", func(s *Subscription) *null.Value[string] { return &s.CancelReason }).ReadOnly(),
	hydra.NullTime("canceledAt", func(s *Subscription) *null.Value[time.Time] { return &s.CanceledAt }).ReadOnly().Doc("When somebody canceled it."),
	hydra.NullTime("endedAt", func(s *Subscription) *null.Value[time.Time] { return &s.EndedAt }).ReadOnly().Doc("When it ended."),
	hydra.Text("coupon", func(s *Subscription) *string { return &s.CouponCode }).WriteOnly().OnCreate().
		Doc("The code of a discount, which the first invoice has already."),
	hydra.Object("discount", func(s *Subscription) *coupon.Coupon { return s.Discount },
		hydra.Text("code", func(c *coupon.Coupon) *string { return &c.Code }),
		hydra.Text("name", func(c *coupon.Coupon) *string { return &c.Name }),
		hydra.NullInt("percent", func(c *coupon.Coupon) *null.Value[int64] { return &c.Percent }),
		hydra.NullInt("amount", func(c *coupon.Coupon) *null.Value[int64] { return &c.Amount }),
		hydra.Text("duration", func(c *coupon.Coupon) *string { return &c.Duration }).OneOf(coupon.Once, coupon.Repeating, coupon.Forever),
	).Nullable().Doc("The discount on future invoices, if one is in force."),
	hydra.NullInt("discountLeft", func(s *Subscription) *null.Value[int64] { return &s.CouponLeft }).ReadOnly().
		Doc("On how many more invoices the discount acts; null: on all, or there is none."),
	hydra.Object("preview", func(s *Subscription) *Preview { return s.Preview },
		hydra.Text("currency", func(p *Preview) *string { return &p.Currency }),
		hydra.Objects("lines", func(p *Preview) *[]billing.Line { return &p.Lines }, billing.LineFields...),
		hydra.Int("subtotal", func(p *Preview) *int64 { return &p.Subtotal }),
		hydra.Int("discount", func(p *Preview) *int64 { return &p.Charge.Discount }),
		hydra.Int("tax", func(p *Preview) *int64 { return &p.Tax }),
		hydra.Int("total", func(p *Preview) *int64 { return &p.Total }),
		hydra.Int("amountPaid", func(p *Preview) *int64 { return &p.Paid }).Doc("What of the total is paid from what is owed to the organization."),
		hydra.Int("balance", func(p *Preview) *int64 { b := p.Balance(); return &b }).Doc("What is then still to be paid."),
		hydra.Text("token", func(p *Preview) *string { return &p.Token }).Doc("Sent as previewToken it makes the preview a promise, for 15 minutes."),
	).Nullable().Doc("With preview=true: what would be charged now; for coupons, what the next period would cost. Else null."),
	hydra.Time("createdAt", func(s *Subscription) *time.Time { return &s.CreatedAt }).ReadOnly().Filter(hydra.DateRange),
	hydra.Time("updatedAt", func(s *Subscription) *time.Time { return &s.UpdatedAt }).ReadOnly(),
}

var cancellationFields = []hydra.Field[Cancellation]{
	hydra.Bool("atPeriodEnd", func(c *Cancellation) *bool { return &c.AtPeriodEnd }).
		Doc("Whether it goes on until the period ends, which can be taken back until then. False ends it now."),
	hydra.NullText("reason", func(c *Cancellation) *null.Value[string] { return &c.Reason }).Doc("Why, for whoever asks later."),
}

var redemptionFields = []hydra.Field[Redemption]{
	hydra.Text("coupon", func(r *Redemption) *string { return &r.Coupon }).Required().Doc("The code.").Example("WELCOME-10"),
	hydra.NullRef("subscription", "Subscription", func(r *Redemption) *null.Value[ident.ID] { return &r.Subscription }).
		Doc("Which subscription; left out: the current one."),
	hydra.Bool("replace", func(r *Redemption) *bool { return &r.Replace }).Doc("Whether it may take the place of another discount."),
}

var clearingFields = []hydra.Field[Clearing]{
	hydra.NullRef("subscription", "Subscription", func(c *Clearing) *null.Value[ident.ID] { return &c.Subscription }).
		Doc("Which subscription; left out: the current one."),
}

func (s *Service) resource() hydra.Declaration {
	return hydra.Resource[Subscription]{
		Name: "Subscription", Path: "/subscriptions",
		Doc:      "What the organization has bought.",
		Fields:   fields,
		Version:  func(s *Subscription) int64 { return s.Version },
		Defaults: func(s *Subscription) { s.Type, s.Seats = product.Monthly, 1 },
		Validate: (*Subscription).Validate,
		Operations: []hydra.Operation{
			hydra.List[Subscription]{Access: mayRead, Do: hydra.OfAll(s.List)},
			hydra.Create[Subscription]{Access: mayWrite, Preview: true, Class: throttle.Coupon, Do: s.Create},
			hydra.Get[Subscription]{Access: mayRead, Do: hydra.ByID(s.Get)},
			hydra.Update[Subscription]{Access: mayWrite, Preview: true, Do: hydra.UpdateByID(s.Update)},
			hydra.Action[Cancellation, Subscription]{Path: "/subscriptions/{id}/cancel", Access: mayWrite, Preview: true, Fields: cancellationFields,
				Detail:   "It ends a subscription, with its period or at once.",
				Defaults: func(c *Cancellation) { c.AtPeriodEnd = true }, Do: hydra.ActionByID(s.Cancel)},
			hydra.List[billing.Invoice]{Path: "/subscriptions/{id}/invoices", Access: mayInvoices, Do: s.Invoices},
			hydra.Action[Redemption, Subscription]{Path: "/subscriptions/apply-coupon", Access: mayWrite, Preview: true, Class: throttle.Coupon,
				Fields: redemptionFields, Do: s.ApplyCoupon, Detail: "It redeems a coupon for a subscription."},
			hydra.Action[Clearing, Subscription]{Path: "/subscriptions/clear-coupon", Access: mayWrite, Preview: true, Fields: clearingFields, Do: s.ClearCoupon,
				Detail: "It takes the coupon off a subscription."},
		},
	}
}
