// Package app puts sede together: it opens the database, makes the features,
// lets them know each other where one must react to another, and serves their
// resources. It is the only package that imports features.
package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"

	"github.com/alexedwards/argon2id"

	"sede/internal/audit"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/feature"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/web"
)

// Config is everything that sede can be told. The zero Config is a durable
// SQLite database in the working folder.
type Config struct {
	Database     string         // postgres://…; empty: SQLite in Dir
	Dir          string         // the data folder
	Synchronous  string         // SQLite: full or normal
	BaseURL      string         // under which callers reach sede; empty: as each request says
	Prefix       string         // of all paths, empty or e.g. /api
	Keys         hydra.Keys     // how Hydra's keys are spelled
	Version      string         // of the program
	SecretKey    []byte         // seals what is secret at rest, 32 bytes
	CORSOrigins  []string       // who may call from a browser; "*" for all
	Proxies      []netip.Prefix // whose X-Forwarded-For counts
	DemoPassword string         // of the demo accounts; empty: a random one
	Log          *slog.Logger

	Clock     clock.Clock             // default: the system's
	Random    io.Reader               // default: the system's
	Interrupt func(step string) error // for tests, see db.Config
	Hashing   *argon2id.Params        // of passwords; nil: as strong as it should be
}

// App is a running sede, all but its listener.
type App struct {
	config   Config
	db       *db.DB
	features features
	api      *hydra.API
	handler  http.Handler
}

// New opens and migrates the database and puts everything together. The error
// says what is wrong with the configuration or the database.
func New(ctx context.Context, config Config) (*App, error) {
	if config.Clock == nil {
		config.Clock = clock.System{}
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	database, err := db.Open(ctx, db.Config{
		URL: config.Database, Dir: config.Dir, Synchronous: config.Synchronous,
		Clock: config.Clock, Log: config.Log, Interrupt: config.Interrupt,
	})
	if err != nil {
		return nil, err
	}
	a := &App{config: config, db: database}
	if err := a.assemble(ctx); err != nil {
		return nil, closing(database, err)
	}
	return a, nil
}

// closing closes what was opened before err, and returns err.
func closing(c io.Closer, err error) error {
	if second := c.Close(); second != nil {
		return fmt.Errorf("%w (and then: %w)", err, second)
	}
	return err
}

// assemble makes everything that stands on the database.
func (a *App) assemble(ctx context.Context) error {
	applied, err := a.db.Migrate(ctx)
	if err != nil {
		return err
	}
	for _, name := range applied {
		a.config.Log.Info("migrated", "migration", name)
	}
	ids := ident.NewSource(a.config.Clock.Now, a.config.Random)
	platform := feature.Platform{DB: a.db, Audit: audit.New(ids, a.config.Clock), IDs: ids, Clock: a.config.Clock, Log: a.config.Log}
	if a.features, err = newFeatures(ctx, platform, a.config); err != nil {
		return err
	}
	var resources []hydra.Declaration
	var routes []hydra.Route
	var describe []hydra.Describe
	for _, m := range a.features.modules() {
		resources = append(resources, m.Resources...)
		routes = append(routes, m.Routes...)
		describe = append(describe, m.Describe...)
	}
	a.api, err = hydra.New(hydra.Config{
		Title: "sede", Description: "The workspace backend: organizations, people, places.", Version: a.config.Version,
		Prefix: a.config.Prefix, BaseURL: a.config.BaseURL, Keys: a.config.Keys,
		Log: a.config.Log, Clock: a.config.Clock, Authenticate: a.features.accounts.Authenticate,
	}, resources, describe...)
	if err != nil {
		return err
	}
	a.handler = web.New(web.Config{
		Routes: a.api.Handler(routes...), Problem: a.api.WriteProblem, Ready: a.db.Check,
		Address: a.features.accounts.Address, CORSOrigins: a.config.CORSOrigins,
		Version: a.config.Version, Clock: a.config.Clock, Log: a.config.Log,
	})
	return nil
}

// Handler serves all of sede.
func (a *App) Handler() http.Handler { return a.handler }

// API is the set of resources, for those who look at all of them.
func (a *App) API() *hydra.API { return a.api }

// Database is the open database.
func (a *App) Database() *db.DB { return a.db }

// Check returns nil when tokens can be signed. Its error says what is wrong with
// the secret key.
func (a *App) Check(ctx context.Context) error { return a.features.accounts.Check(ctx) }

// ReplaceKeys throws all signing keys away and begins with a new one: every
// token is worthless then, refresh tokens go on.
func (a *App) ReplaceKeys(ctx context.Context) error { return a.features.accounts.ReplaceKeys(ctx) }

// Close finishes the writes that wait and closes the database. Nothing may be
// served any more.
func (a *App) Close() error { return a.db.Close() }
