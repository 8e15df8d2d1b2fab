package payment_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"sede/internal/db"
	"sede/internal/sedetest"
	"sede/internal/stripe/stripefake"
)

// TestOldInvoicesCostNothing: a message is worked off with the same steps of the database
// and the same calls, however many invoices a subscription has and however long they are.
func TestOldInvoicesCostNothing(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		w := billedWorld(t, engine)
		w.add(stripefake.Card{})
		w.settled()
		var products []string
		for i := range 6 { // each with two lines, and Stripe hands out ten at once
			id := fmt.Sprint("desk", i)
			w.do(w.operator(), http.MethodPost, "/products", `{"id":"`+id+`","names":[{"language":"en","name":"Desk"}],
				"prices":[{"currency":"EUR","interval":"monthly","flat":100,"perSeat":10}],"modules":["desk"]}`, 201)
			products = append(products, `"/products/`+id+`"`)
		}
		s := w.buy(`{"products":[` + strings.Join(products, ",") + `],"seats":2}`)
		w.settled()
		if got := w.invoice(s.ID, 1); len(got.Lines) != 12 {
			t.Fatalf("%d lines", len(got.Lines))
		}
		cost := func() (steps int, calls string) {
			t.Helper()
			w.settled()
			w.do(w.owner(), http.MethodPatch, "/subscriptions/"+s.ID, `{"cancelAtPeriodEnd":true}`, 200)
			w.do(w.owner(), http.MethodPatch, "/subscriptions/"+s.ID, `{"cancelAtPeriodEnd":false}`, 200)
			w.RunJobs()
			events := w.fake.Take()
			if len(events) == 0 {
				t.Fatal("Stripe says nothing")
			}
			w.send(events[0])
			made := len(w.fake.Calls())
			steps = w.Steps(w.RunJobs)
			return steps, strings.Join(w.fake.Calls()[made:], "\n")
		}
		steps, calls := cost()
		const periods = 30
		for range periods {
			w.Advance(31 * 24 * time.Hour)
			w.fake.Tick()
		}
		w.settled()
		w.settled()
		if got := w.count(); got < periods {
			t.Fatalf("%d invoices", got)
		}
		after, callsAfter := cost()
		if after != steps || callsAfter != calls {
			t.Errorf("with one invoice %d steps and\n%s\nwith many %d and\n%s", steps, calls, after, callsAfter)
		}
		if got := w.invoice(s.ID, 1); len(got.Lines) != 12 || got.Status != "paid" {
			t.Errorf("%+v", got)
		}
	})
}

type shownInvoice struct {
	Status, Number string
	Lines          []struct{ Product string }
}

// invoice is the nth newest of a subscription.
func (w *world) invoice(subscription string, n int) shownInvoice {
	w.t.Helper()
	var page struct {
		Members []shownInvoice `json:"hydra:member"`
	}
	w.do(w.owner(), http.MethodGet, "/subscriptions/"+subscription+"/invoices", "", 200).JSON(w.t, &page)
	if len(page.Members) < n {
		w.t.Fatalf("%d invoices", len(page.Members))
	}
	return page.Members[n-1]
}
