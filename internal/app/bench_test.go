package app_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/alexedwards/argon2id"

	"sede/internal/app"
)

// sink is a ResponseWriter that keeps the status and drops the rest.
type sink struct {
	header http.Header
	status int
	body   []byte
}

func (s *sink) Header() http.Header { return s.header }

func (s *sink) WriteHeader(status int) { s.status = status }

func (s *sink) Write(p []byte) (int, error) {
	if s.status == 0 {
		s.status = http.StatusOK
	}
	s.body = append(s.body[:0], p...)
	return len(p), nil
}

// benchApp is an app with demo data, configured as change says, and the token of
// the demo's owner.
func benchApp(b *testing.B, change ...func(*app.Config)) (http.Handler, string) {
	b.Helper()
	config := app.Config{
		Dir: b.TempDir(), DemoPassword: "correct horse", SecretKey: bytes.Repeat([]byte{1}, 32),
		Hashing: &argon2id.Params{Memory: 8, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32},
	}
	for _, c := range change {
		c(&config)
	}
	a, err := app.New(b.Context(), config)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = a.Close() })
	if _, err := a.Demo(b.Context()); err != nil {
		b.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/login", strings.NewReader(`{"username":"owner@demo.example","password":"correct horse"}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	a.Handler().ServeHTTP(w, r)
	var login struct{ Token string }
	if err := json.Unmarshal(w.Body.Bytes(), &login); err != nil || login.Token == "" {
		b.Fatal(w.Code, w.Body)
	}
	return a.Handler(), "Bearer " + login.Token
}

// call serves one request without a network and returns its answer.
func call(b *testing.B, h http.Handler, s *sink, method, path, authorization, body string) {
	r := httptest.NewRequest(method, path, nil)
	if body != "" {
		r.Body = io.NopCloser(strings.NewReader(body))
		r.ContentLength = int64(len(body))
		r.Header["Content-Type"] = []string{"application/json"}
		if method == "PATCH" {
			r.Header["Content-Type"] = []string{"application/merge-patch+json"}
		}
	}
	r.Header["Authorization"] = []string{authorization}
	clear(s.header)
	s.status = 0
	h.ServeHTTP(s, r)
	if s.status >= 300 {
		b.Fatalf("%s %s: %d %s", method, path, s.status, s.body)
	}
}

// BenchmarkRequest serves requests in process: all of sede's work but the
// network's. The request itself is made anew each time, which costs about 5
// allocations.
func BenchmarkRequest(b *testing.B) {
	h, authorization := benchApp(b)
	s := &sink{header: http.Header{}}
	call(b, h, s, "POST", "/locations", authorization, `{"name":"One","officeOpenHour":9,"officeCloseHour":18,"timeZone":"Europe/Lisbon"}`)
	iri := s.header["Location"][0]
	for range 100 {
		call(b, h, s, "POST", "/locations", authorization, `{"name":"More","timeZone":"Europe/Lisbon"}`)
	}
	for _, c := range []struct{ name, method, path, body string }{
		{"Get", "GET", iri, ""},
		{"Page", "GET", "/locations", ""},
		{"Filtered", "GET", "/locations?name=one", ""},
		{"Create", "POST", "/locations", `{"name":"New","officeOpenHour":9,"officeCloseHour":18,"timeZone":"Europe/Lisbon"}`},
		{"Patch", "PATCH", iri, `{"name":"Patched","officeOpenHour":8}`},
		{"Organization", "GET", "/organizations/demo", ""},
		{"Country", "GET", "/countries/PT", ""},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				call(b, h, s, c.method, c.path, authorization, c.body)
			}
		})
	}
}
