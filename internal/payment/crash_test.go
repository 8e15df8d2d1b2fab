package payment_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"sede/internal/db"
	"sede/internal/sedetest"
	"sede/internal/stripe"
	"sede/internal/stripe/stripefake"
)

// ruin is one way in which work is cut off: at a step of the database, or at a call.
type ruin struct {
	name  string
	at    func(w *world, n int)
	fired func(w *world) bool
}

func cutCall(name string, f stripefake.Failure) ruin {
	return ruin{name, func(w *world, n int) { w.fake.FailAt(n, f) }, func(w *world) bool { return w.fake.Fired() }}
}

var ruins = []ruin{
	{"a step of the database fails", func(w *world, n int) { w.FailAt(n) }, func(w *world) bool { return w.Fired() }},
	cutCall("a call does not arrive", stripefake.Failure{}),
	cutCall("an answer is lost", stripefake.Failure{Done: true}),
	cutCall("Stripe fails, and says so for a day", stripefake.Failure{Status: 500, Kept: true}),
	cutCall("Stripe fails after it did it", stripefake.Failure{Status: 500, Done: true}),
	cutCall("somebody has the lock", stripefake.Failure{Status: 409, Code: "lock_timeout", Type: "invalid_request_error"}),
	cutCall("too many calls", stripefake.Failure{Status: 429, Code: "rate_limit", Type: "invalid_request_error", After: 30}),
}

// deed is something that Stripe must learn, or tells, again and again. Each time it is
// cut off at another place.
type deed struct {
	name string
	// do does it. undo makes things such that it can be done again.
	do, undo func(w *world, s *twin)
	// invoices is how many more there are afterwards.
	invoices int
}

func patch(body string) func(w *world, s *twin) {
	return func(w *world, s *twin) { w.do(w.owner(), http.MethodPatch, "/subscriptions/"+s.ID, body, 200) }
}

func post(path, body string) func(w *world, s *twin) {
	return func(w *world, s *twin) { w.do(w.owner(), http.MethodPost, path, body, 200) }
}

func more(w *world, s *twin) {
	s.Seats++
	patch(fmt.Sprintf(`{"seats":%d}`, s.Seats))(w, s)
}

func endNow(w *world, s *twin) {
	w.do(w.owner(), http.MethodPost, "/subscriptions/"+s.ID+"/cancel", `{"atPeriodEnd":false}`, 200)
}

func beginAgain(w *world, s *twin) {
	w.do(w.owner(), http.MethodPost, "/subscriptions", `{"type":"yearly","products":["/products/desk"],"seats":2}`, 201).JSON(w.t, s)
}

var deeds = []deed{
	{"a subscription begins", beginAgain, endNow, 1},
	{"more seats", more, func(w *world, s *twin) { endNow(w, s); w.rest(); beginAgain(w, s) }, 1},
	{"fewer seats, taken back", patch(`{"seats":1}`), patch(`{"changeScheduled":false}`), 0},
	{"it is to end, and not", patch(`{"cancelAtPeriodEnd":true}`), patch(`{"cancelAtPeriodEnd":false}`), 0},
	{"a discount, and none", post("/subscriptions/apply-coupon", `{"coupon":"HALF-ONCE"}`), post("/subscriptions/clear-coupon", `{}`), 0},
	{"another card", func(w *world, s *twin) { patch(`{"paymentMethod":"/payment-methods/`+w.methods()[0].ID+`"}`)(w, s) }, patch(`{"paymentMethod":null}`), 0},
	{"Stripe tells of a change", func(w *world, s *twin) {
		end := true
		if _, err := w.client().ChangeSubscription(w.t.Context(), fmt.Sprint("dashboard", len(w.fake.Calls())), s.ExternalID, stripe.Change{CancelAtPeriodEnd: &end}); err != nil {
			w.t.Fatal(err)
		}
		for _, e := range w.fake.Take() {
			w.send(e)
		}
	}, patch(`{"cancelAtPeriodEnd":false}`), 0},
	{"it ends now", endNow, beginAgain, 0},
}

// TestCutOff: whatever step of the database or call to Stripe fails while Stripe is told
// of a change, or while its messages are worked off, the jobs that run afterwards come to
// the state that there would be without it. Nothing is charged twice and nothing twice
// there.
func TestCutOff(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		for k, d := range deeds {
			t.Run(d.name, func(t *testing.T) {
				t.Parallel()
				w := billedWorld(t, engine)
				w.do(w.operator(), http.MethodPost, "/products", `{"id":"desk","names":[{"language":"en","name":"Desk"}],"prices":[{"currency":"EUR","interval":"yearly","perSeat":7310}],"modules":["desk"]}`, 201)
				w.add(stripefake.Card{})
				w.settled()
				w.add(stripefake.Card{Brand: "mastercard", Last4: "4444"})
				w.settled()
				var s twin
				if beginAgain(w, &s); d.name == "a subscription begins" {
					w.rest()
					endNow(w, &s)
				}
				w.rest()
				for _, r := range ruins {
					w.everywhere(t, &d, &s, r, k)
					w.fake.Trust() // what follows are the same calls
				}
			})
		}
	})
}

