package db_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/sedetest/pgcluster"
)

var update = flag.Bool("update", false, "rewrite the files in testdata")

// lines reads the one text column of a query.
func lines(t *testing.T, d *db.DB, sql string) []string {
	t.Helper()
	var list []string
	must(t, d.Read(t.Context(), access.Instance(), func(tx *db.Tx) error {
		rows := tx.Query(sql)
		defer rows.Close()
		for rows.Next() {
			var s string
			must(t, rows.Scan(&s))
			list = append(list, s)
		}
		return rows.Err()
	}))
	return list
}

// schema describes everything that migrations make.
func schema(t *testing.T, d *db.DB) string {
	if d.Engine() == db.SQLite {
		return strings.Join(lines(t, d, `SELECT sql || ';' FROM sqlite_schema
			WHERE sql IS NOT NULL AND tbl_name NOT IN ('schema_version', 'sqlite_sequence', 'sqlite_stat1') ORDER BY tbl_name, type DESC, name`), "\n") + "\n"
	}
	var b strings.Builder
	for _, sql := range []string{
		`SELECT format('column %s.%s %s%s%s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
				CASE WHEN l.collname NOT IN ('default') THEN ' COLLATE ' || l.collname ELSE '' END,
				CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END,
				COALESCE(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), ''))
			FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
			LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
			LEFT JOIN pg_collation l ON l.oid = a.attcollation
			WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'schema_version'
				AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.relname, a.attnum`,
		`SELECT format('constraint %s.%s %s', c.relname, n.conname, pg_get_constraintdef(n.oid))
			FROM pg_constraint n JOIN pg_class c ON c.oid = n.conrelid
			WHERE n.connamespace = 'public'::regnamespace AND c.relname <> 'schema_version' ORDER BY c.relname, n.conname`,
		`SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'schema_version' ORDER BY tablename, indexname`,
		`SELECT format('policy %s.%s %s %s', tablename, policyname, cmd, qual) FROM pg_policies ORDER BY tablename, policyname`,
		`SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY tgrelid::regclass::text, tgname`,
		`SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
			AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = pg_proc.oid AND d.deptype = 'e') ORDER BY proname`,
	} {
		b.WriteString(strings.Join(lines(t, d, sql), "\n") + "\n\n")
	}
	return b.String()
}

// empty opens a database without tables.
func empty(t *testing.T, engine db.Engine) *db.DB {
	t.Helper()
	cfg := db.Config{Dir: t.TempDir()}
	if engine == db.PostgreSQL {
		cfg = db.Config{URL: pgcluster.Empty(t)}
	}
	d, err := db.Open(t.Context(), cfg)
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	return d
}

func engines(t *testing.T, test func(t *testing.T, engine db.Engine)) {
	t.Parallel()
	for _, e := range []db.Engine{db.SQLite, db.PostgreSQL} {
		t.Run(e.String(), func(t *testing.T) { t.Parallel(); test(t, e) })
	}
}

func TestSchema(t *testing.T) {
	engines(t, func(t *testing.T, engine db.Engine) {
		d := empty(t, engine)
		if err := d.Check(t.Context()); err == nil {
			t.Error("an empty database passes the check")
		}
		applied, err := d.Migrate(t.Context())
		must(t, err)
		if len(applied) != len(db.Versions()) {
			t.Errorf("applied %v", applied)
		}
		applied, err = d.Migrate(t.Context())
		if err != nil || len(applied) != 0 {
			t.Error(applied, err)
		}
		must(t, d.Check(t.Context()))
		got := schema(t, d)
		file := filepath.Join("testdata", "schema_"+map[db.Engine]string{db.SQLite: "sqlite", db.PostgreSQL: "postgres"}[engine]+".txt")
		if *update {
			must(t, os.WriteFile(file, []byte(got), 0o644))
			return
		}
		want, err := os.ReadFile(file)
		must(t, err)
		if got != string(want) {
			t.Errorf("the schema is not the one in %s; if that is meant, run the test with -update\n%s", file, difference(string(want), got))
		}
	})
}

