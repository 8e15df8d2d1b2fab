package sedetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"sede/internal/app"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/mail"
	"sede/internal/sedetest/contract"
	"sede/internal/sedetest/pgcluster"
	"sede/internal/throttle"
)

// Start is the time at which the clocks of instances stand. The demo data is a
// day older.
var Start = time.Date(2030, 1, 2, 9, 0, 0, 0, time.UTC)

// Password is that of all demo accounts.
const Password = "correct horse battery"

// Accounts are the usernames of the demo's accounts.
var Accounts = []string{
	"operator@demo.example", "owner@demo.example", "admin@demo.example", "billing@demo.example",
	"member@demo.example", "guest@demo.example", "owner@other.example",
}

// Each runs a test on SQLite and on PostgreSQL, side by side.
func Each(t *testing.T, test func(t *testing.T, engine db.Engine)) {
	for _, engine := range []db.Engine{db.SQLite, db.PostgreSQL} {
		t.Run(strings.ToLower(engine.String()), func(t *testing.T) {
			t.Parallel()
			test(t, engine)
		})
	}
}

// Instance is a sede of a test's own, with the demo data.
type Instance struct {
	App   *app.App
	Clock *clock.Fake
	Names map[string]string // the demo's ids by what scripts call them

	t       testing.TB
	config  app.Config
	handler http.Handler
	rows    rows
	check   *contract.Checker
	failAt  atomic.Int64 // the step of the database that fails, counted down; 0: none
	fired   atomic.Bool

	mu     sync.Mutex
	tokens map[string]string
}

// New starts an instance, which ends with the test.
func New(t testing.TB, engine db.Engine) *Instance { return NewWith(t, engine, nil) }

// NewWith starts an instance with another configuration, as change makes it.
func NewWith(t testing.TB, engine db.Engine, change func(*app.Config)) *Instance {
	t.Helper()
	return newWith(t, engine, nil, change)
}

// Alike makes instances that describe themselves alike, so that one OpenAPI document is
// read for all of them.
type Alike struct {
	once    sync.Once
	checker *contract.Checker
}

// New starts an instance as NewWith does.
func (a *Alike) New(t testing.TB, engine db.Engine, change func(*app.Config)) *Instance {
	t.Helper()
	return newWith(t, engine, a, change)
}

