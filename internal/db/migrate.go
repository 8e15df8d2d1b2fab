package db

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"net/url"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the same SQLite through database/sql, for goose

	"sede/internal/access"
)

// versionTable is where goose keeps what was applied.
const versionTable = "schema_version"

// Migrate applies the migrations that are missing, each in a transaction of its
// own, and returns their names. Several processes may call it at once: one does
// the work, the others wait. A database of a newer sede is refused.
func (d *DB) Migrate(ctx context.Context) (applied []string, err error) {
	if applied, err = d.migrateTo(ctx, math.MaxInt64); err == nil {
		err = d.learnHolds(ctx)
	}
	return applied, err
}

// migrateTo applies the missing migrations up to a version.
func (d *DB) migrateTo(ctx context.Context, version int64) ([]string, error) {
	current, latest, err := d.SchemaVersion(ctx)
	switch {
	case err != nil:
		return nil, err
	case current == latest:
		return nil, nil
	case current > latest:
		return nil, newerSchema(current, latest)
	}
	files, err := renderMigrations(dialect{engine: d.engine})
	if err != nil {
		return nil, err
	}
	conn, dialect, lock, err := d.migrationConn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if lock != nil {
		defer lock()
	}
	options := []goose.ProviderOption{
		goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true),
		goose.WithSlog(d.cfg.Log), goose.WithVerbose(false),
	}
	if d.pg != nil {
		options = append(options, goose.WithSessionLocker(migrationLock{}))
	}
	provider, err := goose.NewProvider(dialect, conn, files, options...)
	if err != nil {
		return nil, fmt.Errorf("db: migrations: %w", err)
	}
	results, err := provider.UpTo(ctx, version)
	var applied []string
	for _, r := range results {
		applied = append(applied, strings.TrimSuffix(path.Base(r.Source.Path), ".sql"))
	}
	if err != nil {
		return applied, fmt.Errorf("db: migrations: %w", err)
	}
	return applied, nil
}

// migrationConn opens the database once more for goose. On SQLite it also takes
// a lock beside the database, which the returned function gives back.
func (d *DB) migrationConn(ctx context.Context) (*sql.DB, goose.Dialect, func(), error) {
	if d.pg != nil {
		cfg := d.pg.pool.Config().ConnConfig.Copy()
		cfg.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol // which takes several statements at once
		cfg.RuntimeParams["sede.organization"] = everything
		return stdlib.OpenDB(*cfg), goose.DialectPostgres, nil, nil
	}
	lock := flock.New(filepath.Join(d.cfg.Dir, "migrate.lock"))
	if _, err := lock.TryLockContext(ctx, 10*time.Millisecond); err != nil {
		return nil, "", nil, fmt.Errorf("db: waiting for another process that migrates: %w", err)
	}
	unlock := func() { _ = lock.Close() }
	dsn := "file:" + (&url.URL{Path: d.lite.path}).EscapedPath() +
		"?_pragma=busy_timeout(10000)&_pragma=synchronous(FULL)&_pragma=foreign_keys(ON)"
	conn, err := sql.Open("sqlite", dsn)
	if err != nil {
		unlock()
		return nil, "", nil, err
	}
	conn.SetMaxOpenConns(1)
	return conn, goose.DialectSQLite3, unlock, nil
}

// migrationLock keeps other processes away while one migrates PostgreSQL.
type migrationLock struct{}

// SessionLock waits for the lock.
func (migrationLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", lockKey("sede.migrate"))
	return err
}

// SessionUnlock gives the lock back.
func (migrationLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "SELECT pg_advisory_unlock($1)", lockKey("sede.migrate"))
	return err
}

// SchemaVersion returns the version of the last migration applied, 0 for an
// empty database, and the version of the last one this sede brings.
func (d *DB) SchemaVersion(ctx context.Context) (current, latest int, err error) {
	files := migrationFiles()
	latest = files[len(files)-1].version
	err = d.Read(ctx, access.Instance(), func(tx *Tx) error {
		there := "SELECT count(*) > 0 FROM sqlite_schema WHERE name = '" + versionTable + "'"
		if tx.pg != nil {
			there = "SELECT to_regclass('" + versionTable + "') IS NOT NULL"
		}
		var found bool
		if err := tx.Row(there).Scan(&found); err != nil || !found {
			return err
		}
		return tx.Row("SELECT COALESCE(max(version_id), 0) FROM " + versionTable).Scan(&current)
	})
	return current, latest, err
}
