package payment

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"sede/internal/access"
	"sede/internal/billing"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/stripe"
	"sede/internal/tax"
)

// describe tells Stripe who the customer is.
func (s *Service) describe(ctx context.Context, w *wish, customer string) error {
	d := w.customer()
	return s.keyed(ctx, w.key("customer:"+customer+hash(d)), func(key string) error {
		_, err := s.client.UpdateCustomer(ctx, key, customer, d)
		return err
	})
}

// catalogue makes the products and the coupon that the subscription needs, where
// they are not there. Those that it made or found it does not ask for again.
func (s *Service) catalogue(ctx context.Context, w *wish) error {
	for _, i := range most(itemsOf(w.Now()), itemsOf(w.Next())) {
		of, seats := productOf(i.Product)
		name, role := of, "flat"
		if seats {
			name, role = of+" (seats)", "seats"
		}
		err := s.ensure(ctx, "product:"+i.Product, func(key string) error {
			return s.client.EnsureProduct(ctx, key, i.Product, name, map[string]string{"product": of, "role": role})
		})
		if err != nil {
			return err
		}
	}
	c := couponOf(&w.Twin)
	if c.ID == "" {
		return nil
	}
	return s.ensure(ctx, "coupon:"+c.ID, func(key string) error { return s.client.EnsureCoupon(ctx, key, c) })
}

// ensure makes something at Stripe that this process has not seen there.
func (s *Service) ensure(ctx context.Context, what string, call func(key string) error) error {
	if _, seen := s.seen.Load(what); seen {
		return nil
	}
	err := s.keyed(ctx, what, call)
	if err == nil {
		s.seen.Store(what, true)
	}
	return err
}

// again repeats something when Stripe does not have what it needs, which was there before:
// somebody removed it, or another account of Stripe's is used now. Then that is made anew,
// first products and the coupon, then the tax rate.
func (s *Service) again(ctx context.Context, w *wish, do func() error) error {
	for try := 0; ; try++ {
		err := do()
		lacks, is := errors.AsType[*stripe.Error](err)
		if try == 2 || !is || lacks.Kind != stripe.Gone || errors.Is(err, errNoTwin) {
			return err
		}
		s.seen.Clear()
		if !strings.Contains(lacks.Param, "tax_rates") {
			continue
		}
		err = s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
			dropTaxRate(tx, w.taxRate())
			return nil
		})
		if err != nil {
			return err
		}
	}
}

// taxRate is the tax rate that the subscription is to have at Stripe, of 0 where it has
// none. That of an exempt issuer is one of 0, too, whose name says why on Stripe's
// invoices: in place of the country stands the language of the name.
func (w *wish) taxRate() tax.Treatment {
	t := w.Treatment
	if t.Category == tax.Exempt {
		t.Country = w.language.Written().String()
	}
	return t
}

// taxRates are Stripe's ids of how the subscription is taxed, not nil.
func (s *Service) taxRates(ctx context.Context, w *wish) ([]string, error) {
	t, name, country := w.taxRate(), "VAT", w.Treatment.Country
	switch {
	case t.Category == tax.Exempt:
		name = billing.TaxNote(t, w.language).V
	case t.Rate == 0:
		return []string{}, nil
	}
	var id string
	err := s.db.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		id, err = taxRate(tx, t)
		return err
	})
	if !fault.Is(err, fault.NotFound) {
		return []string{id}, err
	}
	err = s.keyed(ctx, "tax:"+t.Country+":"+strconv.FormatInt(t.Rate, 10), func(key string) error {
		id, err = s.client.CreateTaxRate(ctx, key, name, country, float64(t.Rate)/100)
		return err
	})
	if err != nil {
		return nil, err
	}
	err = s.db.Write(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		id, err = keepTaxRate(tx, t, id)
		return err
	})
	return []string{id}, err
}