func newWith(t testing.TB, engine db.Engine, alike *Alike, change func(*app.Config)) *Instance {
	t.Helper()
	in := &Instance{t: t, Clock: clock.NewFake(Start), tokens: map[string]string{}}
	seed := templates.of(t, engine)
	config := in.settings(2)
	if engine == db.PostgreSQL {
		config.Database = pgcluster.Database(t, "demo", seed.fill)
		in.rows = openPostgres(t, config.Database)
	} else {
		config.Dir = t.TempDir()
		if err := os.WriteFile(filepath.Join(config.Dir, databaseFile), seed.file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if change != nil {
		change(&config)
	}
	in.start(config)
	if engine == db.SQLite {
		in.rows = openSQLite(t, filepath.Join(config.Dir, databaseFile))
	}
	in.Names = seed.names
	in.check = seed.checker
	switch {
	case alike != nil:
		alike.once.Do(func() { alike.checker = newChecker(t, in.App, config.Prefix) })
		in.check = alike.checker
	case change != nil:
		in.check = newChecker(t, in.App, config.Prefix)
	}
	atEnd(t, in, func(in *Instance) error {
		in.failAt.Store(0)
		return errors.Join(CheckIntegrity(context.Background(), in.App.Database()), checkSealed(context.Background(), in.App.Database(), in.App.Keys()[0]))
	})
	return in
}

// atEnd does something with v when the test ends, and lets go of it: what the clean-ups of
// a test refer to stays in memory until all tests have ended that ran beside it.
func atEnd[T any](t testing.TB, v *T, do func(v *T) error) {
	t.Cleanup(func() {
		if err := do(v); err != nil {
			t.Error(err)
		}
		v = nil
	})
}

func newChecker(t testing.TB, a *app.App, prefix string) *contract.Checker {
	t.Helper()
	document, err := a.API().OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	checker, err := contract.New(document, beside(prefix)...)
	if err != nil {
		t.Fatal(err)
	}
	return checker
}

// databaseFile is what package db calls the SQLite file.
const databaseFile = "sede.db"

// config is what all instances have in common. The seed keeps ids of the
// template and of the instance apart.
func (in *Instance) settings(seed byte) app.Config {
	return app.Config{
		Synchronous: "normal", BaseURL: "http://sede.test", DemoPassword: Password, SignUp: true, LocalWebhooks: true, Mailbox: mail.Open, SecretKey: bytes.Repeat([]byte{7}, 32),
		Limits: throttle.Default().Times(1000), Clock: in.Clock, Random: &source{chacha: rand.NewChaCha8([32]byte{seed})}, Hashing: weak(),
		Interrupt: in.interrupt, Blobs: in.t.TempDir(), Log: slog.New(slog.DiscardHandler),
	}
}

// weak hashes passwords at almost no cost.
func weak() *argon2id.Params {
	return &argon2id.Params{Memory: 8, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}
}

// start opens the database and serves it until the test ends.
func (in *Instance) start(config app.Config) {
	in.t.Helper()
	in.config = config
	started, err := app.New(context.Background(), config)
	if err != nil {
		in.t.Fatal(err)
	}
	atEnd(in.t, started, (*app.App).Close)
	in.App, in.handler = started, started.Handler()
}

// T is the test that the instance belongs to.
func (in *Instance) T() testing.TB { return in.t }

// Twin starts a second sede on the same PostgreSQL database, as where several
// serve one instance.
func (in *Instance) Twin() *Instance {
	in.t.Helper()
	twin := &Instance{t: in.t, Clock: in.Clock, Names: in.Names, check: in.check, rows: in.rows, tokens: map[string]string{}}
	config := twin.settings(3)
	config.Database, config.Blobs = in.config.Database, in.config.Blobs
	twin.start(config)
	return twin
}

// source is seeded randomness for concurrent use.
type source struct {
	mu     sync.Mutex
	chacha *rand.ChaCha8
}

// Read fills p.
func (s *source) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.chacha.Read(p)
}

// errInjected is why a step of the database fails when the test wants it to.
var errInjected = errors.New("sedetest: this step was made to fail")

// interrupt is called before each step of the database.
func (in *Instance) interrupt(string) error {
	if in.failAt.Load() > 0 && in.failAt.Add(-1) == 0 {
		in.fired.Store(true)
		return errInjected
	}
	return nil
}

// FailAt makes the k-th step of the database from now fail, once.
func (in *Instance) FailAt(k int) {
	in.fired.Store(false)
	in.failAt.Store(int64(k))
}

// Fired calls FailAt off and reports whether the step was reached.
func (in *Instance) Fired() bool {
	in.failAt.Store(0)
	return in.fired.Load()
}

// Steps returns how many steps of the database do makes.
func (in *Instance) Steps(do func()) int {
	const most = 1 << 40
	in.FailAt(most)
	do()
	return most - int(in.failAt.Swap(0))
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// JSON reads the answer's body into v.
func (a *Answer) JSON(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.Body), v); err != nil {
		t.Fatalf("%v in answer %d %s", err, a.Status, a.Body)
	}
}

// Client sends requests as one account.
type Client struct {
	in    *Instance
	token string
	org   string
}

// As returns a client of a demo account, or of nobody when username is empty,
// that names the organization in X-Organization, unless it is empty.
func (in *Instance) As(username, organization string) *Client {
	return &Client{in: in, token: in.Token(username), org: organization}
}

// With returns a client with a token of its own.
func (in *Instance) With(token string) *Client { return &Client{in: in, token: token} }

// In returns the client as it acts in another organization.
func (c *Client) In(organization string) *Client {
	return &Client{in: c.in, token: c.token, org: organization}
}

