package sedetest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"sede/internal/app"
	"sede/internal/db"
	"sede/internal/hydra"
	"sede/internal/sedetest"
)

// TestPrefix moves the API below /api: every path and every IRI moves along.
func TestPrefix(t *testing.T) {
	t.Parallel()
	in := sedetest.NewWith(t, db.SQLite, func(c *app.Config) { c.Prefix = "/api" })
	c := in.As("owner@demo.example", "demo")
	paths := []string{"/api/", "/api/docs.jsonld", "/api/contexts/Location", "/api/contexts/Entrypoint"}
	for _, op := range in.App.API().Operations() {
		if !strings.HasPrefix(op.Path, "/api/") {
			t.Errorf("operation at %s", op.Path)
		}
		if op.Method == http.MethodGet && !strings.Contains(op.Path, "{") && !op.Rule.OperatorsOnly() {
			paths = append(paths, op.Path)
		}
	}
	for _, path := range paths {
		a := c.Do(http.MethodGet, path, "")
		if a.Status != http.StatusOK {
			t.Errorf("GET %s: %d %s", path, a.Status, a.Body)
			continue
		}
		if link := a.Header.Get("Link"); !strings.Contains(link, "<http://sede.test/api/docs.jsonld>") {
			t.Errorf("GET %s: Link %s", path, link)
		}
		if a.Header.Get("Content-Disposition") != "" {
			continue // a download
		}
		var v any
		a.JSON(t, &v)
		eachText(v, func(text string) {
			if strings.HasPrefix(text, "/") && text != "/api" && !strings.HasPrefix(text, "/api/") {
				t.Errorf("GET %s: %q lies outside the prefix", path, text)
			}
		})
	}
	a := c.Do(http.MethodPost, "/api/locations", `{"name":"x","country":"/api/countries/PT"}`)
	if a.Status != http.StatusCreated || !strings.HasPrefix(a.Header.Get("Location"), "/api/locations/") ||
		!strings.HasPrefix(a.Header.Get("Content-Location"), "/api/locations/") {
		t.Errorf("%d %v %s", a.Status, a.Header, a.Body)
	}
	for _, path := range []string{"/locations", "/login", "/"} {
		if a := c.Do(http.MethodGet, path, ""); a.Status != http.StatusNotFound {
			t.Errorf("GET %s: %d", path, a.Status)
		}
	}
	if a := c.Do(http.MethodPost, "/api/locations", `{"name":"x","country":"/countries/PT"}`); a.Status != http.StatusBadRequest {
		t.Errorf("an IRI outside the prefix: %d", a.Status)
	}
}

// eachText calls do for all texts of a JSON value but the types of problems,
// which have no prefix.
func eachText(v any, do func(string)) {
	switch v := v.(type) {
	case string:
		do(v)
	case []any:
		for _, item := range v {
			eachText(item, do)
		}
	case map[string]any:
		for _, item := range v {
			eachText(item, do)
		}
	}
}

// TestKeys spells Hydra's keys in each of the ways.
func TestKeys(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		keys            hydra.Keys
		prefixed, plain bool
	}{{hydra.Prefixed, true, false}, {hydra.Plain, false, true}, {hydra.Both, true, true}} {
		in := sedetest.NewWith(t, db.SQLite, func(config *app.Config) { config.Keys = c.keys })
		client := in.As("owner@demo.example", "demo")
		var list, problem map[string]json.RawMessage
		client.Do(http.MethodGet, "/locations?itemsPerPage=1", "").JSON(t, &list)
		client.Do(http.MethodGet, "/locations/nothing", "").JSON(t, &problem)
		for _, name := range []string{"member", "view", "search"} {
			if has(list, "hydra:"+name) != c.prefixed || has(list, name) != c.plain {
				t.Errorf("keys %s: %s is spelled otherwise: %v", c.keys, name, list)
			}
		}
		if !has(list, "totalItems") || has(list, "hydra:totalItems") != c.prefixed {
			t.Errorf("keys %s: totals: %v", c.keys, list)
		}
		if has(problem, "hydra:description") != c.prefixed || !has(problem, "detail") {
			t.Errorf("keys %s: problem: %v", c.keys, problem)
		}
	}
}

func has(object map[string]json.RawMessage, name string) bool {
	_, ok := object[name]
	return ok
}
