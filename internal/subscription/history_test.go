package subscription_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"sede/internal/db"
	"sede/internal/sedetest"
)

// TestHistories plays random histories of one subscription: seats up and down, a
// coupon on and off, cancellation and taking it back, time that passes, payments in
// whole, in part and too much. After each step the books must be right: see check.
func TestHistories(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		for seed := range uint64(4) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				h := newHistory(t, engine, seed)
				for range 40 {
					h.step()
					h.check()
				}
			})
		}
	})
}

// The price of product team in euros, and the tax in Portugal.
const (
	flat, perSeat = 900, 600
	taxRate       = 23
)

// history is what has happened, as told by a model that knows prices and nothing
// of how they are charged.
type history struct {
	*testing.T
	in       *sedetest.Instance
	owner    *sedetest.Client
	operator *sedetest.Client
	random   *rand.Rand
	log      []string

	sub       string // IRI; empty: none is live
	seats     int64  // granted
	next      int64  // wanted from the next period on
	discount  bool   // 10 % off, for good
	seen      map[string]bool
	whole     map[string][]period // the periods that were charged as a whole, by subscription
	collected int64               // payments
}

type period struct{ from, to time.Time }

// shownLine, shownInvoice and shownSubscription are what the API shows.
type shownLine struct {
	Kind                  string
	Quantity, UnitAmount  int64
	Amount, Discount, Tax int64
	Prorated              bool
	From, To              time.Time
}

type shownInvoice struct {
	IRI                                  string `json:"@id"`
	Subscription, Number, Status, Reason string
	Lines                                []shownLine
	Subtotal, Discount, Tax, Total       int64
	AmountPaid, AmountCredited, Balance  int64
	PeriodStart, PeriodEnd               time.Time
	DueAt                                *time.Time
}

type shownSubscription struct {
	IRI                                  string `json:"@id"`
	Status                               string
	Active, Awaiting, CancelAtPeriodEnd  bool
	Seats                                int64
	CurrentPeriodStart, CurrentPeriodEnd time.Time
	Preview                              *struct {
		Lines                          []shownLine
		Subtotal, Discount, Tax, Total int64
		Token                          string
	}
}

func newHistory(t *testing.T, engine db.Engine, seed uint64) *history {
	in := sedetest.New(t, engine)
	h := &history{T: t, in: in,
		random: rand.New(rand.NewPCG(seed, 6)), seen: map[string]bool{}, whole: map[string][]period{}}
	h.signIn()
	prepare(t, in)
	h.do(h.operator, http.MethodPost, "/coupons", `{"code":"ALWAYS","percent":10,"duration":"forever"}`)
	return h
}

func (h *history) signIn() {
	h.owner, h.operator = h.in.As("owner@demo.example", "demo"), h.in.As("operator@demo.example", "")
}

// do sends a request that must succeed.
func (h *history) do(c *sedetest.Client, method, path, body string) *sedetest.Answer {
	h.Helper()
	a := c.Do(method, path, body)
	if a.Status >= 300 {
		h.Fatalf("%s\n%s %s %s: %d %s", strings.Join(h.log, "\n"), method, path, body, a.Status, a.Body)
	}
	return a
}

func (h *history) fail(format string, args ...any) {
	h.Helper()
	h.Fatalf("%s\n%s", strings.Join(h.log, "\n"), fmt.Sprintf(format, args...))
}

func (h *history) note(format string, args ...any) {
	h.log = append(h.log, h.in.Clock.Now().Format(time.DateTime)+" "+fmt.Sprintf(format, args...))
}

func (h *history) invoices() []shownInvoice {
	h.Helper()
	var page struct {
		Members []shownInvoice `json:"hydra:member"`
	}
	h.do(h.owner, http.MethodGet, "/invoices?itemsPerPage=100", "").JSON(h, &page)
	slices.Reverse(page.Members)
	return page.Members
}

