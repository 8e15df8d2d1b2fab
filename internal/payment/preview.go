package payment

import (
	"context"
	"slices"
	"strings"
	"time"

	"sede/internal/access"
	"sede/internal/billing"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/stripe"
	"sede/internal/subscription"
)

// Preview tells what Stripe will charge for a change that nobody made yet, by asking
// Stripe. Products, coupons and tax rates that the change needs are made there; they
// cost nothing.
func (s *Service) Preview(ctx context.Context, scope access.Scope, q subscription.Question) (billing.Bill, error) {
	if s.client == nil {
		return billing.Bill{}, unavailable(&stripe.Error{Kind: stripe.Retry, Err: errGone})
	}
	w := wish{scope: scope, Twin: q.Twin}
	c, err := s.askWhole(ctx, &w, &q)
	if stripe.Is(err, stripe.Gone) && w.payer.Customer.Valid { // who may be deleted there
		if err = s.pullCustomer(ctx, scope.Organization(), w.payer.Customer.V, ""); err == nil {
			c, err = s.askWhole(ctx, &w, &q)
		}
	}
	if err != nil {
		return c, unavailable(err)
	}
	return c, s.db.Read(ctx, scope, func(tx *db.Tx) error { return s.invoices.Describe(tx, scope, c.Lines) })
}

// askWhole completes the wish and has Stripe compute what is asked.
func (s *Service) askWhole(ctx context.Context, w *wish, q *subscription.Question) (c billing.Bill, err error) {
	paid, err := s.paidFor(ctx, w)
	if err != nil {
		return c, err
	}
	err = s.again(ctx, w, func() error {
		c, err = s.ask(ctx, w, q, paid)
		return err
	})
	return c, err
}

// paidFor completes the wish, and returns the items that are in force as things stand.
// They are paid for, or will be when Stripe has learned of them. None where the
// subscription begins.
func (s *Service) paidFor(ctx context.Context, w *wish) (paid []stripe.Item, err error) {
	err = s.db.Read(ctx, w.scope, func(tx *db.Tx) (err error) {
		if w.payer, err = s.organizations.Payer(tx, w.scope); err != nil {
			return err
		}
		if w.buyer, err = s.invoices.Buyer(tx, w.scope, w.Address); err != nil {
			return err
		}
		now, err := s.subscriptions.Twin(tx, w.scope, w.ID)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		paid = itemsOf(now.Now())
		return err
	})
	return paid, err
}

// ask has Stripe compute what is asked.
func (s *Service) ask(ctx context.Context, w *wish, q *subscription.Question, paid []stripe.Item) (c billing.Bill, err error) {
	if err := s.catalogue(ctx, w); err != nil {
		return c, err
	}
	rates, err := s.taxRates(ctx, w)
	if err != nil {
		return c, err
	}
	at, err := s.find(ctx, w)
	switch {
	case err != nil:
		return c, err
	case at != nil && at.Over():
		return c, fault.New(fault.Conflict, "This subscription has ended.")
	case at == nil:
		i, err := s.client.PreviewStart(ctx, w.start(w.payer.Customer.V, rates), w.buyer.Country)
		return w.firstPeriod(w.charge(&i)), err
	case q.Upcoming:
		d := stripe.Change{Currency: at.Currency, Interval: interval(w.Type), TaxRates: rates, Coupon: newCoupon(at, &w.Twin)}
		for _, step := range changes("next", at.Items, itemsOf(w.Next()), false) {
			d.Items = withIDs(step.items, at)
		}
		i, err := s.client.PreviewChange(ctx, at.ID, d)
		return w.charge(&i), err
	}
	return s.askMore(ctx, w, q.At, at, paid, rates)
}

// askMore asks for the charge of what is more within the period.
func (s *Service) askMore(ctx context.Context, w *wish, from time.Time, at *stripe.Subscription, paid []stripe.Item, rates []string) (c billing.Bill, err error) {
	base, target := raise(at.Items, most(chargedOf(at), paid), itemsOf(w.Now()))
	preview := func(to []stripe.Item) (i stripe.Invoice, err error) {
		for _, step := range changes("more", at.Items, to, true) {
			d := stripe.Change{Currency: at.Currency, Interval: interval(w.Type), Items: withIDs(step.items, at)}
			i, err = s.client.PreviewChange(ctx, at.ID, w.charging(d, at, from, rates))
		}
		return i, err
	}
	whole, err := preview(target)
	if err != nil || changes("base", at.Items, base, false) == nil {
		return w.charge(&whole), err
	}
	part, err := preview(base)
	if err != nil {
		return c, err
	}
	return s.between(ctx, w, &whole, &part)
}

// between is the charge for what lies between two changes of the same twin: from the
// items that are paid for to those that are wanted. Stripe can't be asked for it, since
// the twin has neither of both now: it was told already what is less in the next period.
func (s *Service) between(ctx context.Context, w *wish, whole, part *stripe.Invoice) (c billing.Bill, err error) {
	var lines []billing.Line
	add := func(l billing.Line, sign int64) {
		quantity := l.Quantity
		if l.Amount < 0 { // given back
			quantity = -quantity
		}
		for i := range lines {
			if lines[i].Product == l.Product && lines[i].Kind == l.Kind {
				lines[i].Amount, lines[i].Quantity = lines[i].Amount+sign*l.Amount, lines[i].Quantity+sign*quantity
				return
			}
		}
		l.Amount, l.Quantity = sign*l.Amount, sign*quantity
		lines = append(lines, l)
	}
	for _, l := range w.charge(whole).Lines {
		add(l, 1)
	}
	for _, l := range w.charge(part).Lines {
		add(l, -1)
	}
	lines = slices.DeleteFunc(lines, func(l billing.Line) bool { return l.Amount == 0 })
	err = s.db.Read(ctx, w.scope, func(tx *db.Tx) (err error) {
		c.Charge, err = s.invoices.Quote(tx, w.scope, billing.Order{Subscription: w.ID, Address: w.Address, Reason: billing.ReasonUpdate, Currency: w.Currency,
			Lines: lines, Discount: w.Discount, From: w.PeriodFrom, To: w.PeriodTo})
		return err
	})
	c.Paid = min(c.Total, whole.Credit)
	return c, err
}

// charge is what a preview of Stripe's says.
func (w *wish) charge(i *stripe.Invoice) billing.Bill {
	return billing.Bill{Charge: invoiceOf(i, &w.Twin, w.buyer, false).Charge, Paid: i.Covered}
}

// firstPeriod gives lines the period that sede expects: Stripe's would begin when it is
// asked, each time at another.
func (w *wish) firstPeriod(c billing.Bill) billing.Bill {
	for i := range c.Lines {
		c.Lines[i].From, c.Lines[i].To = w.PeriodFrom, w.PeriodTo
	}
	return c
}

// start is how the twin begins.
func (w *wish) start(customer string, rates []string) stripe.Start {
	return stripe.Start{Customer: customer, Currency: strings.ToLower(w.Currency), Interval: interval(w.Type), Items: itemsOf(w.Next()), TaxRates: rates,
		Coupon: couponOf(&w.Twin).ID}
}
