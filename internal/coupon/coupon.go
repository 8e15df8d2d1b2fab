// Package coupon keeps the discounts that operators hand out as codes.
//
// A coupon takes a percentage off, or an amount in one currency: of one invoice,
// of those of some periods, or of all. It can end at a time, be used up, or be
// made inactive. Codes are compared without regard to case. Who applies a code
// that is not good is not told why: unknown, expired and used up ones look the
// same.
package coupon

import (
	"slices"
	"strings"
	"time"

	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/money"
	"sede/internal/null"
)

// How long a discount lasts.
const (
	Once      = "once"
	Repeating = "repeating"
	Forever   = "forever"
)

// Coupon is one discount with its code.
type Coupon struct {
	ID             ident.ID
	Code           string // in capitals
	Name           string
	Percent        null.Value[int64] // 1 to 100
	Amount         null.Value[int64] // minor units, with Currency
	Currency       null.Value[string]
	Duration       string
	Periods        null.Value[int64] // when Repeating
	RedeemBy       null.Value[time.Time]
	MaxRedemptions null.Value[int64]
	Redemptions    int64
	AppliesTo      []Target // empty: everything
	Active         bool
	Version        int64
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// Target is a product that a coupon applies to.
type Target struct {
	Product string `json:"product"`
}

// Normal returns the code as it is stored and compared.
func Normal(code string) string { return strings.ToUpper(strings.TrimSpace(code)) }

// Good reports whether the coupon can be redeemed at the time.
func (c *Coupon) Good(now time.Time) bool {
	return c.Active && (!c.RedeemBy.Valid || now.Before(c.RedeemBy.V)) &&
		(!c.MaxRedemptions.Valid || c.Redemptions < c.MaxRedemptions.V)
}

// Covers reports whether the discount takes something off the product.
func (c *Coupon) Covers(product string) bool {
	return len(c.AppliesTo) == 0 || slices.Contains(c.AppliesTo, Target{product})
}

// Off returns what is taken off an amount that is not negative: never more than
// the amount itself.
func (c *Coupon) Off(amount int64) (int64, error) {
	if c.Percent.Valid {
		return money.Share(amount, c.Percent.V, 100)
	}
	return min(c.Amount.V, amount), nil
}

// Validate returns the broken rules that involve several fields.
func (c *Coupon) Validate() (list []fault.Violation) {
	add := func(path, code string, text fault.Text) {
		list = append(list, fault.Violation{Path: path, Code: code, Text: text})
	}
	if !validCode(Normal(c.Code)) {
		add("code", fault.CodeRegex, fault.Textf("A coupon code has 3 to 40 letters, digits, hyphens and underscores."))
	}
	switch {
	case c.Percent.Valid == c.Amount.Valid:
		add("percent", fault.CodeNull, fault.Textf("Give either a percentage or an amount."))
	case c.Amount.Valid && !c.Currency.Valid:
		add("currency", fault.CodeNull, fault.Textf("An amount needs its currency."))
	case c.Percent.Valid && c.Currency.Valid:
		add("currency", fault.CodeNull, fault.Textf("A percentage has no currency."))
	}
	if c.Currency.Valid && !money.IsCurrency(c.Currency.V) {
		add("currency", fault.CodeCurrency, fault.Textf("This value is not a valid currency."))
	}
	switch {
	case c.Duration == Repeating && !c.Periods.Valid:
		add("periods", fault.CodeNull, fault.Textf("A repeating discount needs a number of periods."))
	case c.Duration != Repeating && c.Periods.Valid:
		add("periods", fault.CodeNull, fault.Textf("Only a repeating discount has a number of periods."))
	}
	return list
}

func validCode(code string) bool {
	if len(code) < 3 || len(code) > maxCode {
		return false
	}
	for _, r := range []byte(code) {
		if !('A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_') {
			return false
		}
	}
	return true
}

// maxCode is the longest code.
const maxCode = 40

// Refusal is the answer to a code that can't be redeemed, whatever the reason.
func Refusal() error {
	return fault.Broken(fault.Violation{Path: "coupon", Text: fault.Textf("This coupon can't be used.")})
}
