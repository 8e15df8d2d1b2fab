package stripefake

import "time"

type item struct {
	id, product, price string
	unit, quantity     int64
	created            int64
}

type subscription struct {
	id, customer, status, currency, interval, method string
	items                                            []*item
	anchor, from, to, trialEnd                       int64
	cancelAtEnd                                      bool
	canceled, ended, created                         int64
	discount                                         *discount
	taxRates                                         []string
	metadata                                         map[string]string
	latest                                           string
	periods                                          int // since the anchor
}

type discount struct {
	id     string
	coupon *coupon
	start  int64
	end    int64 // 0: open
}

func (s *subscription) over() bool { return s.status == "canceled" || s.status == "incomplete_expired" }

func (i *item) render(s *subscription) object {
	recurring := object{"interval": s.interval, "interval_count": 1, "meter": nil, "usage_type": "licensed"}
	return makeObject("subscription_item", object{"id": i.id, "created": i.created, "quantity": i.quantity, "subscription": s.id, "metadata": object{},
		"current_period_start": s.from, "current_period_end": s.to, "tax_rates": []any{},
		"price": makeObject("price", object{"id": i.price, "created": i.created, "active": false, "currency": s.currency, "product": i.product, "type": "recurring",
			"billing_scheme": "per_unit", "recurring": recurring, "unit_amount": i.unit, "unit_amount_decimal": number(i.unit), "metadata": object{}})})
}

func (d *discount) render(s *subscription) object {
	return makeObject("discount", object{"id": d.id, "start": d.start, "end": when(d.end), "customer": s.customer, "subscription": s.id,
		"source": object{"type": "coupon", "coupon": d.coupon.id}})
}

func (s *Server) render(sub *subscription, expand bool) object {
	items := []object{}
	for _, i := range sub.items {
		items = append(items, i.render(sub))
	}
	discounts, rates := []any{}, []any{}
	if sub.discount != nil {
		if expand {
			discounts = append(discounts, sub.discount.render(sub))
		} else {
			discounts = append(discounts, sub.discount.id)
		}
	}
	for _, id := range sub.taxRates {
		rates = append(rates, s.taxRates[id].render())
	}
	o := makeObject("subscription", object{"id": sub.id, "customer": sub.customer, "status": sub.status, "currency": sub.currency, "metadata": sub.metadata,
		"collection_method": "charge_automatically", "default_payment_method": orNull(sub.method), "default_tax_rates": rates, "discounts": discounts,
		"billing_cycle_anchor": sub.anchor, "start_date": sub.created, "created": sub.created, "cancel_at_period_end": sub.cancelAtEnd,
		"canceled_at": when(sub.canceled), "ended_at": when(sub.ended), "trial_end": when(sub.trialEnd), "latest_invoice": orNull(sub.latest),
		"billing_mode": object{"type": "flexible", "flexible": nil}, "payment_settings": object{"payment_method_options": nil, "payment_method_types": nil, "save_default_payment_method": "on_subscription"},
		"items": object{"object": "list", "has_more": false, "url": "/v1/subscription_items?subscription=" + sub.id, "data": items}})
	if sub.trialEnd != 0 {
		o["trial_start"], o["trial_settings"] = sub.created, object{"end_behavior": object{"missing_payment_method": "create_invoice"}}
	}
	if sub.cancelAtEnd {
		o["cancel_at"] = sub.to
	}
	return o
}

