package db

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"

	"sede/internal/access"
)

// postgres is a PostgreSQL database: pgx's pool, and on each connection a
// pgSession.
type postgres struct {
	pool   *pgxpool.Pool
	closed atomic.Bool
}

// oldestServer is the first server version that sede works with.
const oldestServer = 14

func openPostgres(ctx context.Context, cfg *Config) (*postgres, error) {
	pc, err := pgxpool.ParseConfig(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("db: the database URL can't be read: %w", err)
	}
	if cfg.MaxConns > 0 {
		pc.MaxConns = int32(cfg.MaxConns)
	}
	configure(pc.ConnConfig)
	pc.AfterConnect = func(_ context.Context, c *pgx.Conn) error {
		c.PgConn().CustomData()[sessionKey] = newSession(c.PgConn())
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return nil, fmt.Errorf("db: %w", err)
	}
	p := &postgres{pool: pool}
	if err := p.checkServer(ctx, cfg); err != nil {
		pool.Close()
		return nil, err
	}
	return p, nil
}

// configure sets what every connection needs. A context that ends stops the
// statement on the server, a moment later so that a short one can finish, and
// keeps the connection.
func configure(c *pgx.ConnConfig) {
	c.DefaultQueryExecMode = pgx.QueryExecModeExec
	c.StatementCacheCapacity = 0
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 10 * time.Second
	}
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "sede"
	}
	c.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{
			Conn: c, CancelRequestDelay: 20 * time.Millisecond, DeadlineDelay: 5 * time.Second,
		}
	}
}

// checkServer makes the first connection and refuses a server that can't be
// worked with.
func (p *postgres) checkServer(ctx context.Context, cfg *Config) error {
	conn, err := p.pool.Acquire(ctx)
	if err != nil {
		return refusal(err)
	}
	defer conn.Release()
	pc := conn.Conn().PgConn()
	version := pc.ParameterStatus("server_version")
	if major, _ := strconv.Atoi(leadingDigits(version)); major < oldestServer {
		return fmt.Errorf("db: the server is PostgreSQL %s, sede needs %d or newer", version, oldestServer)
	}
	if encoding := pc.ParameterStatus("server_encoding"); encoding != "UTF8" {
		return fmt.Errorf("db: the database has the encoding %s, sede needs UTF8", encoding)
	}
	var safe bool
	if err := conn.QueryRow(ctx, rowSecuritySQL).Scan(&safe); err != nil {
		return fmt.Errorf("db: %w", err)
	}
	if !safe {
		cfg.Log.Warn("db: the PostgreSQL role passes by row-level security; use one that is neither superuser nor BYPASSRLS")
	}
	return nil
}

const rowSecuritySQL = "SELECT NOT (rolsuper OR rolbypassrls) FROM pg_roles WHERE rolname = current_user"

func leadingDigits(s string) string {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return s[:n]
}

// refusal says in plain words why no connection could be made.
func refusal(err error) error {
	why := "the PostgreSQL server can't be reached"
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch pg.Code {
		case "28P01", "28000":
			why = "the PostgreSQL server refuses the user or the password"
		case "3D000":
			why = "the database does not exist on the PostgreSQL server"
		case "53300":
			why = "the PostgreSQL server has no connection left"
		default:
			why = "the PostgreSQL server refuses the connection"
		}
	}
	return fmt.Errorf("db: %s: %w", why, err)
}

func (p *postgres) close() error {
	if !p.closed.Swap(true) {
		p.pool.Close()
	}
	return nil
}

// session takes a connection from the pool.
func (p *postgres) session(ctx context.Context) (*pgxpool.Conn, *pgSession, error) {
	if p.closed.Load() {
		return nil, nil, ErrClosed
	}
	conn, err := p.pool.Acquire(ctx)
	if err != nil {
		switch {
		case p.closed.Load():
			return nil, nil, ErrClosed
		case ctx.Err() != nil:
			return nil, nil, ctx.Err()
		}
		return nil, nil, refusal(err)
	}
	return conn, conn.Conn().PgConn().CustomData()[sessionKey].(*pgSession), nil
}

