package subscription_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/sedetest"
)

// TestEveryStepMayFail lets each step of the database fail in turn while a draft gets
// its number and while a period is renewed: nothing of it is left, and the next run
// completes it, once and without a gap in the numbers.
func TestEveryStepMayFail(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		in.RunJobs() // sees the schedules
		owner := in.As("owner@demo.example", "")
		home := owner.Must(http.MethodPost, "/organization-addresses",
			`{"name": "Demo", "streetLine": "Rua do Ouro 2", "postCode": "1100-060", "city": "Lisboa", "country": "/countries/PT", "email": "pay@demo.example"}`).Header.Get("Location")
		owner.Must(http.MethodPost, "/subscriptions", fmt.Sprintf(`{"products": ["/products/team"], "seats": 6, "organizationAddress": %q}`, home))
		in.Advance(14 * 24 * time.Hour) // the trial ends, and nobody has said yet who issues invoices
		in.RunJobs()
		in.As("operator@demo.example", "").Must(http.MethodPatch, "/invoice-issuers/default-issuer",
			`{"name": "Sede Lda", "streetLine": "Rua Augusta 1", "postCode": "1100-048", "city": "Lisboa", "country": "/countries/PT", "vatNumber": "PT501442600"}`)
		wantInvoices(t, in, 1, 0)
		in.Advance(25 * time.Hour)
		failEachStep(t, in)
		wantInvoices(t, in, 1, 1)
		in.Advance(31 * 24 * time.Hour) // the due date too: one thing after the other
		failEachStep(t, in)
		invoice := firstInvoice(t, in)
		in.As("operator@demo.example", "").Must(http.MethodPost, "/invoices/"+invoice+"/pay", `{}`)
		in.Advance(31 * 24 * time.Hour)
		failEachStep(t, in)
		all, numbered := countInvoices(t, in)
		if all < 2 || all != numbered {
			t.Errorf("%d invoices, %d with numbers", all, numbered)
		}
	})
}

// TestOneBroken: of several subscriptions that are renewed together one can't be. The
// others are, and their numbers have no gap.
func TestOneBroken(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := subscribed(t, engine, 20)
		in.Clock.Advance(32 * 24 * time.Hour)
		products := func(of string) {
			err := in.App.Database().Write(context.Background(), access.Instance(), func(tx *db.Tx) error {
				tx.Queue(`UPDATE subscription SET products = $1 WHERE organization_id = (SELECT id FROM organization WHERE slug = (SELECT max(slug) FROM organization WHERE slug <> 'demo' AND slug LIKE '%-%-%-%-%'))`, of)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		products(`[{}`)
		if err := in.App.Jobs().GoThrough(context.Background(), "subscription.advance"); err == nil {
			t.Error("nobody is told of the one that is broken")
		}
		wantInvoices(t, in, 19, 19)
		products(`[{"product":"team","quantity":1,"flat":900,"perSeat":600,"modules":[]}]`)
		if err := in.App.Jobs().GoThrough(context.Background(), "subscription.advance"); err != nil {
			t.Error(err)
		}
		wantInvoices(t, in, 20, 20)
	})
}

// failEachStep does what is due with the first step failing, then the second, until
// none does. What fails leaves nothing.
func failEachStep(t *testing.T, in *sedetest.Instance) {
	t.Helper()
	for k := 1; ; k++ {
		before := in.Dump()
		in.FailAt(k)
		err := in.App.Jobs().GoThrough(context.Background(), "subscription.advance")
		if !in.Fired() {
			if err != nil {
				t.Fatal(err)
			}
			if k < 10 {
				t.Fatalf("only %d steps", k)
			}
			return
		}
		if err == nil {
			t.Fatalf("step %d failed and nobody was told", k)
		}
		in.Unchanged(before, fmt.Sprintf("step %d failed", k))
	}
}

func wantInvoices(t *testing.T, in *sedetest.Instance, all, numbered int) {
	t.Helper()
	if a, n := countInvoices(t, in); a != all || n != numbered {
		t.Fatalf("%d invoices, %d with numbers, want %d and %d", a, n, all, numbered)
	}
}

// countInvoices counts invoices and those with numbers, which must have no gaps.
func countInvoices(t *testing.T, in *sedetest.Instance) (all, numbered int) {
	t.Helper()
	var next int
	err := in.App.Database().Read(context.Background(), access.Instance(), func(tx *db.Tx) error {
		return tx.Row(`SELECT count(*), count(number), (SELECT next_number FROM invoice_issuer WHERE id = 'default-issuer') FROM invoice`).Scan(&all, &numbered, &next)
	})
	if err != nil {
		t.Fatal(err)
	}
	if next != numbered+1 {
		t.Errorf("%d numbers were given, the next one is %d", numbered, next)
	}
	return all, numbered
}

func firstInvoice(t *testing.T, in *sedetest.Instance) string {
	t.Helper()
	var list struct {
		Members []struct{ ID string } `json:"hydra:member"`
	}
	in.As("owner@demo.example", "").Must(http.MethodGet, "/invoices", "").JSON(t, &list)
	return list.Members[len(list.Members)-1].ID
}
