package payment_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"sede/internal/db"
	"sede/internal/sedetest"
	"sede/internal/stripe"
	"sede/internal/stripe/stripefake"
)

// TestHistories plays random histories of subscriptions that Stripe bills: products and
// seats that change, coupons, cancellation and taking it back, cards that refuse and pay,
// time that passes, while Stripe's messages are late, lost, repeated and out of order. A
// model that knows prices only says what must be charged.
func TestHistories(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		for seed := range uint64(4) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				h := newHistory(t, engine, seed)
				for range 30 {
					h.step()
				}
				h.check()
			})
		}
	})
}

// unit is what one of an item costs, of each product that is bought.
var unit = map[string]int64{"sede_alpha_flat": 1300, "sede_alpha_seats": 410, "sede_beta_seats": 731, "sede_gamma_flat": 970}

var sold = []string{"alpha", "beta", "gamma"}

// want is what a subscription has of everything.
type want struct {
	products []string
	seats    int64
}

func (w want) items() map[string]int64 {
	m := map[string]int64{}
	for _, p := range w.products {
		if item := "sede_" + p + "_flat"; unit[item] > 0 {
			m[item] = 1
		}
		if item := "sede_" + p + "_seats"; unit[item] > 0 {
			m[item] = w.seats
		}
	}
	return m
}

func (w want) price() (sum int64) {
	for item, n := range w.items() {
		sum += n * unit[item]
	}
	return sum
}

func (w want) same(o want) bool { return w.seats == o.seats && slices.Equal(w.products, o.products) }

// and is what has the more of both.
func (w want) and(o want) want {
	all := slices.Concat(w.products, o.products)
	slices.Sort(all)
	return want{slices.Compact(all), max(w.seats, o.seats)}
}

type history struct {
	*world
	random  *rand.Rand
	log     []string
	backlog []stripefake.Event

	sub       twin // ID empty: none is live
	now, next want
	period    time.Time // begin
	trial     bool
	discount  string // code
	updates   int    // invoices for changes
	periods   []time.Time
}

func newHistory(t *testing.T, engine db.Engine, seed uint64) *history {
	h := &history{world: billedWorld(t, engine), random: rand.New(rand.NewPCG(seed, 30))}
	h.do(h.operator(), http.MethodPost, "/coupons", `{"code":"TENTH","percent":10,"duration":"forever"}`, 201)
	for _, p := range sold {
		var flat, seats string
		if n := unit["sede_"+p+"_flat"]; n > 0 {
			flat = fmt.Sprintf(`,"flat":%d`, n)
		}
		if n := unit["sede_"+p+"_seats"]; n > 0 {
			seats = fmt.Sprintf(`,"perSeat":%d`, n)
		}
		trial := ""
		if p == "alpha" && seed%2 == 1 {
			trial = `,"trialDays":10`
		}
		h.do(h.operator(), http.MethodPost, "/products", `{"id":"`+p+`","names":[{"language":"en","name":"P"}],"prices":[{"currency":"EUR","interval":"monthly"`+flat+seats+`}],"modules":["desk"]`+trial+`}`, 201)
	}
	h.fake.Attempts = 30
	h.add(stripefake.Card{})
	h.settled()
	return h
}

func (h *history) fail(format string, args ...any) {
	h.t.Helper()
	h.t.Fatalf("%s\n%s", strings.Join(h.log, "\n"), fmt.Sprintf(format, args...))
}

func (h *history) note(format string, args ...any) {
	h.log = append(h.log, h.Clock.Now().Format(time.DateTime)+" "+fmt.Sprintf(format, args...))
}

// step does something. Some messages then arrive, and often nobody looks yet.
func (h *history) step() {
	if h.sub.ID == "" {
		h.create()
	} else {
		h.change()
	}
	h.deliver()
	if h.random.IntN(3) == 0 {
		h.check()
	}
}

