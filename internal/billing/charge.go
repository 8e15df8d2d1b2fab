package billing

import (
	"time"

	"sede/internal/coupon"
	"sede/internal/money"
	"sede/internal/tax"
)

// Item is a product that was bought, at the price of that time.
type Item struct {
	Product  string   `json:"product"`
	Quantity int64    `json:"quantity"`
	Flat     int64    `json:"flat"`    // for each of the quantity
	PerSeat  int64    `json:"perSeat"` // for each seat
	Modules  []string `json:"modules"`
}

// The kinds of lines.
const (
	Flat  = "flat"
	Seats = "seats"
)

// Line is one line of an invoice. Amounts are in minor units of its currency.
type Line struct {
	Product     string    `json:"product"`
	Kind        string    `json:"kind"`
	Description string    `json:"description"`
	Quantity    int64     `json:"quantity"`
	UnitAmount  int64     `json:"unitAmount"` // for the whole period
	Prorated    bool      `json:"prorated"`   // only the rest of the period is charged
	From        time.Time `json:"from"`
	To          time.Time `json:"to"`
	Amount      int64     `json:"amount"`   // before discount and tax
	Discount    int64     `json:"discount"` // what is taken off
	Tax         int64     `json:"tax"`
}

// Charge is what is to be paid at one time: lines with their totals.
type Charge struct {
	Currency  string
	Lines     []Line
	Subtotal  int64 // the sum of the lines
	Discount  int64 // what is taken off before tax
	Treatment tax.Treatment
	Tax       int64
	Total     int64
}

// Bill is a charge, and what of it is paid from what is owed to the organization.
type Bill struct {
	Charge
	Paid int64
}

// Balance is what is then still to be paid.
func (b *Bill) Balance() int64 { return max(0, b.Total-b.Paid) }

// Whole returns the lines for a whole period.
func Whole(items []Item, seats int64, from, to time.Time) ([]Line, error) {
	return Part(items, seats, from, from, to)
}

// Part returns the lines for what is bought at a time within a period: the price
// of the period for the part of it that is left, to the second.
func Part(items []Item, seats int64, at, from, to time.Time) (lines []Line, err error) {
	add := func(product, kind string, quantity, unit int64) error {
		amount, err := money.Times(unit, quantity)
		if err == nil && at.After(from) {
			amount, err = money.Share(amount, seconds(at, to), seconds(from, to))
		}
		if err != nil || amount > money.Most {
			return money.ErrRange
		}
		lines = append(lines, Line{Product: product, Kind: kind, Quantity: quantity, UnitAmount: unit, Prorated: at.After(from), From: at, To: to, Amount: amount})
		return nil
	}
	for _, item := range items {
		if item.Quantity > 0 && (item.Flat > 0 || item.PerSeat == 0) {
			if err := add(item.Product, Flat, item.Quantity, item.Flat); err != nil {
				return nil, err
			}
		}
		if item.PerSeat > 0 && seats > 0 {
			if err := add(item.Product, Seats, seats, item.PerSeat); err != nil {
				return nil, err
			}
		}
	}
	return lines, nil
}

func seconds(from, to time.Time) int64 { return to.Unix() - from.Unix() }

// Price adds the lines up: the discount, if there is one, is taken off the lines
// that it covers, and tax is computed on what is left, once for the whole. Both
// are spread over the lines so that they add up.
func Price(currency string, lines []Line, discount *coupon.Coupon, treatment tax.Treatment) (Charge, error) {
	c := Charge{Currency: currency, Lines: lines}
	covered := make([]int64, len(lines))
	var base int64
	for i, l := range lines {
		c.Subtotal += l.Amount
		if discount != nil && discount.Covers(l.Product) && (!discount.Currency.Valid || discount.Currency.V == currency) {
			covered[i] = l.Amount
			base += l.Amount
		}
	}
	if base > 0 {
		off, err := discount.Off(base)
		if err != nil {
			return c, err
		}
		c.Discount = off
		for i, part := range money.Split(off, covered) {
			lines[i].Discount = part
		}
	}
	return c, c.levy(treatment)
}

// levy computes the tax anew and spreads it over the lines.
func (c *Charge) levy(treatment tax.Treatment) error {
	net := c.Subtotal - c.Discount
	owed, err := treatment.Of(net)
	if err != nil || net > money.Most {
		return money.ErrRange
	}
	c.Treatment, c.Tax, c.Total = treatment, owed, net+owed
	nets := make([]int64, len(c.Lines))
	for i, l := range c.Lines {
		nets[i] = l.Amount - l.Discount
	}
	for i, part := range money.Split(owed, nets) {
		c.Lines[i].Tax = part
	}
	return nil
}
