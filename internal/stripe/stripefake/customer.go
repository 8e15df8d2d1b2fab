package stripefake

import (
	"regexp"
	"slices"
	"strings"
)

// sessionAge is how long a page waits for a person.
const sessionAge = 24 * 3600

type customer struct {
	id, name, email, exempt, method string
	address                         params
	locales                         []string
	metadata                        map[string]string
	created                         int64
	credit                          int64 // what is owed to them
	deleted                         bool
}

type method struct {
	id, customer, brand, last4 string
	declines                   bool
	created                    int64
}

type session struct {
	id, customer, currency, done, back, status, method, intent string
	created                                                    int64
}

func (c *customer) render() object {
	o := makeObject("customer", object{"id": c.id, "created": c.created, "name": orNull(c.name), "email": orNull(c.email), "metadata": c.metadata,
		"tax_exempt": c.exempt, "preferred_locales": c.locales, "balance": -c.credit, "currency": nil,
		"invoice_settings": object{"custom_fields": nil, "default_payment_method": orNull(c.method), "footer": nil, "rendering_options": nil}})
	if c.address != nil {
		address := object{}
		for _, name := range []string{"city", "country", "line1", "line2", "postal_code", "state"} {
			address[name] = orNull(c.address.text(name))
		}
		o["address"] = address
	}
	return o
}

func (s *Server) createCustomer(r request) (any, *problem) {
	c := &customer{id: s.id("cus"), exempt: "none", created: s.stamp(), locales: []string{}}
	s.customers[c.id] = c
	c.take(r.in)
	return c.render(), nil
}

func (c *customer) take(in params) {
	for name, field := range map[string]*string{"name": &c.name, "email": &c.email, "tax_exempt": &c.exempt} {
		if in.has(name) {
			*field = in.text(name)
		}
	}
	if in.has("address") {
		c.address = in.in("address")
	}
	if in.has("preferred_locales") {
		c.locales = in.texts("preferred_locales")
	}
	c.metadata = in.metadata(c.metadata)
}

func (s *Server) getCustomer(r request) (any, *problem) {
	c := s.customers[r.PathValue("id")]
	if c == nil {
		return nil, missing("customer", r.PathValue("id"))
	}
	if c.deleted {
		return object{"id": c.id, "object": "customer", "deleted": true}, nil
	}
	return c.render(), nil
}

func (s *Server) listCustomers(r request) (any, *problem) {
	var all []object
	for _, c := range sorted(s.customers) {
		if c.created >= r.in.in("created").int("gte", 0) && !c.deleted {
			all = append(all, c.render())
		}
	}
	return s.list(r, all)
}

// searchAfter is how long a customer can't be found by what it has.
const searchAfter = 60

// query is the one kind of search that the fake knows.
var query = regexp.MustCompile(`^metadata\['(\w+)'\]:'([^']*)'$`)

func (s *Server) searchCustomers(r request) (any, *problem) {
	wanted := query.FindStringSubmatch(r.in.text("query"))
	if wanted == nil {
		return nil, invalid("", "query", "This fake searches for one entry of the metadata only.")
	}
	found := []object{}
	for _, c := range sorted(s.customers) {
		if c.metadata[wanted[1]] == wanted[2] && c.created <= s.stamp()-searchAfter && !c.deleted {
			found = append(found, c.render())
		}
	}
	return object{"object": "search_result", "url": r.URL.Path, "has_more": false, "next_page": nil, "data": found}, nil
}

// DeleteCustomer does what somebody does at Stripe's dashboard: the customer is gone, with
// its payment methods, and its subscriptions end.
func (s *Server) DeleteCustomer(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tick()
	c := s.customers[id]
	c.deleted, c.method = true, ""
	for _, m := range s.methods {
		if m.customer == id {
			m.customer = ""
		}
	}
	for _, sub := range sorted(s.subs) {
		if sub.customer == id && !sub.over() {
			s.end(sub, "canceled")
		}
	}
	s.emit("customer.deleted", c.render())
}

// Vanish lets a subscription be unknown from now on, as when somebody deletes the data of
// a test account.
func (s *Server) Vanish(subscription string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.subs, subscription)
}

// found is a customer that was not deleted.
func (s *Server) found(id string) (*customer, *problem) {
	c := s.customers[id]
	if c == nil || c.deleted {
		return nil, missing("customer", id)
	}
	return c, nil
}

func (s *Server) updateCustomer(r request) (any, *problem) {
	c, bad := s.found(r.PathValue("id"))
	if bad != nil {
		return nil, bad
	}
	if settings := r.in.in("invoice_settings"); settings.has("default_payment_method") {
		id := settings.text("default_payment_method")
		if m := s.methods[id]; m == nil || m.customer != c.id {
			return nil, missing("PaymentMethod", id)
		}
		c.method = id
	}
	c.take(r.in)
	s.emit("customer.updated", c.render())
	return c.render(), nil
}

func (m *method) render() object {
	return makeObject("payment_method", object{"id": m.id, "created": m.created, "type": "card", "customer": orNull(m.customer), "metadata": object{},
		"card": makeObject("payment_method_card", object{"brand": m.brand, "last4": m.last4, "exp_month": 12, "exp_year": 2034, "funding": "credit"})})
}

