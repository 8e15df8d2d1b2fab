package payment_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"sede/internal/db"
	"sede/internal/sedetest"
	"sede/internal/stripe"
	"sede/internal/stripe/stripefake"
)

// pays tells which card pays for a subscription: here, and of its own at Stripe.
func (w *world) pays(id string) string {
	w.t.Helper()
	var s struct {
		PaymentMethod *string `json:"paymentMethod"`
		ExternalID    string  `json:"externalId"`
	}
	w.do(w.owner(), http.MethodGet, "/subscriptions/"+id, "", 200).JSON(w.t, &s)
	last := "-"
	if s.PaymentMethod != nil {
		var m method
		w.do(w.owner(), http.MethodGet, *s.PaymentMethod, "", 200).JSON(w.t, &m)
		last = *m.Last4
	}
	at, err := w.client().Subscription(w.t.Context(), s.ExternalID)
	if err != nil {
		w.t.Fatal(err)
	}
	if at.PaymentMethod == "" {
		return last + " as default"
	}
	return last + " of its own"
}

// TestWhichCardPays: the default pays for a subscription until another is chosen for it,
// and again when that is taken back or gone.
func TestWhichCardPays(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		w := billedWorld(t, engine)
		first := w.add(stripefake.Card{})
		w.settled()
		second := w.add(stripefake.Card{Brand: "mastercard", Last4: "4444"})
		w.settled()
		s := w.buy(`{"products":["/products/bank"],"paymentMethod":"/payment-methods/` + second.ID + `"}`)
		w.settled()
		path := "/subscriptions/" + s.ID
		wants := func(want string) {
			t.Helper()
			if got := w.pays(s.ID); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		wants("4444 of its own")
		w.do(w.owner(), http.MethodPatch, path, `{"paymentMethod":null}`, 200)
		w.settled()
		wants("4242 as default")
		w.do(w.owner(), http.MethodPatch, "/payment-methods/"+second.ID, `{"default":true}`, 200)
		w.settled()
		wants("4444 as default")
		w.do(w.owner(), http.MethodPatch, path, `{"paymentMethod":"/payment-methods/`+first.ID+`"}`, 200)
		w.settled()
		wants("4242 of its own")
		w.do(w.owner(), http.MethodDelete, "/payment-methods/"+first.ID, "", 204)
		w.settled()
		wants("4444 as default")

		third := w.add(stripefake.Card{Brand: "amex", Last4: "0005"})
		w.do(w.owner(), http.MethodPatch, path, `{"paymentMethod":"/payment-methods/`+third.ID+`"}`, 409) // nobody gave it, as far as is known
		w.settled()
		if a := w.do(w.owner(), http.MethodPatch, path, `{"paymentMethod":"/payment-methods/`+first.ID+`"}`, 400); !strings.Contains(string(a.Body), "Item not found") {
			t.Errorf("%s", a.Body)
		}
		a := w.As("owner@demo.example", "demo").Do(http.MethodPatch, path, `{"paymentMethod":"/payment-methods/`+third.ID+`"}`)
		if a.Status != 400 && a.Status != 404 {
			t.Errorf("another organization: %d %s", a.Status, a.Body)
		}
		w.settled()
		wants("4444 as default")
	})
}

// TestACardThatStripeKept: Stripe gives a subscription the card that paid it first. When
// people choose another default, that one pays.
func TestACardThatStripeKept(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		w := billedWorld(t, engine)
		w.add(stripefake.Card{})
		w.settled()
		s := w.buy(`{"products":["/products/bank"]}`)
		methods, err := w.client().PaymentMethods(t.Context(), atStripe(t, w, s).Customer)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.client().ChangeSubscription(t.Context(), "kept", s.ExternalID, stripe.Change{PaymentMethod: &methods[0].ID}); err != nil {
			t.Fatal(err)
		}
		second := w.add(stripefake.Card{Brand: "mastercard", Last4: "4444"})
		w.settled()
		if got := w.pays(s.ID); got != "4242 of its own" {
			t.Errorf("%s", got)
		}
		w.do(w.owner(), http.MethodPatch, "/payment-methods/"+second.ID, `{"default":true}`, 200)
		w.settled()
		if got := w.pays(s.ID); got != "4444 as default" {
			t.Errorf("%s", got)
		}
	})
}

// TestNoCardForTransfers: where sede bills nobody chooses a card.
func TestNoCardForTransfers(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		w := billedWorld(t, engine)
		m := w.add(stripefake.Card{})
		w.settled()
		w.do(w.operator(), http.MethodPatch, "/organizations/other", `{"manualBilling":true}`, 200)
		body := `{"products":["/products/bank"],"paymentMethod":"/payment-methods/` + m.ID + `"}`
		w.do(w.owner(), http.MethodPost, "/subscriptions", body, 409)
		s := w.buy(`{"products":["/products/bank"]}`)
		w.do(w.owner(), http.MethodPatch, "/subscriptions/"+s.ID, `{"paymentMethod":"/payment-methods/`+m.ID+`"}`, 409)
		w.do(w.owner(), http.MethodPatch, "/subscriptions/"+s.ID, `{"paymentMethod":null}`, 200)
	})
}

