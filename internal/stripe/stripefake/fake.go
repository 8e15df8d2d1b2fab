// Package stripefake is a Stripe for tests that keeps state: the calls that sede
// makes, over real HTTP, with form-encoded nested parameters, idempotency keys, ids,
// expansion and errors as Stripe's. It has a clock, by which trials end, periods are
// renewed and invoices are finalised and paid, and it signs webhooks, which a test
// sends late, twice, out of order, or not at all.
//
// It can't drift from the real one: each request goes to stripe-mock too, which knows
// all parameters, and each answer and event is held against Stripe's OpenAPI document.
// Where either finds something, the test fails.
package stripefake

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sede/internal/clock"
)

// Key is the secret key that the fake wants, Secret signs its webhooks.
const (
	Key    = "sk_test_fake"
	Secret = "whsec_fake"
)

// Server is one account at the fake.
type Server struct {
	URL string // in front of /v1

	wrong    func(error) // told what does not conform; nil: nobody looks
	mu       sync.Mutex
	clock    clock.Clock
	now      time.Time // of what is happening; never behind what happened before
	mux      *http.ServeMux
	serial   int
	keys     map[string]stored
	failures []Failure
	refusal  *Failure // of the next request that is not one to read
	failAt   int      // counted down; at 1 the failure happens
	failWith Failure
	calls    []string
	writes   []Write
	pending  []Event

	customers map[string]*customer
	methods   map[string]*method
	products  map[string]*product
	coupons   map[string]*coupon
	taxRates  map[string]*taxRate
	sessions  map[string]*session
	subs      map[string]*subscription
	invoices  map[string]*invoice
	previews  map[string]*invoice

	// Attempts is how often an invoice is tried before its subscription is unpaid, three
	// days apart; 0: four times.
	Attempts int64
}

// stored is the answer to the first request with an idempotency key.
type stored struct {
	request [32]byte
	status  int
	body    []byte
}

// Failure is how a request fails.
type Failure struct {
	Status int // of HTTP; 0: the answer breaks off
	Code   string
	Type   string // api_error if empty
	Done   bool   // the work was done all the same, and its answer is lost
	Kept   bool   // the same is answered to the same key for a day, as Stripe does
	After  int    // Retry-After in seconds; 0: not said
}

// Start runs a fake until the test ends. Its time is the clock's.
func Start(t testing.TB, c clock.Clock) *Server {
	t.Helper()
	s := New(c)
	s.wrong = func(err error) { t.Error(err) }
	Mock()
	conforming() // which takes seconds, longer than a call may on a busy machine
	web := httptest.NewServer(s)
	s.URL = web.URL
	t.Cleanup(func() {
		web.Close()
		web = nil // clean-ups are kept longer than the test
	})
	return s
}

// Trust ends holding calls, answers and events against Stripe's document, for tests that
// do the same very often.
func (s *Server) Trust() { s.wrong = nil }

// New returns a fake that whoever calls it serves, and that nobody holds against
// anything.
func New(c clock.Clock) *Server {
	s := &Server{clock: c, now: c.Now(), keys: map[string]stored{}, customers: map[string]*customer{}, methods: map[string]*method{},
		products: map[string]*product{}, coupons: map[string]*coupon{}, taxRates: map[string]*taxRate{}, sessions: map[string]*session{},
		subs: map[string]*subscription{}, invoices: map[string]*invoice{}, previews: map[string]*invoice{}}
	s.routes()
	return s
}

