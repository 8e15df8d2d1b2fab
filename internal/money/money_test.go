package money

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

func TestDecimal(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		amount int64
		code   string
		want   string
	}{
		{123456, "EUR", "1234.56"}, {5, "EUR", "0.05"}, {-5, "EUR", "-0.05"}, {0, "PLN", "0.00"},
		{1234, "JPY", "1234"}, {1234, "TND", "1.234"}, {math.MinInt64, "EUR", "-92233720368547758.08"},
	} {
		if got := Decimal(test.amount, test.code); got != test.want {
			t.Errorf("Decimal(%d, %s) = %s, want %s", test.amount, test.code, got, test.want)
		}
	}
}

func TestFormat(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ language, code, want string }{
		{"en", "EUR", "€1,234.56"}, {"pt-PT", "EUR", "1234,56\u00a0€"}, {"pl", "PLN", "1234,56\u00a0zł"}, {"en", "JPY", "¥123,456"},
	} {
		if got := Format(123456, test.code, test.language); got != test.want {
			t.Errorf("%s %s: %q, want %q", test.language, test.code, got, test.want)
		}
	}
}

// TestShare compares with arbitrary precision.
func TestShare(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		amount, part, whole := anyNumber(r), anyNumber(r), anyNumber(r)
		if whole == 0 {
			continue
		}
		exact := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(amount), big.NewInt(part)), big.NewInt(whole))
		got, err := Share(amount, part, whole)
		if err != nil {
			if limit := new(big.Rat).SetInt64(math.MaxInt64); new(big.Rat).Abs(exact).Cmp(limit) < 0 {
				t.Fatalf("Share(%d, %d, %d): %v, exact %s", amount, part, whole, err, exact.FloatString(2))
			}
			continue
		}
		off := new(big.Rat).Sub(new(big.Rat).SetInt64(got), exact)
		if half := big.NewRat(1, 2); off.Abs(off).Cmp(half) > 0 {
			t.Fatalf("Share(%d, %d, %d) = %d, exact %s", amount, part, whole, got, exact.FloatString(2))
		}
	}
	for _, test := range [][4]int64{{5, 1, 2, 3}, {-5, 1, 2, -3}, {7, 1, 3, 2}, {8, 1, 3, 3}} {
		if got, err := Share(test[0], test[1], test[2]); err != nil || got != test[3] {
			t.Errorf("Share(%v) = %d, %v", test[:3], got, err)
		}
	}
}

// anyNumber is small or large, of either sign.
func anyNumber(r *rand.Rand) int64 { return int64(r.Uint64()) >> r.IntN(63) }

// TestSplit: the parts add up to the whole, none is further than one unit from
// its exact share, and a larger weight never gets less.
func TestSplit(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		amount := anyNumber(r) % Most
		weights := make([]int64, 1+r.IntN(8))
		var total int64
		for i := range weights {
			weights[i] = r.Int64N(1 << (1 + r.IntN(40)))
			total += weights[i]
		}
		parts := Split(amount, weights)
		sum, err := Sum(parts...)
		if err != nil || sum != amount {
			t.Fatalf("Split(%d, %v) = %v, which is %d, %v", amount, weights, parts, sum, err)
		}
		if total == 0 {
			continue
		}
		for i, part := range parts {
			exact := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(amount), big.NewInt(weights[i])), big.NewInt(total))
			off := new(big.Rat).Sub(new(big.Rat).SetInt64(part), exact)
			if off.Abs(off).Cmp(big.NewRat(1, 1)) >= 0 {
				t.Fatalf("Split(%d, %v): part %d is %d, exact %s", amount, weights, i, part, exact.FloatString(3))
			}
			for j := range parts {
				if weights[j] > weights[i] && magnitude(parts[j]) < magnitude(part) {
					t.Fatalf("Split(%d, %v) = %v: more weight got less", amount, weights, parts)
				}
			}
		}
	}
	if got := Split(100, []int64{0, 0, 0}); got[0] != 34 || got[1] != 33 || got[2] != 33 {
		t.Errorf("equal parts: %v", got)
	}
	if Split(5, nil) != nil {
		t.Error("parts of nobody")
	}
}

func TestSum(t *testing.T) {
	t.Parallel()
	if _, err := Sum(math.MaxInt64, 1); err == nil {
		t.Error("an overflow passed")
	}
	if _, err := Sum(math.MinInt64, -1); err == nil {
		t.Error("an underflow passed")
	}
	if got, err := Sum(5, -7, 2); got != 0 || err != nil {
		t.Errorf("Sum = %d, %v", got, err)
	}
}
