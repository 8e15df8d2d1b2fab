package archive_test

import (
	"slices"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/archive"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/sedetest"
)

// TestRemove takes everything that may go from an organization, a few rows at a
// time, and nothing from others.
func TestRemove(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		demo, err := ident.Parse(in.Names["demo"])
		if err != nil {
			t.Fatal(err)
		}
		d := in.App.Database()
		other, err := ident.Parse(in.Names["other"])
		if err != nil {
			t.Fatal(err)
		}
		all := slices.Concat(archive.OfRole(archive.Derived), archive.OfRole(archive.Kept), archive.OfRole(archive.Working), archive.OfRole(archive.Trace))
		before := counts(t, d, all, other)
		if counts(t, d, archive.OfRole(archive.Working), demo)["employee"] == 0 {
			t.Fatal("the demo has no employees")
		}
		place := func(id ident.ID) {
			must(t, d.Write(t.Context(), access.System(demo), func(tx *db.Tx) error {
				tx.Queue(`INSERT INTO location (organization_id, id, name, name_fold, time_zone, country, version, created_at, updated_at)
					VALUES ($1, $2, 'Place', 'place', 'Europe/Lisbon', 'PT', 1, $3, $3)`, demo, id, time.Unix(0, 0).UTC())
				return nil
			}))
		}
		for ids, n := ident.NewSource(nil, nil), 0; n < 700; n++ {
			place(ids.New())
		}
		for _, table := range slices.Backward(all) {
			if table.Name == "organization" || table.Name == "row_count" {
				continue
			}
			r, turns := archive.NewRemover(table, demo, engine, time.Now), 0
			for n := int64(-1); n != 0; turns++ {
				if table.Name == "location" && turns == 1 {
					place(ident.ID{15: 1}) // before those that are removed by now
				}
				must(t, d.Write(t.Context(), access.System(demo), func(tx *db.Tx) (err error) {
					n, err = r.Turn(tx)
					return err
				}))
			}
			if (table.Name == "location" || table.Name == "text_pending") && turns < 3 {
				t.Errorf("%s was removed in %d turns", table.Name, turns)
			}
		}
		must(t, d.Write(t.Context(), access.System(demo), func(tx *db.Tx) error {
			archive.ForgetCounts(tx, all, demo)
			tx.Queue(`UPDATE row_count SET rows = 0 WHERE organization_id = $1 AND resource = 'seat'`, demo)
			return nil
		}))
		for table, n := range counts(t, d, all, demo) {
			if n != 0 && table != "organization" && table != "row_count" && table != "audit_log" && table != "audit_head" {
				t.Errorf("%d rows of %s are left", n, table)
			}
		}
		after := counts(t, d, all, other)
		for table, n := range before {
			if after[table] != n {
				t.Errorf("%s of another organization had %d rows, has %d", table, n, after[table])
			}
		}
		must(t, d.Read(t.Context(), access.System(demo), func(tx *db.Tx) error {
			if any, err := archive.Any(tx, archive.OfRole(archive.Working), demo); err != nil || any {
				t.Error("something is left", any, err)
			}
			if any, err := archive.Any(tx, archive.OfRole(archive.Kept), demo); err != nil || !any {
				t.Error("nothing is left", any, err)
			}
			return nil
		}))
	})
}

func counts(t *testing.T, d *db.DB, tables []archive.Table, organization ident.ID) map[string]int64 {
	t.Helper()
	list := map[string]int64{}
	must(t, d.Read(t.Context(), access.System(organization), func(tx *db.Tx) error {
		found, err := archive.Counts(tx, tables, organization)
		for _, c := range found {
			list[c.Table] = c.Rows
		}
		return err
	}))
	return list
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