// step does something.
func (h *history) step() {
	if h.sub == "" {
		h.create()
		return
	}
	switch h.random.IntN(9) {
	case 0:
		h.want(h.seats + 1 + h.random.Int64N(5))
	case 1:
		h.want(4 + h.random.Int64N(h.seats-3))
	case 2:
		if h.discount = !h.discount; h.discount {
			h.note("coupon on")
			h.do(h.owner, http.MethodPost, "/subscriptions/apply-coupon", `{"coupon":"ALWAYS"}`)
		} else {
			h.note("coupon off")
			h.do(h.owner, http.MethodPost, "/subscriptions/clear-coupon", `{}`)
		}
	case 3:
		h.note("cancel")
		h.do(h.owner, http.MethodPost, h.sub+"/cancel", `{}`)
	case 4:
		h.note("go on")
		h.do(h.owner, http.MethodPatch, h.sub, `{"cancelAtPeriodEnd":false}`)
	case 5, 6:
		h.pay()
	default:
		h.pass()
	}
}

// create begins a subscription, which costs what its preview says.
func (h *history) create() {
	h.seats = 4 + h.random.Int64N(8)
	h.next, h.discount = h.seats, false
	body := fmt.Sprintf(`{"products":["/products/team"],"seats":%d}`, h.seats)
	h.note("create %d", h.seats)
	h.charged(http.MethodPost, "/subscriptions", body)
}

// want asks for a number of seats: more acts now, less with the next period.
func (h *history) want(seats int64) {
	sub := h.subscription()
	if sub.Status == "unpaid" || seats == h.seats { // the same leaves what is scheduled
		return
	}
	h.note("seats %d", seats)
	before := h.seats
	h.seats, h.next = max(h.seats, seats), seats
	if sub.Status == "trialing" {
		h.seats = seats
	}
	made := h.charged(http.MethodPatch, h.sub, fmt.Sprintf(`{"seats":%d}`, seats))
	more := h.seats - before
	if sub.Status == "trialing" || more <= 0 {
		if made != nil {
			h.fail("fewer seats are charged: %+v", made)
		}
		return
	}
	left, all := sub.CurrentPeriodEnd.Sub(h.in.Clock.Now().Truncate(time.Second)), sub.CurrentPeriodEnd.Sub(sub.CurrentPeriodStart)
	due := float64(more*perSeat) * left.Seconds() / all.Seconds()
	if due >= 1 && (made == nil || len(made.Lines) != 1 || made.Lines[0].Quantity != more || made.Subtotal < int64(due)-1 || made.Subtotal > int64(due)+1) {
		h.fail("%d more seats for %v of %v: want %.1f, charged %+v", more, left, all, due, made)
	}
}

// charged sends a change after its preview, with its token. What is charged must
// be what the preview said; it is returned, nil if that is nothing.
func (h *history) charged(method, path, body string) *shownInvoice {
	h.Helper()
	had := len(h.invoices())
	var promised, done shownSubscription
	h.do(h.owner, method, path+"?preview=true", body).JSON(h, &promised)
	if len(h.invoices()) != had {
		h.fail("a preview made an invoice")
	}
	h.do(h.owner, method, path+"?previewToken="+promised.Preview.Token, body).JSON(h, &done)
	h.sub = done.IRI
	p, now := promised.Preview, h.invoices()
	if len(now) == had {
		if p.Total != 0 {
			h.fail("the preview said %+v, nothing was charged", p)
		}
		return nil
	}
	i := now[len(now)-1]
	if len(now) != had+1 || p.Total != i.Total || p.Subtotal != i.Subtotal || p.Discount != i.Discount || p.Tax != i.Tax || !slices.Equal(p.Lines, i.Lines) {
		h.fail("the preview said %+v, charged was %+v", p, i)
	}
	return &i
}

// pass lets time go by.
func (h *history) pass() {
	d := time.Duration(1+h.random.IntN(20*24*3600)) * time.Second
	h.note("advance %v", d)
	h.in.Advance(d)
	h.signIn()
	h.in.RunJobs()
	sub := h.subscription()
	if sub.Seats != h.seats { // a period began with fewer
		if sub.Seats != h.next {
			h.fail("%d seats, want %d or %d", sub.Seats, h.seats, h.next)
		}
		h.seats = h.next
	}
	if sub.Status == "canceled" {
		h.note("it ended")
		h.sub = ""
	}
}

// pay pays something of the oldest open invoice.
func (h *history) pay() {
	for _, i := range h.invoices() {
		if i.Status != "open" {
			continue
		}
		amount := i.Balance
		switch h.random.IntN(4) {
		case 0:
			amount = 1 + h.random.Int64N(i.Balance)
		case 1:
			amount += h.random.Int64N(100)
		}
		h.note("pay %d of %d on %s", amount, i.Balance, i.Number)
		h.do(h.operator, http.MethodPost, i.IRI+"/pay", fmt.Sprintf(`{"amount":%d}`, amount))
		h.collected += amount
		if h.sub != "" { // a period may have begun
			h.seats = h.subscription().Seats
		}
		return
	}
}