func (h *history) change() {
	switch h.random.IntN(13) {
	case 0, 1, 2:
		h.order()
	case 3:
		h.coupon()
	case 4:
		h.note("cancel")
		h.do(h.owner(), http.MethodPost, "/subscriptions/"+h.sub.ID+"/cancel", `{}`, 200)
	case 5, 6:
		h.note("go on")
		if a := h.owner().Do(http.MethodPatch, "/subscriptions/"+h.sub.ID, `{"cancelAtPeriodEnd":false}`); a.Status != 200 && a.Status != 409 {
			h.fail("%d %s", a.Status, a.Body)
		}
	case 7:
		h.note("the card refuses")
		h.fake.Refuse()
	case 8:
		h.note("the card pays, and so does somebody")
		h.fake.Accept()
		h.payAll()
	case 9:
		h.note("something is owed to them")
		h.fake.Owe(h.random.Int64N(4000))
	default:
		d := time.Duration(1+h.random.IntN(12*24*3600)) * time.Second
		h.note("%v go by", d)
		h.Advance(d)
		h.fake.Tick()
	}
	h.RunJobs()
	h.roll()
}

// payAll pays on Stripe's page what is open.
func (h *history) payAll() {
	for _, i := range h.there() {
		if i.Status == "open" {
			h.fake.Pay(i.ID)
		}
	}
}

// there are Stripe's invoices that come to something, the oldest first.
func (h *history) there() (list []stripe.Invoice) {
	h.t.Helper()
	external := h.sub.ExternalID
	if external == "" {
		return nil
	}
	all, err := h.client().Invoices(h.t.Context(), external, nil)
	if err != nil {
		h.fail("%v", err)
	}
	slices.Reverse(all)
	return slices.DeleteFunc(all, func(i stripe.Invoice) bool { return i.Subtotal == 0 && i.Total == 0 })
}

func (h *history) at() stripe.Subscription {
	h.t.Helper()
	at, err := h.client().Subscription(h.t.Context(), h.sub.ExternalID)
	if err != nil {
		h.fail("%v", err)
	}
	return at
}

// roll has the model follow the calendar.
func (h *history) roll() {
	if h.sub.ID == "" {
		return
	}
	at := h.at()
	if !at.PeriodFrom.Equal(h.period) {
		h.now, h.period = h.next, at.PeriodFrom
		h.note("a period begins with %v", h.now)
	}
	h.trial = at.Status == "trialing"
}

// some is a random choice of products and seats.
func (h *history) some() want {
	w := want{seats: 1 + h.random.Int64N(9)}
	for _, p := range sold {
		if h.random.IntN(2) == 0 {
			w.products = append(w.products, p)
		}
	}
	if len(w.products) == 0 {
		w.products = []string{sold[h.random.IntN(len(sold))]}
	}
	return w
}

func (w want) body() string {
	var list []string
	for _, p := range w.products {
		list = append(list, `"/products/`+p+`"`)
	}
	return fmt.Sprintf(`{"products":[%s],"seats":%d}`, strings.Join(list, ","), w.seats)
}

func (h *history) create() {
	w := h.some()
	h.note("create %v", w)
	said := h.ask(http.MethodPost, "/subscriptions", w.body())
	h.do(h.owner(), http.MethodPost, "/subscriptions?previewToken="+said.Token, w.body(), 201).JSON(h.t, &h.sub)
	h.RunJobs()
	h.sub = h.subscription(h.sub.ID)
	at := h.at()
	h.now, h.next, h.period, h.trial, h.discount, h.updates, h.periods = w, w, at.PeriodFrom, at.Status == "trialing", "", 0, nil
	list := h.there()
	if h.trial {
		if said.Total != 0 || len(list) != 0 {
			h.fail("a trial costs %s", said)
		}
		return
	}
	if said.Subtotal != w.price() || len(list) != 1 {
		h.fail("%v costs %s in %d invoices", w, said, len(list))
	}
	h.charged(said, &list[0])
}

