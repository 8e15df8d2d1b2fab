package db

import (
	"slices"
	"strings"

	"sede/internal/access"
	"sede/internal/page"
)

// Rows that are filtered by fields with few values can be counted in groups:
// one counter in row_count for each combination of values, under the name of
// the resource with the values behind it, such as "organization_user/member/active".
// The total of a filter on these fields is then a sum of counters. No value has a
// slash in it, so a slash alone can stand for null, which no exact filter finds.

// CountGroup adds delta to the number of rows with these values of the fields
// that Listing.Groups names. It is called beside Count, and for a row that moves
// from one group to another too.
func CountGroup(tx *Tx, scope access.Scope, resource string, delta int64, values ...string) {
	Count(tx, scope, resource+"/"+strings.Join(values, "/"), delta)
}

// groups returns patterns (LIKE) of the counters whose sum is the number of
// rows that the filters let through; nil when counters don't tell.
func (l *Listing) groups(filters []page.Filter) []string {
	if len(l.Groups) == 0 || !l.Counted || len(filters) == 0 {
		return nil
	}
	patterns := []string{escapeLike(l.Table)}
	for _, field := range l.Groups {
		var next []string
		for _, value := range chosen(filters, field) {
			for _, p := range patterns {
				next = append(next, p+"/"+value)
			}
		}
		patterns = next
	}
	for i := range filters {
		if !l.isGroup(&filters[i]) {
			return nil
		}
	}
	return patterns
}

func (l *Listing) isGroup(f *page.Filter) bool {
	for _, field := range l.Groups {
		if f.Field == field && f.Op == page.Equal {
			return true
		}
	}
	return false
}

// chosen lists the values that the filters leave of a field, escaped; "%" when
// they say nothing about it.
func chosen(filters []page.Filter, field string) []string {
	values, said := []string{"%"}, false
	for i := range filters {
		f := &filters[i]
		if f.Field != field || f.Op != page.Equal {
			continue
		}
		var of []string
		for _, v := range f.Values {
			text := escapeLike(v.Text)
			if v.Kind == page.Text && !bad(v) && !strings.Contains(text, "/") && !slices.Contains(of, text) && (!said || slices.Contains(values, text)) {
				of = append(of, text)
			}
		}
		values, said = of, true
	}
	return values
}

// groupsSQL sums the counters that match the patterns. Its second column is 0
// when the groups add up to the whole number of rows.
func (p *pager) groupsSQL() (sql string, args []any) {
	args = []any{p.org, p.l.Table, p.l.Table + "0"} // "0" is what follows "/"
	match := make([]string, 0, len(p.groups)+1)
	for _, pattern := range p.groups {
		args = append(args, pattern)
		match = append(match, "resource LIKE "+placeholder(len(args))+` ESCAPE '\'`)
	}
	match = append(match, "1 = 0")
	return "SELECT CAST(COALESCE(SUM(CASE WHEN " + strings.Join(match, " OR ") + " THEN rows ELSE 0 END), 0) AS BIGINT)," +
		" CAST(COALESCE(SUM(CASE WHEN resource = $2 THEN -rows ELSE rows END), 0) AS BIGINT)" +
		" FROM row_count WHERE organization_id = $1 AND resource >= $2 AND resource < $3", args
}
