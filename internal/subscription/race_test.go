package subscription_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"sede/internal/db"
	"sede/internal/sedetest"
)

// prepare says who issues invoices and gives the organization an address.
func prepare(t *testing.T, in *sedetest.Instance) {
	t.Helper()
	operator, owner := in.As("operator@demo.example", ""), in.As("owner@demo.example", "demo")
	for _, a := range []*sedetest.Answer{
		operator.Do(http.MethodPatch, "/invoice-issuers/default-issuer", `{"name":"Sede Lda","streetLine":"Rua Augusta 1","city":"Lisboa","country":"/countries/PT","vatNumber":"PT501442600"}`),
		owner.Do(http.MethodPost, "/organization-addresses", `{"name":"Demo","streetLine":"Rua Augusta 2","postCode":"1100-048","city":"Lisboa","country":"/countries/PT"}`),
	} {
		if a.Status >= 300 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
}

// together runs n requests at once and counts their statuses.
func together(n int, do func(i int) int) map[int]int {
	var mu sync.Mutex
	var group sync.WaitGroup
	statuses := map[int]int{}
	for i := range n {
		group.Go(func() {
			status := do(i)
			mu.Lock()
			defer mu.Unlock()
			statuses[status]++
		})
	}
	group.Wait()
	return statuses
}

// TestOneLiveSubscription: of many that begin at once one does.
func TestOneLiveSubscription(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		prepare(t, in)
		c := in.As("owner@demo.example", "demo")
		statuses := together(20, func(int) int {
			return c.Do(http.MethodPost, "/subscriptions", `{"products":["/products/bank"],"seats":9}`).Status
		})
		if statuses[http.StatusCreated] != 1 || statuses[http.StatusConflict] != 19 {
			t.Errorf("%v", statuses)
		}
	})
}

// TestNumbersHaveNoGaps: seats are raised many times at once while the database
// fails now and then, and the numbers of the invoices follow one another.
func TestNumbersHaveNoGaps(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		prepare(t, in)
		c := in.As("owner@demo.example", "demo")
		path := c.Do(http.MethodPost, "/subscriptions", `{"products":["/products/starter"],"seats":9}`).Header.Get("Location")
		if a := c.Do(http.MethodPost, path+"/cancel", `{"atPeriodEnd":false}`); a.Status != http.StatusOK { // no more trials
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		path = c.Do(http.MethodPost, "/subscriptions", `{"products":["/products/team"],"seats":9}`).Header.Get("Location")
		in.Advance(24 * time.Hour)
		c = in.As("owner@demo.example", "demo")
		for round := range 6 {
			in.FailAt(20 + round)
			together(6, func(i int) int {
				return c.Do(http.MethodPatch, path, fmt.Sprintf(`{"seats":%d}`, 10+6*round+i)).Status
			})
			in.Fired()
		}
		var page struct {
			Total   int `json:"hydra:totalItems"`
			Members []struct {
				Number string `json:"number"`
			} `json:"hydra:member"`
		}
		c.Do(http.MethodGet, "/invoices?itemsPerPage=100", "").JSON(t, &page)
		var got, want []string
		for i, m := range page.Members {
			got, want = append(got, m.Number), append(want, fmt.Sprintf("INV-%06d", i+1))
		}
		slices.Sort(got)
		if len(got) < 5 || !slices.Equal(got, want) {
			t.Errorf("%d invoices: %v", page.Total, got)
		}
	})
}
