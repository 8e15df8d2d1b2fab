package sedetest_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"sede/internal/db"
	"sede/internal/sedetest"
)

// crowd is how many requests come at once.
const crowd = 20

func total(t *testing.T, c *sedetest.Client, path string) int {
	t.Helper()
	var page struct {
		Total int `json:"totalItems"`
	}
	c.Do(http.MethodGet, path, "").JSON(t, &page)
	return page.Total
}

// TestOneKeyAtOnce sends one request with one Idempotency-Key many times at
// once: it is done once, and every answer is that one or 409.
func TestOneKeyAtOnce(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		clients := []*sedetest.Client{in.As("owner@demo.example", "demo")}
		if engine == db.PostgreSQL { // they can't know of each other but by the database
			token := in.Token("owner@demo.example")
			clients = append(clients, in.Twin().With(token).In("demo"))
		}
		for round := range 3 {
			key := fmt.Sprint("round ", round)
			before := total(t, clients[0], "/locations")
			answers := sedetest.AtOnce(crowd, func(i int) *sedetest.Answer {
				return clients[i%len(clients)].Do(http.MethodPost, "/locations", `{"name":"Once"}`, "Idempotency-Key", key)
			})
			if made := total(t, clients[0], "/locations") - before; made != 1 {
				t.Fatalf("made %d locations", made)
			}
			body := clients[0].Do(http.MethodPost, "/locations", `{"name":"Once"}`, "Idempotency-Key", key).Body
			firsts := 0
			for _, a := range answers {
				switch {
				case a.Status == http.StatusConflict:
				case a.Status != http.StatusCreated || a.Body != body:
					t.Errorf("answer %d %s, want %s or 409", a.Status, a.Body, body)
				case a.Header.Get("Idempotency-Replayed") == "":
					firsts++
				}
			}
			if firsts != 1 {
				t.Errorf("%d answers are no replays: %v", firsts, sedetest.Statuses(answers))
			}
		}
	})
}

// TestOneVersionAtOnce has many change one version of an item: one succeeds.
func TestOneVersionAtOnce(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		c := in.As("owner@demo.example", "demo")
		answers := sedetest.AtOnce(crowd, func(i int) *sedetest.Answer {
			return c.Do(http.MethodPatch, "/locations/"+in.Names["lisbon"], fmt.Sprintf(`{"name":"Name %d"}`, i), "If-Match", `"1-l"`)
		})
		counts := sedetest.Statuses(answers)
		if counts[200] != 1 || counts[200]+counts[412]+counts[409] != crowd {
			t.Errorf("answers: %v", counts)
		}
		if tag := c.Do(http.MethodGet, "/locations/"+in.Names["lisbon"], "").Header.Get("ETag"); tag != `"2-l"` {
			t.Errorf("version %s", tag)
		}
	})
}

// TestNoChangeIsLost has many change one item without saying which version
// they mean: the version tells how many did.
func TestNoChangeIsLost(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		c := in.As("owner@demo.example", "demo")
		path := "/locations/" + in.Names["lisbon"]
		counts := sedetest.Statuses(sedetest.AtOnce(crowd, func(i int) *sedetest.Answer {
			return c.Do(http.MethodPatch, path, fmt.Sprintf(`{"name":"Name %d"}`, i))
		}))
		if counts[200]+counts[409] != crowd || counts[200] == 0 {
			t.Errorf("answers: %v", counts)
		}
		want := fmt.Sprintf(`"%d-l"`, 1+counts[200])
		if tag := c.Do(http.MethodGet, path, "").Header.Get("ETag"); tag != want {
			t.Errorf("version %s after %v, want %s", tag, counts, want)
		}
	})
}

// TestOneSlugAtOnce has many take one slug: one gets it. Those who leave the
// choice to sede all get one of their own.
func TestOneSlugAtOnce(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		c := in.As("owner@demo.example", "")
		counts := sedetest.Statuses(sedetest.AtOnce(crowd, func(int) *sedetest.Answer {
			return c.Do(http.MethodPost, "/organizations", `{"name":"Contested","slug":"contested"}`)
		}))
		if counts[201] != 1 || counts[422] != crowd-1 {
			t.Errorf("with a slug: %v", counts)
		}
		answers := sedetest.AtOnce(crowd, func(int) *sedetest.Answer {
			return c.Do(http.MethodPost, "/organizations", `{"name":"Popular"}`)
		})
		if counts := sedetest.Statuses(answers); counts[201] != crowd {
			t.Errorf("without a slug: %v %s", counts, answers[slices.IndexFunc(answers, func(a *sedetest.Answer) bool { return a.Status != 201 })].Body)
		}
		if n := total(t, c, "/organizations?name=popular"); n != crowd {
			t.Errorf("%d organizations", n)
		}
	})
}

// TestOneLanguageAtOnce has many add one language: one does.
func TestOneLanguageAtOnce(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		c := in.As("operator@demo.example", "")
		counts := sedetest.Statuses(sedetest.AtOnce(crowd, func(int) *sedetest.Answer { return c.Do(http.MethodPost, "/languages", `{"id":"kl-GL"}`) }))
		if counts[201] != 1 || counts[409] != crowd-1 {
			t.Errorf("answers: %v", counts)
		}
	})
}

// TestOneRefreshAtOnce uses a refresh token many times at once: at most one
// succeeds, and since the others look like thieves the session ends.
func TestOneRefreshAtOnce(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		pair := in.SignIn("member@demo.example")
		answers := sedetest.AtOnce(crowd, func(int) *sedetest.Answer {
			return in.With("").Do(http.MethodPost, "/token/refresh", `{"refresh_token":"`+pair.Refresh+`"}`)
		})
		if counts := sedetest.Statuses(answers); counts[200] > 1 || counts[200]+counts[401] != crowd {
			t.Errorf("answers: %v", counts)
		}
		for _, a := range answers {
			if a.Status != 200 {
				continue
			}
			var next sedetest.Pair
			a.JSON(t, &next)
			if s := in.With(next.Token).Do(http.MethodGet, "/users/me", "").Status; s != http.StatusUnauthorized {
				t.Errorf("the session lives on: %d", s)
			}
		}
	})
}

// TestManyWriters has many make locations at once while others read pages:
// every page is of one moment.
func TestManyWriters(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		c := in.As("owner@demo.example", "demo")
		answers := sedetest.AtOnce(crowd, func(i int) *sedetest.Answer {
			for j := range 5 {
				name := fmt.Sprintf(`{"name":"Place %d of %d"}`, j, i)
				if a := c.Do(http.MethodPost, "/locations", name); a.Status != http.StatusCreated {
					return a
				}
				if a := c.Do(http.MethodGet, "/locations?itemsPerPage=100", ""); strings.Count(a.Body, `"@type":"Location"`) < j+1 {
					return a
				}
			}
			return &sedetest.Answer{Status: http.StatusOK}
		})
		for _, a := range answers {
			if a.Status != http.StatusOK || a.Body != "" {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
		}
		if n := total(t, c, "/locations?name=place"); n != 5*crowd {
			t.Errorf("%d locations", n)
		}
	})
}
