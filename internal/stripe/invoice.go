package stripe

import (
	"context"
	"time"

	api "github.com/stripe/stripe-go/v85"
)

// Line is one line of an invoice.
type Line struct {
	Description string
	Product     string
	Quantity    int64
	Unit        int64
	Prorated    bool
	From, To    time.Time
	Amount      int64 // before discount and tax; negative: taken back
	Discount    int64
	Tax         int64
}

// Invoice is what Stripe asks the customer to pay.
type Invoice struct {
	ID, Customer, Subscription string
	Number                     string // empty while it is a draft
	Status                     string // Stripe's word: draft, open, paid, uncollectible, void
	Reason                     string
	Currency                   string // lower case
	Lines                      []Line
	Subtotal, Discount         int64
	Tax, Total                 int64
	Paid, Remaining            int64
	Credit                     int64 // what was owed to the customer before; negative: what was left to be paid
	Covered                    int64 // of the total, what that pays
	PeriodFrom, PeriodTo       time.Time
	Issued, Due, PaidAt        time.Time // zero: not yet, or at once
	PayURL                     string    // where it can be paid; empty while it is a draft
	PDF                        string
	Account, AccountCountry    string // who made it, as customers see it
	Created                    time.Time
}

func invoiceOf(i *api.Invoice, err error) (Invoice, error) {
	if err := arrived(func() string { return i.ID }, err); err != nil {
		return Invoice{}, err
	}
	r := Invoice{ID: i.ID, Number: i.Number, Status: string(i.Status), Reason: string(i.BillingReason), Currency: string(i.Currency),
		Subtotal: i.Subtotal, Total: i.Total, Paid: i.AmountPaid, Remaining: i.AmountRemaining, Due: at(i.DueDate), Credit: -i.StartingBalance, Covered: i.Total - i.AmountDue,
		PeriodFrom: at(i.PeriodStart), PeriodTo: at(i.PeriodEnd), PayURL: i.HostedInvoiceURL, PDF: i.InvoicePDF, Account: i.AccountName, AccountCountry: i.AccountCountry, Created: at(i.Created)}
	if i.Customer != nil {
		r.Customer = i.Customer.ID
	}
	if i.Parent != nil && i.Parent.SubscriptionDetails != nil && i.Parent.SubscriptionDetails.Subscription != nil {
		r.Subscription = i.Parent.SubscriptionDetails.Subscription.ID
	}
	if i.StatusTransitions != nil {
		r.Issued, r.PaidAt = at(i.StatusTransitions.FinalizedAt), at(i.StatusTransitions.PaidAt)
	}
	for _, d := range i.TotalDiscountAmounts {
		r.Discount += d.Amount
	}
	for _, t := range i.TotalTaxes {
		r.Tax += t.Amount
	}
	if i.Lines != nil {
		for _, l := range i.Lines.Data {
			r.Lines = append(r.Lines, lineOf(l))
		}
	}
	return r, nil
}

func lineOf(l *api.InvoiceLineItem) Line {
	r := Line{Description: l.Description, Quantity: l.Quantity, Amount: l.Amount}
	if l.Period != nil {
		r.From, r.To = at(l.Period.Start), at(l.Period.End)
	}
	if l.Pricing != nil {
		r.Unit = int64(l.Pricing.UnitAmountDecimal)
		if l.Pricing.PriceDetails != nil {
			r.Product = l.Pricing.PriceDetails.Product
		}
	}
	if l.Parent != nil && l.Parent.SubscriptionItemDetails != nil {
		r.Prorated = l.Parent.SubscriptionItemDetails.Proration
	}
	for _, d := range l.DiscountAmounts {
		r.Discount += d.Amount
	}
	for _, t := range l.Taxes {
		r.Tax += t.Amount
	}
	return r
}

// whole is an invoice with all its lines: Stripe hands out the first ones only.
func (c *Client) whole(ctx context.Context, i *api.Invoice, err error) (Invoice, error) {
	r, err := invoiceOf(i, err)
	if err != nil || i.Lines == nil || !i.Lines.HasMore {
		return r, err
	}
	r.Lines = nil
	p := &api.InvoiceListLinesParams{Invoice: &i.ID}
	p.Limit = api.Int64(100)
	for l, err := range c.api.V1Invoices.ListLines(ctx, p).All(ctx) {
		if err != nil {
			return r, failure(err)
		}
		r.Lines = append(r.Lines, lineOf(l))
	}
	return r, nil
}

// Invoice loads an invoice.
func (c *Client) Invoice(ctx context.Context, id string) (Invoice, error) {
	got, err := c.api.V1Invoices.Retrieve(ctx, id, &api.InvoiceRetrieveParams{})
	return c.whole(ctx, got, err)
}

// Invoices returns all invoices of a subscription, the newest first. Those that are known
// may have their first lines only.
func (c *Client) Invoices(ctx context.Context, subscription string, known func(id string) bool) (list []Invoice, err error) {
	p := &api.InvoiceListParams{Subscription: &subscription}
	p.Limit = api.Int64(100)
	for i, err := range c.api.V1Invoices.List(ctx, p).All(ctx) {
		each, err := invoiceOf(i, err)
		if err == nil && (known == nil || !known(each.ID)) {
			each, err = c.whole(ctx, i, nil)
		}
		if err != nil {
			return nil, err
		}
		list = append(list, each)
	}
	return list, nil
}
