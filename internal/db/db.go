// Package db keeps sede's rows in SQLite or PostgreSQL behind one small
// interface: Read and Write run a closure with a Tx, and the Tx runs SQL.
//
// Every statement is one text for both engines, with parameters $1 to $n. What
// the engines do differently is settled here: types (see Tx.Query), null and
// text order, constraint names (see IsUnique), migrations and paging (Listing).
//
// On SQLite all writes go through one goroutine. It takes what waits, runs each
// closure so that its failure undoes its own work only, commits once and answers
// everybody after the commit is on disk; see writer. Reads have connections of their own and
// see every write that was answered before they began. On PostgreSQL a Write
// sends BEGIN with its first statement and COMMIT with its last queued ones;
// the organization of the access.Scope travels along, and row-level security
// holds every statement to it.
package db

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"sede/internal/access"
	"sede/internal/clock"
)

// Engine is a kind of database.
type Engine uint8

// The engines.
const (
	SQLite Engine = iota
	PostgreSQL
)

// String returns the name people know.
func (e Engine) String() string {
	if e == PostgreSQL {
		return "PostgreSQL"
	}
	return "SQLite"
}

// Config says where the database is and how to use it. The zero Config is a
// durable SQLite file in the working folder.
type Config struct {
	URL         string // postgres://user:password@host/name; empty: SQLite, file sede.db in Dir
	Dir         string // folder of the SQLite file, made when it is missing; empty: "."
	Synchronous string // SQLite: "full" (default): a commit survives a power cut; "normal": only a crash of the process
	Readers     int    // SQLite: reading connections, default 4
	MaxConns    int    // PostgreSQL: largest number of connections; 0: what the URL says, or pgxpool's default

	Clock clock.Clock  // default clock.System
	Log   *slog.Logger // default: discards

	// Interrupt is for tests: when set, it is called before every statement
	// ("query" or "exec") and before every commit ("commit"). An error makes
	// that step fail with it.
	Interrupt func(op string) error
}

// DB is an open database. It is safe for concurrent use.
type DB struct {
	engine  Engine
	cfg     Config
	lite    *lite     // SQLite only
	pg      *postgres // PostgreSQL only
	anchors anchors
	texts   textIndexes
	holds   holds
	clocks  atomic.Bool // SQLite: there may be clocks that are ahead
}

// ErrClosed is the answer after Close.
var ErrClosed = errors.New("db: closed")

// ErrNoRows is what Row.Scan returns when nothing was found.
var ErrNoRows = errors.New("db: no rows")

