package sedetest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sede/internal/app"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/sedetest/contract"
	"sede/internal/sedetest/pgcluster"
)

// template is a database with the demo data, from which instances are copied.
type template struct {
	file    []byte // SQLite
	names   map[string]string
	checker *contract.Checker
	fill    pgcluster.Migrate // PostgreSQL
}

// templateSet holds the template of each engine. Like the cluster, it is made
// once for all tests of a process, since making it costs more than a test.
type templateSet struct {
	once [2]sync.Once
	made [2]*template
}

var templates templateSet

// of returns the template of the engine. That of PostgreSQL is filled when the
// first database is cloned from it.
func (s *templateSet) of(t testing.TB, engine db.Engine) *template {
	t.Helper()
	s.once[engine].Do(func() {
		if engine == db.PostgreSQL {
			made := &template{}
			made.fill = func(ctx context.Context, url string) error { return made.make(ctx, t, app.Config{Database: url}) }
			s.made[engine] = made
			return
		}
		s.made[engine] = sqliteTemplate(t)
	})
	if s.made[engine] == nil {
		t.Fatal("the demo data could not be made, see the first test that failed")
	}
	return s.made[engine]
}

func sqliteTemplate(t testing.TB) *template {
	t.Helper()
	dir, err := os.MkdirTemp("", "sedetest-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	made := &template{}
	if err := made.make(context.Background(), t, app.Config{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	if made.file, err = os.ReadFile(filepath.Join(dir, databaseFile)); err != nil {
		t.Fatal(err)
	}
	return made
}

// make fills the database and learns what scripts want to know of it.
func (m *template) make(ctx context.Context, t testing.TB, at app.Config) error {
	in := &Instance{t: t, Clock: clock.NewFake(Start.Add(-24 * time.Hour)), tokens: map[string]string{}}
	config := in.settings(1)
	config.Database, config.Dir = at.Database, at.Dir
	started, err := app.New(ctx, config)
	if err != nil {
		return err
	}
	in.App, in.handler = started, started.Handler()
	_, err = started.Demo(ctx)
	if err == nil {
		m.names = in.learn()
		m.checker = newChecker(t, started, "")
	}
	if second := started.Close(); err == nil {
		err = second
	}
	return err
}

// beside lists the paths that the OpenAPI document leaves out on purpose.
func beside(prefix string) []string {
	list := []string{"/healthz", "/readyz", "/metrics"}
	for _, path := range []string{"/", "/index*", "/docs*", "/contexts/*", "/errors/*", "/dev/*", "/console/*", "/sandbox-bank/*"} {
		list = append(list, prefix+path)
	}
	return list
}

// learn names the ids of the demo: organizations by slug, people by the local
// part of their address, those of other with "other-" before it, what they are in
// their organization with "-member" behind it and who is invited with
// "-invitation", places, employees and meetings by the first word, the API key,
// and the bank connection bank.
func (in *Instance) learn() map[string]string {
	known := map[string]string{}
	type item struct{ ID, Slug, Name, Notes, Username, Email string }
	var page struct {
		Members []item `json:"hydra:member"`
	}
	in.As("operator@demo.example", "").Do("GET", "/organizations", "").JSON(in.t, &page)
	for _, o := range page.Members {
		known[o.Slug] = o.ID
	}
	in.As("owner@demo.example", "demo").Do("GET", "/locations", "").JSON(in.t, &page)
	for _, l := range page.Members {
		word, _, _ := strings.Cut(strings.ToLower(l.Name), " ")
		known[word] = l.ID
	}
	in.As("owner@demo.example", "demo").Do("GET", "/employees", "").JSON(in.t, &page)
	for _, e := range page.Members {
		word, _, _ := strings.Cut(strings.ToLower(e.Name), " ")
		known[word] = e.ID
	}
	in.As("owner@demo.example", "demo").Do("GET", "/meetings", "").JSON(in.t, &page)
	for _, m := range page.Members {
		word, _, _ := strings.Cut(strings.ToLower(m.Notes), " ")
		known[word] = m.ID
	}
	in.As("owner@demo.example", "demo").Do("GET", "/api-keys", "").JSON(in.t, &page)
	known["demo-key"] = page.Members[0].ID
	in.As("owner@demo.example", "demo").Do("GET", "/integrations", "").JSON(in.t, &page)
	known["bank"] = page.Members[0].ID
	for _, username := range Accounts {
		var me item
		in.As(username, "").Do("GET", "/users/me", "").JSON(in.t, &me)
		known[callName(username)] = me.ID
	}
	for _, username := range []string{"owner@demo.example", "owner@other.example"} {
		in.As(username, "").Do("GET", "/organization-users", "").JSON(in.t, &page)
		for _, m := range page.Members {
			known[callName(m.Email)+"-member"] = m.ID
		}
	}
	in.As("owner@demo.example", "demo").Do("GET", "/organization-user-invitations", "").JSON(in.t, &page)
	for _, i := range page.Members {
		known[callName(i.Email)+"-invitation"] = i.ID
	}
	return known
}

// callName is what the demo calls the user with the address.
func callName(username string) string {
	local, domain, _ := strings.Cut(username, "@")
	if strings.HasPrefix(domain, "other") {
		local = "other-" + local
	}
	return local
}
