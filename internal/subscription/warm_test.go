package subscription_test

import (
	"fmt"
	"net/http"
	"testing"

	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/sedetest"
)

// TestWhatChecksCost: whether somebody has a seat and whether the module is bought is known
// without asking the database. Taking a seat does ask, under the lock that makes the count
// hold, and as often however many are taken.
func TestWhatChecksCost(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		prepare(t, in)
		owner, member := in.As("owner@demo.example", "demo"), in.As("member@demo.example", "demo")
		owner.Must(http.MethodPost, "/subscriptions", `{"products":["/products/team"],"seats":60}`)
		steps := func(c *sedetest.Client, path string) int {
			path += "/" + ident.ID{15: 1}.String()
			for range 2 { // the first may read who it is
				c.Do(http.MethodGet, path, "")
			}
			return in.Steps(func() {
				if a := c.Do(http.MethodGet, path, ""); a.Status != http.StatusNotFound {
					t.Errorf("%s: %d %s", path, a.Status, a.Body)
				}
			})
		}
		if free, sold := steps(member, "/locations"), steps(member, "/employees"); free != sold || sold > 2 {
			t.Errorf("a place that everybody has takes %d steps, what is sold %d", free, sold)
		}
		invite := func(n int) int {
			return in.Steps(func() {
				owner.Must(http.MethodPost, "/organization-user-invitations", fmt.Sprintf(`{"email":"guest%d@demo.example","role":"member"}`, n))
			})
		}
		invite(0)
		few := invite(1)
		for n := range 40 {
			invite(2 + n)
		}
		if many := invite(50); many != few {
			t.Errorf("taking a seat takes %d steps with few taken, %d with many", few, many)
		}
	})
}
