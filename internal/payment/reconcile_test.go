package payment_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"sede/internal/db"
	"sede/internal/sedetest"
	"sede/internal/stripe"
	"sede/internal/stripe/stripefake"
)

// client speaks to the fake as somebody at Stripe's dashboard does.
func (w *world) client() *stripe.Client {
	c, err := stripe.New(stripe.Config{Key: stripefake.Key, URL: w.fake.URL})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

type twin struct {
	ID                string `json:"id"`
	ExternalID        string `json:"externalId"`
	Status            string `json:"status"`
	Seats             int64  `json:"seats"`
	CancelAtPeriodEnd bool   `json:"cancelAtPeriodEnd"`
}

func (w *world) subscription(id string) (s twin) {
	w.t.Helper()
	w.do(w.owner(), http.MethodGet, "/subscriptions/"+id, "", 200).JSON(w.t, &s)
	return s
}

// state is what is stored of a subscription and its invoices, without ids, numbers and
// times.
func (w *world) state(id string) string {
	w.t.Helper()
	s := w.subscription(id)
	var page struct {
		Members []struct {
			Status, Number, Reason string
			Total, AmountPaid      int64
		} `json:"hydra:member"`
	}
	w.do(w.owner(), http.MethodGet, "/subscriptions/"+id+"/invoices", "", 200).JSON(w.t, &page)
	text := fmt.Sprintf("%s %d %v", s.Status, s.Seats, s.CancelAtPeriodEnd)
	for _, i := range page.Members {
		text += fmt.Sprintf(", %s for %s: %d of %d, numbered %v", i.Status, i.Reason, i.AmountPaid, i.Total, i.Number != "")
	}
	return text
}

func (w *world) buy(body string) twin {
	w.t.Helper()
	var s twin
	w.do(w.owner(), http.MethodPost, "/subscriptions", body, 201).JSON(w.t, &s)
	w.RunJobs()
	return w.subscription(s.ID)
}

func (w *world) reconcile() {
	w.t.Helper()
	w.do(w.operator(), http.MethodPost, "/billing/reconcile", "", 202)
	w.RunJobs()
}

func billedWorld(t *testing.T, engine db.Engine) *world {
	w := begin(t, engine)
	prepare(t, w.Instance, w.owner())
	return w
}

// atStripe is the subscription as Stripe has it.
func atStripe(t *testing.T, w *world, s twin) stripe.Subscription {
	t.Helper()
	at, err := w.client().Subscription(t.Context(), s.ExternalID)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestNoMessageAtAll: what no message told of the reconciling finds.
func TestNoMessageAtAll(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		w := billedWorld(t, engine)
		s := w.buy(`{"products":["/products/bank"],"seats":1}`)
		if s.Status != "incomplete" {
			t.Fatalf("%+v", s)
		}
		w.fake.Pay(atStripe(t, w, s).LatestInvoice)
		w.fake.Take()
		if s = w.subscription(s.ID); s.Status != "incomplete" {
			t.Errorf("%+v", s)
		}
		w.Advance(6*time.Hour + time.Minute)
		w.RunJobs()
		if s = w.subscription(s.ID); s.Status != "active" {
			t.Errorf("%+v", s)
		}
	})
}

// TestTheFirstInvoiceIsAskedFor: by mail with the page on which it can be paid, once,
// however often Stripe says it.
func TestTheFirstInvoiceIsAskedFor(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		w := billedWorld(t, engine)
		s := w.buy(`{"products":["/products/bank"],"seats":1}`)
		w.settled()
		w.reconcile()
		invoice := atStripe(t, w, s).LatestInvoice
		for range 2 {
			var list []struct {
				Subject, Text string
				Links         []string
			}
			w.owner().Do(http.MethodGet, "/dev/mailbox?to=pay@other.example", "", "Accept", "application/json").JSON(t, &list)
			if len(list) != 1 || !strings.HasSuffix(list[0].Subject, "is to be paid") || !strings.Contains(list[0].Text, "€14.76") || !strings.HasSuffix(list[0].Links[0], invoice) {
				t.Fatalf("%s %+v", s.Status, list)
			}
			w.reconcile()
			w.settled()
		}
		w.fake.Pay(invoice)
		w.settled()
		if s = w.subscription(s.ID); s.Status != "active" {
			t.Errorf("%+v", s)
		}
	})
}

