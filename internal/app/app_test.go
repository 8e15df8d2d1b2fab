package app_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/alexedwards/argon2id"

	"sede/internal/app"
)

// TestFirstCalls takes the steps of the README: sign in, make a location, read
// it back.
func TestFirstCalls(t *testing.T) {
	t.Parallel()
	a, err := app.New(t.Context(), app.Config{
		Dir: t.TempDir(), DemoPassword: "correct horse", SecretKey: bytes.Repeat([]byte{1}, 32),
		Hashing: &argon2id.Params{Memory: 8, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := a.Demo(t.Context()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(a.Handler())
	defer server.Close()
	do := func(method, path, token, body string) string {
		r, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if method == http.MethodPatch {
			r.Header.Set("Content-Type", "application/merge-patch+json")
		}
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		content, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s %s\n%s %v\n%s", method, path, res.Status, res.Header, content)
		return string(content)
	}
	login := do("POST", "/login", "", `{"username":"owner@demo.example","password":"correct horse"}`)
	_, rest, ok := strings.Cut(login, `"token":"`)
	if !ok {
		t.Fatal("no token")
	}
	token, _, _ := strings.Cut(rest, `"`)
	do("POST", "/locations", token, `{"name":"Porto office","officeOpenHour":9,"officeCloseHour":9,"country":"/countries/PT"}`)
	do("POST", "/locations", token, `{"name":"Porto office","officeOpenHour":"9","officeCloseHour":18,"country":"/countries/XX"}`)
	do("POST", "/locations", token, `{"name":"Porto office","officeOpenHour":9,"officeCloseHour":18,"country":"/countries/PT"}`)
	do("GET", "/locations?itemsPerPage=2&name=office", token, "")
	do("GET", "/organizations/demo", token, "")
	do("PATCH", "/organizations/demo", token, `{"name":"Demo 2"}`)
	do("GET", "/organization-users", token, "")
	do("GET", "/users/me", token, "")
	do("GET", "/countries/PL", "", "")
	do("GET", "/languages?itemsPerPage=1", "", "")
	do("GET", "/docs.jsonopenapi", "", "")
}