// Open opens the database and checks that it can be used; it does not migrate.
// The error says what is wrong and where: a folder that can't be written, a
// server that is not there, refuses the password or is too old.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	if cfg.Clock == nil {
		cfg.Clock = clock.System{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Readers <= 0 {
		cfg.Readers = 4
	}
	if cfg.Dir == "" {
		cfg.Dir = "."
	}
	d := &DB{cfg: cfg, texts: textIndexes{limits: usualTextLimits}}
	var err error
	switch {
	case cfg.URL == "":
		d.lite, err = openLite(&d.cfg)
	case strings.HasPrefix(cfg.URL, "postgres://"), strings.HasPrefix(cfg.URL, "postgresql://"):
		d.engine = PostgreSQL
		d.pg, err = openPostgres(ctx, &d.cfg)
	default:
		err = errors.New("db: the database URL must begin with postgres:// (leave it empty for SQLite)")
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// Engine returns the engine in use.
func (d *DB) Engine() Engine { return d.engine }

// Close finishes the writes that wait, refuses new work with ErrClosed, and
// closes all connections. SQLite's log is written back into the file.
func (d *DB) Close() error {
	if d.pg != nil {
		return d.pg.close()
	}
	return d.lite.close()
}

// Read runs fn with a Tx that can't write. On SQLite everything fn reads comes
// from one moment, except that a first Row which finds nothing does not fix
// that moment yet. On PostgreSQL each statement (with the Ahead ones before it)
// has a moment of its own. Reads under a ctx that ends are given up with the
// ctx's error, a long statement within a tenth of a second.
func (d *DB) Read(ctx context.Context, scope access.Scope, fn func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if d.pg != nil {
		return d.pg.read(ctx, d, scope, fn)
	}
	return d.lite.read(ctx, d, scope, fn)
}

// Snapshot is a Read in which everything comes from one moment on both engines. On
// SQLite the log grows until it ends, on PostgreSQL nothing old is cleaned up, so
// fn must not wait for people.
func (d *DB) Snapshot(ctx context.Context, scope access.Scope, fn func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if d.pg != nil {
		return d.pg.snapshot(ctx, d, scope, fn)
	}
	return d.lite.snapshot(ctx, d, scope, func(tx *Tx) error {
		if err := tx.Row(`SELECT count(*) FROM sqlite_schema`).Scan(new(int64)); err != nil { // which fixes the moment
			return err
		}
		return fn(tx)
	})
}

// Write runs fn in a transaction and returns nil only when it is committed and
// durable. An error or a panic of fn rolls back: the error is returned as it
// is, the panic becomes an error and its stack is logged. An error of COMMIT is
// returned too; after a lost connection nobody knows whether it happened.
//
// fn must be repeatable: on PostgreSQL it is run again, up to five times, when
// the server gave it up for others (serialization failure, deadlock) or the
// connection broke before COMMIT was sent. It must not call Write itself, since
// on SQLite it runs on the one goroutine that writes, and for the same reason
// it must not wait for anything. When ctx ends before fn's turn, fn is not run.
func (d *DB) Write(ctx context.Context, scope access.Scope, fn func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if d.pg != nil {
		return d.pg.write(ctx, d, scope, fn)
	}
	return d.lite.writer.write(ctx, d, scope, fn)
}

// Hook is something to be done in every Write under a context.
type Hook interface {
	// Begin runs as the first thing in the transaction.
	Begin(*Tx) error
	// End runs as the last thing before the commit, if the closure succeeded.
	End(*Tx) error
}

type hookKey struct{}

// hooks is a list from the innermost hook outwards.
type hooks struct {
	hook  Hook
	outer *hooks
}

// WithHook returns a context under which every Write runs the hook, inside the
// hooks that ctx already has. An error from the hook rolls back and is returned
// by Write as it is. Like the closure, a hook must be repeatable.
func WithHook(ctx context.Context, h Hook) context.Context {
	return context.WithValue(ctx, hookKey{}, &hooks{hook: h, outer: hooksOf(ctx)})
}

// WithoutHooks returns a context under which Writes run no hooks: for what is
// written beside the work that they are for.
func WithoutHooks(ctx context.Context) context.Context {
	return context.WithValue(ctx, hookKey{}, (*hooks)(nil))
}

func hooksOf(ctx context.Context) *hooks {
	h, _ := ctx.Value(hookKey{}).(*hooks)
	return h
}

// run calls Begin of the outermost hook first and End of it last, fn inside.
func (h *hooks) run(tx *Tx, fn func(*Tx) error) error {
	if h == nil {
		return fn(tx)
	}
	return h.outer.run(tx, func(tx *Tx) error {
		if err := h.hook.Begin(tx); err != nil {
			return err
		}
		if err := fn(tx); err != nil {
			return err
		}
		return h.hook.End(tx)
	})
}

// call runs a writing closure with its hooks and turns a panic into an error.
// A statement that failed fails the whole closure, even if fn kept silent about
// it, because PostgreSQL can't go on after one either.
func (d *DB) call(tx *Tx, fn func(*Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			d.cfg.Log.Error("db: panic in a transaction", "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("db: panic in a transaction: %v", p)
		}
	}()
	if err := hooksOf(tx.ctx).run(tx, fn); err != nil {
		return err
	}
	for len(tx.before) > 0 {
		fn := tx.before[0]
		tx.before = tx.before[1:]
		if err := fn(); err != nil {
			return err
		}
	}
	tx.closeRows()
	return tx.failed
}

// interrupt runs the test seam.
func (d *DB) interrupt(op string) error {
	if d.cfg.Interrupt == nil {
		return nil
	}
	return d.cfg.Interrupt(op)
}

// Status is what an operator wants to know about the database.
type Status struct {
	Engine  Engine
	Version string   // of the engine, e.g. "3.51.0"
	Bytes   int64    // on disk
	Schema  int      // version of the last migration applied
	Latest  int      // version this sede brings
	Pending []string // names of the migrations not yet applied
	// RowSecurity is false when the PostgreSQL role is allowed to pass by
	// row-level security, so that only sede's own SQL keeps organizations apart.
	RowSecurity bool
}

// Status asks the database about itself.
func (d *DB) Status(ctx context.Context) (Status, error) {
	s := Status{Engine: d.engine}
	current, latest, err := d.SchemaVersion(ctx)
	if err != nil {
		return s, err
	}
	s.Schema, s.Latest = current, latest
	for _, m := range migrationFiles() {
		if m.version > current {
			s.Pending = append(s.Pending, m.name)
		}
	}
	if d.pg != nil {
		err = d.pg.status(ctx, d, &s)
	} else {
		err = d.lite.status(ctx, d, &s)
	}
	return s, err
}

// Check returns nil when the database answers and has this sede's schema.
func (d *DB) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	current, latest, err := d.SchemaVersion(ctx)
	switch {
	case err != nil:
		return err
	case current < latest:
		return fmt.Errorf("db: %d migrations are pending", latest-current)
	case current > latest:
		return newerSchema(current, latest)
	}
	return nil
}

// Analyze has PostgreSQL count again what a table holds, which it does by itself
// only a minute after many rows were added, and until then may choose an index that
// is of no use. On SQLite it does nothing.
func (d *DB) Analyze(ctx context.Context, table string) error {
	if d.engine == SQLite {
		return nil
	}
	return d.Write(ctx, access.Instance(), func(tx *Tx) error {
		_, err := tx.Exec("ANALYZE (SKIP_LOCKED) " + table)
		return err
	})
}
