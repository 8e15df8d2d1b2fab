package sedetest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sede/internal/db"
	"sede/internal/sedetest"
)

// TestMuchOfEverything sends long paths, queries and headers: each gets an
// answer of its own, and nothing changes.
func TestMuchOfEverything(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		c := in.As("owner@demo.example", "demo")
		lisbon := "/locations/" + in.Names["lisbon"]
		before := in.Dump()
		for _, r := range []struct {
			target string
			status int
			total  string // of a collection
			header []string
		}{
			{target: "/locations?" + many(300, "x%d=%d", "&"), status: 200, total: "3"},
			{target: "/locations?name=" + strings.Repeat("x", 20000), status: 200, total: "0"},
			{target: "/locations?" + many(90, "name[]=n%d-%d", "&"), status: 200, total: "0"},
			{target: "/locations?" + many(99, "officeOpenHour[]=%d&x=%d", "&"), status: 200, total: "3"},
			{target: "/locations?" + many(90, "order[name]=asc&x%d=%d", "&"), status: 200, total: "3"},
			{target: "/locations?" + many(90, "createdAt[after]=20%02d-01-01&x=%d", "&"), status: 200},
			{target: "/locations/" + strings.Repeat("a", 5000), status: 404},
			{target: "/locations?" + strings.Repeat("properties[]=name&", 5000), status: 200, total: "3"},
			{target: "/locations", status: 406, header: []string{"Accept", many(500, "a/b%d.%d", ",")}},
			{target: lisbon, status: 200, header: []string{"If-None-Match", many(1000, `"%d-%d"`, ",")}},
			{target: lisbon, status: 200, header: []string{"Accept-Language", many(1000, "aa-%d;q=0.%d", ",")}},
			{target: "/locations", status: 404, header: []string{"X-Organization", strings.Repeat("demo", 3000)}},
			{target: "/locations", status: 401, header: []string{"Authorization", "Bearer " + strings.Repeat("a", 10000)}},
		} {
			a := c.Do(http.MethodGet, r.target, "", r.header...)
			if a.Status != r.status || !strings.Contains(a.Body, r.total) {
				t.Errorf("GET %.40s… %.40v: %d, want %d: %.300s", r.target, r.header, a.Status, r.status, a.Body)
			}
			if r.total != "" && !strings.Contains(a.Body, `"totalItems":`+r.total+",") {
				t.Errorf("GET %.40s…: not %s items: %.300s", r.target, r.total, a.Body)
			}
		}
		in.Unchanged(before, "long requests")
	})
}

// many repeats a format with two numbers.
func many(n int, format, separator string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = fmt.Sprintf(format, i, i)
	}
	return strings.Join(parts, separator)
}
