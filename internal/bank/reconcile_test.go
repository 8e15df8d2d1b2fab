package bank

import (
	"slices"
	"testing"
	"time"

	"sede/internal/ident"
	"sede/internal/null"
)

func TestMentions(t *testing.T) {
	for _, c := range []struct {
		text, prefix string
		want         []mention
	}{
		{"Invoice INV-000042", "INV-", []mention{{"INV-000042", true}}},
		{"inv 42, inv.43 and INV000044", "INV-", []mention{{"INV-000042", true}, {"INV-000043", true}, {"INV-000044", true}}},
		{"000042", "INV-", []mention{{"INV-000042", false}}},
		{"42", "INV-", nil},
		{"2030/000007 paid", "2030/", []mention{{"2030/002030", false}, {"2030/000007", true}}},
		{"number 000123", "", []mention{{"000123", true}}},
		{"INV-000000", "INV-", nil},
		{"INV-99999999999999999999", "INV-", nil},
		{"", "INV-", nil},
	} {
		if got := mentions(c.text, c.prefix); !slices.Equal(got, c.want) {
			t.Errorf("%q: %v, want %v", c.text, got, c.want)
		}
	}
}

func TestCalled(t *testing.T) {
	for _, c := range []struct {
		buyer, party string
		want         int64
	}{
		{"Padaria São João Lda", "PADARIA SAO JOAO LDA RUA AUGUSTA 1 LISBOA", pointsName},
		{"Demo Sp. z o.o.", "DEMO SP. Z O.O. WARSZAWA", pointsName},
		{"Acme Widgets", "ACME HOLDING", pointsSomeName},
		{"Acme Widgets", "Jan Kowalski", 0},
		{"AB", "AB", 0},
	} {
		if got := called(c.buyer, c.party); got != c.want {
			t.Errorf("%q by %q: %d, want %d", c.buyer, c.party, got, c.want)
		}
	}
}

// TestJudge tells which money is for which invoice, and how sure that is.
func TestJudge(t *testing.T) {
	acme, other := ident.ID{1}, ident.ID{2}
	day := func(n int) time.Time { return time.Date(2030, 1, n, 0, 0, 0, 0, time.UTC) }
	one := Owed{ID: ident.ID{11}, Organization: acme, Number: "INV-000001", Buyer: "Acme Widgets", Currency: "EUR", Remaining: 10000, DueAt: day(1)}
	two := Owed{ID: ident.ID{12}, Organization: acme, Number: "INV-000002", Buyer: "Acme Widgets", Currency: "EUR", Remaining: 5000, DueAt: day(2)}
	far := Owed{ID: ident.ID{13}, Organization: other, Number: "INV-000003", Buyer: "Other", Currency: "EUR", Remaining: 10000, DueAt: day(1)}
	usd := one
	usd.Currency = "USD"
	part := func(o Owed, amount int64) Part {
		return Part{Invoice: o.ID, Number: o.Number, Buyer: o.Buyer, Amount: amount}
	}
	for name, c := range map[string]struct {
		amount int64
		party  string
		e      evidence
		status string // empty: none
		parts  []Part
	}{
		"named, exact":                 {10000, "", evidence{named: []Owed{one}}, MatchSettled, []Part{part(one, 10000)}},
		"named, in another currency":   {10000, "", evidence{named: []Owed{usd}}, "", nil},
		"named, a part":                {4000, "", evidence{named: []Owed{one}}, MatchProposed, []Part{part(one, 4000)}},
		"named, a part, by name":       {4000, "ACME WIDGETS", evidence{named: []Owed{one}}, MatchSettled, []Part{part(one, 4000)}},
		"named, too much":              {12000, "ACME WIDGETS", evidence{named: []Owed{one}}, MatchProposed, []Part{part(one, 12000)}},
		"two named, exact":             {15000, "", evidence{named: []Owed{two, one}}, MatchSettled, []Part{part(one, 10000), part(two, 5000)}},
		"two named, less":              {12000, "ACME WIDGETS", evidence{named: []Owed{one, two}}, MatchProposed, []Part{part(one, 10000), part(two, 2000)}},
		"two named, of two customers":  {20000, "ACME WIDGETS", evidence{named: []Owed{one, far}}, MatchProposed, []Part{part(one, 10000), part(far, 10000)}},
		"digits, exact":                {10000, "", evidence{digits: []Owed{one}}, MatchProposed, []Part{part(one, 10000)}},
		"digits, exact, by name":       {10000, "Acme Widgets", evidence{digits: []Owed{one}}, MatchSettled, []Part{part(one, 10000)}},
		"amount only":                  {10000, "Jan Kowalski", evidence{equal: []Owed{one}}, "", nil},
		"amount and name":              {10000, "Acme Widgets", evidence{equal: []Owed{one}}, MatchProposed, []Part{part(one, 10000)}},
		"amount and name, two fit":     {10000, "Acme Widgets", evidence{equal: []Owed{one, {ID: ident.ID{14}, Organization: acme, Buyer: "Acme Widgets", Currency: "EUR", Remaining: 10000}}}, MatchProposed, []Part{part(one, 10000)}},
		"payer, the sum of two":        {15000, "", evidence{payer: null.Of(acme), owed: []Owed{one, two}}, MatchProposed, []Part{part(one, 10000), part(two, 5000)}},
		"payer, a sum that is nothing": {15001, "", evidence{payer: null.Of(acme), owed: []Owed{one, two}}, "", nil},
	} {
		in := incoming{Transaction: Transaction{Amount: c.amount, Currency: "EUR", Party: c.party, On: day(3)}}
		m, found := judge(&in, &c.e)
		if found != (c.status != "") || found && (m.Status != c.status || !slices.Equal(m.Parts, c.parts)) {
			t.Errorf("%s: %t %s %d %v %v, want %s %v", name, found, m.Status, m.Score, m.Reasons, m.Parts, c.status, c.parts)
		}
	}
}