func (s *Server) routes() {
	s.mux = http.NewServeMux()
	for pattern, do := range map[string]func(request) (any, *problem){
		"POST /v1/customers":                     s.createCustomer,
		"GET /v1/customers":                      s.listCustomers,
		"GET /v1/customers/search":               s.searchCustomers,
		"GET /v1/customers/{id}":                 s.getCustomer,
		"POST /v1/customers/{id}":                s.updateCustomer,
		"GET /v1/customers/{id}/payment_methods": s.listMethods,
		"POST /v1/payment_methods/{id}/detach":   s.detachMethod,
		"POST /v1/products":                      s.createProduct,
		"POST /v1/coupons":                       s.createCoupon,
		"POST /v1/tax_rates":                     s.createTaxRate,
		"POST /v1/checkout/sessions":             s.createSession,
		"GET /v1/checkout/sessions/{id}":         s.getSession,
		"POST /v1/billing_portal/sessions":       s.createPortal,
		"POST /v1/subscriptions":                 s.createSubscription,
		"GET /v1/subscriptions":                  s.listSubscriptions,
		"GET /v1/subscriptions/{id}":             s.getSubscription,
		"POST /v1/subscriptions/{id}":            s.updateSubscription,
		"DELETE /v1/subscriptions/{id}":          s.cancelSubscription,
		"GET /v1/invoices":                       s.listInvoices,
		"GET /v1/invoices/{id}":                  s.getInvoice,
		"GET /v1/invoices/{id}/lines":            s.listLines,
		"POST /v1/invoices/create_preview":       s.preview,
	} {
		s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, do) })
	}
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		answer(w, 404, (&problem{404, "invalid_request_error", "", "", "Unrecognized request URL."}).body())
	})
}

// request is one call with its parameters taken apart.
type request struct {
	*http.Request
	in params
}

// problem is an error of Stripe's.
type problem struct {
	status            int
	kind, code, param string
	message           string
}

func invalid(code, param, message string) *problem {
	return &problem{400, "invalid_request_error", code, param, message}
}

func missing(what, id string) *problem {
	return &problem{404, "invalid_request_error", "resource_missing", "id", "No such " + what + ": '" + id + "'"}
}

func (p *problem) body() []byte {
	e := map[string]any{"type": p.kind, "message": p.message}
	if p.code != "" {
		e["code"] = p.code
	}
	if p.param != "" {
		e["param"] = p.param
	}
	content, _ := json.Marshal(map[string]any{"error": e})
	return content
}

func answer(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request, do func(request) (any, *problem)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tick()
	s.serial++
	w.Header().Set("Request-Id", fmt.Sprintf("req_%06d", s.serial))
	s.calls = append(s.calls, r.Method+" "+r.URL.Path)
	if r.Method != http.MethodGet {
		s.writes = append(s.writes, Write{r.Method + " " + r.URL.Path, r.Header.Get("Idempotency-Key")})
	}
	if r.Header.Get("Authorization") != "Bearer "+Key {
		answer(w, 401, (&problem{401, "invalid_request_error", "", "", "Invalid API Key provided"}).body())
		return
	}
	if s.wrong != nil {
		if err := askMock(r); err != nil {
			s.wrong(err)
		}
	}
	fails, failing := s.nextFailure(r)
	if failing && !fails.Done {
		if key := r.Header.Get("Idempotency-Key"); fails.Kept && key != "" {
			s.keepFailure(r, key, fails)
		}
		fails.answer(w)
		return
	}
	status, body := s.once(r, do)
	if s.wrong != nil {
		if err := conforming().checkAnswer(r.Method, r.URL.Path, status, body); err != nil {
			s.wrong(fmt.Errorf("the fake's answer to %s %s: %w", r.Method, r.URL.Path, err))
		}
	}
	if failing {
		fails.answer(w)
		return
	}
	answer(w, status, body)
}

