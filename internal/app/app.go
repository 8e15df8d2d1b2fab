// Package app puts sede together: it opens the database, makes the features,
// lets them know each other where one must react to another, and serves their
// resources. It is the only package that imports features.
package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/alexedwards/argon2id"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/bank"
	"sede/internal/blob"
	"sede/internal/clock"
	"sede/internal/console"
	"sede/internal/db"
	"sede/internal/feature"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/mail"
	"sede/internal/payment"
	"sede/internal/sealing"
	"sede/internal/secret"
	"sede/internal/throttle"
	"sede/internal/transfer"
	"sede/internal/web"
	"sede/internal/webhook"
)

// Config is everything that sede can be told. The zero Config is a durable
// SQLite database in the working folder.
type Config struct {
	Database      string            // postgres://…; empty: SQLite in Dir
	Dir           string            // the data folder
	Synchronous   string            // SQLite: full or normal
	BaseURL       string            // under which callers reach sede; empty: as each request says
	LocalURL      string            // stands in links of mail when BaseURL is empty
	Prefix        string            // of all paths, empty or e.g. /api
	Keys          hydra.Keys        // how Hydra's keys are spelled
	Version       string            // of the program
	SecretKey     []byte            // seals what is secret at rest, 32 bytes
	OlderKeys     [][]byte          // open what was sealed with them
	CORSOrigins   []string          // who may call from a browser; "*" for all
	Proxies       []netip.Prefix    // whose X-Forwarded-For counts
	SignUp        bool              // people make their own accounts
	Transfer      transfer.Settings // what may be imported
	TrialDays     int               // for how many days a new organization has all modules; 0: entitlement.TrialDays, below: none
	DemoPassword  string            // of the demo accounts; empty: a random one
	Sample        Sample            // how much there is in demo organizations
	DemoReset     bool              // demo organizations are filled anew every day
	Limits        throttle.Limits   // on requests; the zero value: none
	Mail          *mail.Server      // where mail is handed over; nil: it stays in the development mailbox
	Blobs         string            // where files are kept, see blob.Open; empty: a folder in Dir
	Mailbox       mail.Mailbox      // who may read the development mailbox; empty: local callers
	LocalWebhooks bool              // webhooks may go to addresses of this machine
	Bank          BankSettings      // where Kontomatik is; the zero value: the Sandbox bank only
	Stripe        StripeSettings    // the account that collects money; the zero value: sede bills everybody itself
	Log           *slog.Logger

	// SecretKeys reads SecretKey and OlderKeys anew, in this order, when they may have
	// changed; nil: they stay.
	SecretKeys func() ([][]byte, error)

	Clock     clock.Clock             // default: the system's
	Random    io.Reader               // default: the system's
	Interrupt func(step string) error // for tests, see db.Config
	Hashing   *argon2id.Params        // of passwords; nil: as strong as it should be
}

// TransferSettings say what may be imported.
type TransferSettings = transfer.Settings

// BlobStore is where files are kept, in the words of blob.Open.
func (c *Config) BlobStore() string { return cmp.Or(c.Blobs, filepath.Join(c.Dir, "blobs")) }

// BankSettings say where Kontomatik is.
type BankSettings = bank.Settings

// StripeSettings say which account of Stripe's collects money.
type StripeSettings = payment.Settings

// App is a running sede, all but its listener.
type App struct {
	config   Config
	db       *db.DB
	features features
	jobs     *jobs.Queue
	box      *secret.Box
	sealing  *sealing.Service
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
		a.config.Log.Debug("migrated", "migration", name)
	}
	if n := len(applied); n > 0 {
		a.config.Log.Info("the database was brought up to date", "migrations", n, "last", applied[n-1])
	}
	platform, err := a.platform()
	if err != nil {
		return err
	}
	if a.features, err = newFeatures(ctx, platform, a.config, a.problem); err != nil {
		return err
	}
	a.features.organizations.SetSample(a.refill, a.config.DemoReset)
	all := feature.Module{Routes: platform.Mail.Routes(a.problem), Workers: append(platform.Mail.Workers(), platform.Webhooks.Workers()...), Schedules: a.jobs.Schedules()}
	for _, m := range a.features.modules() {
		all.Resources = append(all.Resources, m.Resources...)
		all.Routes = append(all.Routes, m.Routes...)
		all.Describe = append(all.Describe, m.Describe...)
		all.Pages = append(all.Pages, m.Pages...)
		all.Workers = append(all.Workers, m.Workers...)
		all.Schedules = append(all.Schedules, m.Schedules...)
		all.Due = append(all.Due, m.Due...)
		all.Chores = append(all.Chores, m.Chores...)
		all.Texts = append(all.Texts, m.Texts...)
		platform.Webhooks.Declare(m.Events...)
	}
	all.Resources = append(all.Resources, platform.Webhooks.Resources()...)
	all.Resources = append(all.Resources, a.jobs.Resources()...)
	all.Resources = append(all.Resources, audit.Reader{DB: a.db}.Resources()...)
	all.Routes = append(all.Routes, console.New(a.config.Prefix, a.config.Log).Routes(all.Pages)...)
	if err := a.jobs.Register(all.Workers, all.Schedules); err != nil {
		return err
	}
	if err := a.jobs.RegisterDue(all.Due); err != nil {
		return err
	}
	if a.config.SecretKeys != nil {
		all.Chores = append(all.Chores, jobs.Chore{Name: "secret.keys", Every: KeysEvery, Do: func(context.Context) error { return a.box.Refresh() }})
	}
	a.db.RegisterTexts(all.Texts...)
	all.Chores = append(all.Chores, jobs.Chore{Name: "db.texts", Every: time.Second, Do: a.db.IndexTexts})
	a.jobs.RegisterChores(all.Chores)
	return a.serve(all, platform.Secret)
}

