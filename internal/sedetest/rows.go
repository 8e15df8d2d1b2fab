package sedetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// Dump is every row of every table, as text.
type Dump []string

// Without returns the rows of other tables than the given ones.
func (d Dump) Without(tables ...string) Dump {
	var kept Dump
	for _, row := range d {
		table, _, _ := strings.Cut(row, " ")
		if !slices.Contains(tables, table) {
			kept = append(kept, row)
		}
	}
	return kept
}

// Changes lists the rows that are in one dump only, "-" in front of those of d
// and "+" of those of the later one.
func (d Dump) Changes(later Dump) []string {
	var changes []string
	i, j := 0, 0
	for i < len(d) || j < len(later) {
		switch {
		case j == len(later) || i < len(d) && d[i] < later[j]:
			changes = append(changes, "- "+d[i])
			i++
		case i == len(d) || later[j] < d[i]:
			changes = append(changes, "+ "+later[j])
			j++
		default:
			i++
			j++
		}
	}
	return changes
}

// rows reads a database past sede.
type rows interface {
	dump() (Dump, error)
}

// Dump returns every row of the database.
func (in *Instance) Dump() Dump {
	in.t.Helper()
	d, err := in.rows.dump()
	if err != nil {
		in.t.Fatal(err)
	}
	slices.Sort(d)
	return d
}

// Unchanged fails the test when a row has changed since the dump was taken.
func (in *Instance) Unchanged(before Dump, why string) {
	in.t.Helper()
	if changes := before.Changes(in.Dump()); len(changes) > 0 {
		in.t.Errorf("%s: the database has changed:\n%s", why, strings.Join(changes, "\n"))
	}
}

type sqliteRows struct{ conn *sqlite.Conn }

func openSQLite(t testing.TB, path string) rows {
	t.Helper()
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadOnly|sqlite.OpenWAL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return sqliteRows{conn}
}

// dump reads all tables in one transaction.
func (r sqliteRows) dump() (d Dump, err error) {
	defer sqlitex.Transaction(r.conn)(&err)
	var tables []string
	err = sqlitex.ExecuteTransient(r.conn, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`,
		&sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
			tables = append(tables, s.ColumnText(0))
			return nil
		}})
	for _, table := range tables {
		if err == nil {
			err = sqlitex.Execute(r.conn, "SELECT * FROM "+table, &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
				d = append(d, sqliteRow(table, s))
				return nil
			}})
		}
	}
	return d, err
}

func sqliteRow(table string, s *sqlite.Stmt) string {
	var b strings.Builder
	b.WriteString(table)
	for i := range s.ColumnCount() {
		b.WriteString(" " + s.ColumnName(i) + "=")
		switch s.ColumnType(i) {
		case sqlite.TypeNull:
			b.WriteString("null")
		case sqlite.TypeBlob:
			content := make([]byte, s.ColumnLen(i))
			s.ColumnBytes(i, content)
			fmt.Fprintf(&b, "%x", content)
		default:
			fmt.Fprintf(&b, "%q", s.ColumnText(i))
		}
	}
	return b.String()
}

type postgresRows struct{ conn *pgx.Conn }

// openPostgres reads the database as its owner, with row-level security told to
// show everything.
func openPostgres(t testing.TB, url string) rows {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(ctx) })
	if _, err := conn.Exec(ctx, "SET sede.organization = '*'"); err != nil {
		t.Fatal(err)
	}
	return &postgresRows{conn}
}

// dump reads all tables in one statement, and so of one moment.
func (r *postgresRows) dump() (d Dump, err error) {
	ctx := context.Background()
	found, err := r.conn.Query(ctx, `SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1`)
	if err != nil {
		return nil, err
	}
	tables, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	var parts []string
	for _, table := range tables {
		parts = append(parts, fmt.Sprintf("SELECT '%[1]s ' || to_json(t)::text FROM %[1]s t", table))
	}
	all, err := r.conn.Query(ctx, strings.Join(parts, " UNION ALL "))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(all, pgx.RowTo[string])
}
