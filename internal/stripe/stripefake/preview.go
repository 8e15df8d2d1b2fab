package stripefake

// preview tells what would be charged for a change, for what comes next, or for a
// subscription that begins, by the arithmetic that then charges it. Nothing is changed.
func (s *Server) preview(r request) (any, *problem) {
	sub, before, bad := s.imagined(r)
	if bad != nil {
		return nil, bad
	}
	details := r.in.in("subscription_details")
	i := &invoice{id: s.id("upcoming_in"), customer: sub.customer, subscription: sub.id, status: "draft", reason: "upcoming", currency: sub.currency, created: s.stamp()}
	switch {
	case before == nil:
		i.lines = s.periodLines(sub)
	case details.text("proration_behavior") == "always_invoice":
		i.reason, i.lines = "subscription_update", prorations(before, sub, details.int("proration_date", s.stamp()))
	case sub.cancelAtEnd || sub.over():
		return nil, &problem{404, "invalid_request_error", "invoice_upcoming_none", "", "No upcoming invoices for customer: '" + sub.customer + "'"}
	default:
		s.next(sub)
		i.lines = s.periodLines(sub)
	}
	i.from, i.to = sub.from, sub.to
	s.price(i, sub)
	s.previews[i.id] = i
	return s.renderInvoice(i), nil
}

// imagined is the subscription as it would be, and as it is; the latter is nil where
// one begins.
func (s *Server) imagined(r request) (after, before *subscription, bad *problem) {
	details := r.in.in("subscription_details")
	if id := r.in.text("subscription"); id != "" {
		if before = s.subs[id]; before == nil {
			return nil, nil, missing("subscription", id)
		}
		after = before.copied()
	} else {
		after = &subscription{customer: r.in.text("customer"), currency: r.in.text("currency"), status: "incomplete", from: s.stamp(), anchor: s.stamp(), periods: 1}
		if _, bad := s.found(after.customer); after.customer != "" && bad != nil {
			return nil, nil, bad
		}
		if after.customer == "" && !r.in.has("customer_details") {
			return nil, nil, invalid("parameter_missing", "customer", "You must pass customer, customer_details or subscription.")
		}
	}
	for _, each := range details.objects("items") {
		if bad := s.changeItem(after, each); bad != nil {
			return nil, nil, bad
		}
	}
	if before == nil {
		after.to = after.end(1)
	}
	if details.has("default_tax_rates") {
		after.taxRates = details.texts("default_tax_rates")
	}
	for _, id := range after.taxRates {
		if s.taxRates[id] == nil {
			return nil, nil, invalid("resource_missing", "default_tax_rates", "No such tax rate: '"+id+"'")
		}
	}
	return after, before, s.setDiscount(after, r.in)
}

// copied is another subscription with the same in it.
func (s *subscription) copied() *subscription {
	c := *s
	c.items = nil
	for _, i := range s.items {
		item := *i
		c.items = append(c.items, &item)
	}
	return &c
}
