package sandbox

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// opening is the day on which all accounts were opened.
var opening = time.Date(2023, 1, 2, 0, 0, 0, 0, time.UTC)

// day is a day as a number since opening.
type day int

func dayOf(t time.Time) day { return day(t.UTC().Sub(opening) / (24 * time.Hour)) }

func (d day) time() time.Time { return opening.AddDate(0, 0, int(d)) }

func (d day) String() string { return d.time().Format(time.DateOnly) }

// account is one account of a holder.
type account struct {
	seed         string
	name         string
	friendly     string
	card         bool
	current      bool
	iban         string
	country      *country
	opened       int64 // the balance with which it was opened
	transactions func(a *account, d day, r *rand.Rand) []movement
}

// movement is one transaction, its amount in minor units.
type movement struct {
	on, booked day
	amount     int64
	balance    int64
	title      string
	party      string
	partyIBAN  string
	kind       string
	labels     []string
	bare       bool // the bank says no balance
}

// accountsOf lists the accounts of a holder at a target.
func accountsOf(t target, c *country, h *holder) []*account {
	seed := t.institution + "/" + h.Person
	w := c.words
	current := &account{seed: seed + "/current", name: w.current, friendly: w.current, iban: c.iban(seed + "/current"), country: c, opened: 25_000_00, transactions: business, current: true}
	savings := &account{seed: seed + "/savings", name: w.savings, friendly: w.savings, iban: c.iban(seed + "/savings"), country: c, opened: 100_000_00, transactions: saving}
	card := &account{seed: seed + "/card", name: w.card, friendly: w.card, card: true, iban: "", country: c, opened: 0, transactions: shopping}
	return []*account{current, savings, card}
}

// cardID is the bank's id of a card.
func (a *account) cardID() string {
	sum := sha256.Sum256([]byte(a.seed))
	return fmt.Sprintf("C%012d", binary.BigEndian.Uint64(sum[:8])%1_000_000_000_000)
}

// random is where what happens on a day comes from.
func (a *account) random(d day) *rand.Rand {
	sum := sha256.Sum256([]byte(a.seed))
	return rand.New(rand.NewPCG(binary.BigEndian.Uint64(sum[:8]), uint64(d)))
}

// history lists all that happened on the account up to a moment, the oldest
// first. Balances chain. What happens on a day is there in the evening.
func (a *account) history(now time.Time, h *holder) []movement {
	last := dayOf(now)
	if now.UTC().Hour() < 18 {
		last--
	}
	var list []movement
	balance := a.opened
	for d := day(0); d <= last; d++ {
		of := a.transactions(a, d, a.random(d))
		if a.current && d == h.Day {
			of = append(of, a.wished(h)...)
		}
		if h.has(Twins) && len(of) > 0 && d%5 == 0 {
			twin := of[0]
			twin.bare = true
			of[0].bare = true
			of = slices.Insert(of, 1, twin)
		}
		for _, m := range of {
			m.on, m.booked = d, bookingDay(d)
			balance += m.amount
			m.balance = balance
			list = append(list, m)
		}
	}
	return list
}

// wished is the money that the person wanted to come in. It leaves the same day, so
// that the balances of later days are the same without it.
func (a *account) wished(h *holder) (list []movement) {
	var sum int64
	for i, m := range h.Incoming {
		client := a.country.words.clients[i%len(a.country.words.clients)]
		list = append(list, movement{amount: m.Amount, title: m.Title, party: client.name, partyIBAN: a.ibanOf(client), kind: a.country.words.incoming, labels: []string{"income"}})
		sum += m.Amount
	}
	if sum > 0 {
		list = append(list, movement{amount: -sum, title: Name, kind: a.country.words.outgoing, labels: []string{"transfer"}})
	}
	return list
}

// bookingDay is the first working day after d.
func bookingDay(d day) day {
	switch d.time().Weekday() {
	case time.Friday:
		return d + 3
	case time.Saturday:
		return d + 2
	}
	return d + 1
}

// business is what happens on the current account of a small company.
func business(a *account, d day, r *rand.Rand) (list []movement) {
	w, t := a.country.words, d.time()
	pay := func(amount int64, title string, who party, kind string, labels ...string) {
		list = append(list, movement{amount: amount, title: title, party: who.name, partyIBAN: a.ibanOf(who), kind: kind, labels: labels})
	}
	if workday := t.Weekday() != time.Saturday && t.Weekday() != time.Sunday; workday && r.IntN(3) == 0 {
		client := w.clients[r.IntN(len(w.clients))]
		pay(int64(200_00+r.IntN(4_800_00)), fmt.Sprintf("%s %d/%04d", w.invoice, t.Year(), t.YearDay()*3+r.IntN(3)), client, w.incoming, "income")
	}
	for range r.IntN(3) {
		shop := w.shops[r.IntN(len(w.shops))]
		pay(-int64(3_00+r.IntN(180_00)), fmt.Sprintf("%s  %s", w.cardPayment, shop.name), party{}, w.cardKind, shop.label)
	}
	switch t.Day() {
	case 5:
		pay(-3_200_00, w.rent+" "+t.Format("01/2006"), w.landlord, w.outgoing, "rent", "monthly")
	case 10:
		pay(-int64(120_00+r.IntN(90_00)), w.power, w.utility, w.outgoing, "utilities", "monthly")
	case 20:
		pay(-int64(1_500_00+r.IntN(900_00)), w.tax+" "+t.Format("2006M01"), w.office, w.outgoing, "tax")
	case 28:
		for _, person := range w.staff {
			pay(-4_150_00, w.salary+" "+t.Format("01/2006"), person, w.outgoing, "salary", "monthly")
		}
	}
	if t.AddDate(0, 0, 1).Day() == 1 {
		pay(-12_50, w.fee, party{}, w.feeKind, "fee")
		pay(5_000_00, w.capital, w.owner, w.incoming, "transfer")
	}
	return list
}

// saving is what happens on a savings account.
func saving(a *account, d day, r *rand.Rand) []movement {
	w, t := a.country.words, d.time()
	switch t.Day() {
	case 1:
		return []movement{{amount: int64(80_00 + r.IntN(40_00)), title: w.interest, kind: w.feeKind, labels: []string{"interest"}}}
	case 15:
		return []movement{{amount: 500_00, title: w.saved, kind: w.incoming, labels: []string{"savings", "monthly"}}}
	}
	return nil
}

// shopping is what happens on a card. It is balanced every month.
func shopping(a *account, d day, r *rand.Rand) (list []movement) {
	w := a.country.words
	if r.IntN(4) == 0 {
		shop := w.shops[r.IntN(len(w.shops))]
		list = append(list, movement{amount: -int64(5_00 + r.IntN(90_00)), title: shop.name, kind: w.cardKind, labels: []string{shop.label}})
	}
	if d.time().Day() == 25 {
		list = append(list, movement{amount: 400_00, title: w.cardSettled, kind: w.incoming, labels: []string{"transfer"}})
	}
	return list
}

// ibanOf is where a party has its account; empty when it has none.
func (a *account) ibanOf(who party) string {
	if who.name == "" {
		return ""
	}
	return a.country.iban("party/" + who.name)
}