// release gives the connection back, and drops it, with all others, when its
// prepared statements no longer fit the schema.
func (p *postgres) release(conn *pgxpool.Conn, s *pgSession) {
	if s.stale {
		p.pool.Reset()
	}
	conn.Release()
}

// snapshot is read within a transaction that sees one moment.
func (p *postgres) snapshot(ctx context.Context, d *DB, scope access.Scope, fn func(*Tx) error) error {
	conn, s, err := p.session(ctx)
	if err != nil {
		return err
	}
	tx := &Tx{db: d, ctx: ctx, scope: scope, pg: s, still: true}
	s.begin(tx)
	defer func() {
		tx.end()
		s.rollback()
		p.release(conn, s)
	}()
	if err = fn(tx); err == nil {
		err = tx.clockless
	}
	return ended(ctx, err)
}

// beginSQL begins what is more than a statement at a time.
func (tx *Tx) beginSQL() string {
	switch {
	case tx.write:
		return "BEGIN"
	case tx.still:
		return "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
	}
	return ""
}

func (p *postgres) read(ctx context.Context, d *DB, scope access.Scope, fn func(*Tx) error) error {
	conn, s, err := p.session(ctx)
	if err != nil {
		return err
	}
	tx := &Tx{db: d, ctx: ctx, scope: scope, pg: s}
	s.begin(tx)
	defer func() {
		tx.end()
		s.leave()
		p.release(conn, s)
	}()
	if err = fn(tx); err == nil {
		err = tx.clockless
	}
	return ended(ctx, err)
}

// ended returns the error of ctx for statements stopped because it ended.
func ended(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if ok && pg.Code == "57014" || pgconn.Timeout(err) || errors.Is(err, context.Canceled) {
		return ctx.Err()
	}
	return err
}

// attempts is how often a closure is run before its failure is final.
const attempts = 5

func (p *postgres) write(ctx context.Context, d *DB, scope access.Scope, fn func(*Tx) error) error {
	for try := 1; ; try++ {
		again, err := p.try(ctx, d, scope, fn)
		if err == nil || !again || try == attempts || ctx.Err() != nil {
			return err
		}
		pause := time.Duration(try) * (time.Millisecond + rand.N(9*time.Millisecond))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}

// try runs a Write once; again says that another try may succeed.
func (p *postgres) try(ctx context.Context, d *DB, scope access.Scope, fn func(*Tx) error) (again bool, err error) {
	conn, s, err := p.session(ctx)
	if err != nil {
		return false, err
	}
	defer p.release(conn, s)
	tx := &Tx{db: d, ctx: ctx, scope: scope, pg: s, write: true}
	s.begin(tx)
	left := true // the closure ended its goroutine, as t.FailNow does
	defer func() {
		if left {
			tx.done = true
			s.abandon()
		}
	}()
	err = d.call(tx, fn)
	left = false
	tx.end()
	if err == nil {
		err = d.interrupt("commit")
	}
	if err != nil {
		s.rollback()
		return s.again(tx.failed), ended(ctx, orHeld(err))
	}
	if err := s.commit(); err != nil {
		if refused := orHeld(err); refused != err {
			return false, refused
		}
		return s.again(err), fmt.Errorf("db: commit: %w", err)
	}
	tx.committed()
	return false, nil
}

func (p *postgres) status(ctx context.Context, d *DB, s *Status) error {
	return d.Read(ctx, access.Instance(), func(tx *Tx) error {
		err := tx.Row("SELECT current_setting('server_version'), pg_database_size(current_database())").Scan(&s.Version, &s.Bytes)
		if err != nil {
			return err
		}
		return tx.Row(rowSecuritySQL).Scan(&s.RowSecurity)
	})
}
