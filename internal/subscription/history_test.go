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

// TestHistories plays random histories of one subscription: seats and products up and
// down, a coupon on and off, cancellation and taking it back, time that passes, payments
// in whole, in part, too much and paid back, credit notes, an issuer who is exempt from VAT
// for a time. What has a preview is done with its token. After each step the books must
// be right: see check.
func TestHistories(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		for seed := range uint64(4) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				h := newHistory(t, engine, seed)
				for range 50 {
					h.step()
					h.check()
				}
			})
		}
	})
}

// The prices of the products team and bank in euros, and the tax in Portugal.
const (
	flat, perSeat = 900, 600
	bankFlat      = 1200
	taxRate       = 23
)

// terms are what the subscription is of: product team, its seats, and how often the
// product bank.
type terms struct{ seats, banks int64 }

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
	now       terms  // granted
	next      terms  // wanted from the next period on
	from      time.Time
	discount  bool  // 10 % off, for good
	exempt    bool  // who issues invoices takes no tax
	upcoming  int64 // what the next period was said to come to; -1: not known
	seen      map[string]bool
	untaxed   map[string]bool     // the invoices that were made while they took none
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
	Products                             []struct {
		Product  string
		Quantity int64
	}
	Preview *struct {
		Lines                          []shownLine
		Subtotal, Discount, Tax, Total int64
		AmountPaid, Balance            int64
		Token                          string
	}
}

func newHistory(t *testing.T, engine db.Engine, seed uint64) *history {
	in := sedetest.New(t, engine)
	h := &history{T: t, in: in,
		random: rand.New(rand.NewPCG(seed, 6)), upcoming: -1, seen: map[string]bool{}, untaxed: map[string]bool{}, whole: map[string][]period{}}
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
	switch h.random.IntN(15) {
	case 0:
		h.want(terms{h.now.seats + 1 + h.random.Int64N(5), h.next.banks}, `{"seats":SEATS}`)
	case 1:
		h.want(terms{4 + h.random.Int64N(h.now.seats-3), h.next.banks}, `{"seats":SEATS}`)
	case 2, 3:
		h.want(terms{h.next.seats, h.random.Int64N(4)}, `{"products":[PRODUCTS]}`)
	case 4:
		h.want(terms{4 + h.random.Int64N(8), h.random.Int64N(3)}, `{"seats":SEATS,"products":[PRODUCTS]}`)
	case 5:
		h.coupon()
	case 6:
		h.note("cancel")
		h.charged(http.MethodPost, h.sub+"/cancel", `{}`)
	case 7:
		h.note("go on")
		h.do(h.owner, http.MethodPatch, h.sub, `{"cancelAtPeriodEnd":false}`)
	case 8:
		h.pay()
	case 9:
		h.payAgain()
	case 10:
		h.credit()
	case 11:
		h.exempt, h.upcoming = !h.exempt, -1
		h.note("exempt %v", h.exempt)
		h.do(h.operator, http.MethodPatch, "/invoice-issuers/default-issuer", fmt.Sprintf(`{"vatExempt":%v}`, h.exempt))
	default:
		h.pass()
	}
}

// coupon puts the discount on or takes it off. The preview says what the next period
// comes to.
func (h *history) coupon() {
	path, body := "/subscriptions/clear-coupon", `{}`
	if h.discount = !h.discount; h.discount {
		path, body = "/subscriptions/apply-coupon", `{"coupon":"ALWAYS"}`
	}
	h.note("coupon %v", h.discount)
	var promised shownSubscription
	h.do(h.owner, http.MethodPost, path+"?preview=true", body).JSON(h, &promised)
	h.do(h.owner, http.MethodPost, path+"?previewToken="+promised.Preview.Token, body)
	if h.upcoming = -1; !promised.CancelAtPeriodEnd {
		h.upcoming = promised.Preview.Total
	}
}

// create begins a subscription, which costs what its preview says.
func (h *history) create() {
	h.now = terms{4 + h.random.Int64N(8), h.random.Int64N(2)}
	h.next, h.discount, h.upcoming = h.now, false, -1
	h.note("create %+v", h.now)
	h.charged(http.MethodPost, "/subscriptions", fmt.Sprintf(`{"seats":%d,"products":[%s]}`, h.now.seats, h.now.products()))
	h.from = h.subscription().CurrentPeriodStart
}

