package payment_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"sede/internal/app"
	"sede/internal/db"
	"sede/internal/sedetest"
	"sede/internal/stripe/stripefake"
)

// everything has Stripe be told of all that it can be told, and returns each thing with
// what lets it happen.
func everything(w *world) map[string]func() {
	w.add(stripefake.Card{})
	w.settled()
	second := w.add(stripefake.Card{Brand: "mastercard", Last4: "4444"})
	w.settled()
	var s twin
	path := func() string { return "/subscriptions/" + s.ID }
	return map[string]func(){
		"1 begins":      func() { beginAgainMonthly(w, &s) },
		"2 more":        func() { w.do(w.owner(), http.MethodPatch, path(), `{"seats":4}`, 200) },
		"3 fewer":       func() { w.do(w.owner(), http.MethodPatch, path(), `{"seats":2}`, 200) },
		"4 a discount":  func() { w.do(w.owner(), http.MethodPost, "/subscriptions/apply-coupon", `{"coupon":"HALF-ONCE"}`, 200) },
		"5 a card":      func() { w.do(w.owner(), http.MethodPatch, "/payment-methods/"+second.ID, `{"default":true}`, 200) },
		"6 is to end":   func() { w.do(w.owner(), http.MethodPost, path()+"/cancel", `{}`, 200) },
		"7 a card less": func() { w.do(w.owner(), http.MethodDelete, "/payment-methods/"+second.ID, "", 204) },
		"8 ends":        func() { w.do(w.owner(), http.MethodPost, path()+"/cancel", `{"atPeriodEnd":false}`, 200) },
	}
}

func beginAgainMonthly(w *world, s *twin) {
	w.do(w.owner(), http.MethodPost, "/subscriptions", `{"products":["/products/desk"],"seats":2}`, 201).JSON(w.t, s)
}

// TestEveryCallIsRepeatedWithItsKey: whatever Stripe is told is told by a job, with a key
// that is not made up for the call. When Stripe is busy, or there was no answer, the next
// try has the same; when Stripe failed, which it would repeat, another.
func TestEveryCallIsRepeatedWithItsKey(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		w := billedWorld(t, engine)
		w.do(w.operator(), http.MethodPost, "/products", `{"id":"desk","names":[{"language":"en","name":"Desk"}],"prices":[{"currency":"EUR","interval":"monthly","perSeat":731}],"modules":["desk"]}`, 201)
		deeds := everything(w)
		var names []string
		for name := range deeds {
			names = append(names, name)
		}
		slices.Sort(names)
		failures := []stripefake.Failure{{Done: true}, {}, {Status: 409, Code: "lock_timeout", Type: "invalid_request_error"},
			{Status: 429, Code: "rate_limit", Type: "invalid_request_error", After: 20}, {Status: 500, Kept: true}, {Status: 503, Done: true}}
		for n, name := range names {
			f := failures[n%len(failures)]
			w.fake.FailWrite(f)
			calls, writes := len(w.fake.Calls()), len(w.fake.Writes())
			deeds[name]()
			if made := w.fake.Calls()[calls:]; len(made) != 0 {
				t.Errorf("%s: the request itself calls %v", name, made)
			}
			w.rest()
			told := w.fake.Writes()[writes:]
			again := len(told) > 1 && told[0].Call == told[1].Call
			if len(told) == 0 || !again && !f.Done { // what was done is found, and may not be told again
				t.Fatalf("%s: Stripe is told %v", name, told)
			}
			if again && (told[0].Key == told[1].Key) != (f.Status < 500) {
				t.Errorf("%s, %+v: the keys are %q, then %q", name, f, told[0].Key, told[1].Key)
			}
			for _, write := range told {
				if !strings.Contains(write.Key, ":") {
					t.Errorf("%s: %s with the key %q", name, write.Call, write.Key)
				}
			}
		}
	})
}

