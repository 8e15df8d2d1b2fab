package sedetest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"sede/internal/access"
	"sede/internal/hydra"
)

// key makes an API key of demo's owner with the scopes.
func (w *sweep) key(scopes ...string) string {
	w.Helper()
	name := strings.Join(scopes, " ")
	if w.made[name] == "" {
		w.made[name], _ = w.newKey(Start.AddDate(0, 1, 0), scopes)
	}
	return w.made[name]
}

func (w *sweep) newKey(expires time.Time, scopes []string) (secret, iri string) {
	w.Helper()
	body, err := json.Marshal(map[string]any{"name": "Sweep", "scopes": scopes, "expiresAt": expires.Format(time.RFC3339)})
	if err != nil {
		w.Fatal(err)
	}
	a := w.in.As("owner@demo.example", "demo").Do(http.MethodPost, "/api-keys", string(body))
	if a.Status != http.StatusCreated {
		w.Fatalf("POST /api-keys: %d %s", a.Status, a.Body)
	}
	var made struct{ Secret string }
	a.JSON(w, &made)
	return made.Secret, a.Header.Get("Location")
}

// badKeys adds API keys that are no good any more.
func (w *sweep) badKeys() {
	revoked, iri := w.newKey(Start.AddDate(0, 1, 0), []string{"*:write"})
	if a := w.in.As("owner@demo.example", "demo").Do(http.MethodDelete, iri, ""); a.Status != http.StatusNoContent {
		w.Fatalf("DELETE %s: %d %s", iri, a.Status, a.Body)
	}
	expired, _ := w.newKey(Start.Add(time.Second), []string{"*:write"})
	w.in.Clock.Advance(time.Second)
	w.bad = append(w.bad, badToken{"a revoked API key", revoked, "Invalid API key"}, badToken{"an expired API key", expired, "Expired API key"})
}

// keysFor makes a key that has all scopes but the one that the operation needs,
// and one that has no other. Where no key will do, both have all.
func (w *sweep) keysFor(op hydra.OperationInfo) (narrow, wide string) {
	w.Helper()
	switch {
	case op.Rule.IsPublic():
		return "", ""
	case op.Rule.IsInPerson() || op.Rule.OperatorsOnly():
		return w.key("*:write"), w.key("*:write")
	}
	others := slices.DeleteFunc(slices.Clone(w.scopes), func(scope string) bool {
		g, _ := access.ParseGrant(scope)
		return access.Grants{g}.Allow(op.Scope)
	})
	return w.key(others...), w.key(op.Scope.String())
}

// keys tries the operation with an API key that lacks the scope, or that can't do
// it whatever its scopes are. Reading with the scope must succeed.
func (w *sweep) keys(op hydra.OperationInfo, narrow, wide string) {
	if op.Rule.IsPublic() {
		return
	}
	a := w.attempt(w.in.With(narrow), op, w.at(op), w.bodies[op.Method+" "+op.Path], "without the scope", http.StatusForbidden)
	if narrow == wide {
		return
	}
	if !strings.Contains(a.Body, "lacks the scope") || !strings.Contains(a.Body, op.Scope.String()) {
		w.Errorf("%s %s without the scope: %s", op.Method, op.Path, a.Body)
	}
	w.attempt(w.in.With(wide).In("other"), op, w.at(op), "", "with a key in another's organization", http.StatusNotFound)
	if op.Method == http.MethodGet {
		if a := w.in.With(wide).Do(op.Method, w.at(op), ""); a.Status != http.StatusOK {
			w.Errorf("%s %s with the scope: %d %s", op.Method, w.at(op), a.Status, a.Body)
		}
	}
}
