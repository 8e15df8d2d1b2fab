package employee_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/sedetest"
)

// BenchmarkFilters looks for a part of a name among a thousand and a million
// employees, that one has, that all have, and that none has.
func BenchmarkFilters(b *testing.B) {
	for _, engine := range []db.Engine{db.SQLite, db.PostgreSQL} {
		for _, n := range []int{1_000, 1_000_000} {
			b.Run(fmt.Sprintf("%v/%d", engine, n), func(b *testing.B) {
				in := sedetest.New(b, engine)
				fill(b, in, n)
				for _, c := range []struct{ name, query string }{
					{"One", "&name=na+0000777"}, {"All", "&name=ana"}, {"None", "&name=qx"}, {"NoneLong", "&lastName=777+ana"},
				} {
					b.Run(c.name, func(b *testing.B) {
						for b.Loop() {
							r := httptest.NewRequest(http.MethodGet, "/employees?itemsPerPage=30"+c.query, nil)
							r.Header.Set("Authorization", "Bearer "+in.Token("owner@demo.example"))
							w := httptest.NewRecorder()
							if in.App.Handler().ServeHTTP(w, r); w.Code != http.StatusOK {
								b.Fatal(w.Code, w.Body)
							}
						}
					})
				}
			})
		}
	}
}

// fill adds n employees and has their names indexed.
func fill(b *testing.B, in *sedetest.Instance, n int) {
	b.Helper()
	organization, err := ident.Parse(in.Names["demo"])
	if err != nil {
		b.Fatal(err)
	}
	id, number, at := `CAST(printf('a%015d', i) AS BLOB)`, `printf('%07d', i)`, `1861920000000000`
	if in.App.Database().Engine() == db.PostgreSQL {
		id, number, at = `CAST(lpad(to_hex(i), 32, 'a') AS uuid)`, `lpad(CAST(i AS text), 7, '0')`, `to_timestamp(1861920000)`
	}
	err = in.App.Database().Write(b.Context(), access.System(organization), func(tx *db.Tx) error {
		_, err := tx.Exec(`WITH RECURSIVE number (i) AS (SELECT CAST(0 AS bigint) UNION ALL SELECT i + 1 FROM number WHERE i + 1 < $2)
			INSERT INTO employee (organization_id, id, first_name, first_name_fold, last_name, last_name_fold, name_fold, active, version, created_at, updated_at)
			SELECT $1, `+id+`, 'Ana', 'ana', `+number+`, `+number+`, 'ana ' || `+number+`, `+map[bool]string{true: "true", false: "1"}[in.App.Database().Engine() == db.PostgreSQL]+`,
				1, `+at+`, `+at+` FROM number`, organization, n)
		if err == nil {
			db.Count(tx, access.System(organization), "employee", int64(n))
			_, err = tx.Exec(`ANALYZE employee`)
		}
		return err
	})
	if err == nil {
		err = in.App.Database().IndexTexts(b.Context())
	}
	if err != nil {
		b.Fatal(err)
	}
}