// difference lists the lines that only one text has.
func difference(want, got string) string {
	var b strings.Builder
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for _, l := range w {
		if !slices.Contains(g, l) {
			b.WriteString("- " + l + "\n")
		}
	}
	for _, l := range g {
		if !slices.Contains(w, l) {
			b.WriteString("+ " + l + "\n")
		}
	}
	return b.String()
}

func TestMigrateStepByStep(t *testing.T) {
	engines(t, func(t *testing.T, engine db.Engine) {
		d, once := empty(t, engine), empty(t, engine)
		for _, version := range db.Versions() {
			must(t, d.MigrateTo(t.Context(), version))
			current, _, err := d.SchemaVersion(t.Context())
			if err != nil || current != version {
				t.Errorf("version %d after migrating to %d, %v", current, version, err)
			}
		}
		_, err := once.Migrate(t.Context())
		must(t, err)
		if a, b := schema(t, d), schema(t, once); a != b {
			t.Error(difference(b, a))
		}
	})
}

// TestMigrateAtOnce has several processes start together.
func TestMigrateAtOnce(t *testing.T) {
	engines(t, func(t *testing.T, engine db.Engine) {
		cfg := db.Config{Dir: t.TempDir()}
		if engine == db.PostgreSQL {
			cfg = db.Config{URL: pgcluster.Empty(t)}
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		var applied []string
		for range 4 {
			wg.Go(func() {
				d, err := db.Open(t.Context(), cfg)
				if err != nil {
					t.Error(err)
					return
				}
				defer d.Close()
				names, err := d.Migrate(t.Context())
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				applied = append(applied, names...)
				mu.Unlock()
			})
		}
		wg.Wait()
		if len(applied) != len(db.Versions()) {
			t.Errorf("applied %v", applied)
		}
	})
}

func TestNewerSchemaIsRefused(t *testing.T) {
	with(t, func(t *testing.T, d *db.DB) {
		must(t, d.Write(t.Context(), access.Instance(), func(tx *db.Tx) error {
			_, err := tx.Exec("UPDATE schema_version SET version_id = version_id + 1000")
			return err
		}))
		if _, err := d.Migrate(t.Context()); err == nil {
			t.Error("no error")
		}
		if err := d.Check(t.Context()); err == nil {
			t.Error("no error")
		}
	})
}

// TestSameTables compares the engines: the same tables with the same columns,
// that may be null alike.
func TestSameTables(t *testing.T) {
	t.Parallel()
	lite, pg := openSQLite(t, nil), openPostgreSQL(t, nil)
	a := lines(t, lite, `SELECT t.name || '.' || c.name || CASE WHEN c."notnull" OR c.pk THEN '' ELSE ' NULL' END
		FROM pragma_table_list t, pragma_table_info(t.name) c
		WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND t.name <> 'schema_version' ORDER BY 1`)
	b := lines(t, pg, `SELECT (c.relname || '.' || a.attname || CASE WHEN a.attnotnull THEN '' ELSE ' NULL' END) COLLATE "C"
		FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'schema_version'
			AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1`)
	if !slices.Equal(a, b) {
		t.Errorf("- SQLite, + PostgreSQL\n%s", difference(strings.Join(a, "\n"), strings.Join(b, "\n")))
	}
}

// TestUniqueNames checks the convention of IsUnique on both engines.
func TestUniqueNames(t *testing.T) {
	t.Parallel()
	check := func(table, name, columns string) {
		list := strings.Split(columns, ",")
		for i := range list {
			list[i] = table + "." + list[i]
		}
		if want := db.ConstraintName(list); name != want {
			t.Errorf("unique index %s on %s (%s) must be named %s", name, table, columns, want)
		}
	}
	for _, l := range lines(t, openSQLite(t, nil), `SELECT t.name || ' ' || i.name || ' ' || group_concat(c.name)
		FROM pragma_table_list t, pragma_index_list(t.name) i, pragma_index_info(i.name) c
		WHERE i."unique" AND i.origin = 'c' GROUP BY i.name HAVING count(*) = count(c.name) ORDER BY c.seqno`) {
		f := strings.Fields(l)
		check(f[0], f[1], f[2])
	}
	for _, l := range lines(t, openPostgreSQL(t, nil), `SELECT concat(c.relname, ' ', i.relname, ' ',
			(SELECT string_agg(a.attname, ',' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = i.oid))
		FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
		WHERE x.indisunique AND NOT x.indisprimary AND x.indexprs IS NULL AND c.relnamespace = 'public'::regnamespace`) {
		f := strings.Fields(l)
		check(f[0], f[1], f[2])
	}
}

func TestAuditLogIsAppendOnly(t *testing.T) {
	with(t, func(t *testing.T, d *db.DB) {
		ids := newIDs()
		scope := org(ids)
		must(t, d.Write(t.Context(), scope, func(tx *db.Tx) error {
			_, err := tx.Exec(`INSERT INTO audit_log (organization_id, seq, id, at, actor_name, operator, address, agent, action,
				resource, resource_key, previous_hash, hash) VALUES ($1, 1, $2, $3, 'a', $4, '', '', 'create', 'thing', 'k', $5, $5)`,
				scope.Organization(), ids.New(), time.Now(), false, []byte{})
			return err
		}))
		for _, sql := range []string{"UPDATE audit_log SET action = 'x'", "DELETE FROM audit_log"} {
			if err := d.Write(t.Context(), scope, func(tx *db.Tx) error { return second(tx.Exec(sql)) }); err == nil {
				t.Errorf("%s: no error", sql)
			}
		}
	})
}

func TestStatus(t *testing.T) {
	with(t, func(t *testing.T, d *db.DB) {
		s, err := d.Status(t.Context())
		if err != nil || s.Version == "" || s.Bytes == 0 || s.Schema != s.Latest || len(s.Pending) != 0 || !s.RowSecurity {
			t.Error(fmt.Sprintf("%+v", s), err)
		}
	})
}

// TestSchemaInMemory: what Schema says of the tables is what both engines have.
func TestSchemaInMemory(t *testing.T) {
	tables, err := db.Schema(t.Context())
	must(t, err)
	types := map[string]db.Kind{"uuid": db.KindID, "timestamp with time zone": db.KindTime, "boolean": db.KindBool, "bigint": db.KindInt,
		"integer": db.KindInt, "double precision": db.KindFloat, "text": db.KindText, "bytea": db.KindBytes}
	content, err := os.ReadFile(filepath.Join("testdata", "schema_postgres.txt"))
	must(t, err)
	seen := 0
	for line := range strings.Lines(string(content)) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "column ")
		if !ok {
			continue
		}
		seen++
		name, rest, _ := strings.Cut(rest, " ")
		table, column, _ := strings.Cut(name, ".")
		if tables[table] == nil {
			t.Errorf("no table %s", table)
			continue
		}
		c, _ := tables[table].Column(column)
		rest, _, _ = strings.Cut(rest, " DEFAULT ")
		kind, required := strings.CutSuffix(rest, " NOT NULL")
		kind = strings.TrimSuffix(kind, " COLLATE C")
		if types[kind] != c.Kind || c.Kind == "" || required == c.Null {
			t.Errorf("%s is %q in PostgreSQL, Schema says %+v", name, rest, c)
		}
	}
	all := 0
	for _, table := range tables {
		all += len(table.Columns)
		if len(table.Key) == 0 {
			t.Errorf("%s has no key", table.Name)
		}
	}
	if seen != all {
		t.Errorf("PostgreSQL has %d columns, Schema %d", seen, all)
	}
}
