package db_test

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/null"
)

func TestTypes(t *testing.T) {
	with(t, func(t *testing.T, d *db.DB) {
		id := newIDs().New()
		at := time.Date(2026, 3, 4, 5, 6, 7, 123456789, time.FixedZone("", 3600))
		early := time.Date(1903, 1, 1, 0, 0, 0, 1000, time.UTC)
		number, text, yes := 7, "żółć", true
		rows := [][]any{
			{id, 42, 1.5, "text", []byte{0, 1, 255}, at, true},
			{null.Of(id), null.Of(42), null.Of(1.5), null.Of("text"), null.Of([]byte{0, 1, 255}), null.Of(at), null.Of(true)},
			{&id, &number, nil, &text, []byte(nil), &early, &yes},
			{nil, int64(-1), -0.25, "", []byte{}, early, false},
			{null.Value[ident.ID]{}, null.Value[int]{}, null.Value[float64]{}, null.Value[string]{},
				null.Value[[]byte]{}, null.Value[time.Time]{}, null.Value[bool]{}},
			{(*ident.ID)(nil), (*int64)(nil), (*float64)(nil), (*string)(nil), (*[]byte)(nil), (*time.Time)(nil), (*bool)(nil)},
		}
		must(t, d.Write(t.Context(), access.Instance(), func(tx *db.Tx) error {
			for i, row := range rows {
				if _, err := tx.Exec("INSERT INTO kinds (k, id, n, f, s, b, t, ok) VALUES ($8, $1, $2, $3, $4, $5, $6, $7)",
					append(row, i)...); err != nil {
					return err
				}
			}
			return nil
		}))
		micro := at.UTC().Truncate(time.Microsecond)
		must(t, d.Read(t.Context(), access.Instance(), func(tx *db.Tx) error {
			var gotID ident.ID
			var n int
			var f float64
			var s string
			var b []byte
			var at time.Time
			var ok bool
			for k := range 2 {
				if err := tx.Row("SELECT id, n, f, s, b, t, ok FROM kinds WHERE k = $1", k).Scan(&gotID, &n, &f, &s, &b, &at, &ok); err != nil {
					return err
				}
				if gotID != id || n != 42 || f != 1.5 || s != "text" || !bytes.Equal(b, []byte{0, 1, 255}) || !at.Equal(micro) || at.Location() != time.UTC || !ok {
					t.Errorf("row %d: %v %v %v %q %v %v %v", k, gotID, n, f, s, b, at, ok)
				}
			}
			return nil
		}))
		nullable(t, d, id, early)
	})
}