func (s *Server) listMethods(r request) (any, *problem) {
	if _, bad := s.found(r.PathValue("id")); bad != nil {
		return nil, bad
	}
	var all []object
	for _, m := range sorted(s.methods) {
		if m.customer == r.PathValue("id") {
			all = append(all, m.render())
		}
	}
	return s.list(r, all)
}

func (s *Server) detachMethod(r request) (any, *problem) {
	m := s.methods[r.PathValue("id")]
	if m == nil || m.customer == "" {
		return nil, missing("PaymentMethod", r.PathValue("id"))
	}
	if c := s.customers[m.customer]; c != nil && c.method == m.id {
		c.method = ""
	}
	for _, sub := range s.subs {
		if sub.method == m.id {
			sub.method = ""
		}
	}
	m.customer = ""
	s.emit("payment_method.detached", m.render())
	return m.render(), nil
}

func (c *session) render(expand bool) object {
	o := makeObject("checkout.session", object{"id": c.id, "created": c.created, "expires_at": c.created + sessionAge, "mode": "setup", "status": c.status,
		"customer": orNull(c.customer), "currency": orNull(c.currency), "success_url": orNull(c.done), "cancel_url": orNull(c.back), "payment_status": "no_payment_required",
		"payment_method_types": []string{"card"}, "setup_intent": c.intent, "metadata": object{}})
	if c.status == "open" {
		o["url"] = "https://checkout.stripe.com/c/pay/" + c.id
	}
	if expand {
		status := "requires_payment_method"
		if c.method != "" {
			status = "succeeded"
		}
		o["setup_intent"] = makeObject("setup_intent", object{"id": c.intent, "created": c.created, "customer": orNull(c.customer), "payment_method": orNull(c.method),
			"status": status, "usage": "off_session", "payment_method_types": []string{"card"}, "metadata": object{}})
	}
	return o
}

func (s *Server) createSession(r request) (any, *problem) {
	if r.in.text("mode") != "setup" {
		return nil, invalid("", "mode", "This fake knows the mode setup only.")
	}
	if _, bad := s.found(r.in.text("customer")); bad != nil {
		return nil, bad
	}
	if r.in.text("success_url") == "" {
		return nil, invalid("parameter_missing", "success_url", "Missing required param: success_url.")
	}
	if r.in.text("currency") == "" {
		return nil, invalid("parameter_missing", "currency", "Currency is required in setup mode when payment_method_types is not given.")
	}
	c := &session{id: s.id("cs_test"), intent: s.id("seti"), customer: r.in.text("customer"), currency: r.in.text("currency"), done: r.in.text("success_url"),
		back: r.in.text("cancel_url"), status: "open", created: s.stamp()}
	s.sessions[c.id] = c
	return c.render(false), nil
}

func (s *Server) getSession(r request) (any, *problem) {
	c := s.sessions[r.PathValue("id")]
	if c == nil {
		return nil, missing("checkout.session", r.PathValue("id"))
	}
	return c.render(r.expands("setup_intent")), nil
}

func (s *Server) createPortal(r request) (any, *problem) {
	if _, bad := s.found(r.in.text("customer")); bad != nil {
		return nil, bad
	}
	return makeObject("billing_portal.session", object{"id": s.id("bps"), "created": s.stamp(), "customer": r.in.text("customer"), "configuration": "bpc_fake",
		"return_url": orNull(r.in.text("return_url")), "locale": orNull(r.in.text("locale")), "url": "https://billing.stripe.com/p/session/" + s.id("live")}), nil
}

// Card is what a person types into Stripe's page.
type Card struct {
	Brand, Last4 string
	Declines     bool // when it is charged, not when it is given
}

// Give does what a person does on the page of a session: they give a card. It
// returns the id of the payment method.
func (s *Server) Give(sessionID string, card Card) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tick()
	c := s.sessions[sessionID]
	if c == nil || c.status != "open" {
		panic("stripefake: no open session " + sessionID)
	}
	if card.Brand == "" {
		card.Brand, card.Last4 = "visa", "4242"
	}
	m := &method{id: s.id("pm"), customer: c.customer, brand: card.Brand, last4: card.Last4, declines: card.Declines, created: s.stamp()}
	s.methods[m.id] = m
	c.method, c.status = m.id, "complete"
	s.emit("payment_method.attached", m.render())
	s.emit("checkout.session.completed", c.render(false))
	return m.id
}

// Owe has something be owed to all customers, as when somebody gives them credit.
func (s *Server) Owe(amount int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.customers {
		c.credit += amount
	}
}

// Refuse lets all payment methods refuse to pay from now on, Accept lets them pay again.
func (s *Server) Refuse() { s.decline(true) }

// Accept undoes Refuse.
func (s *Server) Accept() { s.decline(false) }

func (s *Server) decline(is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.methods {
		m.declines = is
	}
}

// sorted returns what is kept under ids, the newest first. Ids grow.
func sorted[T any](kept map[string]*T) (all []*T) {
	ids := make([]string, 0, len(kept))
	for id := range kept {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int { return strings.Compare(b, a) })
	for _, id := range ids {
		all = append(all, kept[id])
	}
	return all
}
