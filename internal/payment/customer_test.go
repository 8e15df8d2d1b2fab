package payment_test

import (
	"net/http"
	"testing"
	"time"

	"sede/internal/db"
	"sede/internal/sedetest"
	"sede/internal/stripe"
	"sede/internal/stripe/stripefake"
)

// customers are those at Stripe that were made for the organization.
func (w *world) customers() []stripe.Customer {
	w.t.Helper()
	var o struct{ ID string }
	w.do(w.owner(), http.MethodGet, "/organizations/other", "", 200).JSON(w.t, &o)
	list, err := w.client().CustomersWith(w.t.Context(), "organization", o.ID, w.Clock.Now().AddDate(-1, 0, 0))
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

// TestACustomerIsMadeOnce, whatever becomes of the answer to the call that makes it.
func TestACustomerIsMadeOnce(t *testing.T) {
	const body = `{"returnUrl":"https://app.example/billing"}`
	for name, c := range map[string]struct {
		failure stripefake.Failure
		then    func(w *world)
	}{
		"made, and the answer lost":          {stripefake.Failure{Done: true}, func(*world) {}},
		"made, and said to have failed":      {stripefake.Failure{Status: 500, Done: true}, func(*world) {}},
		"failed, which is said for a day":    {stripefake.Failure{Status: 500, Kept: true}, func(*world) {}},
		"tried again once the key is gone":   {stripefake.Failure{Done: true}, func(w *world) { w.Advance(49 * time.Hour); w.fake.Forget() }},
		"said to have failed, tried later":   {stripefake.Failure{Status: 500, Done: true}, func(w *world) { w.Advance(49 * time.Hour); w.fake.Forget() }},
		"said to have failed, a minute ago":  {stripefake.Failure{Status: 500, Done: true}, func(w *world) { w.Advance(time.Minute) }},
		"somebody else makes it, so refused": {stripefake.Failure{Status: 409, Type: "idempotency_error", Code: "idempotency_key_in_use"}, func(*world) {}},
	} {
		t.Run(name, func(t *testing.T) {
			sedetest.Each(t, func(t *testing.T, engine db.Engine) {
				w := begin(t, engine)
				w.fake.FailAt(2, c.failure) // the first looks whether there is one
				w.do(w.owner(), http.MethodPost, "/payment-methods", body, 503)
				c.then(w)
				w.do(w.owner(), http.MethodPost, "/payment-methods", body, 201)
				w.do(w.owner(), http.MethodPost, "/payment-methods", body, 201)
				if list := w.customers(); len(list) != 1 {
					t.Errorf("%d customers", len(list))
				}
			})
		})
	}
}

// TestACustomerIsDeleted: when somebody deletes it at Stripe, what it paid with is gone and
// its subscription has ended, told by messages or not. The next one is another customer's.
func TestACustomerIsDeleted(t *testing.T) {
	for name, learn := range map[string]func(w *world){
		"Stripe says so":           func(w *world) { w.settled() },
		"the last message is lost": func(w *world) { w.send(w.fake.Take()[0]); w.RunJobs() },
		"it is found":              func(w *world) { w.fake.Take(); w.reconcile() },
		"nobody knows yet":         func(w *world) { w.fake.Take() },
	} {
		t.Run(name, func(t *testing.T) {
			sedetest.Each(t, func(t *testing.T, engine db.Engine) {
				w := billedWorld(t, engine)
				w.add(stripefake.Card{})
				w.settled()
				s := w.buy(`{"products":["/products/bank"]}`)
				w.settled()
				w.fake.DeleteCustomer(w.customers()[0].ID)
				learn(w)
				w.add(stripefake.Card{Brand: "mastercard", Last4: "4444"})
				w.settled()
				if got := w.show(); got != "active 4444 true; " {
					t.Errorf("%s", got)
				}
				if s = w.subscription(s.ID); s.Status != "canceled" {
					t.Errorf("%+v", s)
				}
				s = w.buy(`{"products":["/products/bank"]}`)
				w.settled()
				if s = w.subscription(s.ID); s.Status != "active" || len(w.customers()) != 1 {
					t.Errorf("%+v, %d customers", s, len(w.customers()))
				}
				w.do(w.owner(), http.MethodPost, "/organizations/other/billing-portal", `{"returnUrl":"https://app.example/"}`, 200)
				w.reconcile()
				if w.waiting() != 0 || len(w.drifts()) != 0 {
					t.Errorf("%d jobs wait, %+v", w.waiting(), w.drifts())
				}
			})
		})
	}
}

// TestACustomerIsDeletedBeforeItBuys: it is noticed when the subscription is
// previewed or begins.
func TestACustomerIsDeletedBeforeItBuys(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		w := billedWorld(t, engine)
		w.add(stripefake.Card{})
		w.settled()
		w.fake.DeleteCustomer(w.customers()[0].ID)
		w.fake.Take()
		if said := w.ask(http.MethodPost, "/subscriptions", `{"products":["/products/bank"]}`); said.Total == 0 {
			t.Errorf("%s", said)
		}
		s := w.buy(`{"products":["/products/bank"]}`)
		w.settled()
		if s = w.subscription(s.ID); s.Status != "incomplete" || w.show() != "" { // it has no card any more
			t.Errorf("%+v, %s", s, w.show())
		}
		w.fake.Pay(atStripe(t, w, s).LatestInvoice)
		w.settled()
		if s = w.subscription(s.ID); s.Status != "active" {
			t.Errorf("%+v", s)
		}
	})
}