func (s *Server) createSubscription(r request) (any, *problem) {
	c, bad := s.found(r.in.text("customer"))
	if bad != nil {
		return nil, bad
	}
	sub := &subscription{id: s.id("sub"), customer: c.id, currency: r.in.text("currency"), created: s.stamp(), anchor: s.stamp(), trialEnd: r.in.int("trial_end", 0),
		metadata: r.in.metadata(nil), taxRates: r.in.texts("default_tax_rates")}
	if bad := s.setMethod(sub, r.in); bad != nil {
		return nil, bad
	}
	for _, each := range r.in.objects("items") {
		if bad := s.addItem(sub, each); bad != nil {
			return nil, bad
		}
	}
	if len(sub.items) == 0 {
		return nil, invalid("parameter_missing", "items", "Missing required param: items.")
	}
	if bad := s.setDiscount(sub, r.in); bad != nil {
		return nil, bad
	}
	for _, id := range sub.taxRates {
		if s.taxRates[id] == nil {
			return nil, invalid("resource_missing", "default_tax_rates", "No such tax rate: '"+id+"'")
		}
	}
	s.subs[sub.id] = sub
	sub.from = s.stamp()
	if sub.trialEnd > s.stamp() {
		sub.status, sub.to = "trialing", sub.trialEnd
	} else {
		sub.status, sub.trialEnd = "incomplete", 0
		sub.periods, sub.to = 1, sub.end(1)
	}
	s.emit("customer.subscription.created", s.render(sub, false))
	i := s.periodInvoice(sub, "subscription_create")
	s.finalize(i)
	if s.attempt(i); i.status == "paid" && sub.status == "incomplete" {
		sub.status = "active"
	}
	s.emit("customer.subscription.updated", s.render(sub, false))
	return s.render(sub, r.expands("discounts")), nil
}

// end is when the nth period since the anchor ends.
func (s *subscription) end(n int) int64 {
	anchor := time.Unix(s.anchor, 0).UTC()
	months := n
	if s.interval == "year" {
		months = 12 * n
	}
	first := time.Date(anchor.Year(), anchor.Month()+time.Month(months), 1, anchor.Hour(), anchor.Minute(), anchor.Second(), 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(anchor.Day(), last)-1).Unix()
}

func (s *Server) addItem(sub *subscription, in params) *problem {
	data := in.in("price_data")
	if data == nil {
		return invalid("parameter_missing", "items[0][price]", "You must pass price or price_data.")
	}
	if s.products[data.text("product")] == nil {
		return invalid("resource_missing", "items[0][price_data][product]", "No such product: '"+data.text("product")+"'")
	}
	interval := data.in("recurring").text("interval")
	switch {
	case sub.currency != data.text("currency"):
		return invalid("", "currency", "The currencies must be the same.")
	case sub.interval != "" && sub.interval != interval:
		return invalid("", "items", "All prices must have the same interval.")
	case interval != "month" && interval != "year":
		return invalid("", "interval", "Invalid interval.")
	}
	sub.interval = interval
	sub.items = append(sub.items, &item{id: s.id("si"), product: data.text("product"), price: s.id("price"), unit: data.int("unit_amount", 0),
		quantity: in.int("quantity", 1), created: s.stamp()})
	return nil
}

// setMethod gives the subscription a payment method of its customer's, or none of its own.
func (s *Server) setMethod(sub *subscription, in params) *problem {
	if !in.has("default_payment_method") {
		return nil
	}
	id := in.text("default_payment_method")
	if m := s.methods[id]; id != "" && (m == nil || m.customer != sub.customer) {
		return invalid("resource_missing", "default_payment_method", "No such PaymentMethod: '"+id+"'")
	}
	sub.method = id
	return nil
}

func (s *Server) setDiscount(sub *subscription, in params) *problem {
	if !in.has("discounts") {
		return nil
	}
	sub.discount = nil
	for _, each := range in.objects("discounts") {
		c := s.coupons[each.text("coupon")]
		if c == nil {
			return invalid("resource_missing", "discounts[0][coupon]", "No such coupon: '"+each.text("coupon")+"'")
		}
		sub.discount = &discount{id: s.id("di"), coupon: c, start: s.stamp()}
		if c.duration == "repeating" {
			sub.discount.end = time.Unix(s.stamp(), 0).UTC().AddDate(0, int(c.months), 0).Unix()
		}
	}
	return nil
}

