package billing

import (
	"math/rand/v2"
	"testing"
	"time"

	"sede/internal/null"
	"sede/internal/tax"
)

// TestCreditAddsUp takes invoices back in random pieces: none is refused, nothing
// is left, and all pieces together are the invoice to the cent.
func TestCreditAddsUp(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	at := time.Date(2030, 1, 2, 0, 0, 0, 0, time.UTC)
	for range 2000 {
		var lines []Line
		for range 1 + random.IntN(4) {
			amount := random.Int64N(100_000)
			lines = append(lines, Line{Product: "team", Amount: amount, Discount: random.Int64N(amount + 1)})
		}
		i := Invoice{Charge: Charge{Lines: lines}}
		for _, l := range lines {
			i.Subtotal += l.Amount
			i.Discount += l.Discount
		}
		if err := i.levy(tax.Treat(tax.Party{Country: "PL"}, tax.Party{Country: "PL"}, at)); err != nil {
			t.Fatal(err)
		}
		if i.Total == 0 {
			continue
		}
		var notes []CreditNote
		var subtotal, levied, total int64
		left := make([]int64, len(lines))
		for k, l := range lines {
			left[k] = l.Amount - l.Discount
		}
		for range 20 {
			n, whole := CreditNote{}, int64(0)
			for _, l := range left {
				whole += l
			}
			if whole > 0 && random.IntN(3) == 0 { // an amount for all lines
				n.Amount = null.Of(1 + random.Int64N(whole))
				if err := i.credit(&n, notes); err != nil {
					t.Fatal(err)
				}
				if n.Subtotal != n.Amount.V {
					t.Fatalf("%d is taken back of %d", n.Subtotal, n.Amount.V)
				}
				for _, l := range n.Lines {
					left[l.Line-1] -= l.Amount
				}
				notes = append(notes, n)
				continue
			}
			for k := range left {
				if left[k] > 0 && random.IntN(2) == 0 {
					amount := 1 + random.Int64N(left[k])
					n.Lines = append(n.Lines, CreditLine{Line: int64(k + 1), Amount: amount})
					left[k] -= amount
				}
			}
			if len(n.Lines) == 0 {
				continue
			}
			if err := i.credit(&n, notes); err != nil {
				t.Fatal(err)
			}
			notes = append(notes, n)
		}
		rest := CreditNote{}
		if err := i.credit(&rest, notes); err == nil {
			notes = append(notes, rest)
		}
		for _, n := range notes {
			var sum int64
			for _, l := range n.Lines {
				sum += l.Tax
			}
			if sum != n.Tax || n.Tax < 0 || n.Total != n.Subtotal+n.Tax {
				t.Fatalf("a note does not add up: %+v", n)
			}
			subtotal, levied, total = subtotal+n.Subtotal, levied+n.Tax, total+n.Total
		}
		if subtotal != i.Subtotal-i.Discount || levied != i.Tax || total != i.Total {
			t.Fatalf("notes come to %d + %d = %d, the invoice to %d + %d = %d", subtotal, levied, total, i.Subtotal-i.Discount, i.Tax, i.Total)
		}
		if err := i.credit(&CreditNote{}, notes); err == nil {
			t.Fatal("something was left")
		}
	}
}
