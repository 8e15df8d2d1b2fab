package sedetest

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
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
	if len(d) == len(later) && len(d) > 0 && &d[0] == &later[0] {
		return nil
	}
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
	// dump returns every row, in order. While nobody writes it is always the same one.
	dump() (Dump, error)
}

// Dump returns every row of the database. Nobody may write to it.
func (in *Instance) Dump() Dump {
	in.t.Helper()
	d, err := in.rows.dump()
	if err != nil {
		in.t.Fatal(err)
	}
	return d
}

// Unchanged fails the test when a row has changed since the dump was taken.
func (in *Instance) Unchanged(before Dump, why string) {
	in.t.Helper()
	if changes := before.Changes(in.Dump()); len(changes) > 0 {
		in.t.Errorf("%s: the database has changed:\n%s", why, strings.Join(changes, "\n"))
	}
}

// sqliteRows keeps the last dump for as long as SQLite says that nobody else committed
// (PRAGMA data_version).
type sqliteRows struct {
	conn    *sqlite.Conn
	version int64
	last    Dump
}

func openSQLite(t testing.TB, path string) rows {
	t.Helper()
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadOnly|sqlite.OpenWAL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &sqliteRows{conn: conn}
}

// dump reads all tables in one transaction.
func (r *sqliteRows) dump() (d Dump, err error) {
	defer sqlitex.Transaction(r.conn)(&err)
	version, err := sqlitex.ResultInt64(r.conn.Prep("PRAGMA data_version"))
	if err != nil || r.last != nil && version == r.version {
		return r.last, err
	}
	var tables []string
	err = sqlitex.ExecuteTransient(r.conn, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`,
		&sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
			tables = append(tables, s.ColumnText(0))
			return nil
		}})
	var text []byte
	for _, table := range tables {
		if err == nil {
			err = sqlitex.Execute(r.conn, "SELECT * FROM "+table, &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
				text = appendRow(append(text[:0], table...), s)
				d = append(d, string(text))
				return nil
			}})
		}
	}
	slices.Sort(d)
	r.version, r.last = version, d
	return d, err
}

func appendRow(b []byte, s *sqlite.Stmt) []byte {
	for i := range s.ColumnCount() {
		b = append(append(append(b, ' '), s.ColumnName(i)...), '=')
		switch s.ColumnType(i) {
		case sqlite.TypeNull:
			b = append(b, "null"...)
		case sqlite.TypeBlob:
			content := make([]byte, s.ColumnLen(i))
			s.ColumnBytes(i, content)
			b = hex.AppendEncode(b, content)
		default:
			b = strconv.AppendQuote(b, s.ColumnText(i))
		}
	}
	return b
}

// postgresRows keeps the last dump for as long as no transaction began or ended that
// wrote, in any database of the server.
type postgresRows struct {
	conn     *pgx.Conn
	snapshot string
	last     Dump
}

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
	return &postgresRows{conn: conn}
}

// dump reads all tables in one statement, and so of one moment.
func (r *postgresRows) dump() (Dump, error) {
	ctx := context.Background()
	var snapshot string
	var tables []string
	err := r.conn.QueryRow(ctx, `SELECT pg_current_snapshot()::text, array_agg(tablename::text ORDER BY tablename) FROM pg_tables
		WHERE schemaname = current_schema()`).Scan(&snapshot, &tables)
	if err != nil || r.last != nil && snapshot == r.snapshot {
		return r.last, err
	}
	var parts []string
	for _, table := range tables {
		parts = append(parts, fmt.Sprintf("SELECT '%[1]s ' || to_json(t)::text FROM %[1]s t", table))
	}
	all, err := r.conn.Query(ctx, strings.Join(parts, " UNION ALL "))
	if err != nil {
		return nil, err
	}
	d, err := pgx.CollectRows(all, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	slices.Sort(d)
	r.snapshot, r.last = snapshot, d
	return d, nil
}
