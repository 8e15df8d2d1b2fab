package billing

import (
	"math/rand/v2"
	"testing"
	"time"

	"sede/internal/coupon"
	"sede/internal/null"
	"sede/internal/product"
	"sede/internal/tax"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	moment, err := time.Parse(time.DateTime, text)
	if err != nil {
		t.Fatal(err)
	}
	return moment
}

func TestPeriod(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		anchor, interval string
		n                int64
		from, to         string
	}{
		{"2030-01-31 10:00:00", product.Monthly, 0, "2030-01-31 10:00:00", "2030-02-28 10:00:00"},
		{"2030-01-31 10:00:00", product.Monthly, 1, "2030-02-28 10:00:00", "2030-03-31 10:00:00"},
		{"2030-01-31 10:00:00", product.Monthly, 25, "2032-02-29 10:00:00", "2032-03-31 10:00:00"},
		{"2032-02-29 23:59:59", product.Yearly, 0, "2032-02-29 23:59:59", "2033-02-28 23:59:59"},
		{"2032-02-29 23:59:59", product.Yearly, 4, "2036-02-29 23:59:59", "2037-02-28 23:59:59"},
		{"2030-12-31 00:00:00", product.Monthly, 2, "2031-02-28 00:00:00", "2031-03-31 00:00:00"},
	} {
		from, to := Period(at(t, test.anchor), test.interval, test.n)
		if !from.Equal(at(t, test.from)) || !to.Equal(at(t, test.to)) {
			t.Errorf("%s %s %d: %s to %s", test.anchor, test.interval, test.n, from, to)
		}
	}
}

// TestPeriodsTile: each period begins where the one before ends, and is about as
// long as it should be.
func TestPeriodsTile(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	for range 500 {
		anchor := time.Unix(r.Int64N(4_000_000_000), 0).UTC()
		for _, interval := range product.Intervals() {
			_, end := Period(anchor, interval, 0)
			for n := int64(1); n < 30; n++ {
				from, to := Period(anchor, interval, n)
				days := to.Sub(from).Hours() / 24
				low, high := 28.0, 31.0
				if interval == product.Yearly {
					low, high = 365, 366
				}
				if !from.Equal(end) || days < low || days > high {
					t.Fatalf("%s %s: period %d is %s to %s", anchor, interval, n, from, to)
				}
				end = to
			}
		}
	}
}

// randomCharge makes lines, a discount and a treatment.
func randomCharge(r *rand.Rand) ([]Line, *coupon.Coupon, tax.Treatment) {
	from := time.Date(2030, 1, 31, 0, 0, 0, 0, time.UTC)
	to := from.AddDate(0, 0, 28)
	var items []Item
	for _, name := range []string{"team", "bank", "starter"}[:1+r.IntN(3)] {
		items = append(items, Item{Product: name, Quantity: r.Int64N(4), Flat: r.Int64N(100_000), PerSeat: r.Int64N(2) * r.Int64N(5000)})
	}
	lines, err := Part(items, r.Int64N(500), from.Add(time.Duration(r.Int64N(int64(to.Sub(from))))), from, to)
	if err != nil {
		panic(err)
	}
	var c *coupon.Coupon
	switch r.IntN(4) {
	case 0:
		c = &coupon.Coupon{Percent: null.Of(1 + r.Int64N(100))}
	case 1:
		c = &coupon.Coupon{Amount: null.Of(1 + r.Int64N(200_000)), Currency: null.Of([]string{"EUR", "PLN"}[r.IntN(2)])}
	case 2:
		c = &coupon.Coupon{Percent: null.Of(1 + r.Int64N(100)), AppliesTo: []coupon.Target{{Product: "bank"}}}
	}
	return lines, c, tax.Treatment{Category: tax.Standard, Country: "PT", Rate: r.Int64N(2800)}
}

// TestPriceAddsUp: totals are the sums of their lines, nothing is ever negative,
// a discount takes off what it covers only.
func TestPriceAddsUp(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 8))
	for range 20_000 {
		lines, c, treatment := randomCharge(r)
		charge, err := Price("EUR", lines, c, treatment)
		if err != nil {
			t.Fatal(err)
		}
		var subtotal, discount, owed int64
		for _, l := range charge.Lines {
			if l.Amount < 0 || l.Discount < 0 || l.Discount > l.Amount || l.Tax < 0 {
				t.Fatalf("line %+v", l)
			}
			if l.Discount > 0 && (c == nil || !c.Covers(l.Product) || c.Currency.Or("EUR") != "EUR") {
				t.Fatalf("a discount on %+v by %+v", l, c)
			}
			subtotal, discount, owed = subtotal+l.Amount, discount+l.Discount, owed+l.Tax
		}
		exact := float64(subtotal-discount) * float64(treatment.Rate) / 10_000
		if charge.Subtotal != subtotal || charge.Discount != discount || charge.Tax != owed || charge.Total != subtotal-discount+owed ||
			float64(charge.Tax)-exact > 0.5 || exact-float64(charge.Tax) > 0.5 {
			t.Fatalf("%+v of %d - %d + %d (%f)", charge, subtotal, discount, owed, exact)
		}
	}
}

// TestPartIsFair: the parts of a period before and after a moment come to the
// whole, give or take a unit for each line.
func TestPartIsFair(t *testing.T) {
	t.Parallel()
	from := time.Date(2030, 1, 2, 9, 0, 0, 0, time.UTC)
	to := from.AddDate(0, 1, 0)
	items := []Item{{Product: "team", Quantity: 1, Flat: 900, PerSeat: 600}}
	for days := range 31 {
		moment := from.AddDate(0, 0, days)
		lines, err := Part(items, 10, moment, from, to)
		if err != nil {
			t.Fatal(err)
		}
		left := float64(31-days) / 31
		for i, whole := range []float64{900, 6000} {
			if off := float64(lines[i].Amount) - whole*left; off > 0.5 || off < -0.5 {
				t.Errorf("after %d days: %d of %f", days, lines[i].Amount, whole)
			}
			if lines[i].Prorated != (days > 0) {
				t.Errorf("after %d days: prorated %v", days, lines[i].Prorated)
			}
		}
	}
	if _, err := Whole([]Item{{Quantity: 1 << 40, Flat: 1 << 40}}, 1, from, to); err == nil {
		t.Error("an absurd amount passed")
	}
}
