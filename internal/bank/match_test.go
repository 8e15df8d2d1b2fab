package bank

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"sede/internal/ident"
	"sede/internal/null"
)

func TestStates(t *testing.T) {
	t.Parallel()
	for from, list := range next {
		for _, to := range statuses() {
			i := Integration{Status: from}
			may := from == to || slices.Contains(list, to)
			if err := i.move(to); (err == nil) != may || may && i.Status != to || !may && i.Status != from {
				t.Errorf("from %s to %s: %v", from, to, err)
			}
		}
	}
	if len(next[StatusRevoked]) > 0 {
		t.Error("a connection that was ended can come back")
	}
}

// TestFingerprint checks what tells transactions apart and what does not.
func TestFingerprint(t *testing.T) {
	t.Parallel()
	day := time.Date(2030, 1, 2, 0, 0, 0, 0, time.UTC)
	base := Transaction{Status: Booked, On: day, Amount: -2500, Title: "WPLATA W KASIE", Party: "Jan", PartyIBAN: null.Of("PL1")}
	for name, change := range map[string]func(*Transaction){
		"blanks":        func(x *Transaction) { x.Title = " WPLATA  W\tKASIE " },
		"labels":        func(x *Transaction) { x.Labels = []string{"a"} },
		"kind":          func(x *Transaction) { x.Kind = "K" },
		"balance":       func(x *Transaction) { x.Balance = null.Of[int64](1) },
		"booking day":   func(x *Transaction) { x.BookedOn = null.Of(day) },
		"who it is for": func(x *Transaction) { x.Account = ident.ID{1} },
	} {
		changed := base
		change(&changed)
		if fingerprintOf(&changed) != fingerprintOf(&base) {
			t.Errorf("%s makes another transaction", name)
		}
	}
	for name, change := range map[string]func(*Transaction){
		"day":        func(x *Transaction) { x.On = day.AddDate(0, 0, 1) },
		"amount":     func(x *Transaction) { x.Amount = 2500 },
		"title":      func(x *Transaction) { x.Title = "WPLATA" },
		"party":      func(x *Transaction) { x.Party = "" },
		"its IBAN":   func(x *Transaction) { x.PartyIBAN = null.Value[string]{} },
		"status":     func(x *Transaction) { x.Status = Pending },
		"border":     func(x *Transaction) { x.Title, x.Party = "WPLATA W KASIEJ", "an" },
		"the symbol": func(x *Transaction) { x.Symbols = "VS 1" },
	} {
		changed := base
		change(&changed)
		if fingerprintOf(&changed) == fingerprintOf(&base) {
			t.Errorf("%s makes no other transaction", name)
		}
	}
}

func TestLabels(t *testing.T) {
	t.Parallel()
	if a, b := joinLabels([]string{"tax", "cash  deposit", "tax"}), joinLabels([]string{"cash deposit", "tax"}); a != b || a != "|cash deposit|tax|" {
		t.Errorf("%q and %q", a, b)
	}
	if got := splitLabels(joinLabels([]string{"a|b"})); !slices.Equal(got, []string{"a/b"}) {
		t.Errorf("%q", got)
	}
	if got := splitLabels(joinLabels(nil)); got == nil || len(got) != 0 {
		t.Errorf("%q", got)
	}
}

// told is a transaction as a bank tells it in one reply.
type told struct {
	day     int
	text    string
	balance null.Value[int64]
}

// pretend is what import after import leaves, kept in memory.
type pretend struct {
	groups map[string][]stored
	ids    byte
}

// take imports a reply.
func (p *pretend) take(reply []told) {
	claimed := map[ident.ID]bool{}
	for _, x := range reply {
		key := fmt.Sprint(x.day, " ", strings.Join(strings.Fields(x.text), " "))
		group := p.groups[key]
		what, at := match(group, x.balance, func(id ident.ID) bool { return claimed[id] })
		switch what {
		case isTold:
		case isKnown:
			claimed[group[at].id] = true
			if x.balance.Valid {
				group[at].balance = x.balance
			}
		case isNew:
			p.ids++
			claimed[ident.ID{p.ids}] = true
			p.groups[key] = append(group, stored{id: ident.ID{p.ids}, balance: x.balance, ordinal: int64(len(group))})
		}
	}
}

func (p *pretend) count() (n int) {
	for _, group := range p.groups {
		n += len(group)
	}
	return n
}

// TestWindows imports windows of one history, overlapping, in any order, any number
// of times, with texts in other blanks and some rows told twice, while banks tell
// balances of some, all or none: what is left is the history, twins and all.
func TestWindows(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		const days = 12
		var history []told
		balance := int64(0)
		bare := func(i int) bool { return seed%3 == 1 || seed%3 == 2 && history[i].day%2 == 0 }
		for day := range days {
			for range r.IntN(4) {
				balance += 100 // grows, so that no two are the same
				history = append(history, told{day, []string{"WPLATA W KASIE", "CARD 1"}[r.IntN(2)], null.Of(balance)})
			}
		}
		for i := range history {
			if bare(i) {
				history[i].balance = null.Value[int64]{}
			}
		}
		p := pretend{groups: map[string][]stored{}}
		covered := 0
		for round := 0; covered < days || round < 6; round++ {
			from, to := 0, days
			if covered >= days || r.IntN(3) > 0 {
				from = r.IntN(days)
				to = from + 1 + r.IntN(days-from)
			} else {
				covered = days
			}
			var reply []told
			for _, x := range history {
				if x.day < from || x.day >= to {
					continue
				}
				if r.IntN(2) == 0 {
					x.text = strings.ReplaceAll(x.text, " ", "  ")
				}
				reply = append(reply, x)
				if x.balance.Valid && r.IntN(5) == 0 {
					reply = append(reply, x)
				}
			}
			r.Shuffle(len(reply), func(i, j int) { reply[i], reply[j] = reply[j], reply[i] })
			p.take(reply)
		}
		if p.count() != len(history) {
			t.Fatalf("seed %d: %d transactions of %d", seed, p.count(), len(history))
		}
	}
}

// TestMissingBalances imports one history once with balances and once without, in
// both orders.
func TestMissingBalances(t *testing.T) {
	t.Parallel()
	with := []told{{1, "a", null.Of[int64](1)}, {1, "a", null.Of[int64](2)}, {2, "a", null.Of[int64](3)}}
	without := slices.Clone(with)
	for i := range without {
		without[i].balance = null.Value[int64]{}
	}
	for _, order := range [][][]told{{with, without, with}, {without, with, without}, {without, without, with}} {
		p := pretend{groups: map[string][]stored{}}
		for _, reply := range order {
			p.take(reply)
		}
		if p.count() != len(with) {
			t.Errorf("%d transactions of %d", p.count(), len(with))
		}
	}
}