// TestInvoicesThatStripeMade say who sells and what, and where they can be paid.
func TestInvoicesThatStripeMade(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		w := billedWorld(t, engine)
		s := w.buy(`{"products":["/products/bank"]}`)
		var page struct {
			Members []struct {
				ID, Status string
				PaymentURL *string `json:"paymentUrl"`
				Seller     struct{ Name, VATNumber, BankAccount string }
				Buyer      struct{ Name string }
				Lines      []struct{ Description string }
			} `json:"hydra:member"`
		}
		w.do(w.owner(), http.MethodGet, "/subscriptions/"+s.ID+"/invoices", "", 200).JSON(t, &page)
		if len(page.Members) != 1 {
			t.Fatalf("%+v", page)
		}
		i := page.Members[0]
		if i.Status != "open" || i.PaymentURL == nil || !strings.HasPrefix(*i.PaymentURL, "https://invoice.stripe.com/") || i.Seller.Name != "Sede Lda" ||
			i.Buyer.Name != "Other" || i.Lines[0].Description != "Bank connections" {
			t.Errorf("%+v", i)
		}
		if a := w.owner().Do(http.MethodGet, "/invoices/"+i.ID, "", "Accept", "application/pdf"); a.Status != 200 || !strings.HasPrefix(string(a.Body), "%PDF-") {
			t.Errorf("%d %.40s", a.Status, a.Body)
		}
	})
}

// TestWhoMovesIsTaxedAnew: an address or VAT number that changes reaches Stripe, and the
// next invoice is taxed by it.
func TestWhoMovesIsTaxedAnew(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		w := billedWorld(t, engine)
		w.do(w.operator(), http.MethodPatch, "/invoice-issuers/default-issuer", `{"vatNumber":"PT509442013"}`, 200)
		w.add(stripefake.Card{})
		w.settled()
		s := w.buy(`{"products":["/products/bank"]}`)
		w.settled()
		var invoice struct {
			Tax         int64
			TaxCategory string
		}
		last := func() {
			var page struct {
				Members []json.RawMessage `json:"hydra:member"`
			}
			w.do(w.owner(), http.MethodGet, "/subscriptions/"+s.ID+"/invoices", "", 200).JSON(t, &page)
			if err := json.Unmarshal(page.Members[0], &invoice); err != nil {
				t.Fatal(err)
			}
		}
		if last(); invoice.Tax == 0 || invoice.TaxCategory != "S" {
			t.Errorf("%+v", invoice)
		}
		var sub struct{ OrganizationAddress string }
		w.do(w.owner(), http.MethodGet, "/subscriptions/"+s.ID, "", 200).JSON(t, &sub)
		w.do(w.owner(), http.MethodPatch, sub.OrganizationAddress, `{"country":"/countries/PL","postCode":"00-001","city":"Warszawa","vatNumber":"PL5260250274"}`, 200)
		w.settled()
		at, err := w.client().Subscription(t.Context(), s.ExternalID)
		if err != nil {
			t.Fatal(err)
		}
		if len(at.TaxRates) != 0 {
			t.Errorf("%v", at.TaxRates)
		}
		w.toldNothing()
		w.Advance(32 * 24 * time.Hour)
		w.settled()
		if last(); invoice.Tax != 0 || invoice.TaxCategory != "AE" {
			t.Errorf("%+v", invoice)
		}
	})
}

// TestExemptIssuer: who becomes exempt takes no tax at Stripe either, from the next
// preview and invoice on, and Stripe's invoices say why in the language of the
// organization's.
func TestExemptIssuer(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		w := billedWorld(t, engine)
		w.add(stripefake.Card{})
		w.settled()
		s := w.buy(`{"products":["/products/bank"]}`)
		w.settled()
		w.do(w.operator(), http.MethodPatch, "/invoice-issuers/default-issuer", `{"vatNumber":null,"vatExempt":true}`, 200)
		w.reconcile()
		w.settled()
		at, err := w.client().Subscription(t.Context(), s.ExternalID)
		if err != nil || len(at.TaxRates) != 1 || w.fake.TaxRate(at.TaxRates[0]) != "Exempt from VAT as a small business 0%" {
			t.Fatalf("%v %v", at.TaxRates, err)
		}
		w.toldNothing()
		w.Advance(32 * 24 * time.Hour)
		w.settled()
		var page struct {
			Members []struct {
				Tax                  int64
				TaxCategory, TaxNote string
			} `json:"hydra:member"`
		}
		w.do(w.owner(), http.MethodGet, "/subscriptions/"+s.ID+"/invoices", "", 200).JSON(t, &page)
		if len(page.Members) != 2 || page.Members[0].Tax != 0 || page.Members[0].TaxCategory != "E" || page.Members[0].TaxNote != "Exempt from VAT as a small business" || page.Members[1].Tax == 0 {
			t.Errorf("%+v", page.Members)
		}
	})
}

// toldNothing fails when a reconciliation tells Stripe something again.
func (w *world) toldNothing() {
	w.t.Helper()
	calls := len(w.fake.Calls())
	w.reconcile()
	for _, c := range w.fake.Calls()[calls:] {
		if strings.HasPrefix(c, "POST") {
			w.t.Errorf("told again: %s", c)
		}
	}
}
