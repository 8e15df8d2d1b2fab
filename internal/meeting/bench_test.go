package meeting_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/sedetest"
)

// day is the first day of the meetings that fill makes: a Monday after those of the
// demo.
var day = time.Date(2030, 1, 14, 0, 0, 0, 0, time.UTC)

// What fill makes: 500 meetings of Ana, one each hour, and the rest of staff
// others, 40 each hour. So an hour, and Ana, have as many among a thousand as
// among a million.
const (
	ofAna   = 500
	staff   = 499
	perHour = 40
)

// fill makes n scheduled meetings of half an hour, without overlaps.
func fill(b *testing.B, in *sedetest.Instance, n int) {
	b.Helper()
	organization, ana := parse(b, in.Names["demo"]), parse(b, in.Names["ana"])
	id, at := `CAST(printf('%s%015d', $2, i) AS BLOB)`, `(%s * 1000000)`
	if in.App.Database().Engine() == db.PostgreSQL {
		id, at = `CAST(lpad(to_hex(ascii($2) * CAST(1099511627776 AS bigint) + i), 32, '0') AS uuid)`, `to_timestamp(%s)`
	}
	moment := func(seconds string) string { return fmt.Sprintf(at, seconds) }
	made := moment("1893456000")
	const numbers = `WITH RECURSIVE number (i) AS (SELECT CAST(0 AS bigint) UNION ALL SELECT i + 1 FROM number WHERE i + 1 < $3) `
	write(b, in, numbers+`INSERT INTO employee (organization_id, id, first_name, first_name_fold, last_name, last_name_fold, name_fold, active, version, created_at, updated_at)
		SELECT $1, `+id+`, 'E', 'e', 'F', 'f', 'e f', TRUE, 1, `+made+`, `+made+` FROM number`, organization, "e", staff)
	other := strings.NewReplacer("$2", "$4", "i)", fmt.Sprintf("i %% %d)", staff)).Replace(id)
	planned := fmt.Sprintf(`, planned (i, whose, f) AS (SELECT i, CASE WHEN i < %d THEN $5 ELSE %s END,
		%d + (CASE WHEN i < %d THEN i ELSE (i - %d) / %d END) * 3600 FROM number) `, ofAna, other, day.Unix(), ofAna, ofAna, perHour)
	write(b, in, numbers+planned+`INSERT INTO meeting (organization_id, id, employee_id, date_from, date_to, span, from_s, to_s, starts_at, ends_at, busy_span, starts_s, ends_s,
			duration, allow_overlap, sequence, version, created_at, updated_at)
		SELECT $1, `+id+`, whose, `+moment("f")+`, `+moment("f + 1800")+`, 0, f, f + 1800, `+moment("f")+`, `+moment("f + 1800")+`, 0, f, f + 1800,
			30, FALSE, 0, 1, `+made+`, `+made+` FROM planned`, organization, "m", n, "e", ana)
	for resource, more := range map[string]int{"employee": staff, "meeting": n} {
		write(b, in, `UPDATE row_count SET rows = rows + $2 WHERE organization_id = $1 AND resource = $3`, organization, more, resource)
	}
	write(b, in, `ANALYZE meeting`)
}

func parse(b *testing.B, id string) ident.ID {
	b.Helper()
	parsed, err := ident.Parse(id)
	if err != nil {
		b.Fatal(err)
	}
	return parsed
}

// write carries out one statement.
func write(b *testing.B, in *sedetest.Instance, sql string, args ...any) {
	b.Helper()
	err := in.App.Database().Write(b.Context(), access.System(parse(b, in.Names["demo"])), func(tx *db.Tx) error {
		_, err := tx.Exec(sql, args...)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkMeetings serves requests in process, in an organization with a
// thousand and with a million meetings. Filling PostgreSQL takes minutes, most of
// it for its constraint.
func BenchmarkMeetings(b *testing.B) {
	for _, engine := range []db.Engine{db.SQLite, db.PostgreSQL} {
		for _, n := range []int{1_000, 1_000_000} {
			b.Run(fmt.Sprintf("%v/%d", engine, n), func(b *testing.B) {
				in := sedetest.New(b, engine)
				fill(b, in, n)
				benchReads(b, in)
				benchCreate(b, in)
			})
		}
	}
}

// benchReads measures what is read: 240 meetings of others and 6 of Ana touch the
// range.
func benchReads(b *testing.B, in *sedetest.Instance) {
	ana := "/employees/" + in.Names["ana"]
	touching := "/meetings?between[from]=" + url.QueryEscape(day.Format(time.RFC3339)) + "&between[to]=" + url.QueryEscape(day.Add(6*time.Hour).Format(time.RFC3339))
	window := send(b, in, "owner", http.MethodPost, "/meetings", fmt.Sprintf(`{"employee":%q,"dateFrom":"2030-01-08T00:00:00+00:00","dateTo":"2030-02-07T00:00:00+00:00"}`, ana))
	feed := send(b, in, "member", http.MethodPost, "/meeting-feeds", `{"content":"everything"}`).Body.String()
	_, feed, _ = strings.Cut(feed, `"url":"`)
	feed, _, _ = strings.Cut(feed, `"`)
	_, feed, _ = strings.Cut(feed, "/calendars/")
	for _, c := range []struct{ name, path string }{
		{"Range", touching},
		{"RangeByChange", touching + "&order[updatedAt]=desc"},
		{"Employee", "/meetings?employee=" + ana},
		{"Feed", "/calendars/" + feed},
		{"Slots", window.Header().Get("Location") + "/slots?limit=1000"},
	} {
		b.Run(c.name, func(b *testing.B) {
			send(b, in, "owner", http.MethodGet, c.path, "")
			for b.Loop() {
				send(b, in, "owner", http.MethodGet, c.path, "")
			}
		})
	}
}

// benchCreate measures a meeting that is looked for conflicts.
func benchCreate(b *testing.B, in *sedetest.Instance) {
	at := time.Date(2040, 1, 2, 9, 0, 0, 0, time.UTC)
	create := func() {
		at = at.Add(time.Hour)
		send(b, in, "owner", http.MethodPost, "/meetings", fmt.Sprintf(`{"employee":"/employees/%s","dateFrom":%q,"dateTo":%q,"time":%q}`, in.Names["ana"],
			at.Format(time.RFC3339), at.Add(time.Hour).Format(time.RFC3339), at.Format(time.RFC3339)))
	}
	b.Run("Create", func(b *testing.B) {
		create()
		for b.Loop() {
			create()
		}
	})
}

// send is a request of one of the demo's users that succeeds.
func send(b *testing.B, in *sedetest.Instance, user, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+in.Token(user+"@demo.example"))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	in.App.Handler().ServeHTTP(w, r)
	if w.Code >= http.StatusBadRequest {
		b.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return w
}
