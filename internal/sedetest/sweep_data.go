package sedetest

import (
	"net/http"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/jobs"
)

// enqueue puts a job into demo that nothing works on.
func (w *sweep) enqueue() {
	demo, err := ident.Parse(w.in.Names["demo"])
	if err != nil {
		w.Fatal(err)
	}
	err = w.in.App.Database().Write(w.Context(), access.System(demo), func(tx *db.Tx) error {
		jobs.Kind[struct{}]{Name: "sweep"}.Enqueue(tx, w.in.App.Jobs(), access.System(demo), struct{}{}, jobs.Options{})
		return nil
	})
	if err != nil {
		w.Fatal(err)
	}
}

// subscribe has demo buy something, so that it has an invoice and a credit note.
func (w *sweep) subscribe() {
	do := func(c *Client, method, path, body string) string {
		a := c.Do(method, path, body)
		if a.Status >= 300 {
			w.Fatalf("%s %s: %d %s", method, path, a.Status, a.Body)
		}
		return a.Header.Get("Location")
	}
	for _, organization := range []string{"demo", "other"} { // both are customers of Stripe's
		do(w.in.As("operator@demo.example", ""), http.MethodPatch, "/organizations/"+organization, `{"manualBilling":false}`)
	}
	do(w.in.As("owner@demo.example", "demo"), http.MethodPost, "/payment-methods", w.bodies["POST /payment-methods"])
	do(w.in.As("operator@demo.example", ""), http.MethodPatch, "/organizations/demo", `{"manualBilling":true}`) // what follows
	do(w.in.As("operator@demo.example", ""), http.MethodPatch, "/invoice-issuers/default-issuer",
		`{"name":"Sede Lda","streetLine":"Rua Augusta 1","city":"Lisboa","country":"/countries/PT","vatNumber":"PT501442600"}`)
	owner := w.in.As("owner@demo.example", "demo")
	do(owner, http.MethodPost, "/organization-addresses", w.bodies["POST /organization-addresses"])
	spare := do(owner, http.MethodPost, "/organization-addresses", w.bodies["POST /organization-addresses"])
	w.in.Names["spare-address"] = lastSegment(spare)
	do(owner, http.MethodPost, "/subscriptions", w.bodies["POST /subscriptions"])
	do(owner, http.MethodPost, "/webhook-endpoints", w.bodies["POST /webhook-endpoints"])
	invoice := w.list(owner, "/invoices")[0]
	w.bodies["POST /credit-notes"] = `{"invoice":"` + invoice + `","reason":"Sweep","lines":[{"line":1,"amount":1}]}`
	do(w.in.As("operator@demo.example", "demo"), http.MethodPost, "/credit-notes", w.bodies["POST /credit-notes"])
}

// match gives demo a payment that was recorded and one that waits, and has a bank
// take back a transaction.
func (w *sweep) match() {
	demo, err := ident.Parse(w.in.Names["demo"])
	if err != nil {
		w.Fatal(err)
	}
	w.in.Names["paid-match"], w.in.Names["spare-match"] = "018cc6e0-0000-7000-8000-00000000aaa1", "018cc6e0-0000-7000-8000-00000000aaa2"
	err = w.in.App.Database().Write(w.Context(), access.System(demo), func(tx *db.Tx) error {
		for status, key := range map[string]string{"settled": w.in.Names["paid-match"], "proposed": w.in.Names["spare-match"]} {
			id, err := ident.Parse(key)
			if err != nil {
				return err
			}
			tx.Queue(`INSERT INTO payment_match (organization_id, id, transaction_id, mark, status, score, reasons, amount, currency, received_on, title, party,
					parts, payer_id, version, created_at, updated_at)
				VALUES ($1, $2, $2, $3, $4, 90, 'reference amount', 100, 'EUR', $5, 'Sweep', '', '[]', $1, 1, $5, $5)`, demo, id, []byte(status), status, Start)
			db.Count(tx, access.System(demo), "payment_match", 1)
		}
		tx.Queue(`INSERT INTO bank_transaction_removed (organization_id, id, account_id, removed_at)
			SELECT organization_id, id, id, $2 FROM bank_account WHERE organization_id = $1`, demo, Start)
		return nil
	})
	if err != nil {
		w.Fatal(err)
	}
}

// drift makes differences with Stripe, as if somebody had changed the subscription
// of demo there.
func (w *sweep) drift() {
	demo, err := ident.Parse(w.in.Names["demo"])
	if err != nil {
		w.Fatal(err)
	}
	err = w.in.App.Database().Write(w.Context(), access.System(demo), func(tx *db.Tx) error {
		for i, field := range []string{"sede_team_seats", "sede_bank_flat", "discount"} {
			id := ident.ID{15: byte(i + 1)}
			w.in.Names[[]string{"drift", "drift-push", "drift-take"}[i]] = id.String()
			tx.Queue(`INSERT INTO stripe_drift (organization_id, id, subscription_id, field, ours, theirs, found_at)
				SELECT organization_id, $2, id, $3, '1', '', created_at FROM subscription WHERE organization_id = $1`, demo, id, field)
		}
		return nil
	})
	if err != nil {
		w.Fatal(err)
	}
}
