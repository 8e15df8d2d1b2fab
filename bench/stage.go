package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"sede/internal/app"
	"sede/internal/ident"
	"sede/internal/sedetest/pgcluster"
)

// stage is one engine with its databases and servers.
type stage struct {
	o      *options
	engine string // sqlite or postgres
	dir    string
	admin  *url.URL // of the PostgreSQL server
	made   []string // databases to drop

	organization ident.ID
	token        string // of the owner of the measured organization
	iris         []string

	sede, hand, bare *process
}

var (
	errNoPostgres = errors.New("no PostgreSQL")
	masterKey     = bytes.Repeat([]byte{7}, 32)
)

func newStage(ctx context.Context, o *options, engine, dir string) (*stage, error) {
	s := &stage{o: o, engine: engine, dir: filepath.Join(dir, engine)}
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		return nil, err
	}
	var err error
	switch engine {
	case "sqlite":
	case "postgres":
		err = s.openPostgres(ctx)
	default:
		err = fmt.Errorf("engine %q; known are sqlite and postgres", engine)
	}
	if err == nil {
		err = s.prepare(ctx)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// openPostgres finds or starts a server whose commits are durable.
func (s *stage) openPostgres(ctx context.Context) error {
	if text := os.Getenv("SEDE_TEST_POSTGRES"); text != "" {
		u, err := url.Parse(text)
		s.admin = u
		return err
	}
	u, err := pgcluster.Start("fsync=on", "full_page_writes=on", "synchronous_commit=on",
		"shared_buffers=512MB", "max_wal_size=4GB", "autovacuum=on")
	if err != nil {
		return fmt.Errorf("%w: %w", errNoPostgres, err)
	}
	s.admin = u
	return s.exec(ctx, `DO $$ BEGIN CREATE ROLE sede_bench LOGIN PASSWORD 'sede_bench' NOSUPERUSER NOBYPASSRLS;
		EXCEPTION WHEN duplicate_object THEN NULL; END $$`)
}

func (s *stage) exec(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, s.admin.String())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	return err
}

// database makes a server's database on PostgreSQL, empty or as a copy of
// another one.
func (s *stage) database(ctx context.Context, server, from string) error {
	name := "sede_bench_" + server
	sql := "CREATE DATABASE " + name + " OWNER sede_bench"
	if from != "" {
		sql += " TEMPLATE sede_bench_" + from
	}
	if err := s.exec(ctx, sql); err != nil {
		return err
	}
	s.made = append(s.made, name)
	return nil
}

// where returns folder and URL of the database of a server. sede's role is one
// that row-level security holds.
func (s *stage) where(server string) (dir, database string) {
	dir = filepath.Join(s.dir, server)
	if s.engine == "postgres" {
		u := *s.admin
		if server == "sede" || server == "growth" {
			u.User = url.UserPassword("sede_bench", "sede_bench")
		}
		u.Path = "/sede_bench_" + server
		database = u.String()
	}
	return dir, database
}

// prepare fills the databases and starts the servers.
func (s *stage) prepare(ctx context.Context) error {
	if err := s.place(ctx, "sede"); err != nil {
		return err
	}
	if err := s.seed(ctx, "sede", s.seedAll); err != nil {
		return err
	}
	for _, server := range []string{"hand", "bare"} {
		if err := s.copyDatabase(ctx, server); err != nil {
			return err
		}
	}
	return s.startAll(ctx)
}

// place makes an empty database for a sede.
func (s *stage) place(ctx context.Context, server string) error {
	dir, _ := s.where(server)
	if err := os.Mkdir(dir, 0o700); err != nil || s.engine == "sqlite" {
		return err
	}
	return s.database(ctx, server, "")
}

// seed opens a database through sede itself.
func (s *stage) seed(ctx context.Context, server string, do func(context.Context, *app.App) error) error {
	dir, database := s.where(server)
	a, err := app.New(ctx, app.Config{Dir: dir, Database: database, SecretKey: masterKey, Synchronous: "normal"})
	if err != nil {
		return err
	}
	return errors.Join(do(ctx, a), a.Close())
}

func (s *stage) seedAll(ctx context.Context, a *app.App) error {
	made, err := organizations(ctx, a, "owner", "neighbour")
	if err != nil {
		return err
	}
	s.organization = made[0]
	if err := fill(ctx, a.Database(), s.organization, s.o.rows); err != nil {
		return err
	}
	for i := range neighbours {
		text, _, err := a.CreateOrganization(ctx, "Neighbour "+strconv.Itoa(i), "", "neighbour@bench.example")
		if err != nil {
			return err
		}
		id, err := ident.Parse(text)
		if err != nil {
			return err
		}
		if err := fill(ctx, a.Database(), id, neighbourRows); err != nil {
			return err
		}
	}
	return nil
}

// seedGrowth makes the organizations that are compared with each other.
func (s *stage) seedGrowth(ctx context.Context, a *app.App) error {
	made, err := organizations(ctx, a, "small", "large")
	if err != nil {
		return err
	}
	return errors.Join(fill(ctx, a.Database(), made[0], smallRows), fill(ctx, a.Database(), made[1], s.o.large))
}

