// Package money counts and divides amounts of money.
//
// An amount is a whole number of a currency's minor units, such as cents, beside
// the code of the currency (ISO 4217). Nothing is ever computed in fractions of
// a minor unit: a part of an amount is rounded once, half away from zero, and the
// parts of a split add up to the whole.
package money

import (
	"errors"
	"math"
	"math/bits"
	"slices"
	"strconv"

	"github.com/bojanz/currency"
)

// Most is the largest amount that sede works with, in minor units. Sums of a
// million of them fit into an int64.
const Most = 1_000_000_000_000

// ErrRange says that a result is larger than an amount can be.
var ErrRange = errors.New("money: the amount is out of range")

// IsCurrency reports whether the code is one of ISO 4217.
func IsCurrency(code string) bool { return currency.IsValid(code) }

// Digits returns how many decimal places the currency's minor unit has: 2 for
// EUR, 0 for JPY, 3 for TND. It is 2 for a code that is none.
func Digits(code string) int {
	digits, ok := currency.GetDigits(code)
	if !ok {
		return 2
	}
	return int(digits)
}

// Format writes the amount for people who read the language (a BCP 47 tag), as
// CLDR says: 123456 EUR is "€1,234.56" in en and "1234,56 €" in pt-PT.
func Format(amount int64, code, language string) string {
	value, err := currency.NewAmountFromInt64(amount, code)
	if err != nil {
		return Decimal(amount, code) + " " + code
	}
	return currency.NewFormatter(currency.NewLocale(language)).Format(value)
}

// Decimal writes the amount as a decimal number with all of its places: 123456
// EUR is "1234.56".
func Decimal(amount int64, code string) string {
	digits := Digits(code)
	sign, text := "", strconv.FormatUint(magnitude(amount), 10)
	if amount < 0 {
		sign = "-"
	}
	if digits == 0 {
		return sign + text
	}
	for len(text) <= digits {
		text = "0" + text
	}
	return sign + text[:len(text)-digits] + "." + text[len(text)-digits:]
}

// Times returns amount × n, or ErrRange.
func Times(amount, n int64) (int64, error) { return Share(amount, n, 1) }

// Share returns amount × part / whole, rounded half away from zero, or ErrRange.
// whole is not 0.
func Share(amount, part, whole int64) (int64, error) {
	negative := (amount < 0) != (part < 0) != (whole < 0)
	high, low := bits.Mul64(magnitude(amount), magnitude(part))
	divisor := magnitude(whole)
	if high >= divisor {
		return 0, ErrRange
	}
	quotient, rest := bits.Div64(high, low, divisor)
	if rest >= divisor-rest {
		quotient++
	}
	if quotient > math.MaxInt64 {
		return 0, ErrRange
	}
	if negative {
		return -int64(quotient), nil
	}
	return int64(quotient), nil
}

// magnitude is the absolute value, also of the smallest int64.
func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// Sum returns the sum of the amounts, or ErrRange.
func Sum(amounts ...int64) (sum int64, err error) {
	for _, a := range amounts {
		next := sum + a
		if (a > 0 && next < sum) || (a < 0 && next > sum) {
			return 0, ErrRange
		}
		sum = next
	}
	return sum, nil
}

// Split divides the amount in proportion to the weights so that the parts add up
// to it exactly: what rounding down leaves goes, one unit each, to the parts that
// lost most (largest remainder), the first of equals before the others. No weight
// is negative. Where all are 0 the parts are equal. It returns nil for no weights.
func Split(amount int64, weights []int64) []int64 {
	if len(weights) == 0 {
		return nil
	}
	var total uint64
	for _, w := range weights {
		total += uint64(w)
	}
	if total == 0 {
		weights = slices.Repeat([]int64{1}, len(weights))
		total = uint64(len(weights))
	}
	type remainder struct {
		part int
		rest uint64
	}
	parts, rests := make([]int64, len(weights)), make([]remainder, len(weights))
	left := magnitude(amount)
	for i, w := range weights {
		high, low := bits.Mul64(magnitude(amount), uint64(w))
		quotient, rest := bits.Div64(high, low, total) // w ≤ total, so it fits
		parts[i], rests[i] = int64(quotient), remainder{i, rest}
		left -= quotient
	}
	slices.SortStableFunc(rests, func(a, b remainder) int {
		switch {
		case a.rest > b.rest:
			return -1
		case a.rest < b.rest:
			return 1
		}
		return 0
	})
	for _, r := range rests[:left] {
		parts[r.part]++
	}
	if amount < 0 {
		for i := range parts {
			parts[i] = -parts[i]
		}
	}
	return parts
}
