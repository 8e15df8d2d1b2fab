package db_test

import (
	"slices"
	"testing"

	"sede/internal/access"
	"sede/internal/db"
)

// TestRowSecurity proves that PostgreSQL itself keeps organizations apart: the
// statements here have no condition.
func TestRowSecurity(t *testing.T) {
	t.Parallel()
	d := openPostgreSQL(t, nil)
	ids := newIDs()
	a, b := org(ids), org(ids)
	for scope, name := range map[access.Scope]string{a: "a", b: "b"} {
		must(t, d.Write(t.Context(), scope, func(tx *db.Tx) error { return add(tx, ids.New(), name) }))
	}
	for _, test := range []struct {
		name  string
		scope access.Scope
		want  []string
	}{
		{"a", a, []string{"a"}},
		{"b", b, []string{"b"}},
		{"third", org(ids), nil},
		{"zero", access.Scope{}, nil},
		{"instance", access.Instance(), []string{"a", "b"}},
	} {
		if got := names(t, d, test.scope); !slices.Equal(got, test.want) {
			t.Errorf("%s sees %v", test.name, got)
		}
		var changed int64
		must(t, d.Write(t.Context(), test.scope, func(tx *db.Tx) (err error) {
			changed, err = tx.Exec("UPDATE thing SET active = NOT active")
			return err
		}))
		if int(changed) != len(test.want) {
			t.Errorf("%s changed %d rows", test.name, changed)
		}
	}
	err := d.Write(t.Context(), a, func(tx *db.Tx) error {
		_, err := tx.Exec("INSERT INTO thing (organization_id, id, name, name_fold) VALUES ($1, $2, 'x', 'x')", b.Organization(), ids.New())
		return err
	})
	if err == nil {
		t.Error("a wrote into b")
	}
}

// TestTenantTablesAreProtected sweeps all tables: one whose rows all have an
// organization_id
// has row-level security, and texts sort by bytes.
func TestTenantTablesAreProtected(t *testing.T) {
	t.Parallel()
	d := openPostgreSQL(t, nil)
	must(t, d.Read(t.Context(), access.Instance(), func(tx *db.Tx) error {
		rows := tx.Query(`SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity
				AND EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid)
			FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
			WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attname = 'organization_id' AND a.attnotnull`)
		n := 0
		for rows.Next() {
			var table string
			var protected bool
			must(t, rows.Scan(&table, &protected))
			if n++; !protected {
				t.Errorf("table %s has no row-level security: add {{.Tenant %q}} to its migration", table, table)
			}
		}
		if n < 3 {
			t.Errorf("only %d tables found", n)
		}
		rows = tx.Query(`SELECT table_name || '.' || column_name FROM information_schema.columns
			WHERE table_schema = 'public' AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'`)
		for rows.Next() {
			var column string
			must(t, rows.Scan(&column))
			t.Errorf(`%s is not COLLATE "C": use {{.Text}}`, column)
		}
		return rows.Err()
	}))
}