// startGrowth starts a sede with the two organizations.
func (s *stage) startGrowth(ctx context.Context) (*process, error) {
	if err := s.place(ctx, "growth"); err != nil {
		return nil, err
	}
	if err := s.seed(ctx, "growth", s.seedGrowth); err != nil {
		return nil, err
	}
	if err := s.analyze(ctx); err != nil {
		return nil, err
	}
	return s.startSede("growth")
}

func (s *stage) copyDatabase(ctx context.Context, server string) error {
	if s.engine == "postgres" {
		return s.database(ctx, server, "sede")
	}
	from, _ := s.where("sede")
	to, _ := s.where(server)
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	in, err := os.Open(filepath.Join(from, "sede.db"))
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(filepath.Join(to, "sede.db"))
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// analyze lets PostgreSQL plan with what is there.
func (s *stage) analyze(ctx context.Context) error {
	for _, name := range s.made {
		u := *s.admin
		u.Path = "/" + name
		conn, err := pgx.Connect(ctx, u.String())
		if err != nil {
			return err
		}
		_, err = conn.Exec(ctx, "VACUUM ANALYZE")
		_ = conn.Close(ctx)
		if err != nil {
			return err
		}
	}
	return nil
}

// startSede starts the program that is measured on one of its databases.
func (s *stage) startSede(server string) (*process, error) {
	dir, database := s.where(server)
	return start(s.dir, []string{"SEDE_LISTEN=127.0.0.1:0", "SEDE_DATA=" + dir, "SEDE_DATABASE=" + database,
		"SEDE_SECRET_KEY=" + hex.EncodeToString(masterKey), "SEDE_RATE_LIMITS=all=off"}, s.o.binary, "serve")
}

// startAll starts the servers, signs in, and has the servers written by hand
// learn what depends on the instance.
func (s *stage) startAll(ctx context.Context) (err error) {
	if err := s.analyze(ctx); err != nil {
		return err
	}
	if s.sede, err = s.startSede("sede"); err != nil {
		return err
	}
	if s.token, err = signIn(ctx, s.sede, "owner"); err != nil {
		return err
	}
	if err := s.pickItems(ctx); err != nil {
		return err
	}
	if s.hand, err = s.startHand(ctx, "hand"); err != nil {
		return err
	}
	s.bare, err = s.startHand(ctx, "bare")
	return err
}

// pickItems notes the IRIs of 5,000 locations from all over the organization.
func (s *stage) pickItems(ctx context.Context) error {
	pages := max(1, s.o.rows/100)
	for page := 1; page <= pages; page += max(1, pages/50) {
		list, err := s.get(ctx, "/locations?itemsPerPage=100&page="+strconv.Itoa(page))
		if err != nil {
			return err
		}
		members, _ := list["hydra:member"].([]any)
		for _, member := range members {
			if iri, ok := member.(map[string]any)["@id"].(string); ok {
				s.iris = append(s.iris, iri)
			}
		}
	}
	return nil
}

// signIn returns the token of an organization's owner.
func signIn(ctx context.Context, p *process, slug string) (string, error) {
	body := `{"username":"` + slug + `@bench.example","password":"` + password + `"}`
	r, err := http.NewRequestWithContext(ctx, "POST", "http://"+p.address+"/login", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := call(r)
	if err != nil {
		return "", err
	}
	token, _ := answer["token"].(string)
	return token, nil
}

// get asks sede as the owner who is signed in, for the measured organization.
func (s *stage) get(ctx context.Context, target string) (map[string]any, error) {
	r, err := http.NewRequestWithContext(ctx, "GET", "http://"+s.sede.address+target, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+s.token)
	return call(r)
}

func call(r *http.Request) (map[string]any, error) {
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s %s: %s\n%s", r.Method, r.URL, answer.Status, content)
	}
	var object map[string]any
	return object, json.Unmarshal(content, &object)
}

// handSettings are what a server written by hand must know: the search
// template, which never changes, is told to it.
func (s *stage) handSettings(ctx context.Context, name string) (*handSettings, error) {
	page, err := once(ctx, s.sede.address, s.reading(s.token, "/locations"))
	if err != nil {
		return nil, err
	}
	at := bytes.Index(page, []byte(`"hydra:search":`))
	if at < 0 {
		return nil, fmt.Errorf("a page without a search template:\n%s", page)
	}
	who, err := s.get(ctx, "/users/me")
	if err != nil {
		return nil, err
	}
	text, _ := who["id"].(string)
	user, err := ident.Parse(text)
	if err != nil {
		return nil, err
	}
	dir, database := s.where(name)
	return &handSettings{
		Dir: dir, Database: database, Token: s.token, Organization: s.organization, User: user,
		Username: owner, Audit: name == "hand", Search: page[at : len(page)-1],
	}, nil
}

// startHand starts a server written by hand on its copy of the database.
func (s *stage) startHand(ctx context.Context, name string) (*process, error) {
	settings, err := s.handSettings(ctx, name)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(settings)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return start(s.dir, []string{handVariable + "=" + string(text)}, self)
}

// close stops the servers and removes the databases.
func (s *stage) close() {
	for _, p := range []*process{s.sede, s.hand, s.bare} {
		if err := p.stop(); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
	}
	for _, name := range s.made {
		if err := s.exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
	}
	_ = os.RemoveAll(s.dir) // the folder above is removed too
}