func (s *Server) getSubscription(r request) (any, *problem) {
	sub := s.subs[r.PathValue("id")]
	if sub == nil {
		return nil, missing("subscription", r.PathValue("id"))
	}
	return s.render(sub, r.expands("discounts")), nil
}

func (s *Server) listSubscriptions(r request) (any, *problem) {
	var all []object
	for _, sub := range sorted(s.subs) {
		if c := r.in.text("customer"); c != "" && sub.customer != c {
			continue
		}
		if sub.over() && r.in.text("status") != "all" {
			continue
		}
		all = append(all, s.render(sub, r.expands("discounts")))
	}
	return s.list(r, all)
}

func (s *Server) updateSubscription(r request) (any, *problem) {
	sub := s.subs[r.PathValue("id")]
	if sub == nil {
		return nil, missing("subscription", r.PathValue("id"))
	}
	if sub.over() {
		return nil, invalid("", "", "A canceled subscription can only update its cancellation_details and metadata.")
	}
	before := sub.copied()
	if bad := s.change(sub, r.in); bad != nil {
		*sub = *before
		return nil, bad
	}
	if r.in.has("items") && r.in.text("proration_behavior") == "always_invoice" && sub.status != "trialing" {
		if lines := prorations(before, sub, r.in.int("proration_date", s.stamp())); len(lines) > 0 {
			i := s.newInvoice(sub, "subscription_update", lines, sub.from, sub.to)
			s.finalize(i)
			s.attempt(i)
		}
	}
	s.emit("customer.subscription.updated", s.render(sub, false))
	return s.render(sub, r.expands("discounts")), nil
}

func (s *Server) change(sub *subscription, in params) *problem {
	for _, each := range in.objects("items") {
		if bad := s.changeItem(sub, each); bad != nil {
			return bad
		}
	}
	if len(sub.items) == 0 {
		return invalid("", "items", "A subscription must have at least one item.")
	}
	if bad := s.setMethod(sub, in); bad != nil {
		return bad
	}
	if in.has("cancel_at_period_end") {
		if sub.cancelAtEnd = in.bool("cancel_at_period_end"); sub.cancelAtEnd {
			sub.canceled = s.stamp()
		} else {
			sub.canceled = 0
		}
	}
	if in.has("default_tax_rates") {
		sub.taxRates = in.texts("default_tax_rates")
	}
	sub.metadata = in.metadata(sub.metadata)
	return s.setDiscount(sub, in)
}

func (s *Server) changeItem(sub *subscription, in params) *problem {
	if !in.has("id") {
		return s.addItem(sub, in)
	}
	for n, i := range sub.items {
		if i.id != in.text("id") {
			continue
		}
		if in.bool("deleted") {
			sub.items = append(append([]*item(nil), sub.items[:n]...), sub.items[n+1:]...)
			return nil
		}
		i.quantity = in.int("quantity", i.quantity)
		return nil
	}
	return invalid("resource_missing", "items[0][id]", "No such subscription item: '"+in.text("id")+"'")
}

func (s *Server) cancelSubscription(r request) (any, *problem) {
	sub := s.subs[r.PathValue("id")]
	if sub == nil || sub.over() {
		return nil, missing("subscription", r.PathValue("id"))
	}
	s.end(sub, "canceled")
	return s.render(sub, r.expands("discounts")), nil
}

func (s *Server) end(sub *subscription, status string) {
	sub.status, sub.ended = status, s.stamp()
	if status == "canceled" && sub.canceled == 0 {
		sub.canceled = s.stamp()
	}
	for _, i := range s.invoices {
		if i.subscription == sub.id && (i.status == "draft" || i.status == "open") {
			i.finalizeAt, i.attemptAt = 0, 0
		}
	}
	name := "customer.subscription.deleted"
	if status != "canceled" {
		name = "customer.subscription.updated"
	}
	s.emit(name, s.render(sub, false))
}
