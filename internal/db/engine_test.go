package db_test

import (
	"context"
	"testing"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/sedetest/blank"
)

// thing is the table that the tests work with, and one that refers to it.
const thing = `
CREATE TABLE thing (
	organization_id {{.ID}} NOT NULL,
	id {{.ID}} NOT NULL,
	name {{.Text}} NOT NULL,
	name_fold {{.Text}} NOT NULL,
	size {{.Int}},
	at {{.Time}},
	active {{.Bool}} NOT NULL DEFAULT {{.True}},
	owner {{.ID}},
	rank {{.Int}} NOT NULL DEFAULT 0,
	born {{.Time}} NOT NULL DEFAULT {{if .SQLite}}0{{else}}'epoch'{{end}},
	PRIMARY KEY (organization_id, id)
) {{.Strict}};
CREATE UNIQUE INDEX thing_name ON thing (organization_id, name);
CREATE INDEX thing_name_fold ON thing (organization_id, name_fold, id);
CREATE INDEX thing_rank ON thing (organization_id, rank, id);
CREATE INDEX thing_born ON thing (organization_id, born, id);
{{.Tenant "thing"}}
CREATE TABLE part (
	organization_id {{.ID}} NOT NULL,
	id {{.ID}} NOT NULL,
	thing_id {{.ID}} NOT NULL,
	PRIMARY KEY (organization_id, id),
	FOREIGN KEY (organization_id, thing_id) REFERENCES thing (organization_id, id)
) {{.Strict}};
{{.Tenant "part"}}
CREATE TABLE kinds (
	id {{.ID}}, n {{.Int}}, f {{.Float}}, s {{.Text}}, b {{.Bytes}}, t {{.Time}}, ok {{.Bool}}, k {{.Int}} NOT NULL PRIMARY KEY
) {{.Strict}};
`

// opener opens a fresh database, with the tables of thing, under a Config that
// change may change.
type opener func(t testing.TB, change func(*db.Config)) *db.DB

func openSQLite(t testing.TB, change func(*db.Config)) *db.DB {
	return prepare(t, blank.Config(t, db.SQLite), change)
}

func openPostgreSQL(t testing.TB, change func(*db.Config)) *db.DB {
	cfg := blank.Config(t, db.PostgreSQL)
	cfg.MaxConns = 8
	return prepare(t, cfg, change)
}

func prepare(t testing.TB, cfg db.Config, change func(*db.Config)) *db.DB {
	t.Helper()
	plain, err := db.Open(t.Context(), cfg)
	must(t, err)
	must(t, plain.Write(t.Context(), access.Instance(), func(tx *db.Tx) error {
		return tx.Script(plain.Render(thing))
	}))
	if change == nil {
		t.Cleanup(func() { must(t, plain.Close()) })
		return plain
	}
	must(t, plain.Close())
	change(&cfg)
	d, err := db.Open(t.Context(), cfg)
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	return d
}

// each runs a test on both engines at the same time.
func each(t *testing.T, test func(t *testing.T, open opener)) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) { t.Parallel(); test(t, openSQLite) })
	t.Run("PostgreSQL", func(t *testing.T) { t.Parallel(); test(t, openPostgreSQL) })
}

// with is each for tests that need no special Config.
func with(t *testing.T, test func(t *testing.T, d *db.DB)) {
	each(t, func(t *testing.T, open opener) { test(t, open(t, nil)) })
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// org returns a new organization.
func org(ids *ident.Source) access.Scope { return access.System(ids.New()) }

func newIDs() *ident.Source { return ident.NewSource(nil, nil) }

// add inserts a thing.
func add(tx *db.Tx, id ident.ID, name string) error {
	_, err := tx.Exec("INSERT INTO thing (organization_id, id, name, name_fold) VALUES ($1, $2, $3, $4)",
		tx.Scope().Organization(), id, name, db.Fold(name))
	return err
}

// names returns the names of all things the scope may see, without a WHERE.
func names(t testing.TB, d *db.DB, scope access.Scope) []string {
	t.Helper()
	var list []string
	must(t, d.Read(context.Background(), scope, func(tx *db.Tx) error {
		where := ""
		if d.Engine() == db.SQLite && !scope.IsInstance() {
			where = " WHERE organization_id = $1"
		}
		var args []any
		if where != "" {
			args = []any{scope.Organization()}
		}
		rows := tx.Query("SELECT name FROM thing"+where+" ORDER BY name", args...)
		defer rows.Close()
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				return err
			}
			list = append(list, s)
		}
		return rows.Err()
	}))
	return list
}