// Token signs the account in, unless it is, and returns its token.
func (in *Instance) Token(username string) string {
	in.t.Helper()
	if username == "" {
		return ""
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if token := in.tokens[username]; token != "" {
		return token
	}
	in.tokens[username] = in.SignIn(username).Token
	return in.tokens[username]
}

// Pair is what a sign-in answers with.
type Pair struct {
	Token   string `json:"token"`
	Refresh string `json:"refresh_token"`
}

// SignIn makes a session of its own for the account.
func (in *Instance) SignIn(username string) Pair {
	in.t.Helper()
	a := in.With("").Do(http.MethodPost, in.config.Prefix+"/login", fmt.Sprintf(`{"username":%q,"password":%q}`, username, Password))
	if a.Status != http.StatusOK {
		in.t.Fatalf("sign-in of %s: %d %s", username, a.Status, a.Body)
	}
	var pair Pair
	a.JSON(in.t, &pair)
	return pair
}

// Advance moves the clock. Accounts sign in again afterwards, as tokens may
// have expired.
func (in *Instance) Advance(d time.Duration) {
	in.Clock.Advance(d)
	in.mu.Lock()
	defer in.mu.Unlock()
	clear(in.tokens)
}

// RunJobs runs the jobs and schedules that are due, until none is.
func (in *Instance) RunJobs() {
	in.t.Helper()
	if _, err := in.App.RunJobs(context.Background()); err != nil {
		in.t.Fatal(err)
	}
}

// Must sends a request that has to succeed: any other answer ends the test.
func (c *Client) Must(method, target, body string) *Answer {
	c.in.t.Helper()
	a := c.Do(method, target, body)
	if a.Status < 200 || a.Status >= 300 {
		c.in.t.Fatalf("%s %s: %d %s", method, target, a.Status, a.Body)
	}
	return a
}

// Do sends a request with further headers, given as names and values in turn; a
// header that is given takes the place of the usual one.
func (c *Client) Do(method, target, body string, headers ...string) *Answer {
	c.in.t.Helper()
	h := usualHeader(method, body)
	if c.token != "" {
		h.Set("Authorization", "Bearer "+c.token)
	}
	if c.org != "" {
		h.Set("X-Organization", c.org)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		h[http.CanonicalHeaderKey(headers[i])] = []string{headers[i+1]}
	}
	a, err := c.in.send(method, target, h, body)
	if err != nil {
		c.in.t.Fatal(err)
	}
	return a
}

// formBegins is how the body of a form begins, in samples and scripts.
const formBegins = "--form\r\n"

// Form is the body of a form that uploads one file in a part of that name.
func Form(name, content string) string {
	return formBegins + "Content-Disposition: form-data; name=\"" + name + "\"; filename=\"f\"\r\n\r\n" + content + "\r\n--form--\r\n"
}

// usualHeader is the header of a request that says nothing special.
func usualHeader(method, body string) http.Header {
	if strings.HasPrefix(body, formBegins) {
		return http.Header{"Content-Type": {"multipart/form-data; boundary=form"}}
	}
	if strings.HasPrefix(body, "BEGIN:VCALENDAR") {
		return http.Header{"Content-Type": {"text/calendar"}}
	}
	switch method {
	case http.MethodPost, http.MethodPut:
		return http.Header{"Content-Type": {"application/json"}}
	case http.MethodPatch:
		return http.Header{"Content-Type": {"application/merge-patch+json"}}
	}
	return http.Header{}
}

// send serves a request in process, the way net/http would, and checks what
// holds for every answer. The error is about the request.
func (in *Instance) send(method, target string, header http.Header, body string) (*Answer, error) {
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil, err
	}
	r := &http.Request{
		Method: method, URL: u, RequestURI: target, Header: header, Host: "sede.test", RemoteAddr: "192.0.2.1:1234",
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)),
	}
	if body == "" {
		r.Body = http.NoBody
	}
	if chunked := header["Transfer-Encoding"]; chunked != nil { // as net/http hands it over
		r.TransferEncoding, r.ContentLength = chunked, -1
		header.Del("Transfer-Encoding")
	}
	sent := header.Clone()
	recorder := httptest.NewRecorder()
	in.handler.ServeHTTP(recorder, r.WithContext(context.Background()))
	a := &Answer{Status: recorder.Code, Header: recorder.Result().Header, Body: recorder.Body.String()}
	if length := a.Header.Get("Content-Length"); length != "" && length != fmt.Sprint(len(a.Body)) && method != http.MethodHead {
		in.t.Errorf("%s %s: Content-Length %s, but the body has %d bytes", method, target, length, len(a.Body))
	}
	if method == http.MethodHead {
		a.Body = ""
	}
	if bare := a.Status == http.StatusNoContent || a.Status == http.StatusNotModified; bare && a.Body != "" {
		in.t.Errorf("%s %s: %d with a body: %s", method, target, a.Status, a.Body)
	}
	in.checkContract(method, target, sent, body, a)
	return a, nil
}

// checkContract holds the exchange against the OpenAPI document.
func (in *Instance) checkContract(method, target string, header http.Header, body string, a *Answer) {
	if in.check == nil {
		return
	}
	err := in.check.Check(&contract.Exchange{
		Method: method, URL: target, RequestHeader: header, RequestBody: []byte(body),
		Status: a.Status, Header: a.Header, Body: []byte(a.Body),
	})
	if err != nil {
		in.t.Errorf("%s %s: answer %d is not what the OpenAPI document says: %v", method, target, a.Status, err)
	}
}