// once does the work unless a request with the same idempotency key did it.
func (s *Server) once(r *http.Request, do func(request) (any, *problem)) (status int, body []byte) {
	in, raw, bad := readParams(r)
	if bad != nil {
		return bad.status, bad.body()
	}
	key := r.Header.Get("Idempotency-Key")
	hash := sha256.Sum256([]byte(r.Method + " " + r.URL.Path + "\n" + raw))
	if before, known := s.keys[key]; known && key != "" && r.Method == http.MethodPost {
		if before.request != hash {
			p := &problem{400, "idempotency_error", "", "", "Keys for idempotent requests can only be used with the same parameters they were first used with."}
			return p.status, p.body()
		}
		return before.status, before.body
	}
	result, bad := do(request{r, in})
	status = http.StatusOK
	if bad != nil {
		status, body = bad.status, bad.body()
	} else {
		body, _ = json.Marshal(result)
	}
	if key != "" && (bad == nil || bad.status != 400) { // what was not begun is not kept
		s.keys[key] = stored{hash, status, body}
	}
	return status, body
}

// keepFailure stores a failure as the answer to a key.
func (s *Server) keepFailure(r *http.Request, key string, f Failure) {
	if _, known := s.keys[key]; known {
		return
	}
	if _, raw, bad := readParams(r); bad == nil {
		s.keys[key] = stored{sha256.Sum256([]byte(r.Method + " " + r.URL.Path + "\n" + raw)), f.Status, f.problem().body()}
	}
}

// FailAt makes the n-th request from now fail, once.
func (s *Server) FailAt(n int, f Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failAt, s.failWith = n, f
}

// Fired calls FailAt off and reports whether that request came.
func (s *Server) Fired() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	fired := s.failAt <= 0
	s.failAt = 0
	return fired
}

// Fail makes the next requests fail, one after the other.
func (s *Server) Fail(failures ...Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, failures...)
}

// FailWrite makes the next request fail that is not one to read.
func (s *Server) FailWrite(f Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusal = &f
}

func (s *Server) nextFailure(r *http.Request) (f Failure, is bool) {
	if s.refusal != nil && r.Method != http.MethodGet {
		f, s.refusal = *s.refusal, nil
		return f, true
	}
	if s.failAt--; s.failAt == 0 {
		return s.failWith, true
	}
	if len(s.failures) == 0 {
		return f, false
	}
	f, s.failures = s.failures[0], s.failures[1:]
	return f, true
}

func (f Failure) answer(w http.ResponseWriter) {
	if f.Status == 0 {
		w.Header().Set("Content-Length", "100")
		answer(w, http.StatusOK, []byte("{"))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	if f.After > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(f.After))
	}
	answer(w, f.Status, f.problem().body())
}

func (f Failure) problem() *problem {
	kind := f.Type
	if kind == "" {
		kind = "api_error"
	}
	return &problem{f.Status, kind, f.Code, "", "It was asked to fail."}
}

// Calls returns method and path of all requests so far.
func (s *Server) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.calls...)
}

// Write is a request that is not one to read, with its idempotency key.
type Write struct{ Call, Key string }

// Writes returns those so far.
func (s *Server) Writes() []Write {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Write(nil), s.writes...)
}

// Forget drops the idempotency keys, as Stripe does after a day.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = map[string]stored{}
}

// id makes the next id of a kind.
func (s *Server) id(prefix string) string {
	s.serial++
	return fmt.Sprintf("%s_fake%08d", prefix, s.serial)
}

func (s *Server) stamp() int64 { return s.now.Unix() }

// list is a page of a collection.
func (s *Server) list(r request, all []object) (any, *problem) {
	if after := r.in.text("starting_after"); after != "" {
		for i, o := range all {
			if o["id"] == after {
				all = all[i+1:]
				break
			}
		}
	}
	limit := r.in.int("limit", 10)
	more := int64(len(all)) > limit
	if more {
		all = all[:limit]
	}
	if all == nil {
		all = []object{}
	}
	return object{"object": "list", "url": r.URL.Path, "has_more": more, "data": all}, nil
}

// expands reports whether a field is to be expanded.
func (r request) expands(field string) bool {
	for _, v := range r.in.list("expand") {
		if name, ok := v.(string); ok && (name == field || strings.HasPrefix(name, field+".") || name == "data."+field) {
			return true
		}
	}
	return false
}
