package organization_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"sede/internal/db"
	"sede/internal/sedetest"
)

// everybody are the members of organization demo.
var everybody = []string{"owner", "admin", "billing", "member", "guest"}

// owned returns an instance whose organization demo is owned by everybody in
// it, and a client of each. On PostgreSQL they use two processes in turn.
func owned(t *testing.T, engine db.Engine) (*sedetest.Instance, []*sedetest.Client) {
	t.Helper()
	in := sedetest.New(t, engine)
	twin := in
	if engine == db.PostgreSQL {
		twin = in.Twin()
	}
	operator := in.As("operator@demo.example", "demo")
	var clients []*sedetest.Client
	for i, name := range everybody {
		if a := operator.Do(http.MethodPatch, "/organization-users/"+in.Names[name+"-member"], `{"role":"owner"}`); a.Status != http.StatusOK {
			t.Fatal(a.Status, a.Body)
		}
		process := in
		if i%2 == 1 {
			process = twin
		}
		clients = append(clients, process.With(in.Token(name+"@demo.example")).In("demo"))
	}
	return in, clients
}

// owners counts the active owners of organization demo.
func owners(t *testing.T, in *sedetest.Instance) int {
	t.Helper()
	var page struct {
		Total int `json:"totalItems"`
	}
	in.As("operator@demo.example", "demo").Do(http.MethodGet, "/organization-users?role=owner&status=active", "").JSON(t, &page)
	return page.Total
}

// TestOwnersGoAtOnce has all owners go at the same moment, in every way there
// is: one always remains.
func TestOwnersGoAtOnce(t *testing.T) {
	ways := map[string]func(c *sedetest.Client, own, other string) *sedetest.Answer{
		"step down": func(c *sedetest.Client, own, _ string) *sedetest.Answer {
			return c.Do(http.MethodPatch, own, `{"role":"member"}`)
		},
		"leave": func(c *sedetest.Client, own, _ string) *sedetest.Answer {
			return c.Do(http.MethodDelete, own, "")
		},
		"demote": func(c *sedetest.Client, _, other string) *sedetest.Answer {
			return c.Do(http.MethodPatch, other, `{"role":"admin"}`)
		},
		"suspend": func(c *sedetest.Client, _, other string) *sedetest.Answer {
			return c.Do(http.MethodPatch, other, `{"status":"suspended","statusReason":"Test"}`)
		},
		"remove": func(c *sedetest.Client, _, other string) *sedetest.Answer {
			return c.Do(http.MethodDelete, other, "")
		},
		"hand over": func(c *sedetest.Client, _, other string) *sedetest.Answer {
			return c.Do(http.MethodPost, other+"/transfer-ownership", "")
		},
	}
	names := []string{"step down", "leave", "demote", "suspend", "remove", "hand over"}
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		for turn, name := range append(names, "mixed") {
			t.Run(name, func(t *testing.T) {
				in, clients := owned(t, engine)
				n := len(clients)
				answers := sedetest.AtOnce(n, func(i int) *sedetest.Answer {
					way := ways[name]
					if way == nil {
						way = ways[names[(turn+i)%len(names)]]
					}
					return way(clients[i], "/organization-users/"+in.Names[everybody[i]+"-member"],
						"/organization-users/"+in.Names[everybody[(i+1)%n]+"-member"])
				})
				for _, a := range answers {
					if a.Status >= 500 {
						t.Error(a.Status, a.Body)
					}
				}
				left := owners(t, in)
				if left < 1 {
					t.Errorf("no owner is left: %v", sedetest.Statuses(answers))
				}
				if name == "step down" || name == "leave" {
					if counts := sedetest.Statuses(answers); left != 1 || counts[http.StatusConflict] != 1 {
						t.Errorf("%d owners are left after %v", left, counts)
					}
				}
			})
		}
	})
}

// TestDemotedInTheMeantime has an owner and an admin act on each other at once:
// what an admin does after losing the role is refused.
func TestDemotedInTheMeantime(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		owner, admin := in.As("owner@demo.example", "demo"), in.As("admin@demo.example", "demo")
		for range 5 {
			sedetest.AtOnce(2, func(i int) *sedetest.Answer {
				if i == 0 {
					return owner.Do(http.MethodPatch, "/organization-users/"+in.Names["admin-member"], `{"role":"member"}`)
				}
				return admin.Do(http.MethodPatch, "/organization-users/"+in.Names["guest-member"], `{"role":"admin"}`)
			})
			if a := admin.Do(http.MethodPatch, "/organization-users/"+in.Names["guest-member"], `{"role":"billing"}`); a.Status != http.StatusForbidden {
				t.Fatalf("after the demotion: %d %s", a.Status, a.Body)
			}
			for name, role := range map[string]string{"admin-member": "admin", "guest-member": "guest"} {
				if a := owner.Do(http.MethodPatch, "/organization-users/"+in.Names[name], `{"role":"`+role+`"}`); a.Status != http.StatusOK {
					t.Fatal(a.Status, a.Body)
				}
			}
		}
	})
}

// TestImagesAtOnce sets and removes icon and logo at the same moment, in two
// processes on PostgreSQL: neither undoes the other, and each change has a version
// of its own.
func TestImagesAtOnce(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		twin := in
		if engine == db.PostgreSQL {
			twin = in.Twin()
		}
		clients := []*sedetest.Client{in.As("owner@demo.example", "demo"), twin.With(in.Token("admin@demo.example")).In("demo")}
		kinds := []string{"icon", "logo"}
		set := func(i int) *sedetest.Answer {
			return clients[i].Do(http.MethodPost, "/organizations/"+kinds[i], sedetest.Form("file", dot), "Content-Type", "multipart/form-data; boundary=form")
		}
		remove := func(i int) *sedetest.Answer { return clients[i].Do(http.MethodDelete, "/organizations/"+kinds[i], "") }
		for turn := range 8 {
			do, status, left := set, http.StatusOK, 2
			if turn%2 == 1 {
				do, status, left = remove, http.StatusNoContent, 0
			}
			answers := sedetest.AtOnce(2, do)
			if counts := sedetest.Statuses(answers); counts[status] != 2 {
				t.Fatalf("turn %d: %v", turn, counts)
			}
			var o struct{ Icon, Logo []struct{ URL string } }
			shown := clients[0].Do(http.MethodGet, "/organizations/demo", "")
			shown.JSON(t, &o)
			if n := min(1, len(o.Icon)) + min(1, len(o.Logo)); n != left {
				t.Errorf("turn %d: %d images are there, not %d", turn, n, left)
			}
			if tag := shown.Header.Get("ETag"); !strings.HasPrefix(tag, `"`+strconv.Itoa(2*turn+3)+"-") {
				t.Errorf("turn %d: the version is %s after %d changes", turn, tag, 2*turn+2)
			}
		}
	})
}