// everywhere does a deed again and again, cut off at each place from the first one on:
// at some of them, fewer on PostgreSQL, or at every one when SEDE_TEST_PLACES is "every", which takes five
// minutes.
func (w *world) everywhere(t *testing.T, d *deed, s *twin, r ruin, first int) {
	stride := 9
	if w.engine == db.PostgreSQL { // where each place takes longer, and what is tried is the same work
		stride = 17
	}
	if os.Getenv("SEDE_TEST_PLACES") == "every" {
		stride = 1
	}
	for n := 1 + first%stride; ; n += stride {
		if s.ID != "" {
			*s = w.subscription(s.ID)
		}
		before := w.count()
		d.do(w, s)
		r.at(w, n)
		_, _ = w.App.RunJobs(t.Context())
		fired := r.fired(w)
		w.rest()
		if wrong := w.contradiction(s); wrong != "" {
			t.Errorf("%s, place %d: %s", r.name, n, wrong)
		}
		if got := w.count() - before; got != d.invoices {
			t.Errorf("%s, place %d: %d invoices more, want %d", r.name, n, got, d.invoices)
		}
		if t.Failed() {
			t.FailNow()
		}
		if d.undo != nil {
			d.undo(w, s)
			w.rest()
		}
		if !fired {
			return
		}
	}
}

// rest lets jobs and messages come to rest.
func (w *world) rest() {
	w.t.Helper()
	for range 12 {
		w.settled()
		if w.waiting() == 0 {
			w.settled()
			return
		}
		w.Advance(40 * time.Second)
	}
	w.t.Fatal("it does not come to rest")
}

// waiting counts the jobs about Stripe that are not done.
func (w *world) waiting() int {
	w.t.Helper()
	n := 0
	for _, state := range []string{"waiting", "running", "failed"} {
		var page struct {
			Members []struct {
				Kind  string
				Error *string
			} `json:"hydra:member"`
		}
		w.do(w.operator(), http.MethodGet, "/jobs?state="+state, "", 200).JSON(w.t, &page)
		for _, j := range page.Members {
			if !strings.HasPrefix(j.Kind, "payment.") {
				continue
			}
			if n++; state == "failed" {
				w.t.Fatalf("%s failed: %s", j.Kind, *j.Error)
			}
		}
	}
	return n
}

// count is how many invoices there are of the organization.
func (w *world) count() int {
	w.t.Helper()
	var page struct {
		Total int `json:"hydra:totalItems"`
	}
	w.do(w.owner(), http.MethodGet, "/invoices", "", 200).JSON(w.t, &page)
	return page.Total
}

// contradiction says in what sede and Stripe differ about a subscription; empty: in
// nothing.
func (w *world) contradiction(s *twin) string {
	w.t.Helper()
	var here struct {
		twin
		Scheduled *struct{ Seats int64 }
		Discount  *struct{ Code string }
	}
	w.do(w.owner(), http.MethodGet, "/subscriptions/"+s.ID, "", 200).JSON(w.t, &here)
	at, err := w.client().Subscription(w.t.Context(), here.ExternalID)
	if err != nil {
		return err.Error()
	}
	all, err := w.client().Subscriptions(w.t.Context(), at.Customer)
	if err != nil {
		return err.Error()
	}
	live := 0
	for i := range all {
		if !all[i].Over() {
			live++
		}
	}
	seats := here.Seats
	if here.Scheduled != nil {
		seats = here.Scheduled.Seats
	}
	invoices, err := w.client().Invoices(w.t.Context(), here.ExternalID, nil)
	if err != nil {
		return err.Error()
	}
	var paid, paidThere int64
	count := 0
	for n := 1; ; n++ {
		var page struct {
			Members []struct{ AmountPaid int64 } `json:"hydra:member"`
		}
		w.do(w.owner(), http.MethodGet, fmt.Sprintf("/subscriptions/%s/invoices?itemsPerPage=100&page=%d", s.ID, n), "", 200).JSON(w.t, &page)
		for _, i := range page.Members {
			paid += i.AmountPaid
			count++
		}
		if len(page.Members) < 100 {
			break
		}
	}
	for _, i := range invoices {
		paidThere += i.Paid
	}
	switch {
	case here.Status != at.Status:
		return here.Status + ", and there " + at.Status
	case at.Over() && live != 0, !at.Over() && live != 1:
		return fmt.Sprintf("%d live subscriptions at Stripe", live)
	case at.Over():
	case at.Items[0].Quantity != seats:
		return fmt.Sprintf("%d seats, and there %d", seats, at.Items[0].Quantity)
	case here.CancelAtPeriodEnd != at.CancelAtPeriodEnd:
		return "one of both is to end"
	case (here.Discount != nil) != (at.Coupon != ""):
		return "one of both has a discount"
	}
	if paid != paidThere || count != len(invoices) {
		return fmt.Sprintf("%d paid in %d invoices, there %d in %d", paid, count, paidThere, len(invoices))
	}
	return ""
}