// products are those of the terms as a body names them.
func (t terms) products() string {
	if t.banks == 0 {
		return `"/products/team"`
	}
	return fmt.Sprintf(`"/products/team",{"product":"/products/bank","quantity":%d}`, t.banks)
}

// want asks for terms: more acts now, less with the next period.
func (h *history) want(t terms, body string) {
	sub := h.subscription()
	if sub.Status == "unpaid" {
		return
	}
	body = strings.NewReplacer("SEATS", fmt.Sprint(t.seats), "PRODUCTS", t.products()).Replace(body)
	h.note("want %+v: %s", t, body)
	before := h.now
	h.now, h.next, h.upcoming = terms{max(h.now.seats, t.seats), max(h.now.banks, t.banks)}, t, -1
	if sub.Status == "trialing" {
		h.now = t
	}
	made := h.charged(http.MethodPatch, h.sub, body)
	seats, banks := h.now.seats-before.seats, h.now.banks-before.banks
	if sub.Status == "trialing" || seats <= 0 && banks <= 0 {
		if made != nil {
			h.fail("what is less is charged: %+v", made)
		}
		return
	}
	left, all := sub.CurrentPeriodEnd.Sub(h.in.Clock.Now().Truncate(time.Second)), sub.CurrentPeriodEnd.Sub(sub.CurrentPeriodStart)
	due := float64(seats*perSeat+banks*bankFlat) * left.Seconds() / all.Seconds()
	if due >= 2 && (made == nil || made.Subtotal < int64(due)-1 || made.Subtotal > int64(due)+2) {
		h.fail("%d more seats and %d more banks for %v of %v: want %.1f, charged %+v", seats, banks, left, all, due, made)
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
	if len(now) != had+1 || p.Total != i.Total || p.Subtotal != i.Subtotal || p.Discount != i.Discount || p.Tax != i.Tax || !slices.Equal(p.Lines, i.Lines) ||
		p.AmountPaid != i.AmountPaid || p.Balance != i.Balance {
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
	h.follow()
	if h.subscription().Status == "canceled" {
		h.note("it ended")
		h.sub, h.upcoming = "", -1
	}
}

// follow notes that a period began.
func (h *history) follow() {
	if sub := h.subscription(); !sub.CurrentPeriodStart.Equal(h.from) {
		h.now, h.from = h.next, sub.CurrentPeriodStart
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
			amount += h.random.Int64N(5000)
		}
		h.payFor(&i, amount)
		return
	}
}

// payAgain pays something for an invoice of which nothing is to be paid, or pays back
// what is owed.
func (h *history) payAgain() {
	for _, i := range h.invoices() {
		switch {
		case i.Status != "paid" || h.random.IntN(3) > 0:
		case i.Balance < 0 && h.random.IntN(2) == 0:
			h.payFor(&i, -1-h.random.Int64N(-i.Balance))
			return
		default:
			h.payFor(&i, 1+h.random.Int64N(4000))
			return
		}
	}
}

func (h *history) payFor(i *shownInvoice, amount int64) {
	h.note("pay %d of %d on %s", amount, i.Balance, i.Number)
	h.do(h.operator, http.MethodPost, i.IRI+"/pay", fmt.Sprintf(`{"amount":%d}`, amount))
	h.collected += amount
	h.follow()
}

// credit takes an invoice back, or a part of its first line.
func (h *history) credit() {
	all := h.invoices()
	if len(all) == 0 {
		return
	}
	i := all[h.random.IntN(len(all))]
	if i.AmountCredited == i.Total {
		return
	}
	lines := ""
	if l := i.Lines[0]; i.AmountCredited == 0 && l.Amount-l.Discount > 1 && h.random.IntN(3) > 0 {
		lines = fmt.Sprintf(`,"lines":[{"line":1,"amount":%d}]`, 1+h.random.Int64N(l.Amount-l.Discount))
	}
	h.note("credit %s%s", i.Number, lines)
	h.do(h.in.As("operator@demo.example", "demo"), http.MethodPost, "/credit-notes", fmt.Sprintf(`{"invoice":%q,"reason":"test"%s}`, i.IRI, lines))
	h.follow()
}

func (h *history) subscription() (sub shownSubscription) {
	h.Helper()
	h.do(h.owner, http.MethodGet, h.sub, "").JSON(h, &sub)
	return sub
}
