package subscription_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/sedetest"
)

// TestIncompleteAddress: to an address from before its country's rules no invoice can be
// made out. A draft waits, and mail asks for the rest, once. What is charged at once is
// refused.
func TestIncompleteAddress(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		prepare(t, in)
		owner := in.As("owner@demo.example", "demo")
		home := owner.Must(http.MethodPost, "/organization-addresses",
			`{"name":"Demo","email":"pay@demo.example","streetLine":"Rua do Ouro 2","postCode":"1100-060","city":"Lisboa","country":"/countries/PT"}`).Header.Get("Location")
		err := in.App.Database().Write(t.Context(), access.Instance(), func(tx *db.Tx) error {
			tx.Queue(`UPDATE organization_address SET city = NULL, city_fold = NULL WHERE email = $1`, "pay@demo.example")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		sub := owner.Must(http.MethodPost, "/subscriptions", fmt.Sprintf(`{"products":["/products/starter"],"seats":5,"organizationAddress":%q}`, home)).Header.Get("Location")
		for range 3 { // the trial ends, then the draft is tried again
			in.Advance(14*24*time.Hour + time.Minute)
			in.RunJobs()
		}
		owner = in.As("owner@demo.example", "demo")
		wantInvoices(t, in, 1, 0)
		var list []struct{ Subject, Text string }
		owner.Do(http.MethodGet, "/dev/mailbox?to=pay@demo.example", "", "Accept", "application/json").JSON(t, &list)
		if len(list) != 1 || list[0].Subject != "Your address is not complete" || !strings.Contains(list[0].Text, "An invoice over €23.37 can't be made out to you yet") {
			t.Errorf("%+v", list)
		}
		more := owner.Do(http.MethodPatch, sub, `{"products":["/products/starter","/products/bank"]}`)
		if more.Status != 422 || !strings.Contains(more.Body, "organizationAddress") {
			t.Errorf("%d %s", more.Status, more.Body)
		}
		owner.Must(http.MethodPatch, home, `{"city":"Lisboa"}`)
		in.Advance(25 * time.Hour)
		in.RunJobs()
		wantInvoices(t, in, 1, 1)
	})
}
