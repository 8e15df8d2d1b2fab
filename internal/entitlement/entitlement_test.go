package entitlement_test

import (
	"net/http"
	"testing"

	"sede/internal/db"
	"sede/internal/sedetest"
)

// TestNoQuery checks that who may use a module is known without the database: to
// read an employee takes as many steps as to read a location, which is part of no
// module.
func TestNoQuery(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		owner := in.As("owner@demo.example", "demo")
		steps := func(path string) (n int) {
			for {
				if a := owner.Do(http.MethodGet, path, ""); a.Status != http.StatusOK { // all is in memory
					t.Fatalf("%d %s", a.Status, a.Body)
				}
				in.FailAt(n + 1)
				owner.Do(http.MethodGet, path, "")
				fired := in.Fired()
				in.FailAt(0)
				if !fired {
					return n
				}
				n++
			}
		}
		employee, location := steps("/employees/"+in.Names["ana"]), steps("/locations/"+in.Names["lisbon"])
		if employee == 0 || employee != location {
			t.Errorf("%d steps for an employee, %d for a location", employee, location)
		}
	})
}
