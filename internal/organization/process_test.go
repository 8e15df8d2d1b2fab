package organization_test

import (
	"net/http"
	"testing"
	"time"

	"sede/internal/db"
	"sede/internal/sedetest"
)

// TestAccessEndsEverywhere takes access away in one process: it is gone there with
// the answer, and in another process on the same database within a second.
func TestAccessEndsEverywhere(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		if engine == db.SQLite {
			t.Skip("one process holds the folder")
		}
		in := sedetest.New(t, engine)
		twin := in.Twin()
		owner, operator := in.As("owner@demo.example", "demo"), in.As("operator@demo.example", "demo")
		admin, member, billing := in.SignIn("admin@demo.example").Token, in.SignIn("member@demo.example").Token, in.SignIn("billing@demo.example").Token
		var key struct{ ID, Secret string }
		owner.Do(http.MethodPost, "/api-keys", `{"name":"All","scopes":["*:write"]}`).JSON(t, &key)
		place := `{"name":"Porto"}`
		for _, step := range []struct {
			what           string
			change         func() *sedetest.Answer
			token          string
			method, target string
			before, after  int
		}{
			{"a lower role", func() *sedetest.Answer {
				return owner.Do(http.MethodPatch, "/organization-users/"+in.Names["admin-member"], `{"role":"member"}`)
			}, admin, http.MethodPost, "/locations", 201, 403},
			{"a suspension", func() *sedetest.Answer {
				return owner.Do(http.MethodPatch, "/organization-users/"+in.Names["member-member"], `{"status":"suspended"}`)
			}, member, http.MethodGet, "/locations/" + in.Names["lisbon"], 200, 404},
			{"a session that ended", func() *sedetest.Answer {
				return in.With(billing).Do(http.MethodPost, "/logout", "")
			}, billing, http.MethodGet, "/users/me", 200, 401},
			{"a revoked API key", func() *sedetest.Answer {
				return owner.Do(http.MethodDelete, "/api-keys/"+key.ID, "")
			}, key.Secret, http.MethodGet, "/locations/" + in.Names["lisbon"], 200, 401},
			{"a suspended organization", func() *sedetest.Answer {
				return operator.Do(http.MethodPatch, "/organizations/"+in.Names["demo"], `{"status":"suspended","statusReason":"Test"}`)
			}, in.Token("owner@demo.example"), http.MethodPost, "/locations", 201, 403},
		} {
			try := func(where *sedetest.Instance, when string, want int) {
				t.Helper()
				body := ""
				if step.method == http.MethodPost {
					body = place
				}
				if a := where.With(step.token).Do(step.method, step.target, body); a.Status != want {
					t.Errorf("%s, %s: %d, want %d: %s", step.what, when, a.Status, want, a.Body)
				}
			}
			try(in, "before", step.before)
			try(twin, "before, elsewhere", step.before)
			if a := step.change(); a.Status >= 300 {
				t.Fatalf("%s: %d %s", step.what, a.Status, a.Body)
			}
			try(in, "at once", step.after)
			in.Clock.Advance(time.Second)
			try(twin, "a second later, elsewhere", step.after)
		}
	})
}