// nullable checks the rows of TestTypes that hold NULL.
func nullable(t *testing.T, d *db.DB, id ident.ID, early time.Time) {
	must(t, d.Read(t.Context(), access.Instance(), func(tx *db.Tx) error {
		type row struct {
			ID null.Value[ident.ID]
			N  null.Value[int64]
			F  null.Value[float64]
			S  null.Value[string]
			B  null.Value[[]byte]
			T  null.Value[time.Time]
			OK null.Value[bool]
		}
		want := []row{
			{null.Of(id), null.Of(int64(7)), null.Value[float64]{}, null.Of("żółć"), null.Of([]byte{}), null.Of(early), null.Of(true)},
			{null.Value[ident.ID]{}, null.Of(int64(-1)), null.Of(-0.25), null.Of(""), null.Of([]byte{}), null.Of(early), null.Of(false)},
			{}, {},
		}
		rows := tx.Query("SELECT id, n, f, s, b, t, ok FROM kinds WHERE k > 1 ORDER BY k")
		for i := 0; rows.Next(); i++ {
			r := row{B: null.Of([]byte("old"))}
			if err := rows.Scan(&r.ID, &r.N, &r.F, &r.S, &r.B, &r.T, &r.OK); err != nil {
				return err
			}
			if !reflect.DeepEqual(r, want[i]) {
				t.Errorf("row %d is %+v, want %+v", i, r, want[i])
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
		var pn *int
		var ps *string
		if err := tx.Row("SELECT n, s FROM kinds WHERE k = $1", 2).Scan(&pn, &ps); err != nil || *pn != 7 || *ps != "żółć" {
			t.Error(pn, ps, err)
		}
		if err := tx.Row("SELECT n, s FROM kinds WHERE k = $1", 4).Scan(&pn, &ps); err != nil || pn != nil || ps != nil {
			t.Error(pn, ps, err)
		}
		return nil
	}))
}

func TestScanRefuses(t *testing.T) {
	with(t, func(t *testing.T, d *db.DB) {
		type named string
		must(t, d.Read(t.Context(), access.Instance(), func(tx *db.Tx) error {
			var n int
			var s string
			var unknown named
			for name, err := range map[string]error{
				"null into int":       tx.Row("SELECT rows FROM row_count WHERE rows IS NULL UNION ALL SELECT NULL").Scan(&n),
				"text into int":       tx.Row("SELECT COALESCE(max(resource), '12') FROM row_count").Scan(&n),
				"int into text":       tx.Row("SELECT count(*) FROM row_count").Scan(&s),
				"too few":             tx.Row("SELECT count(*), 1 FROM row_count").Scan(&n),
				"named type":          tx.Row("SELECT COALESCE(max(resource), '12') FROM row_count").Scan(&unknown),
				"argument missing":    tx.Row("SELECT rows FROM row_count WHERE resource = $1").Scan(&n),
				"argument too many":   tx.Row("SELECT count(*) FROM row_count", 1).Scan(&n),
				"gap in parameters":   tx.Row("SELECT count(*) FROM row_count WHERE resource = $2", "a", "b").Scan(&n),
				"named argument":      tx.Row("SELECT count(*) FROM row_count WHERE resource = $1", named("a")).Scan(&n),
				"NUL":                 tx.Row("SELECT count(*) FROM row_count WHERE resource = $1", "a\x00").Scan(&n),
				"broken UTF-8":        tx.Row("SELECT count(*) FROM row_count WHERE resource = $1", "a\xff").Scan(&n),
				"no such table":       tx.Row("SELECT count(*) FROM nowhere").Scan(&n),
				"no rows":             tx.Row("SELECT rows FROM row_count WHERE resource = $1", "none").Scan(&n),
				"write in a read":     second(tx.Exec("DELETE FROM row_count")),
				"disguised write":     tx.Row("INSERT INTO kinds (k) VALUES (1) RETURNING k").Scan(&n),
				"unknown destination": tx.Row("SELECT count(*) FROM row_count").Scan(new(uint8)),
			} {
				if err == nil {
					t.Errorf("%s: no error", name)
				}
				if (name == "no rows") != (err == db.ErrNoRows) {
					t.Errorf("%s: %v", name, err)
				}
			}
			return nil
		}))
	})
}

func second[T any](_ T, err error) error { return err }

func TestOneStatementAtATime(t *testing.T) {
	with(t, func(t *testing.T, d *db.DB) {
		var kept *db.Tx
		var stale db.Row
		must(t, d.Read(t.Context(), access.Instance(), func(tx *db.Tx) error {
			kept = tx
			rows := tx.Query("SELECT 1 UNION ALL SELECT 2")
			rows.Next()
			if err := tx.Row("SELECT 1").Scan(new(int)); err == nil {
				t.Error("a statement ran while rows were open")
			}
			rows.Close()
			stale = tx.Row("SELECT 1")
			if err := tx.Row("SELECT 2").Scan(new(int)); err != nil {
				t.Error(err)
			}
			if err := stale.Scan(new(int)); err == nil {
				t.Error("an old Row was scanned")
			}
			return nil
		}))
		if err := kept.Row("SELECT 1").Scan(new(int)); err == nil {
			t.Error("a Tx worked after its end")
		}
		// Rows left open do no harm.
		for range 20 {
			must(t, d.Read(t.Context(), access.Instance(), func(tx *db.Tx) error {
				tx.Query("SELECT 1 UNION ALL SELECT 2").Next()
				return nil
			}))
		}
	})
}

func TestFailedStatementFailsWrite(t *testing.T) {
	with(t, func(t *testing.T, d *db.DB) {
		ids := newIDs()
		scope := org(ids)
		id := ids.New()
		must(t, d.Write(t.Context(), scope, func(tx *db.Tx) error { return add(tx, id, "one") }))
		err := d.Write(t.Context(), scope, func(tx *db.Tx) error {
			if err := add(tx, ids.New(), "two"); err != nil {
				return err
			}
			if err := add(tx, ids.New(), "one"); !db.IsUnique(err, "thing_name") {
				t.Errorf("unique: %v", err)
			}
			if err := add(tx, ids.New(), "three"); err == nil {
				t.Error("the transaction went on")
			}
			return nil
		})
		if !db.IsUnique(err, "thing_name") {
			t.Errorf("Write returned %v", err)
		}
		err = d.Write(t.Context(), scope, func(tx *db.Tx) error { return add(tx, id, "other") })
		if !db.IsUnique(err, "thing_pkey") {
			t.Errorf("primary key: %v", err)
		}
		err = d.Write(t.Context(), scope, func(tx *db.Tx) error {
			_, err := tx.Exec("INSERT INTO part VALUES ($1, $2, $3)", scope.Organization(), ids.New(), ids.New())
			return err
		})
		if !db.IsForeignKey(err) || db.IsUnique(err, "part_pkey") {
			t.Errorf("foreign key: %v", err)
		}
		if got := names(t, d, scope); !slices.Equal(got, []string{"one"}) {
			t.Error(got)
		}
	})
}

func TestQueueErrorSurfaces(t *testing.T) {
	with(t, func(t *testing.T, d *db.DB) {
		ids := newIDs()
		scope := org(ids)
		queue := func(tx *db.Tx, name string) {
			tx.Queue("INSERT INTO thing (organization_id, id, name, name_fold) VALUES ($1, $2, $3, $4)",
				scope.Organization(), ids.New(), name, name)
		}
		must(t, d.Write(t.Context(), scope, func(tx *db.Tx) error { queue(tx, "a"); queue(tx, "b"); return nil }))
		for name, then := range map[string]func(*db.Tx) error{
			"commit": func(*db.Tx) error { return nil },
			"row":    func(tx *db.Tx) error { return tx.Row("SELECT 1").Scan(new(int)) },
			"exec":   func(tx *db.Tx) error { return add(tx, ids.New(), "c") },
			"query":  func(tx *db.Tx) error { r := tx.Query("SELECT 1"); r.Next(); return r.Err() },
			"queue":  func(tx *db.Tx) error { queue(tx, "d"); return nil },
		} {
			ran := false
			err := d.Write(t.Context(), scope, func(tx *db.Tx) error {
				tx.AfterCommit(func() { ran = true })
				queue(tx, "a")
				return then(tx)
			})
			if !db.IsUnique(err, "thing_name") || ran {
				t.Errorf("%s: %v, after commit: %v", name, err, ran)
			}
		}
		if got := names(t, d, scope); !slices.Equal(got, []string{"a", "b"}) {
			t.Error(got)
		}
	})
}

func TestAhead(t *testing.T) {
	with(t, func(t *testing.T, d *db.DB) {
		ids := newIDs()
		scope := org(ids)
		must(t, d.Write(t.Context(), scope, func(tx *db.Tx) error { return add(tx, ids.New(), "a") }))
		var late db.Row
		check := func(tx *db.Tx) error {
			one := tx.Ahead("SELECT name, size, active, at, id FROM thing WHERE organization_id = $1", scope.Organization())
			none := tx.Ahead("SELECT name FROM thing WHERE organization_id = $1 AND name = $2", scope.Organization(), "z")
			var n int
			if err := tx.Row("SELECT count(*) FROM thing WHERE organization_id = $1", scope.Organization()).Scan(&n); err != nil || n != 1 {
				t.Errorf("%d, %v", n, err)
			}
			var name string
			var size null.Value[int]
			var active bool
			var at null.Value[time.Time]
			var id ident.ID
			if err := one.Scan(&name, &size, &active, &at, &id); err != nil || name != "a" || size.Valid || !active || at.Valid || id.IsZero() {
				t.Error(name, size, active, at, id, err)
			}
			if err := none.Scan(&name); err != db.ErrNoRows {
				t.Error(err)
			}
			alone := tx.Ahead("SELECT 7")
			if err := alone.Scan(&n); err != nil || n != 7 {
				t.Error(n, err)
			}
			late = tx.Ahead("SELECT 8")
			return nil
		}
		must(t, d.Read(t.Context(), scope, check))
		must(t, d.Write(t.Context(), scope, func(tx *db.Tx) error {
			tx.AfterCommit(func() {
				var n int
				if err := late.Scan(&n); err != nil || n != 8 {
					t.Error("after commit", n, err)
				}
			})
			return check(tx)
		}))
		must(t, d.Read(t.Context(), scope, check))
	})
}

type hook struct {
	log        *[]string
	name       string
	begin, end error
}

func (h hook) Begin(*db.Tx) error { *h.log = append(*h.log, "begin "+h.name); return h.begin }
func (h hook) End(*db.Tx) error   { *h.log = append(*h.log, "end "+h.name); return h.end }

func TestHooks(t *testing.T) {
	with(t, func(t *testing.T, d *db.DB) {
		ids := newIDs()
		scope := org(ids)
		boom := errors.New("boom")
		var log []string
		body := func(tx *db.Tx) error { log = append(log, "body"); return add(tx, ids.New(), "a") }
		for _, test := range []struct {
			outer, inner hook
			want         string
			err          error
		}{
			{hook{}, hook{begin: boom}, "begin outer, begin inner", boom},
			{hook{}, hook{end: boom}, "begin outer, begin inner, body, end inner", boom},
			{hook{end: boom}, hook{}, "begin outer, begin inner, body, end inner, end outer", boom},
			{hook{}, hook{}, "begin outer, begin inner, body, end inner, end outer", nil},
		} {
			log = nil
			test.outer.log, test.outer.name = &log, "outer"
			test.inner.log, test.inner.name = &log, "inner"
			ctx := db.WithHook(db.WithHook(t.Context(), test.outer), test.inner)
			if err := d.Write(ctx, scope, body); err != test.err {
				t.Errorf("%v, want %v", err, test.err)
			}
			if got := strings.Join(log, ", "); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		}
		if got := names(t, d, scope); len(got) != 1 {
			t.Error(got)
		}
	})
}

func TestReadsSeeOneMomentOnSQLite(t *testing.T) {
	t.Parallel()
	d := openSQLite(t, nil)
	ids := newIDs()
	scope := org(ids)
	must(t, d.Write(t.Context(), scope, func(tx *db.Tx) error { return add(tx, ids.New(), "a") }))
	count := func(tx *db.Tx) (n int) {
		must(t, tx.Row("SELECT count(*) FROM thing").Scan(&n))
		return n
	}
	must(t, d.Read(t.Context(), scope, func(tx *db.Tx) error {
		before := count(tx)
		must(t, d.Write(context.Background(), scope, func(tx *db.Tx) error { return add(tx, ids.New(), "b") }))
		if now := count(tx); now != before {
			t.Errorf("%d rows, then %d", before, now)
		}
		return nil
	}))
	must(t, d.Read(t.Context(), scope, func(tx *db.Tx) error {
		if n := count(tx); n != 2 {
			t.Errorf("%d rows", n)
		}
		return nil
	}))
}

func TestStatementsAreBounded(t *testing.T) {
	with(t, func(t *testing.T, d *db.DB) {
		must(t, d.Read(t.Context(), access.Instance(), func(tx *db.Tx) error {
			for i := range 2*db.MaxStatements + 10 {
				var n int
				text := "SELECT count(*)" + strings.Repeat(" ", i+1) + "FROM row_count"
				if err := tx.Row(text).Scan(&n); err != nil {
					return err
				}
			}
			if n := tx.Cached(); n > db.MaxStatements {
				t.Errorf("%d statements are kept", n)
			}
			if d.Engine() == db.PostgreSQL {
				var n int
				if err := tx.Row("SELECT count(*) FROM pg_prepared_statements").Scan(&n); err != nil || n > db.MaxStatements+2 {
					t.Errorf("the server keeps %d statements, %v", n, err)
				}
			}
			return nil
		}))
	})
}

func TestAffected(t *testing.T) {
	with(t, func(t *testing.T, d *db.DB) {
		ids := newIDs()
		scope := org(ids)
		must(t, d.Write(t.Context(), scope, func(tx *db.Tx) error {
			must(t, errors.Join(add(tx, ids.New(), "a"), add(tx, ids.New(), "b")))
			for sql, want := range map[string]int64{
				"UPDATE thing SET size = 1 WHERE organization_id = $1":                                                                                                         2,
				"UPDATE thing SET size = 1 WHERE organization_id = $1 AND name = 'none'":                                                                                       0,
				"DELETE FROM thing WHERE organization_id = $1 AND name = 'none'":                                                                                               0,
				"INSERT INTO kinds (k) SELECT 1 FROM thing WHERE organization_id = $1 LIMIT 1":                                                                                 1,
				"INSERT INTO thing (organization_id, id, name, name_fold) SELECT organization_id, id, name, name FROM thing WHERE organization_id = $1 ON CONFLICT DO NOTHING": 0,
			} {
				if n, err := tx.Exec(sql, scope.Organization()); n != want || err != nil {
					t.Errorf("%s: %d, %v", sql, n, err)
				}
			}
			var name string
			return tx.Row("UPDATE thing SET size = 2 WHERE organization_id = $1 AND name = 'b' RETURNING name", scope.Organization()).Scan(&name)
		}))
	})
}
