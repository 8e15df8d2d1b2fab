package db

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/pressly/goose/v3"
)

// Kind is what a column holds, whatever the engine calls that.
type Kind string

// The kinds of columns, see Tx for their types.
const (
	KindID    Kind = "ID"
	KindTime  Kind = "TIME"
	KindBool  Kind = "BOOL"
	KindInt   Kind = "INT"
	KindFloat Kind = "FLOAT"
	KindText  Kind = "TEXT"
	KindBytes Kind = "BYTES"
)

// Table is a table as the migrations make it.
type Table struct {
	Name    string
	Columns []TableColumn
	Key     []string // the columns of the primary key, in its order
	Refers  []string // the tables that foreign keys point at, without itself
}

// TableColumn is one column of a Table.
type TableColumn struct {
	Name string
	Kind Kind
	Null bool // may be NULL
}

// Column finds a column by its name.
func (t *Table) Column(name string) (TableColumn, bool) {
	i := slices.IndexFunc(t.Columns, func(c TableColumn) bool { return c.Name == name })
	if i < 0 {
		return TableColumn{}, false
	}
	return t.Columns[i], true
}

// Schema returns the tables of this sede by name. It asks no database: the
// migrations are run in memory, with the names of kinds for types, which takes
// some 50 ms.
func Schema(ctx context.Context) (map[string]*Table, error) {
	files, err := renderMigrations(dialect{engine: SQLite, kinds: true})
	if err != nil {
		return nil, err
	}
	conn, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	conn.SetMaxOpenConns(1) // each connection has a memory of its own
	provider, err := goose.NewProvider(goose.DialectSQLite3, conn, files, goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, err
	}
	if _, err := provider.Up(ctx); err != nil {
		return nil, fmt.Errorf("db: migrations in memory: %w", err)
	}
	names, err := column(ctx, conn, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' AND name <> '`+versionTable+`'`)
	if err != nil {
		return nil, err
	}
	tables := make(map[string]*Table, len(names))
	for _, name := range names {
		if tables[name], err = describeTable(ctx, conn, name); err != nil {
			return nil, err
		}
	}
	return tables, nil
}

func describeTable(ctx context.Context, conn *sql.DB, name string) (t *Table, err error) {
	t = &Table{Name: name}
	if t.Key, err = column(ctx, conn, `SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk`, name); err != nil {
		return nil, err
	}
	if t.Refers, err = column(ctx, conn, `SELECT DISTINCT "table" FROM pragma_foreign_key_list(?) WHERE "table" <> ? ORDER BY 1`, name, name); err != nil {
		return nil, err
	}
	rows, err := conn.QueryContext(ctx, `SELECT name, type, "notnull" = 0 AND pk = 0 FROM pragma_table_info(?) ORDER BY cid`, name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c TableColumn
		if err := rows.Scan(&c.Name, &c.Kind, &c.Null); err != nil {
			return nil, err
		}
		t.Columns = append(t.Columns, c)
	}
	return t, rows.Err()
}

// column reads the only column of a query.
func column(ctx context.Context, conn *sql.DB, text string, args ...any) (list []string, err error) {
	rows, err := conn.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, rows.Err()
}