type drift struct {
	ID, Field, Ours, Theirs string
}

func (w *world) drifts() []drift {
	w.t.Helper()
	var page struct {
		Members []drift `json:"hydra:member"`
	}
	w.do(w.operator(), http.MethodGet, "/billing/drift", "", 200).JSON(w.t, &page)
	return page.Members
}

// TestDrift: what somebody changes at Stripe is found, kept or undone as an operator
// says, and nothing is charged for it.
func TestDrift(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		w := billedWorld(t, engine)
		w.add(stripefake.Card{})
		w.settled()
		s := w.buy(`{"products":["/products/team"],"seats":5}`)
		w.settled()
		w.reconcile()
		if list := w.drifts(); len(list) != 0 {
			t.Fatalf("%+v", list)
		}
		there := func(seats int64, key string) {
			t.Helper()
			at, err := w.client().Subscription(t.Context(), s.ExternalID)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range at.Items {
				if strings.HasSuffix(i.Product, "_seats") {
					i.Quantity = seats
					if _, err := w.client().ChangeSubscription(t.Context(), key, at.ID, stripe.Change{Items: []stripe.Item{i}}); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		there(9, "dashboard1")
		w.settled()
		for range 2 {
			w.reconcile()
		}
		list := w.drifts()
		if len(list) != 1 || list[0].Ours != "5" || list[0].Theirs != "9" || list[0].Field != "sede_team_seats" {
			t.Fatalf("%+v", list)
		}
		w.do(w.owner(), http.MethodPost, "/billing/drift/"+list[0].ID+"/push-ours", "", 403)
		w.do(w.operator(), http.MethodPost, "/billing/drift/"+list[0].ID+"/push-ours", "", 200)
		w.RunJobs()
		w.reconcile()
		if list := w.drifts(); len(list) != 0 {
			t.Errorf("%+v", list)
		}
		there(7, "dashboard2")
		w.reconcile()
		list = w.drifts()
		if len(list) != 1 {
			t.Fatalf("%+v", list)
		}
		w.do(w.operator(), http.MethodPost, "/billing/drift/"+list[0].ID+"/take-theirs", "", 200)
		w.RunJobs()
		w.reconcile()
		if s = w.subscription(s.ID); s.Seats != 7 || len(w.drifts()) != 0 {
			t.Errorf("%+v, %+v", s, w.drifts())
		}
	})
}

// TestCrashWhileStripeIsTold: however many answers are lost one after the other while
// another product is bought, it is charged once.
func TestCrashWhileStripeIsTold(t *testing.T) {
	sedetest.Each(t, lostAnswers)
}

func lostAnswers(t *testing.T, engine db.Engine) {
	w := billedWorld(t, engine)
	w.add(stripefake.Card{})
	w.settled()
	s := w.buy(`{"products":["/products/bank"],"seats":1}`)
	w.settled()
	for k := 1; k <= 8; k++ {
		before := len(w.invoicesOf(s))
		w.do(w.owner(), http.MethodPatch, "/subscriptions/"+s.ID, `{"products":["/products/bank","/products/team"]}`, 200)
		for range k - 1 {
			w.fake.Fail(stripefake.Failure{Done: true})
		}
		for range 40 {
			w.RunJobs()
			w.Advance(10 * time.Minute)
		}
		w.settled()
		if got := len(w.invoicesOf(s)); got != before+1 {
			t.Fatalf("with %d lost answers there are %d more invoices", k-1, got-before)
		}
		w.do(w.owner(), http.MethodPost, "/subscriptions/"+s.ID+"/cancel", `{"atPeriodEnd":false}`, 200)
		w.RunJobs()
		s = w.buy(`{"products":["/products/bank"],"seats":1}`)
		w.settled()
	}
}

func (w *world) invoicesOf(s twin) []stripe.Invoice {
	w.t.Helper()
	list, err := w.client().Invoices(w.t.Context(), s.ExternalID, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}
