// Package blank gives tests databases that have sede's tables and no rows. They are
// copies of one, which is made once for each engine: migrating costs more than most
// tests.
package blank

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"sede/internal/db"
	"sede/internal/sedetest/pgcluster"
)

// Config is where a fresh database is, which is gone when the test ends.
func Config(t testing.TB, engine db.Engine) db.Config {
	t.Helper()
	if engine == db.PostgreSQL {
		return db.Config{URL: pgcluster.Database(t, "blank", func(ctx context.Context, url string) error {
			return migrate(ctx, db.Config{URL: url})
		})}
	}
	content, err := file()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, fileName), content, 0o600); err != nil {
		t.Fatal(err)
	}
	return db.Config{Dir: dir}
}

// fileName is SQLite's file in the folder of a Config.
const fileName = "sede.db"

// file is an SQLite database with the tables.
var file = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "blank-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := migrate(context.Background(), db.Config{Dir: dir}); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, fileName))
})

func migrate(ctx context.Context, at db.Config) error {
	d, err := db.Open(ctx, at)
	if err != nil {
		return err
	}
	_, err = d.Migrate(ctx)
	return errors.Join(err, d.Close())
}
