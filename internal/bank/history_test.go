package bank

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"sede/internal/null"
)

// A month ends with the balance that the bank told of its last transaction, in
// whatever order the transactions come.
func TestClosings(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	for range 200 {
		day := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
		balance, want := int64(1000), map[month]int64{}
		var list []Transaction
		for range 1 + random.IntN(80) {
			day = day.AddDate(0, 0, random.IntN(3))
			amount := int64(1 + random.IntN(50)) // no day ends as it began
			balance += amount
			list = append(list, Transaction{Status: Booked, On: day.AddDate(0, 0, -1), BookedOn: null.Of(day), Amount: amount, Balance: null.Of(balance)})
			want[monthOf(day)] = balance
		}
		random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		found := closings{}
		for i := range list {
			found.take(&list[i])
		}
		if len(found) != len(want) {
			t.Fatalf("%d months, want %d", len(found), len(want))
		}
		for m, balance := range want {
			if got := found[m].closing(); got != null.Of(balance) {
				t.Errorf("%v ends with %v, want %d", m, got, balance)
			}
		}
	}
}

// What the bank does not say is not guessed.
func TestClosingsUnknown(t *testing.T) {
	day := time.Date(2030, 1, 31, 0, 0, 0, 0, time.UTC)
	told := func(amount, balance int64) Transaction {
		return Transaction{Status: Booked, On: day, Amount: amount, Balance: null.Of(balance)}
	}
	for name, list := range map[string][]Transaction{
		"no balance": {told(5, 105), {Status: Booked, On: day, Amount: 7}},
		"a hole":     {told(5, 105), told(9, 200)},
		"a circle":   {told(5, 105), told(-5, 100)},
	} {
		c := closings{}
		for i := range list {
			c.take(&list[i])
		}
		if got := c[monthOf(day)].closing(); got.Valid {
			t.Errorf("%s: %d", name, got.V)
		}
	}
}

func TestFillClosings(t *testing.T) {
	months := func(closing ...null.Value[int64]) []Month {
		return []Month{{In: 10, Closing: closing[0]}, {Out: 3, Closing: closing[1]}, {In: 5, Out: 1, Closing: closing[2]}}
	}
	var none null.Value[int64]
	for name, c := range map[string]struct {
		months []Month
		now    null.Value[int64]
		want   [3]null.Value[int64]
	}{
		"from the account's":    {months(none, none, none), null.Of(int64(100)), [3]null.Value[int64]{null.Of(int64(99)), null.Of(int64(96)), null.Of(int64(100))}},
		"from the next month's": {months(none, null.Of(int64(50)), null.Of(int64(80))), none, [3]null.Value[int64]{null.Of(int64(53)), null.Of(int64(50)), null.Of(int64(80))}},
		"from the month before": {months(null.Of(int64(20)), none, none), none, [3]null.Value[int64]{null.Of(int64(20)), null.Of(int64(17)), null.Of(int64(21))}},
		"unknown":               {months(none, none, none), none, [3]null.Value[int64]{}},
	} {
		fillClosings(c.months, c.now)
		for i, m := range c.months {
			if m.Closing != c.want[i] {
				t.Errorf("%s: month %d ends with %v, want %v", name, i, m.Closing, c.want[i])
			}
		}
	}
}

func TestMonth(t *testing.T) {
	for _, text := range []string{"2030-01", "2029-12", "0001-01"} {
		if m, ok := parseMonth(text); !ok || m.String() != text {
			t.Errorf("%s: %v, %t", text, m, ok)
		}
	}
	for _, text := range []string{"", "2030", "2030-13", "2030-1", "2030-01-01"} {
		if _, ok := parseMonth(text); ok {
			t.Errorf("%q is a month", text)
		}
	}
}

// Amounts are numbers to spreadsheets, and what a bank tells is no formula.
func TestExportCells(t *testing.T) {
	e := exported{account: "PT50", Transaction: Transaction{On: time.Date(2030, 1, 2, 0, 0, 0, 0, time.UTC), Status: Booked, Amount: -2505, Currency: "EUR",
		Title: "=HYPERLINK(1)", Party: "@SUM(A1)", Kind: "-1+1|cmd", Labels: []string{"a", "b"}}}
	got := strings.Join(e.cells(), ";")
	if want := "2030-01-02;;booked;PT50;-25.05;EUR;;'=HYPERLINK(1);'@SUM(A1);;'-1+1|cmd;;a, b;"; !strings.HasPrefix(got, want) {
		t.Errorf("%s\nwant %s", got, want)
	}
	e.Currency, e.Balance = "JPY", null.Of(int64(300))
	if got := e.cells(); got[4] != "-2505" || got[6] != "300" {
		t.Error(got)
	}
}
