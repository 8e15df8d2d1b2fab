package account

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/feature"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/mail"
	"sede/internal/secret"
	"sede/internal/sedetest/blank"
)

const password = "correct horse battery"

// orgs is what the feature organization would answer.
type orgs struct {
	mu    sync.Mutex
	of    map[ident.ID][]Membership
	slugs map[string]ident.ID
	asked int
}

func (o *orgs) Of(_ context.Context, user ident.ID) ([]Membership, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked++
	return slices.Clone(o.of[user]), nil
}

func (o *orgs) Find(_ context.Context, ref string) (ident.ID, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if id, ok := o.slugs[ref]; ok {
		return id, nil
	}
	for _, id := range o.slugs {
		if id.String() == ref {
			return id, nil
		}
	}
	return ident.ID{}, fault.Missing()
}

func (o *orgs) Share(_ context.Context, a, b ident.ID) (bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, m := range o.of[a] {
		if _, ok := in(o.of[b], m.Organization); ok {
			return true, nil
		}
	}
	return false, nil
}

func (o *orgs) set(user ident.ID, list ...Membership) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.of[user] = list
	for _, m := range list {
		o.slugs[m.Slug] = m.Organization
	}
}

// env is a Service with everything around it.
type env struct {
	*Service
	t     testing.TB
	clock *clock.Fake
	orgs  *orgs
	ids   *ident.Source
	box   *secret.Box
	log   *audit.Log
}

func masterKey(b byte) []byte { return slices.Repeat([]byte{b}, secret.MinKey) }

func newEnv(t testing.TB, d *db.DB) *env {
	t.Helper()
	box, err := secret.NewBox(nil, masterKey(1))
	must(t, err)
	e := &env{t: t, box: box, clock: clock.NewFake(time.Date(2030, 1, 2, 9, 0, 0, 0, time.UTC))}
	e.orgs = &orgs{of: map[ident.ID][]Membership{}, slugs: map[string]ident.ID{}}
	e.ids = ident.NewSource(e.clock.Now, nil)
	e.log = audit.New(e.ids, e.clock)
	e.Service = e.process(d, box)
	return e
}

// process returns one more Service, as another process would have it.
func (e *env) process(d *db.DB, box *secret.Box) *Service {
	q := jobs.New(jobs.Config{DB: d, Audit: e.log, IDs: e.ids, Clock: e.clock, Secret: box})
	post := mail.New(mail.Config{DB: d, Jobs: q, IDs: e.ids, Clock: e.clock, Secret: box})
	s := New(feature.Platform{DB: d, Audit: e.log, IDs: e.ids, Clock: e.clock, Jobs: q, Mail: post, BaseURL: "https://sede.example"}, Settings{
		BaseURL: "https://sede.example", Secret: box, Hashing: cheap(), SignUp: true,
	})
	s.SetMemberships(e.orgs)
	return s
}

// cheap is hashing that costs next to nothing.
func cheap() *argon2id.Params {
	return &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}
}

func openSQLite(t testing.TB) *db.DB {
	cfg := blank.Config(t, db.SQLite)
	cfg.Synchronous = "normal"
	d, err := db.Open(t.Context(), cfg)
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	return d
}

func openPostgreSQL(t testing.TB) *db.DB {
	cfg := blank.Config(t, db.PostgreSQL)
	cfg.MaxConns = 8
	d, err := db.Open(t.Context(), cfg)
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	return d
}

// each runs a test on both engines.
func each(t *testing.T, test func(t *testing.T, e *env)) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) { t.Parallel(); test(t, newEnv(t, openSQLite(t))) })
	t.Run("PostgreSQL", func(t *testing.T) { t.Parallel(); test(t, newEnv(t, openPostgreSQL(t))) })
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// user creates a user with the usual password.
func (e *env) user(username string) User {
	e.t.Helper()
	u, err := e.CreateUser(e.t.Context(), NewUser{Username: username, Password: password})
	must(e.t, err)
	return u
}

// join makes the user a member of a new organization.
func (e *env) join(user ident.ID, slug string, role access.Role) Membership {
	m := Membership{Organization: e.ids.New(), Slug: slug, Role: role}
	e.orgs.set(user, append(e.orgs.of[user], m)...)
	e.Forget(user)
	return m
}

var here = Origin{Address: "192.0.2.1", Agent: "test"}

func (e *env) signIn(username string) Tokens {
	e.t.Helper()
	tokens, err := e.SignIn(e.t.Context(), here, username, password, "")
	must(e.t, err)
	return tokens
}

// request is a request with a token.
func request(token string, header ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// accepted returns who a token belongs to, as s sees it.
func accepted(t testing.TB, s *Service, token string, header ...string) *access.Caller {
	t.Helper()
	c, err := s.Authenticate(request(token, header...))
	must(t, err)
	if c == nil {
		t.Fatal("nobody")
	}
	return c
}

// refused fails the test unless the error is of the kind and says the sentence.
func refused(t testing.TB, err error, kind fault.Kind, sentence string) {
	t.Helper()
	if e := fault.As(err); err == nil || e.Kind != kind || e.Text.Format != sentence {
		t.Errorf("error = %v, want %d %q", err, kind.Status(), sentence)
	}
}

// rejected fails the test unless the token is refused with the sentence.
func rejected(t testing.TB, s *Service, token, sentence string) {
	t.Helper()
	_, err := s.Authenticate(request(token))
	refused(t, err, fault.Unauthorized, sentence)
}

// actions returns the actions in the instance's audit log, in their order.
func (e *env) actions() (list []string) {
	e.t.Helper()
	must(e.t, e.Service.db.Read(e.t.Context(), access.Instance(), func(tx *db.Tx) error {
		rows := tx.Query(`SELECT action FROM audit_log ORDER BY seq`)
		for rows.Next() {
			var action string
			if err := rows.Scan(&action); err != nil {
				return err
			}
			list = append(list, action)
		}
		return rows.Err()
	}))
	return list
}

// rows counts the rows of a table.
func (e *env) rows(table string) (n int) {
	e.t.Helper()
	must(e.t, e.Service.db.Read(e.t.Context(), access.Instance(), func(tx *db.Tx) error {
		return tx.Row(`SELECT count(*) FROM ` + table).Scan(&n)
	}))
	return n
}