// platform makes what every feature may use.
func (a *App) platform() (feature.Platform, error) {
	c := &a.config
	box, err := secret.NewBox(c.Random, c.SecretKey, c.OlderKeys...)
	if err != nil {
		return feature.Platform{}, err
	}
	box.Follow(c.SecretKeys)
	files, err := blob.Open(c.BlobStore())
	if err != nil {
		return feature.Platform{}, err
	}
	p := feature.Platform{
		DB: a.db, Blobs: files, Problem: a.problem, Clock: c.Clock, Random: c.Random, Secret: box, Log: c.Log,
		IDs: ident.NewSource(c.Clock.Now, c.Random), BaseURL: cmp.Or(c.BaseURL, c.LocalURL) + c.Prefix,
	}
	if p.Random == nil {
		p.Random = rand.Reader
	}
	p.Audit = audit.New(p.IDs, p.Clock)
	p.Jobs = jobs.New(jobs.Config{DB: p.DB, Audit: p.Audit, Clock: p.Clock, IDs: p.IDs, Secret: p.Secret, Random: p.Random, Log: p.Log,
		Alone: p.DB.Engine() == db.SQLite})
	p.Mail = mail.New(mail.Config{DB: p.DB, Jobs: p.Jobs, IDs: p.IDs, Clock: p.Clock, Secret: p.Secret, Log: p.Log, Server: c.Mail, Mailbox: c.Mailbox})
	p.Webhooks = webhook.New(webhook.Config{DB: p.DB, Audit: p.Audit, Jobs: p.Jobs, IDs: p.IDs, Clock: p.Clock, Random: p.Random, Secret: p.Secret, Local: c.LocalWebhooks})
	a.jobs, a.box, a.sealing = p.Jobs, box, sealing.New(p.DB, box, p.Audit)
	return p, nil
}

// problem answers with an error once there is an API.
func (a *App) problem(w http.ResponseWriter, r *http.Request, err error) {
	a.api.WriteProblem(w, r, err)
}

// serve makes the API and its handler.
func (a *App) serve(all feature.Module, box *secret.Box) (err error) {
	a.api, err = hydra.New(hydra.Config{
		Title: "sede", Description: "The workspace backend: organizations and their people, places and hours, meetings, subscriptions and invoices, bank connections.", Version: a.config.Version,
		Prefix: a.config.Prefix, BaseURL: a.config.BaseURL, Keys: a.config.Keys,
		Log: a.config.Log, Clock: a.config.Clock, Authenticate: a.features.accounts.Authenticate, Limit: a.limit(),
		Context: a.features.accounts.WithRequest, Secret: box, Offers: a.features.products.Granting,
		FileSpace: a.config.Transfer.FileSpace(),
	}, all.Resources, all.Describe...)
	if err != nil {
		return err
	}
	a.features.accounts.SetScopes(a.api.Scopes())
	a.handler = web.New(web.Config{
		Routes: a.api.Handler(all.Routes...), Problem: a.problem, Ready: a.db.Check,
		Address: a.features.accounts.Address, CORSOrigins: a.config.CORSOrigins,
		Uploads: map[string]int64{a.config.Prefix + transfer.ImportPath: cmp.Or(a.config.Transfer.Most, transfer.DefaultMost) + 1<<20},
		Version: a.config.Version, Collectors: a.jobs.Collectors(), Clock: a.config.Clock, Log: a.config.Log,
	})
	return nil
}

// limit returns what counts requests against the limits, nil when there are none.
func (a *App) limit() func(h http.Header, r *http.Request, who *access.Caller, class throttle.Class) error {
	if a.config.Limits == (throttle.Limits{}) {
		return nil
	}
	limiter := throttle.New(a.config.Limits, a.config.Clock)
	return func(h http.Header, r *http.Request, who *access.Caller, class throttle.Class) error {
		if who != nil {
			return limiter.Check(h, who, who.Address, class)
		}
		return limiter.Check(h, nil, a.features.accounts.Address(r), class)
	}
}

// ArchiveKey is what others need to trust archives of this instance, in base64.
func (a *App) ArchiveKey(ctx context.Context) (string, error) {
	return a.features.transfers.PublicKey(ctx)
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

// KeysEvery is how often a serving sede looks whether there is a new secret key.
const KeysEvery = 2 * time.Second

// Keys lists the ids of the secret keys, the one that seals first.
func (a *App) Keys() []secret.KeyID { return a.box.Keys() }

// RefreshKeys reads the secret keys anew.
func (a *App) RefreshKeys() error { return a.box.Refresh() }

// Sealing looks at everything that is sealed with secret keys.
func (a *App) Sealing() *sealing.Service { return a.sealing }

// Jobs is the queue of jobs, for those who look at it.
func (a *App) Jobs() *jobs.Queue { return a.jobs }

// Start begins to run jobs, until Close. Without it jobs are enqueued and left to
// another process.
func (a *App) Start() { a.jobs.Start() }

// RunJobs runs the jobs that are due, one after the other, and returns how many
// ran. It is for tests, instead of Start.
func (a *App) RunJobs(ctx context.Context) (int, error) { return a.jobs.RunDue(ctx) }

// Close finishes the jobs that run and the writes that wait, and closes the
// database. Nothing may be served any more.
func (a *App) Close() error {
	if a.jobs != nil {
		a.jobs.Close()
	}
	if a.features.banks != nil {
		return errors.Join(a.features.banks.Close(), a.db.Close())
	}
	return a.db.Close()
}
