package stripefake

import (
	"slices"
	"strconv"
)

type product struct {
	id, name string
	metadata map[string]string
	created  int64
}

type coupon struct {
	id, name, currency, duration string
	percent                      float64
	amount, months               int64
	products                     []string
	created                      int64
}

// Wipe removes products, coupons and tax rates, as when an account's test data is deleted
// or another account takes its place.
func (s *Server) Wipe() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sub := range s.subs {
		sub.taxRates = nil
	}
	s.products, s.coupons, s.taxRates = map[string]*product{}, map[string]*coupon{}, map[string]*taxRate{}
}

type taxRate struct {
	id, name, country string
	percent           float64
	created           int64
}

func exists(what, id string) *problem {
	return invalid("resource_already_exists", "id", what+" already exists: "+id)
}

func (s *Server) createProduct(r request) (any, *problem) {
	p := &product{id: r.in.text("id"), name: r.in.text("name"), metadata: r.in.metadata(nil), created: s.stamp()}
	if p.name == "" {
		return nil, invalid("parameter_missing", "name", "Missing required param: name.")
	}
	if p.id == "" {
		p.id = s.id("prod")
	}
	if s.products[p.id] != nil {
		return nil, exists("Product", p.id)
	}
	s.products[p.id] = p
	return makeObject("product", object{"id": p.id, "name": p.name, "metadata": p.metadata, "created": p.created, "updated": p.created, "active": true}), nil
}

func (s *Server) createCoupon(r request) (any, *problem) {
	c := &coupon{id: r.in.text("id"), name: r.in.text("name"), currency: r.in.text("currency"), duration: r.in.text("duration"),
		percent: r.in.float("percent_off"), amount: r.in.int("amount_off", 0), months: r.in.int("duration_in_months", 0),
		products: r.in.in("applies_to").texts("products"), created: s.stamp()}
	if c.duration == "" {
		c.duration = "once"
	}
	switch {
	case (c.percent > 0) == (c.amount > 0):
		return nil, invalid("", "percent_off", "You must pass one of percent_off and amount_off.")
	case c.amount > 0 && c.currency == "":
		return nil, invalid("parameter_missing", "currency", "You must pass currency when passing amount_off.")
	case c.duration == "repeating" && c.months == 0:
		return nil, invalid("parameter_missing", "duration_in_months", "You must pass duration_in_months when passing duration=repeating.")
	case len(c.name) > 40:
		return nil, invalid("", "name", "Name must be 40 characters or fewer.")
	}
	for _, id := range c.products {
		if s.products[id] == nil {
			return nil, invalid("resource_missing", "applies_to[products]", "No such product: '"+id+"'")
		}
	}
	if c.id == "" {
		c.id = s.id("co")
	}
	if s.coupons[c.id] != nil {
		return nil, exists("Coupon", c.id)
	}
	s.coupons[c.id] = c
	return c.render(), nil
}

func (c *coupon) render() object {
	o := makeObject("coupon", object{"id": c.id, "name": orNull(c.name), "duration": c.duration, "duration_in_months": when(c.months), "created": c.created,
		"currency": orNull(c.currency), "valid": true, "metadata": object{}})
	if c.percent > 0 {
		o["percent_off"] = c.percent
	} else {
		o["amount_off"] = c.amount
	}
	return o
}

// covers reports whether the discount acts on a product.
func (c *coupon) covers(product string) bool {
	return len(c.products) == 0 || slices.Contains(c.products, product)
}

// TaxRate is the name and the percentage of a tax rate; empty: there is none.
func (s *Server) TaxRate(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.taxRates[id]; t != nil {
		return t.name + " " + strconv.FormatFloat(t.percent, 'f', -1, 64) + "%"
	}
	return ""
}

func (s *Server) createTaxRate(r request) (any, *problem) {
	t := &taxRate{id: s.id("txr"), name: r.in.text("display_name"), country: r.in.text("country"), percent: r.in.float("percentage"), created: s.stamp()}
	if t.name == "" || !r.in.has("percentage") {
		return nil, invalid("parameter_missing", "display_name", "Missing required param.")
	}
	s.taxRates[t.id] = t
	return t.render(), nil
}

func (t *taxRate) render() object {
	return makeObject("tax_rate", object{"id": t.id, "display_name": t.name, "country": orNull(t.country), "percentage": t.percent, "active": true,
		"inclusive": false, "created": t.created, "metadata": object{}, "tax_type": "vat"})
}
