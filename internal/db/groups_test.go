package db_test

import (
	"strconv"
	"testing"

	"sede/internal/db"
	"sede/internal/page"
)

func exactly(field string, values ...string) page.Filter {
	f := page.Filter{Field: field, Op: page.Equal}
	for _, v := range values {
		f.Values = append(f.Values, page.Value{Text: v})
	}
	return f
}

// TestGroups reads totals of filters from the counters of groups, as long as
// these add up.
func TestGroups(t *testing.T) {
	with(t, func(t *testing.T, d *db.DB) {
		ids := newIDs()
		scope, other := org(ids), org(ids)
		l := things()
		l.Groups = []string{"kind", "color"}
		l.Columns["kind"] = db.Column{SQL: "substr(name, 1, 2)", NotNull: true}
		l.Columns["color"] = db.Column{SQL: "name_fold", NotNull: true}
		rows := []struct{ name, color string }{{"a.", "red"}, {"a.", "blue"}, {"b_", "red"}, {"b_", "red"}, {"bx", "red"}}
		must(t, d.Write(t.Context(), scope, func(tx *db.Tx) error {
			for i, r := range rows {
				tx.Queue("INSERT INTO thing (organization_id, id, name, name_fold) VALUES ($1, $2, $3, $4)", scope.Organization(), ids.New(), r.name+strconv.Itoa(i), r.color)
				db.Count(tx, scope, "thing", 1)
				db.CountGroup(tx, scope, "thing", 1, r.name, r.color)
			}
			return nil
		}))
		total := func(filters ...page.Filter) int64 {
			t.Helper()
			paged := list(t, d, l, scope, &page.Query{Number: 1, Size: 1, Filters: filters}).total
			alone := list(t, d, l, scope, &page.Query{Number: 1, Filters: filters}).total
			if !paged.Exact || paged != alone {
				t.Errorf("%v: total %v with the page, %v alone", filters, paged, alone)
			}
			return paged.Rows
		}
		check := func(what string, want int64, filters ...page.Filter) {
			t.Helper()
			if got := total(filters...); got != want {
				t.Errorf("%s: %d, want %d", what, got, want)
			}
		}
		check("one field", 2, exactly("kind", "a."))
		check("the other", 4, exactly("color", "red"))
		check("both", 1, exactly("kind", "a."), exactly("color", "red"))
		check("several values", 4, exactly("kind", "a.", "b_", "a."))
		check("a wildcard is a character", 2, exactly("kind", "b_"))
		check("twice", 1, exactly("kind", "a.", "bx"), exactly("kind", "bx"))
		check("nothing", 0, exactly("kind", "a."), exactly("kind", "bx"))
		check("unknown", 0, exactly("kind", "c."))
		check("no text", 0, exactly("kind", "a\x00"))
		check("with another filter", 2, exactly("kind", "a."), page.Filter{Field: "name", Op: page.Contains, Values: []page.Value{{Text: "e"}}})
		if got := list(t, d, l, other, &page.Query{Number: 1, Size: 1, Filters: []page.Filter{exactly("kind", "a.")}}); got.total.Rows != 0 {
			t.Errorf("another organization: %v", got.total)
		}

		move := func(from, to int64) {
			must(t, d.Write(t.Context(), scope, func(tx *db.Tx) error {
				db.CountGroup(tx, scope, "thing", from, "a.", "red")
				db.CountGroup(tx, scope, "thing", to, "bx", "red")
				return nil
			}))
		}
		move(-1, 1)
		check("counters are believed", 1, exactly("kind", "a."))
		move(1, 0)
		check("unless they don't add up", 2, exactly("kind", "a."))
	})
}
