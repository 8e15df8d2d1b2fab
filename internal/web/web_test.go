package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sede/internal/clock"
	"sede/internal/fault"
)

// site returns a Handler over a few routes, and its log.
func site(t *testing.T, change func(*Config)) (*Handler, *bytes.Buffer) {
	t.Helper()
	routes := http.NewServeMux()
	routes.HandleFunc("/locations/{id}", func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Vary"] = []string{"Accept"}
		_, _ = io.WriteString(w, "here")
	})
	routes.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) {
		content, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			return
		}
		_, _ = w.Write(content)
	})
	routes.HandleFunc("/busy", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTooManyRequests) })
	routes.HandleFunc("/feeds/{secret}", func(http.ResponseWriter, *http.Request) {})
	routes.HandleFunc("/panic", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"of the answer that never was"`)
		panic("oh no")
	})
	routes.HandleFunc("/half", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "half an ans")
		panic("oh no")
	})
	routes.HandleFunc("/early", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusTeapot)
	})
	log := new(bytes.Buffer)
	config := Config{
		Routes: routes, CORSOrigins: []string{"*"}, MaxBody: 1000, Version: "1.2.3",
		Clock: clock.NewFake(time.Date(2030, 1, 2, 9, 0, 0, 0, time.UTC)),
		Log:   slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Problem: func(w http.ResponseWriter, _ *http.Request, err error) {
			e := fault.As(err)
			w.WriteHeader(e.Kind.Status())
			_, _ = io.WriteString(w, e.Text.Format)
		},
	}
	if change != nil {
		change(&config)
	}
	return New(config), log
}

func do(h http.Handler, method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	h, log := site(t, nil)
	w := do(h, "GET", "/locations/7?token=hush", "", "Authorization", "Bearer hush")
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "deny", "Referrer-Policy": "no-referrer", "Vary": "Accept, Origin",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	id := w.Header().Get("X-Request-Id")
	line := log.String()
	for _, text := range []string{"level=DEBUG", "request_id=" + id, "method=GET", "path=/locations/7 ", "status=200", "bytes=4", "took=0s"} {
		if !strings.Contains(line, text) {
			t.Errorf("no %s in %s", text, line)
		}
	}
	if strings.Contains(line, "hush") {
		t.Errorf("a secret is in the log: %s", line)
	}
	log.Reset()
	do(h, "POST", "/echo", "a")
	do(h, "GET", "/nowhere", "")
	if n := strings.Count(log.String(), "level=INFO"); n != 2 {
		t.Errorf("a change and a refusal gave %d lines: %s", n, log)
	}
	log.Reset()
	do(h, "GET", "/feeds/hush", "")
	if line := log.String(); strings.Contains(line, "hush") || !strings.Contains(line, "path=/feeds/{secret}") {
		t.Errorf("a secret is in the log: %s", line)
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	h, _ := site(t, nil)
	seen := map[string]bool{}
	for _, test := range []struct {
		given string
		taken bool
	}{
		{"abc-123_X.y:z", true}, {"a b", false}, {"a\nb", false}, {"é", false}, {strings.Repeat("a", 129), false}, {"", false}, {"", false},
	} {
		got := do(h, "GET", "/locations/7", "", "X-Request-Id", test.given).Header().Get("X-Request-Id")
		if (got == test.given) != test.taken || got == "" || seen[got] {
			t.Errorf("given %q, got %q", test.given, got)
		}
		seen[got] = true
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	open, _ := site(t, nil)
	closed, _ := site(t, func(c *Config) { c.CORSOrigins = nil })
	one, _ := site(t, func(c *Config) { c.CORSOrigins = []string{"https://a.example"} })
	preflight := []string{"Access-Control-Request-Method", "PATCH", "Access-Control-Request-Headers", "authorization,content-type,if-match,x-organization"}
	for _, test := range []struct {
		name    string
		h       http.Handler
		method  string
		origin  string
		headers []string
		status  int
		allow   string
	}{
		{"preflight", open, "OPTIONS", "https://a.example", preflight, 204, "*"},
		{"preflight of one", one, "OPTIONS", "https://a.example", preflight, 204, "https://a.example"},
		{"preflight of another", one, "OPTIONS", "https://b.example", preflight, 204, ""},
		{"preflight of an unknown header", open, "OPTIONS", "https://a.example", []string{"Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "x-evil"}, 204, ""},
		{"request", open, "GET", "https://a.example", nil, 200, "*"},
		{"request of another", one, "GET", "https://b.example", nil, 200, ""},
		{"closed", closed, "GET", "https://a.example", nil, 200, ""},
		{"plain OPTIONS", open, "OPTIONS", "https://a.example", nil, 200, "*"},
	} {
		w := do(test.h, test.method, "/locations/7", "", append([]string{"Origin", test.origin}, test.headers...)...)
		if w.Code != test.status || w.Header().Get("Access-Control-Allow-Origin") != test.allow {
			t.Errorf("%s: %d %v", test.name, w.Code, w.Header())
		}
		if w.Header().Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: cookies are let through", test.name)
		}
	}
	w := do(open, "GET", "/locations/7", "", "Origin", "https://a.example")
	if got := w.Header().Get("Access-Control-Expose-Headers"); got != "Link, Etag, Location, Content-Location, Retry-After, Ratelimit, Ratelimit-Policy, Idempotency-Replayed, X-Request-Id" {
		t.Error(got)
	}
	if got := w.Header()["Vary"]; len(got) != 1 || got[0] != "Accept, Origin" {
		t.Error(got)
	}
}

func TestPanic(t *testing.T) {
	t.Parallel()
	h, log := site(t, nil)
	w := do(h, "GET", "/panic", "")
	if w.Code != 500 || w.Body.String() != "Internal Server Error" || w.Header().Get("Etag") != "" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	for _, text := range []string{"panic=\"oh no\"", "web_test.go", "level=ERROR", "status=500"} {
		if !strings.Contains(log.String(), text) {
			t.Errorf("no %s in %s", text, log)
		}
	}
	server := httptest.NewServer(h)
	defer server.Close()
	res, err := server.Client().Get(server.URL + "/half")
	if err == nil {
		_, err = io.ReadAll(res.Body)
		_ = res.Body.Close()
	}
	if err == nil {
		t.Error("half an answer was taken for a whole one")
	}
	if n := h.metrics.inFlight.Load(); n != 0 {
		t.Errorf("%d requests are in flight", n)
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	h, _ := site(t, nil)
	if w := do(h, "POST", "/echo", strings.Repeat("a", 1000)); w.Code != 200 || w.Body.Len() != 1000 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := do(h, "POST", "/echo", strings.Repeat("a", 1001)); w.Code != 413 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	r := httptest.NewRequest("POST", "/echo", io.MultiReader(strings.NewReader(strings.Repeat("a", 1001)))) // no length
	r.ContentLength = -1
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != 413 {
		t.Errorf("without a length: %d %s", w.Code, w.Body)
	}
}

func TestEarlyHints(t *testing.T) {
	t.Parallel()
	h, log := site(t, nil)
	do(h, "GET", "/early", "")
	if !strings.Contains(log.String(), "status=418") {
		t.Error(log.String())
	}
}

func TestProbes(t *testing.T) {
	t.Parallel()
	broken := false
	checks := 0
	now := clock.NewFake(time.Date(2030, 1, 2, 9, 0, 0, 0, time.UTC))
	h, log := site(t, func(c *Config) {
		c.Clock = now
		c.Ready = func(ctx context.Context) error {
			checks++
			if _, limited := ctx.Deadline(); !limited {
				t.Error("the check may take for ever")
			}
			if broken {
				return errors.New("password of the database is hush")
			}
			return nil
		}
	})
	for range 3 {
		if w := do(h, "GET", "/readyz", ""); w.Code != 200 || w.Body.String() != "ok\n" {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if checks != 1 {
		t.Errorf("%d checks for three probes", checks)
	}
	broken = true
	now.Advance(2 * time.Second)
	if w := do(h, "GET", "/readyz", ""); w.Code != 503 || strings.Contains(w.Body.String(), "hush") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := do(h, "HEAD", "/healthz", ""); w.Code != 200 {
		t.Errorf("%d", w.Code)
	}
	if w := do(h, "POST", "/healthz", ""); w.Code != 405 || w.Header().Get("Allow") == "" {
		t.Errorf("%d", w.Code)
	}
	if log.Len() != 0 {
		t.Errorf("probes are in the log: %s", log)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	h, _ := site(t, nil)
	do(h, "GET", "/locations/7", "")
	do(h, "GET", "/locations/8", "")
	do(h, "BREW", "/locations/8", "")
	do(h, "GET", "/nowhere", "")
	do(h, "POST", "/echo", "a")
	do(h, "GET", "/busy", "")
	body := do(h, "GET", "/metrics", "").Body.String()
	for _, line := range []string{
		`sede_http_requests_total{method="GET",route="/locations/{id}",status="2xx"} 2`,
		`sede_http_requests_total{method="other",route="/locations/{id}",status="2xx"} 1`,
		`sede_http_requests_total{method="GET",route="other",status="4xx"} 1`,
		`sede_http_requests_total{method="POST",route="/echo",status="2xx"} 1`,
		`sede_http_request_duration_seconds_count{method="GET",route="/locations/{id}"} 2`,
		`sede_http_requests_limited_total{method="GET",route="/busy"} 1`,
		`sede_http_requests_in_flight 0`, `sede_build_info{version="1.2.3"} 1`, `go_goroutines `, `process_resident_memory_bytes `,
	} {
		if !strings.Contains(body, line) {
			t.Errorf("no %s in the metrics", line)
		}
	}
}

// TestShutdown ends the server while a request is in flight.
func TestShutdown(t *testing.T) {
	t.Parallel()
	started, finish := make(chan bool), make(chan bool)
	h, _ := site(t, func(c *Config) {
		c.Routes = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(started)
			<-finish
			if r.Context().Err() != nil {
				t.Error("the request was given up")
			}
			_, _ = io.WriteString(w, "whole")
		})
	})
	listener := listen(t)
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Server{Listener: listener, Handler: h}.Serve(ctx) }()
	answer := make(chan string, 1)
	go func() {
		res, err := http.Get("http://" + listener.Addr().String() + "/")
		if err != nil {
			answer <- err.Error()
			return
		}
		defer res.Body.Close()
		content, _ := io.ReadAll(res.Body)
		answer <- string(content)
	}()
	<-started
	end()
	for { // until nobody listens any more
		c, err := net.DialTimeout("tcp", listener.Addr().String(), time.Second)
		if err != nil {
			break
		}
		_ = c.Close()
		time.Sleep(time.Millisecond)
	}
	close(finish)
	if got := <-answer; got != "whole" {
		t.Error(got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestShutdownCutsOff(t *testing.T) {
	t.Parallel()
	started, finish := make(chan bool), make(chan bool)
	defer close(finish)
	listener := listen(t)
	ctx, end := context.WithCancel(t.Context())
	slow := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(started); <-finish })
	go func() {
		if res, err := http.Get("http://" + listener.Addr().String() + "/"); err == nil {
			_ = res.Body.Close()
		}
	}()
	go func() { <-started; end() }()
	if err := (Server{Listener: listener, Handler: slow, Grace: 10 * time.Millisecond}).Serve(ctx); !errors.Is(err, ErrCutOff) {
		t.Error(err)
	}
}

// TestDraining asks on a connection that was open before the end came.
func TestDraining(t *testing.T) {
	t.Parallel()
	h, _ := site(t, nil)
	leaving := new(atomic.Bool)
	leaving.Store(true)
	ctx := context.WithValue(t.Context(), drainingKey{}, leaving)
	r := httptest.NewRequestWithContext(ctx, "GET", "/readyz", nil)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != 503 || w.Body.String() != "draining\n" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// sink is a ResponseWriter that costs nothing.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header               { return s.header }
func (s *sink) Write(content []byte) (int, error) { return len(content), nil }
func (s *sink) WriteHeader(int)                   {}

var okType, okBody = []string{"application/json"}, []byte(`{"id":7}`)

func serveConstant(w http.ResponseWriter, r *http.Request) {
	w.Header()["Content-Type"] = okType
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(okBody)
}

// BenchmarkSteps shows what the steps add to a handler: compare bare with
// quiet (no log) and logged.
func BenchmarkSteps(b *testing.B) {
	routes := http.NewServeMux()
	routes.HandleFunc("/locations/{id}", serveConstant)
	debug := &slog.HandlerOptions{Level: slog.LevelDebug}
	for name, h := range map[string]http.Handler{
		"bare":   routes,
		"quiet":  New(Config{Routes: routes, CORSOrigins: []string{"*"}}),
		"logged": New(Config{Routes: routes, CORSOrigins: []string{"*"}, Log: slog.New(slog.NewTextHandler(io.Discard, debug))}),
		"json":   New(Config{Routes: routes, CORSOrigins: []string{"*"}, Log: slog.New(slog.NewJSONHandler(io.Discard, debug))}),
	} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest("GET", "/locations/7", nil)
			w := &sink{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				h.ServeHTTP(w, r)
			}
		})
	}
}
