package db

import (
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"testing/fstest"
	"text/template"
)

// migrationFS holds the migrations: one file for both engines, a text/template
// over dialect, in the format of goose ("-- +goose Up", and StatementBegin and
// StatementEnd around statements with a semicolon inside).
//
//go:embed migrations/*.sql
var migrationFS embed.FS

// migration is one file.
type migration struct {
	version int
	name    string // file name without .sql
}

// migrationFiles lists the migrations in order.
func migrationFiles() []migration {
	entries, err := fs.ReadDir(migrationFS, "migrations")
	if err != nil {
		panic("db: embedded migrations: " + err.Error())
	}
	list := make([]migration, 0, len(entries))
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".sql")
		number, _, _ := strings.Cut(name, "_")
		version, err := strconv.Atoi(number)
		if err != nil {
			panic("db: migration without number: " + e.Name())
		}
		list = append(list, migration{version, name})
	}
	return list
}

// renderMigrations returns the migrations as the engine reads them.
func renderMigrations(d dialect) (fs.FS, error) {
	files := fstest.MapFS{}
	for _, m := range migrationFiles() {
		text, err := fs.ReadFile(migrationFS, "migrations/"+m.name+".sql")
		if err != nil {
			return nil, err
		}
		t, err := template.New(m.name).Option("missingkey=error").Parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("db: migration %s: %w", m.name, err)
		}
		var b strings.Builder
		if err := t.Execute(&b, d); err != nil {
			return nil, fmt.Errorf("db: migration %s: %w", m.name, err)
		}
		files[m.name+".sql"] = &fstest.MapFile{Data: []byte(asOne(b.String())), Mode: 0o444}
	}
	return files, nil
}

// asOne makes one statement of a migration in the eyes of goose, which the database
// takes apart better: goose looks for semicolons line by line.
func asOne(migration string) string {
	var b strings.Builder
	b.WriteString("-- +goose Up\n-- +goose StatementBegin\n")
	for line := range strings.Lines(migration) {
		if !strings.HasPrefix(line, "-- +goose ") {
			b.WriteString(line)
		}
	}
	b.WriteString("\n-- +goose StatementEnd\n")
	return b.String()
}

// dialect is what a migration's template works with. Its methods are the macros:
//
//	{{.ID}} {{.Time}} {{.Bool}} {{.Int}} {{.Float}} {{.Text}} {{.JSON}} {{.Bytes}}
//	                     the types, see Tx; integer columns are {{.Int}}, 64 bits
//	{{.True}} {{.False}} for DEFAULT
//	{{.Strict}}          after the closing parenthesis of a table with a primary key
//	{{.NullsFirst}}      behind a column of an index that may be NULL and that collections are ordered by
//	{{.Tenant "table"}}  row-level security by organization_id
//	{{.TenantBy "table" "column"}}  the same by another column
//	{{.Searchable "table" "column" …}}  has an index of texts, see Listing.Texts
//	{{.Erasable "table" "column" …}}    and its index forgets what was changed or removed
//	{{.Fixed "table" "column" …}}       refuses to change the columns of a row, see Column.Fixed
//	{{if .PostgreSQL}}…{{else}}…{{end}}, {{if .SQLite}}
type dialect struct {
	engine Engine
	kinds  bool // types are the names of kinds, see Schema
}

// PostgreSQL and SQLite tell the engines apart.
func (d dialect) PostgreSQL() bool { return d.engine == PostgreSQL }

// SQLite is the opposite of PostgreSQL.
func (d dialect) SQLite() bool { return d.engine == SQLite }

func (d dialect) pick(lite, pg string) string {
	if d.engine == PostgreSQL {
		return pg
	}
	return lite
}

func (d dialect) kind(k Kind, lite, pg string) string {
	if d.kinds {
		return string(k)
	}
	return d.pick(lite, pg)
}

// The types of columns.

// ID is the type of an ident.ID.
func (d dialect) ID() string { return d.kind(KindID, "BLOB", "uuid") }

// Time is the type of a time.Time.
func (d dialect) Time() string { return d.kind(KindTime, "INTEGER", "timestamptz") }

// Bool is the type of a bool.
func (d dialect) Bool() string { return d.kind(KindBool, "INTEGER", "boolean") }

// Int is the type of an int or int64.
func (d dialect) Int() string { return d.kind(KindInt, "INTEGER", "bigint") }

// Float is the type of a float64.
func (d dialect) Float() string { return d.kind(KindFloat, "REAL", "double precision") }

// Text is the type of a string; it sorts by bytes on both engines.
func (d dialect) Text() string { return d.kind(KindText, "TEXT", `text COLLATE "C"`) }

// JSON is the type of a string that holds JSON.
func (d dialect) JSON() string { return d.Text() }

// Bytes is the type of a []byte.
func (d dialect) Bytes() string { return d.kind(KindBytes, "BLOB", "bytea") }

// True is the literal.
func (d dialect) True() string { return d.pick("1", "true") }

// False is the literal.
func (d dialect) False() string { return d.pick("0", "false") }

// Strict has SQLite check types and store rows in the primary key.
func (d dialect) Strict() string {
	if d.kinds {
		return "WITHOUT ROWID" // STRICT knows SQLite's own types only
	}
	return d.pick("STRICT, WITHOUT ROWID", "")
}

