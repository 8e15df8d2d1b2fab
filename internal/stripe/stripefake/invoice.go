package stripefake

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
)

type line struct {
	id, item, product, price, text string
	quantity, unit, amount         int64
	discount, tax                  int64
	from, to                       int64
	prorated                       bool
}

type invoice struct {
	id, customer, subscription, number, status, reason, currency string
	lines                                                        []line
	subtotal, discount, tax, total, paid                         int64
	credit, covered                                              int64 // what was owed to the customer, and what of the total that pays
	discountID, rate                                             string
	from, to, created, finalized, paidAt, voided                 int64
	finalizeAt, attemptAt                                        int64 // 0: not by itself
	attempts                                                     int64
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// finalizeAfter is how long a renewal's invoice stays a draft, retries when what
// was refused is tried again, and expireAfter how long a first payment may take.
const (
	finalizeAfter = 3600
	retryAfter    = 3 * 24 * 3600
	mostAttempts  = 4
	expireAfter   = 23 * 3600
)

// share is part of an amount, rounded half away from zero.
func share(amount, part, whole int64) int64 {
	return int64(math.Round(float64(amount) * float64(part) / float64(whole)))
}

func (s *Server) periodInvoice(sub *subscription, reason string) *invoice {
	return s.newInvoice(sub, reason, s.periodLines(sub), sub.from, sub.to)
}

// periodLines are what a whole period costs.
func (s *Server) periodLines(sub *subscription) (lines []line) {
	for _, i := range sub.items {
		l := line{item: i.id, product: i.product, price: i.price, text: fmt.Sprintf("%d × %s", i.quantity, s.products[i.product].name), quantity: i.quantity, unit: i.unit,
			amount: i.unit * i.quantity, from: sub.from, to: sub.to}
		if sub.status == "trialing" {
			l.amount, l.unit, l.text = 0, 0, "Trial period for "+s.products[i.product].name
		}
		lines = append(lines, l)
	}
	return lines
}

// prorations are the lines for a change within a period: what was paid is given
// back for the rest of it, what is wanted is charged.
func prorations(before, after *subscription, at int64) (lines []line) {
	part, whole := after.to-at, after.to-after.from
	find := func(items []*item, id string) *item {
		for _, i := range items {
			if i.id == id {
				return i
			}
		}
		return nil
	}
	add := func(i *item, quantity, sign int64, text string) {
		lines = append(lines, line{item: i.id, product: i.product, price: i.price, text: text, quantity: quantity, unit: i.unit,
			amount: sign * share(i.unit*quantity, part, whole), from: at, to: after.to, prorated: true})
	}
	for _, i := range after.items {
		old := find(before.items, i.id)
		if old != nil && old.quantity == i.quantity {
			continue
		}
		if old != nil {
			add(i, old.quantity, -1, "Unused time")
		}
		add(i, i.quantity, 1, "Remaining time")
	}
	for _, i := range before.items {
		if find(after.items, i.id) == nil {
			add(i, i.quantity, -1, "Unused time")
		}
	}
	return lines
}

// newInvoice makes a draft: the discount is taken off before tax, both are spread
// over the lines.
func (s *Server) newInvoice(sub *subscription, reason string, lines []line, from, to int64) *invoice {
	i := &invoice{id: s.id("in"), customer: sub.customer, subscription: sub.id, status: "draft", reason: reason, currency: sub.currency, lines: lines,
		from: from, to: to, created: s.stamp()}
	s.price(i, sub)
	s.invoices[i.id] = i
	sub.latest = i.id
	s.emit("invoice.created", s.renderInvoice(i))
	return i
}

func (s *Server) price(i *invoice, sub *subscription) {
	var covered int64
	d := sub.discount
	for n := range i.lines {
		i.lines[n].id = s.id("il")
		i.subtotal += i.lines[n].amount
		if d != nil && d.coupon.covers(i.lines[n].product) {
			covered += i.lines[n].amount
		}
	}
	if d != nil && covered > 0 {
		off := min(d.coupon.amount, covered)
		if d.coupon.percent > 0 {
			off = int64(math.Round(float64(covered) * d.coupon.percent / 100))
		}
		i.discount, i.discountID = off, d.id
		left := off
		for n := range i.lines {
			if l := &i.lines[n]; d.coupon.covers(l.product) {
				l.discount = share(off, l.amount, covered)
				left -= l.discount
			}
		}
		for n := range i.lines {
			if l := &i.lines[n]; d.coupon.covers(l.product) && l.amount != 0 {
				l.discount += left
				break
			}
		}
	}
	net := i.subtotal - i.discount
	if len(sub.taxRates) > 0 {
		i.rate = sub.taxRates[0]
		percent := s.taxRates[i.rate].percent
		i.tax = int64(math.Round(float64(net) * percent / 100))
		left := i.tax
		for n := range i.lines {
			l := &i.lines[n]
			if l.tax = left; n < len(i.lines)-1 {
				l.tax = int64(math.Round(float64(l.amount-l.discount) * percent / 100))
			}
			left -= l.tax
		}
	}
	i.total = net + i.tax
	s.cover(i)
}

// cover has what is owed to the customer pay of the total. What is given back is owed from
// then on.
func (s *Server) cover(i *invoice) {
	i.credit, i.covered = 0, min(i.total, 0)
	if c := s.customers[i.customer]; c != nil {
		i.credit, i.covered = c.credit, min(i.total, c.credit)
	}
}

// due is what is asked for.
func (i *invoice) due() int64 { return i.total - i.covered }

func (i *invoice) remaining() int64 {
	if i.status == "void" {
		return 0
	}
	return i.due() - i.paid
}

// ending is what is left to be paid, or below 0 owed, by the customer after the invoice; nil
// while it is a draft.
func (i *invoice) ending() any {
	if i.finalized == 0 {
		return nil
	}
	return i.covered - i.credit
}

func (s *Server) finalize(i *invoice) {
	s.serial++
	if s.cover(i); i.covered != 0 {
		s.customers[i.customer].credit -= i.covered
	}
	i.status, i.number, i.finalized, i.finalizeAt = "open", fmt.Sprintf("FAKE-%04d", s.serial), s.stamp(), 0
	if sub := s.subs[i.subscription]; sub != nil && sub.discount != nil && i.discount > 0 && sub.discount.coupon.duration == "once" {
		sub.discount = nil
	}
	s.emit("invoice.finalized", s.renderInvoice(i))
}

// attempt tries to get the money: from the subscription's payment method, else from
// the customer's.
func (s *Server) attempt(i *invoice) {
	sub, c := s.subs[i.subscription], s.customers[i.customer]
	id := sub.method
	if id == "" {
		id = c.method
	}
	m := s.methods[id]
	i.attemptAt = 0
	if i.due() == 0 || m != nil && !m.declines {
		s.settle(i)
		return
	}
	i.attempts++
	s.emit("invoice.payment_failed", s.renderInvoice(i))
	switch {
	case sub.status == "incomplete": // the person must pay
		return
	case i.attempts >= cmp.Or(s.Attempts, mostAttempts):
		sub.status = "unpaid"
	default:
		sub.status = "past_due"
		i.attemptAt = s.stamp() + retryAfter
	}
	s.emit("customer.subscription.updated", s.render(sub, false))
}

func (s *Server) settle(i *invoice) {
	i.status, i.paid, i.paidAt, i.attemptAt = "paid", i.due(), s.stamp(), 0
	s.emit("invoice.paid", s.renderInvoice(i))
	sub := s.subs[i.subscription]
	if sub.over() || sub.status == "active" || sub.status == "trialing" {
		return
	}
	for _, other := range s.invoices {
		if other.subscription == sub.id && other.status == "open" {
			return
		}
	}
	sub.status = "active"
	s.emit("customer.subscription.updated", s.render(sub, false))
}

func (s *Server) renderLine(i *invoice, l *line) object {
	o := makeObject("line_item", object{"id": l.id, "invoice": i.id, "amount": l.amount, "subtotal": l.amount, "currency": i.currency, "description": l.text,
		"discountable": true, "quantity": l.quantity, "period": object{"start": l.from, "end": l.to}, "metadata": object{}, "subscription": i.subscription,
		"pricing": object{"type": "price_details", "unit_amount_decimal": number(l.unit), "price_details": object{"price": l.price, "product": l.product}},
		"parent": object{"type": "subscription_item_details", "invoice_item_details": nil, "subscription_item_details": object{"invoice_item": nil,
			"proration": l.prorated, "proration_details": nil, "subscription": i.subscription, "subscription_item": l.item}},
		"discount_amounts": []any{}, "taxes": []any{}})
	if l.discount != 0 {
		o["discount_amounts"] = []any{object{"amount": l.discount, "discount": i.discountID}}
	}
	if i.rate != "" {
		o["taxes"] = []any{s.taxOf(i, l.tax, l.amount-l.discount)}
	}
	return o
}

func (s *Server) taxOf(i *invoice, amount, of int64) object {
	return object{"amount": amount, "tax_behavior": "exclusive", "taxability_reason": "not_available", "taxable_amount": of, "type": "tax_rate_details",
		"tax_rate_details": object{"tax_rate": i.rate}}
}

func (s *Server) renderInvoice(i *invoice) object {
	lines := []object{}
	for n := range i.lines[:min(len(i.lines), 10)] {
		lines = append(lines, s.renderLine(i, &i.lines[n]))
	}
	var name any
	if c := s.customers[i.customer]; c != nil {
		name = orNull(c.name)
	}
	o := makeObject("invoice", object{"id": i.id, "customer": i.customer, "currency": i.currency, "status": i.status, "billing_reason": i.reason,
		"created": i.created, "period_start": i.from, "period_end": i.to, "subtotal": i.subtotal, "total": i.total, "amount_due": i.due(),
		"starting_balance": -i.credit, "ending_balance": i.ending(),
		"amount_paid": i.paid, "amount_remaining": i.remaining(), "attempt_count": i.attempts, "attempted": i.attempts > 0, "auto_advance": i.finalizeAt != 0,
		"collection_method": "charge_automatically", "metadata": object{}, "total_excluding_tax": i.total - i.tax, "subtotal_excluding_tax": i.subtotal,
		"total_discount_amounts": []any{}, "total_taxes": []any{}, "customer_name": name, "account_name": "Fake Ltd", "account_country": "IE", "next_payment_attempt": when(i.attemptAt),
		"parent":             object{"type": "subscription_details", "quote_details": nil, "subscription_details": object{"metadata": object{}, "subscription": i.subscription}},
		"status_transitions": object{"finalized_at": when(i.finalized), "paid_at": when(i.paidAt), "voided_at": when(i.voided), "marked_uncollectible_at": nil},
		"lines":              object{"object": "list", "has_more": len(i.lines) > 10, "url": "/v1/invoices/" + i.id + "/lines", "data": lines}})
	if i.discount > 0 {
		o["total_discount_amounts"] = []any{object{"amount": i.discount, "discount": i.discountID}}
	}
	if i.rate != "" {
		o["total_taxes"] = []any{s.taxOf(i, i.tax, i.subtotal-i.discount)}
	}
	if i.number != "" {
		o["number"], o["hosted_invoice_url"], o["invoice_pdf"] = i.number, "https://invoice.stripe.com/i/"+i.id, "https://pay.stripe.com/invoice/"+i.id+"/pdf"
	}
	return o
}

func (s *Server) getInvoice(r request) (any, *problem) {
	i := s.invoices[r.PathValue("id")]
	if i == nil {
		return nil, missing("invoice", r.PathValue("id"))
	}
	return s.renderInvoice(i), nil
}

func (s *Server) listLines(r request) (any, *problem) {
	i := s.invoices[r.PathValue("id")]
	if i == nil {
		i = s.previews[r.PathValue("id")]
	}
	if i == nil {
		return nil, missing("invoice", r.PathValue("id"))
	}
	var all []object
	for n := range i.lines {
		all = append(all, s.renderLine(i, &i.lines[n]))
	}
	return s.list(r, all)
}

func (s *Server) listInvoices(r request) (any, *problem) {
	var all []object
	for _, i := range sorted(s.invoices) {
		if id := r.in.text("subscription"); id == "" || i.subscription == id {
			all = append(all, s.renderInvoice(i))
		}
	}
	return s.list(r, all)
}

// Pay does what a person does on the page of an open invoice: they pay it.
func (s *Server) Pay(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tick()
	i := s.invoices[id]
	if i == nil || i.status != "open" {
		panic("stripefake: no open invoice " + id)
	}
	s.settle(i)
}
