package subscription

import (
	"strconv"
	"time"

	"sede/internal/access"
	"sede/internal/billing"
	"sede/internal/coupon"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
)

// buy prices the products for an interval in a currency: those bought before keep
// their price, others get today's. It returns the longest trial of them in days,
// and is Unprocessable when one can't be bought.
func (s *Service) buy(tx *db.Tx, wanted, before []Bought, interval, currency string) (trial int64, err error) {
	once(wanted)
	var broken []fault.Violation
	for i := range wanted {
		b := &wanted[i]
		path := "products[" + strconv.Itoa(i) + "]"
		if old := findBought(before, b.Product); old != nil {
			b.Flat, b.PerSeat, b.Modules = old.Flat, old.PerSeat, old.Modules
		} else {
			p, err := s.products.Find(tx, b.Product)
			if err != nil {
				return 0, err
			}
			price, ok := p.Price(currency, interval)
			switch {
			case !p.Active:
				broken = append(broken, fault.Violation{Path: path + ".product", Text: fault.Textf("This product is not sold any more.")})
			case !ok:
				broken = append(broken, fault.Violation{Path: path + ".product", Code: fault.CodeCurrency, Text: fault.Textf("This product has no price in %s for this type.", currency)})
			}
			b.Flat, b.PerSeat, b.Modules = price.Flat, price.PerSeat, p.Modules
			trial = max(trial, p.TrialDays)
		}
		if b.PerSeat > 0 && b.Quantity != 1 {
			broken = append(broken, fault.Violation{Path: path + ".quantity", Code: fault.CodeEqual, Text: fault.Textf("This product is sold by seats, so its quantity is 1.")})
		}
	}
	return trial, fault.Broken(broken...)
}

// chargePeriod makes the invoice for the whole current period and adds it to the books.
func (s *Service) chargePeriod(tx *db.Tx, scope access.Scope, sub *Subscription, reason string, books *billing.Books) (*billing.Bill, error) {
	lines, err := billing.Whole(items(sub.Products), sub.Seats, sub.PeriodFrom, sub.PeriodTo)
	if err != nil {
		return nil, tooMuch()
	}
	return s.charge(tx, scope, sub, reason, lines, sub.PeriodFrom, books)
}

func tooMuch() error {
	return fault.Broken(fault.Violation{Path: "products", Code: fault.CodeTooHigh, Text: fault.Textf("This comes to more than can be charged.")})
}

// charge makes an invoice of the lines and uses the discount up.
func (s *Service) charge(tx *db.Tx, scope access.Scope, sub *Subscription, reason string, lines []billing.Line, from time.Time, books *billing.Books) (*billing.Bill, error) {
	var worth int64
	for _, l := range lines {
		worth += l.Amount
	}
	if worth == 0 { // nothing to ask for
		return nothing(sub), nil
	}
	if sub.elsewhere() {
		return s.quote(tx, scope, sub, reason, lines, from)
	}
	i, err := s.invoices.Issue(tx, scope, billing.Order{Subscription: sub.ID, Address: sub.Address, Reason: reason, Currency: sub.Currency,
		Lines: lines, Discount: sub.Discount, From: from, To: sub.PeriodTo})
	if err != nil {
		return nil, err
	}
	books.Add(i)
	if reason == billing.ReasonCreate {
		sub.FirstUnpaid = i.Status != billing.Paid
	}
	sub.useDiscount(reason, i.Discount)
	return i.Bill(), nil
}

// useDiscount counts an invoice from which off was taken. A discount for some
// periods counts periods, one for one invoice that invoice.
func (s *Subscription) useDiscount(reason string, off int64) {
	switch {
	case s.Discount == nil || !s.CouponLeft.Valid:
		return
	case s.Discount.Duration == coupon.Once && off == 0:
		return
	case s.Discount.Duration == coupon.Repeating && reason == billing.ReasonUpdate:
		return
	}
	if s.CouponLeft.V--; s.CouponLeft.V <= 0 {
		s.dropDiscount()
	}
}

func (s *Subscription) dropDiscount() {
	s.Coupon, s.CouponLeft, s.Discount = null.Value[ident.ID]{}, null.Value[int64]{}, nil
}

// discount redeems a code for the subscription. A code that takes nothing off it
// is refused like one that is not there.
func (s *Service) discount(tx *db.Tx, scope access.Scope, sub *Subscription, code string) error {
	c, err := s.coupons.ByCode(tx, scope, code)
	if err != nil {
		return err
	}
	useful := !c.Currency.Valid || c.Currency.V == sub.Currency
	covers := false
	for _, b := range sub.Products {
		covers = covers || c.Covers(b.Product)
	}
	if !useful || !covers {
		return coupon.Refusal()
	}
	if err := s.coupons.Redeem(tx, scope, c.ID); err != nil {
		return err
	}
	sub.give(&c)
	sub.DiscountNumber++
	return nil
}

// give makes the coupon the discount in force.
func (s *Subscription) give(c *coupon.Coupon) {
	s.Coupon, s.CouponLeft, s.Discount = null.Of(c.ID), null.Value[int64]{}, c
	switch c.Duration {
	case coupon.Once:
		s.CouponLeft = null.Of[int64](1)
	case coupon.Repeating:
		s.CouponLeft = c.Periods
	}
}