// NullsFirst gives an index the order in which collections show nulls; SQLite has
// no other.
func (d dialect) NullsFirst() string { return d.pick("", "NULLS FIRST") }

// Tenant holds every statement on the table to the rows of the transaction's
// organization; see everything.
func (d dialect) Tenant(table string) string { return d.TenantBy(table, "organization_id") }

// TenantBy is Tenant for a table whose organization is in another column.
func (d dialect) TenantBy(table, column string) string {
	if d.engine == SQLite {
		return ""
	}
	setting := "current_setting('sede.organization', true)"
	return fmt.Sprintf(`ALTER TABLE %[1]s ENABLE ROW LEVEL SECURITY;
ALTER TABLE %[1]s FORCE ROW LEVEL SECURITY;
CREATE POLICY organization ON %[1]s USING (
	(SELECT %[3]s = '*') OR %[2]s = (SELECT NULLIF(NULLIF(%[3]s, ''), '*')::uuid)
);`, table, column, setting)
}

// everything is the value of the setting sede.organization that lets a
// transaction see all organizations; an empty value lets it see none.
const everything = "*"

// Searchable are the statements of a migration that has the texts of a table
// indexed: its rows are noted in text_pending when they are new, when one of the
// columns changes, and now.
func (d dialect) Searchable(table string, columns ...string) string {
	fill := `INSERT INTO text_pending (organization_id, collection, id, changes) SELECT organization_id, '` + table + `', id, 1 FROM ` + table + `;`
	differ := make([]string, len(columns))
	of := strings.Join(columns, ", ")
	if d.engine == PostgreSQL {
		for n, c := range columns {
			differ[n] = "OLD." + c + " IS DISTINCT FROM NEW." + c
		}
		trigger := "CREATE TRIGGER " + table + "_text_%s AFTER %s ON " + table + " FOR EACH ROW %s EXECUTE FUNCTION note_text();\n"
		return fmt.Sprintf(trigger, "insert", "INSERT", "") +
			fmt.Sprintf(trigger, "update", "UPDATE OF "+of, "WHEN ("+strings.Join(differ, " OR ")+")") + fill
	}
	for n, c := range columns {
		differ[n] = "OLD." + c + " IS NOT NEW." + c
	}
	trigger := "-- +goose StatementBegin\nCREATE TRIGGER " + table + "_text_%s AFTER %s ON " + table + " %s BEGIN\n" +
		"\tINSERT INTO text_pending (organization_id, collection, id, changes) VALUES (NEW.organization_id, '" + table + "', NEW.id, 1)\n" +
		"\t\tON CONFLICT (organization_id, collection, id) DO UPDATE SET changes = text_pending.changes + 1;\nEND;\n-- +goose StatementEnd\n"
	return fmt.Sprintf(trigger, "insert", "INSERT", "") +
		fmt.Sprintf(trigger, "update", "UPDATE OF "+of, "WHEN "+strings.Join(differ, " OR ")) + fill
}

// Erasable are the statements of a migration that has the index of texts of a
// Searchable table forget what its rows were: in text_pending it is noted that
// segments may have them as they were.
func (d dialect) Erasable(table string, columns ...string) string {
	if d.engine == PostgreSQL {
		return "CREATE TRIGGER " + table + "_text_delete AFTER DELETE ON " + table + " FOR EACH ROW EXECUTE FUNCTION note_text();"
	}
	differ := make([]string, len(columns))
	for n, c := range columns {
		differ[n] = "OLD." + c + " IS NOT NEW." + c
	}
	trigger := "-- +goose StatementBegin\nCREATE TRIGGER " + table + "_text_%s AFTER %s ON " + table + " %s BEGIN\n" +
		"\tINSERT INTO text_pending (organization_id, collection, id, changes, stale) VALUES (OLD.organization_id, '" + table + "', OLD.id, 1, true)\n" +
		"\t\tON CONFLICT (organization_id, collection, id) DO UPDATE SET changes = text_pending.changes + 1, stale = true;\nEND;\n-- +goose StatementEnd\n"
	return "DROP TRIGGER " + table + "_text_update;\n" +
		fmt.Sprintf(trigger, "update", "UPDATE OF "+strings.Join(columns, ", "), "WHEN "+strings.Join(differ, " OR ")) +
		fmt.Sprintf(trigger, "delete", "DELETE", "")
}

// Fixed are the statements of a migration that has the database refuse to change the
// columns of a row.
func (d dialect) Fixed(table string, columns ...string) string {
	differ, is := make([]string, len(columns)), d.pick(" IS NOT NEW.", " IS DISTINCT FROM NEW.")
	for n, c := range columns {
		differ[n] = "OLD." + c + is + c
	}
	trigger := "CREATE TRIGGER " + table + "_fixed BEFORE UPDATE OF " + strings.Join(columns, ", ") + " ON " + table
	when := "WHEN (" + strings.Join(differ, " OR ") + ")"
	if d.engine == PostgreSQL {
		return trigger + " FOR EACH ROW " + when + " EXECUTE FUNCTION refuse_fixed();\n"
	}
	return "-- +goose StatementBegin\n" + trigger + " " + when + " BEGIN\n\tSELECT RAISE(ABORT, 'a fixed column of " + table + " was to be changed');\nEND;\n-- +goose StatementEnd\n"
}
