package billing_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"sede/internal/db"
	"sede/internal/sedetest"
)

// TestNumbersHaveNoGaps has 50 organizations get their invoice at the same time,
// and then their credit note, while every seventh fails somewhere in the
// transaction: the numbers that were given are 1, 2, 3 and so on.
func TestNumbersHaveNoGaps(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		in.As("operator@demo.example", "").Must(http.MethodPatch, "/invoice-issuers/default-issuer",
			`{"name":"Sede Lda","streetLine":"Rua Augusta 1","city":"Lisboa","country":"/countries/PT","vatNumber":"PT501442600"}`)
		const many = 50
		slugs := make([]string, many)
		for k := range slugs {
			slugs[k] = fmt.Sprintf("crowd-%d", k)
			in.As("owner@demo.example", "").Must(http.MethodPost, "/organizations", `{"name":"Crowd","slug":"`+slugs[k]+`"}`)
			in.As("owner@demo.example", slugs[k]).Must(http.MethodPost, "/organization-addresses",
				`{"name":"Crowd","streetLine":"Rua Augusta","postCode":"1100-048","city":"Lisboa","country":"/countries/PT"}`)
		}
		together(many, func(k int) {
			if k%7 == 0 {
				in.FailAt(5 + k) // somebody's step, whoever comes to it
			}
			in.As("owner@demo.example", slugs[k]).Do(http.MethodPost, "/subscriptions", `{"products":["/products/bank"],"seats":1}`)
		})
		in.FailAt(0)
		together(many, func(k int) { // those that failed, again; the others are refused
			in.As("owner@demo.example", slugs[k]).Do(http.MethodPost, "/subscriptions", `{"products":["/products/bank"],"seats":1}`)
		})
		invoices := make([]string, many)
		var numbers []string
		for k, slug := range slugs {
			var page struct {
				Members []struct {
					IRI    string `json:"@id"`
					Number string
				} `json:"hydra:member"`
			}
			in.As("owner@demo.example", slug).Must(http.MethodGet, "/invoices", "").JSON(t, &page)
			if len(page.Members) != 1 {
				t.Fatalf("%s has %d invoices", slug, len(page.Members))
			}
			invoices[k] = page.Members[0].IRI
			numbers = append(numbers, page.Members[0].Number)
		}
		checkNumbers(t, "INV-", numbers)
		together(many, func(k int) {
			in.As("operator@demo.example", slugs[k]).Do(http.MethodPost, "/credit-notes", `{"invoice":"`+invoices[k]+`","reason":"Race"}`)
		})
		numbers = nil
		for _, slug := range slugs {
			var page struct {
				Members []struct{ Number string } `json:"hydra:member"`
			}
			in.As("owner@demo.example", slug).Must(http.MethodGet, "/credit-notes", "").JSON(t, &page)
			for _, m := range page.Members {
				numbers = append(numbers, m.Number)
			}
		}
		checkNumbers(t, "CN-", numbers)
	})
}

// together does the work for each of many at the same time.
func together(many int, work func(k int)) {
	var group sync.WaitGroup
	for k := range many {
		group.Go(func() { work(k) })
	}
	group.Wait()
}

// checkNumbers reports gaps and doubles.
func checkNumbers(t *testing.T, prefix string, numbers []string) {
	t.Helper()
	slices.Sort(numbers)
	for k, number := range numbers {
		if want := fmt.Sprintf("%s%06d", prefix, k+1); number != want {
			t.Fatalf("the numbers are %v, not without gaps from %s on", numbers, want)
		}
	}
	if len(numbers) != 50 {
		t.Errorf("%d numbers", len(numbers))
	}
}