func (h *history) subscription() (sub shownSubscription) {
	h.Helper()
	h.do(h.owner, http.MethodGet, h.sub, "").JSON(h, &sub)
	return sub
}

// check compares the books with the history: numbers have no gaps, invoices add
// up, whole periods are charged once and at the price of the seats that were
// granted, payments are all there, and the status says what is owed.
func (h *history) check() {
	h.Helper()
	var paid int64
	invoices := h.invoices()
	for k, i := range invoices {
		if want := fmt.Sprintf("INV-%06d", k+1); i.Number != want {
			h.fail("invoice %s stands where %s should", i.Number, want)
		}
		paid += i.AmountPaid
		h.checkSums(&i)
		if !h.seen[i.IRI] {
			h.seen[i.IRI] = true
			h.checkNew(&i)
		}
	}
	if paid != h.collected {
		h.fail("%d are noted as paid, %d were", paid, h.collected)
	}
	if h.sub != "" {
		h.checkStatus(invoices)
	}
}

func (h *history) checkSums(i *shownInvoice) {
	h.Helper()
	var amount, off, levied int64
	for _, l := range i.Lines {
		amount, off, levied = amount+l.Amount, off+l.Discount, levied+l.Tax
	}
	net := i.Subtotal - i.Discount
	if amount != i.Subtotal || off != i.Discount || levied != i.Tax || i.Tax != (net*taxRate+50)/100 || i.Total != net+i.Tax || i.Balance != i.Total-i.AmountPaid {
		h.fail("invoice %s does not add up: %+v", i.Number, i)
	}
	if open := i.Balance > 0; open != (i.Status == "open") {
		h.fail("invoice %s is %s with %d to pay", i.Number, i.Status, i.Balance)
	}
}

// checkNew checks an invoice that was just made.
func (h *history) checkNew(i *shownInvoice) {
	h.Helper()
	if i.Reason == "subscription_update" {
		return // see want
	}
	seats := i.Lines[len(i.Lines)-1].Quantity
	if i.Subtotal != flat+perSeat*seats || seats > h.seats && seats != h.next {
		h.fail("a period with %d seats costs %d for %d", h.seats, i.Subtotal, seats)
	}
	for _, p := range h.whole[i.Subscription] {
		if i.PeriodStart.Before(p.to) && p.from.Before(i.PeriodEnd) {
			h.fail("%v to %v is charged twice", i.PeriodStart, i.PeriodEnd)
		}
	}
	h.whole[i.Subscription] = append(h.whole[i.Subscription], period{i.PeriodStart, i.PeriodEnd})
}

// checkStatus compares the subscription with what is owed, and the seats that were
// billed with those that are granted.
func (h *history) checkStatus(invoices []shownInvoice) {
	h.Helper()
	sub := h.subscription()
	now := h.in.Clock.Now()
	overdue := slices.ContainsFunc(invoices, func(i shownInvoice) bool {
		return i.Subscription == h.sub && i.Status == "open" && !i.DueAt.After(now)
	})
	if late := sub.Status == "past_due" || sub.Status == "unpaid"; late != overdue && sub.Status != "trialing" {
		h.fail("the subscription is %s, overdue is %v", sub.Status, overdue)
	}
	var organization struct{ Seats struct{ Limit int64 } }
	h.do(h.owner, http.MethodGet, "/organizations/demo", "").JSON(h, &organization)
	if sub.Seats != h.seats || organization.Seats.Limit != sub.Seats {
		h.fail("%d seats are sold, %d granted, %d known", sub.Seats, organization.Seats.Limit, h.seats)
	}
	if sub.Status == "trialing" {
		return
	}
	var billed int64
	for _, i := range invoices {
		if i.Subscription == h.sub && i.PeriodEnd.Equal(sub.CurrentPeriodEnd) {
			for _, l := range i.Lines {
				if l.Kind == "seats" {
					billed += l.Quantity
				}
			}
		}
	}
	if billed != sub.Seats {
		h.fail("%d seats are billed, %d granted", billed, sub.Seats)
	}
}
