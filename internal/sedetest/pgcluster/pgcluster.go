// Package pgcluster gives tests a PostgreSQL of their own. The first test of a
// process that asks starts a throw-away cluster from the server binaries it
// finds, on a socket in a temporary folder, without fsync; every test then gets
// a fresh database, cloned from a template that was made once.
//
// The cluster hangs on a shell that holds the reading end of a pipe: when the
// test process ends, in whatever way, the pipe closes, and the shell stops the
// server and removes the folder. SEDE_TEST_POSTGRES names a running server to
// use instead; its user must be allowed to create roles and databases.
//
// Tests connect as a role that is neither superuser nor passes by row-level
// security. Without binaries a test is skipped, but fails where the environment
// has CI set.
package pgcluster

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Migrate fills the database at a URL, to be the template of all others.
type Migrate func(ctx context.Context, url string) error

// role is who the tests connect as; password counts with SEDE_TEST_POSTGRES only.
const (
	role     = "sede_test"
	password = "sede_test"
)

// cluster is the server of this process.
type cluster struct {
	admin    *url.URL // superuser, or who SEDE_TEST_POSTGRES says
	label    string   // begins the names of this process's databases
	strategy string   // how templates are copied: as files, unless the server may be too old

	mu        sync.Mutex // one CREATE DATABASE at a time
	count     int
	templates map[string]string // the databases that are copied
}

// shared holds the one cluster of the process. It is the only state of the
// package: starting one for each test would cost more than the tests.
var shared struct {
	once    sync.Once
	cluster *cluster
	err     error
}

// Database returns the URL of a fresh database that is a copy of the template of that
// name. The first call's migrate makes the template, later ones are not called. The
// database is dropped when the test ends.
func Database(t testing.TB, template string, migrate Migrate) string {
	t.Helper()
	return open(t).clone(t, template, migrate)
}

// Empty returns the URL of a fresh database with nothing in it.
func Empty(t testing.TB) string {
	t.Helper()
	return open(t).clone(t, "", nil)
}

func open(t testing.TB) *cluster {
	t.Helper()
	shared.once.Do(func() { shared.cluster, shared.err = start() })
	switch {
	case shared.err == errNoServer && os.Getenv("CI") == "":
		t.Skip(shared.err)
	case shared.err != nil:
		t.Fatal(shared.err)
	}
	return shared.cluster
}

// start finds or starts the server and makes the role.
func start() (*cluster, error) {
	c := &cluster{label: "sede_" + strconv.Itoa(os.Getpid()) + "_" + strconv.FormatInt(time.Now().UnixNano()%1e9, 36), templates: map[string]string{}}
	if text := os.Getenv("SEDE_TEST_POSTGRES"); text != "" {
		u, err := url.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("pgcluster: SEDE_TEST_POSTGRES: %w", err)
		}
		c.admin = u
	} else {
		u, err := launch(nil)
		if err != nil {
			return nil, err
		}
		c.admin = u
	}
	if err := c.choose(); err != nil {
		return nil, err
	}
	return c, c.exec(c.admin, `DO $$ BEGIN
		CREATE ROLE `+role+` LOGIN PASSWORD '`+password+`' NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
		EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`,
		"GRANT "+role+" TO CURRENT_USER")
}

// choose sets the strategy for the server's version.
func (c *cluster) choose() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.admin.String())
	if err != nil {
		return fmt.Errorf("pgcluster: %w", err)
	}
	defer conn.Close(ctx)
	var version int
	if err := conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int").Scan(&version); err != nil {
		return fmt.Errorf("pgcluster: %w", err)
	}
	if version >= 150000 {
		c.strategy = " STRATEGY file_copy"
	}
	return nil
}

// exec runs statements one after the other on one connection.
func (c *cluster) exec(u *url.URL, statements ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, u.String())
	if err != nil {
		return fmt.Errorf("pgcluster: %w", err)
	}
	defer conn.Close(ctx)
	for _, s := range statements {
		if _, err := conn.Exec(ctx, s); err != nil {
			return fmt.Errorf("pgcluster: %w", err)
		}
	}
	return nil
}

// clone makes a database and has it dropped at the test's end.
func (c *cluster) clone(t testing.TB, template string, migrate Migrate) string {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	from := "template1"
	if migrate != nil {
		if err := c.fill(template, migrate); err != nil {
			t.Fatal(err)
		}
		from = c.templates[template]
	}
	name, err := c.create(from)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.exec(c.admin, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return c.url(name)
}

// fill makes the template, if it is not there.
func (c *cluster) fill(template string, migrate Migrate) error {
	if c.templates[template] != "" {
		return nil
	}
	name, err := c.create("template1")
	if err != nil {
		return err
	}
	if err := migrate(context.Background(), c.url(name)); err != nil {
		return fmt.Errorf("pgcluster: template: %w", err)
	}
	c.templates[template] = name
	return nil
}

func (c *cluster) create(from string) (string, error) {
	c.count++
	name := c.label + "_" + strconv.Itoa(c.count)
	return name, c.exec(c.admin, "CREATE DATABASE "+name+" OWNER "+role+" TEMPLATE "+from+c.strategy)
}

// url returns the address of a database for the tests' role.
func (c *cluster) url(name string) string {
	u := *c.admin
	u.User = url.UserPassword(role, password)
	u.Path = "/" + name
	return u.String()
}