// TestWhatIsThereIsNotMadeAgain: products and coupons are made once, and not asked for with
// each change. What somebody removed at Stripe is made anew when it is missed.
func TestWhatIsThereIsNotMadeAgain(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		w := billedWorld(t, engine)
		w.add(stripefake.Card{})
		w.settled()
		s := w.buy(`{"products":["/products/bank"],"coupon":"HALF-ONCE"}`)
		w.settled()
		calls := func(do func()) (made []string) {
			before := len(w.fake.Writes())
			do()
			w.settled()
			for _, write := range w.fake.Writes()[before:] {
				if made = append(made, write.Call); write.Call == "POST /v1/products" || write.Call == "POST /v1/coupons" {
					t.Errorf("%s again", write.Call)
				}
			}
			return made
		}
		path := "/subscriptions/" + s.ID
		if made := calls(func() { w.ask(http.MethodPatch, path, `{"products":[{"product":"/products/bank","quantity":2}]}`) }); len(made) != 1 {
			t.Errorf("a preview makes %v", made)
		}
		calls(func() {
			w.do(w.owner(), http.MethodPatch, path, `{"products":[{"product":"/products/bank","quantity":2}]}`, 200)
		})
		w.do(w.owner(), http.MethodPost, path+"/cancel", `{"atPeriodEnd":false}`, 200)
		w.settled()

		w.fake.Wipe()
		w.fake.Forget()
		if said := w.ask(http.MethodPost, "/subscriptions", `{"products":["/products/bank"],"coupon":"HALF-ONCE"}`); said.Tax == 0 || said.Discount == 0 {
			t.Errorf("%s", said)
		}
		w.fake.Wipe()
		w.fake.Forget()
		s = w.buy(`{"products":["/products/bank"],"coupon":"HALF-ONCE"}`)
		w.settled()
		if got, _ := w.lastInvoice(s.ID); got.Tax == 0 || got.Discount == 0 || w.subscription(s.ID).Status != "active" || w.waiting() != 0 {
			t.Errorf("%s", got)
		}
	})
}

// TestAnOldAnswerComesLast: two jobs load the same subscription, and the one that began
// first gets its answer last. What the other stored stays.
func TestAnOldAnswerComesLast(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		held, release := make(chan struct{}), make(chan struct{})
		hold := make(chan struct{}, 1) // one answer is held back
		w := beginWith(t, engine, func(w *world, c *app.Config) {
			front := httptest.NewServer(http.HandlerFunc(func(to http.ResponseWriter, r *http.Request) {
				answer := httptest.NewRecorder()
				w.fake.ServeHTTP(answer, r)
				if r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/v1/subscriptions/") {
					select {
					case <-hold:
						close(held)
						<-release
					default:
					}
				}
				to.WriteHeader(answer.Code)
				_, _ = bytes.NewReader(answer.Body.Bytes()).WriteTo(to)
			}))
			t.Cleanup(front.Close)
			c.Stripe.URL = front.URL
		})
		prepare(t, w.Instance, w.owner())
		s := w.buy(`{"products":["/products/bank"]}`)
		events := w.fake.Take()
		hold <- struct{}{}
		w.send(events[slices.IndexFunc(events, func(e stripefake.Event) bool { return strings.HasPrefix(e.Type, "customer.subscription") })])
		worked := make(chan error)
		go func() {
			_, err := w.App.RunJobs(t.Context())
			worked <- err
		}()
		<-held // with an answer that says incomplete
		w.fake.Pay(atStripe(t, w, s).LatestInvoice)
		for _, e := range w.fake.Take() {
			w.send(e)
		}
		if w.RunJobs(); w.subscription(s.ID).Status != "active" {
			t.Errorf("%+v", w.subscription(s.ID))
		}
		close(release)
		if err := <-worked; err != nil {
			t.Error(err)
		}
		if got := w.subscription(s.ID); got.Status != "active" {
			t.Errorf("%+v", got)
		}
	})
}

// TestOneMessageIsOneJob: a message that is repeated is stored once, and worked off once.
func TestOneMessageIsOneJob(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		w := billedWorld(t, engine)
		w.buy(`{"products":["/products/bank"]}`)
		e := w.fake.Take()[0]
		if a := w.send(e); a.Status != 200 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		before := w.Dump()
		for range 3 {
			if a := w.send(e); a.Status != 200 {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
		}
		w.Unchanged(before, "a message that is known")
		w.RunJobs()
		calls := len(w.fake.Calls())
		before = w.Dump()
		w.send(e)
		w.Unchanged(before, "a message that was worked off")
		if w.RunJobs(); len(w.fake.Calls()) != calls {
			t.Errorf("%v", w.fake.Calls()[calls:])
		}
	})
}

// TestNothingIsSoldThatCantBeInvoiced: Stripe makes invoices by itself, also after a trial,
// so who issues them, and how they are taxed, must be known when a subscription begins.
func TestNothingIsSoldThatCantBeInvoiced(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		w := begin(t, engine)
		w.do(w.owner(), http.MethodPost, "/organization-addresses", `{"name":"Other","streetLine":"Rua Augusta 2","postCode":"1100-048","city":"Lisboa","country":"/countries/PT"}`, 201)
		for _, product := range []string{"team", "bank"} { // with a trial, and without
			w.do(w.owner(), http.MethodPost, "/subscriptions", `{"products":["/products/`+product+`"]}`, 409)
		}
		if calls := w.fake.Calls(); len(calls) != 0 {
			t.Errorf("%v", calls)
		}
	})
}
