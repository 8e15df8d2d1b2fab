package kontomatik

import (
	"fmt"
	"math"
	"testing"
	"testing/quick"
)

func TestMinor(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text   string
		digits int
		want   int64
	}{
		{"-25.00", 2, -2500}, {"350.00", 2, 35000}, {"0.01", 2, 1}, {"-0.01", 2, -1}, {"7", 2, 700}, {"7.5", 2, 750}, {"+7.5", 2, 750},
		{"1200.00", 0, 1200}, {"1.234", 3, 1234}, {"1.5000", 2, 150}, {"0.00", 2, 0}, {"-0.00", 2, 0},
	} {
		if got, err := Minor(test.text, test.digits); err != nil || got != test.want {
			t.Errorf("%q with %d digits: %d, %v", test.text, test.digits, got, err)
		}
	}
	for _, text := range []string{"", "-", ".", "1.", ".5", "1,50", "1 000.00", "1.005", "1e3", "--1", "1.2.3", "0x1", "NaN", "99999999999999999999", "١.٠٠"} {
		if got, err := Minor(text, 2); err == nil {
			t.Errorf("%q: %d", text, got)
		}
	}
}

// TestMinorReadsWhatItWrites holds for all amounts in range.
func TestMinorReadsWhatItWrites(t *testing.T) {
	t.Parallel()
	err := quick.Check(func(n int64) bool {
		n %= maxMinor / 10
		whole := int64(math.Abs(float64(n / 100)))
		text := fmt.Sprintf("%d.%02d", whole, (n%100+100)%100)
		if n < 0 {
			text = fmt.Sprintf("-%d.%02d", whole, -n%100)
		}
		got, err := Minor(text, 2)
		return err == nil && got == n
	}, nil)
	if err != nil {
		t.Error(err)
	}
}