// charged compares what was said with what Stripe charged.
func (h *history) charged(said preview, i *stripe.Invoice) {
	h.t.Helper()
	if said.Subtotal != i.Subtotal || said.Discount != i.Discount || said.Tax != i.Tax || said.Total != i.Total ||
		said.AmountPaid != i.Covered || said.Balance != i.Paid+i.Remaining {
		h.fail("said was %s, charged was %+v", said, i)
	}
}

// order asks for other products and seats, as previewed.
func (h *history) order() {
	asked := h.some() // as it is in force, it drops what is scheduled
	path, count := "/subscriptions/"+h.sub.ID, len(h.there())
	a := h.owner().Do(http.MethodPatch, path+"?preview=true", asked.body())
	if a.Status == 409 { // as far as is known it has ended, or something is to be paid first
		h.note("%v is refused", asked)
		return
	}
	if a.Status != 200 {
		h.fail("%d %s", a.Status, a.Body)
	}
	var s struct{ Preview preview }
	a.JSON(h.t, &s)
	said := s.Preview
	h.Advance(time.Duration(h.random.IntN(600)) * time.Second)
	h.fake.Tick()
	h.note("order %v for %d", asked, said.Subtotal)
	if a := h.owner().Do(http.MethodPatch, path+"?previewToken="+said.Token, asked.body()); a.Status == 409 {
		h.note("not as it was said: %s", a.Body)
		return
	} else if a.Status != 200 {
		h.fail("%d %s", a.Status, a.Body)
	}
	before := h.now
	if h.now, h.next = h.now.and(asked), asked; h.trial {
		h.now = asked
	}
	h.RunJobs()
	list, due := h.there(), h.due(before)
	if due == 0 {
		if said.Total != 0 || len(list) != count {
			h.fail("nothing is more, said was %s, and there are %d invoices more", said, len(list)-count)
		}
		return
	}
	if math.Abs(float64(said.Subtotal)-due) > 8 || len(list) != count+1 {
		h.fail("it costs %.2f, said was %s, and there are %d invoices more", due, said, len(list)-count)
	}
	h.updates++
	h.charged(said, &list[len(list)-1])
}

// due is what the rest of the period costs of what is more than before.
func (h *history) due(before want) (sum float64) {
	if h.trial {
		return 0
	}
	at, had := h.at(), before.items()
	from := at.PeriodTo.Sub(h.Clock.Now().Truncate(time.Second))
	for item, n := range h.now.items() {
		sum += float64((n-had[item])*unit[item]) * from.Seconds() / at.PeriodTo.Sub(at.PeriodFrom).Seconds()
	}
	return sum
}

func (h *history) coupon() {
	code := []string{"", "TENTH", "HALF-ONCE"}[h.random.IntN(3)]
	h.note("coupon %q", code)
	path, body := "/subscriptions/apply-coupon", `{"coupon":"`+code+`","replace":true}`
	if code == "" {
		path, body = "/subscriptions/clear-coupon", `{}`
	}
	if a := h.owner().Do(http.MethodPost, path, body); a.Status == 200 {
		h.discount = code
	} else if a.Status != 409 {
		h.fail("%d %s", a.Status, a.Body)
	}
}

// deliver lets some of what Stripe said arrive: late, twice, or never.
func (h *history) deliver() {
	h.t.Helper()
	h.backlog = append(h.backlog, h.fake.Take()...)
	h.random.Shuffle(len(h.backlog), func(i, j int) { h.backlog[i], h.backlog[j] = h.backlog[j], h.backlog[i] })
	some := h.backlog[:h.random.IntN(len(h.backlog)+1)]
	h.backlog = slices.Clone(h.backlog[len(some):])
	for _, e := range (stripefake.Mess{Random: h.random, Lose: 25, Twice: 25}).Of(some) {
		if a := h.send(e); a.Status != 200 {
			h.fail("%d %s", a.Status, a.Body)
		}
	}
	h.RunJobs()
}
