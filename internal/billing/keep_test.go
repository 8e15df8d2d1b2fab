package billing_test

import (
	"context"
	"net/http"
	"testing"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/sedetest"
)

// TestKeep checks that the database itself refuses changes of what was issued.
func TestKeep(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		in.As("operator@demo.example", "").Must(http.MethodPatch, "/invoice-issuers/default-issuer",
			`{"name":"Sede Lda","streetLine":"Rua Augusta 1","city":"Lisboa","country":"/countries/PT","vatNumber":"PT501442600"}`)
		owner := in.As("owner@demo.example", "demo")
		owner.Must(http.MethodPost, "/subscriptions", `{"products":["/products/bank"],"seats":9}`)
		var page struct {
			Members []struct {
				IRI string `json:"@id"`
			} `json:"hydra:member"`
		}
		owner.Must(http.MethodGet, "/invoices", "").JSON(t, &page)
		in.As("operator@demo.example", "demo").Must(http.MethodPost, "/credit-notes", `{"invoice":"`+page.Members[0].IRI+`","reason":"Goodwill"}`)
		demo, err := ident.Parse(in.Names["demo"])
		if err != nil {
			t.Fatal(err)
		}
		for _, change := range []string{
			"UPDATE invoice SET total = 1", "UPDATE invoice SET number = 'INV-9'", "DELETE FROM invoice",
			"UPDATE credit_note SET total = 1", "UPDATE credit_note SET reason = ''", "DELETE FROM credit_note",
		} {
			err := in.App.Database().Write(context.Background(), access.System(demo), func(tx *db.Tx) error {
				_, err := tx.Exec(change)
				return err
			})
			if err == nil {
				t.Errorf("%s went through", change)
			}
		}
	})
}
