package payment

import (
	"context"
	"strconv"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/subscription"
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
// they are not there.
func (s *Service) catalogue(ctx context.Context, w *wish) error {
	for _, terms := range []subscription.Terms{w.Now(), w.Next()} {
		for _, i := range itemsOf(terms) {
			of, seats := productOf(i.Product)
			name, role := of, "flat"
			if seats {
				name, role = of+" (seats)", "seats"
			}
			err := s.keyed(ctx, "product:"+i.Product, func(key string) error {
				return s.client.EnsureProduct(ctx, key, i.Product, name, map[string]string{"product": of, "role": role})
			})
			if err != nil {
				return err
			}
		}
	}
	c := couponOf(&w.Twin)
	if c.ID == "" {
		return nil
	}
	return s.keyed(ctx, "coupon:"+c.ID, func(key string) error { return s.client.EnsureCoupon(ctx, key, c) })
}

// taxRates are Stripe's ids of how the subscription is taxed, not nil.
func (s *Service) taxRates(ctx context.Context, t tax.Treatment) ([]string, error) {
	if t.Rate == 0 {
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
		id, err = s.client.CreateTaxRate(ctx, key, "VAT", t.Country, float64(t.Rate)/100)
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
