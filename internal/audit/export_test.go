package audit_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/sedetest"
)

// export returns the lines of an export of organization demo, after n more
// entries.
func export(t *testing.T, engine db.Engine, n int, query string) []string {
	t.Helper()
	in := sedetest.New(t, engine)
	demo, err := ident.Parse(in.Names["demo"])
	if err != nil {
		t.Fatal(err)
	}
	log := audit.New(ident.NewSource(in.Clock.Now, nil), in.Clock)
	who := &access.Caller{User: ident.ID{7}, Username: "zoë@demo.example", Agent: "<curl> \u2028 \"7\""}
	err = in.App.Database().Write(t.Context(), access.System(demo), func(tx *db.Tx) error {
		for i := range n {
			e := audit.Entry{Action: "update", Resource: "Location", Key: fmt.Sprint(i), Before: []byte(`{"name":"<é \u00e9>"}`)}
			who.Key = ident.ID{}
			if i%3 > 0 {
				who.Key = ident.ID{9}
			}
			if i%2 > 0 {
				e.After = []byte(fmt.Sprintf(`{"number": %d.50}`, i)) // a blank and a nought that other writers would leave out
			}
			if err := log.Append(tx, who, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	a := in.As("owner@demo.example", "").Do(http.MethodGet, "/audit-logs/export"+query, "")
	if a.Status != http.StatusOK {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	return strings.SplitAfter(strings.TrimSuffix(a.Body, "\n"), "\n")
}

func verify(lines []string) (audit.Report, error) {
	return audit.VerifyExport(strings.NewReader(strings.Join(lines, "")))
}

// TestExport finds nothing wrong with exports that nobody touched, longer than
// what is read at once.
func TestExport(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		lines := export(t, engine, 1100, "")
		report, err := verify(lines)
		if err != nil {
			t.Fatal(err)
		}
		if report.Filtered || report.Entries != report.Number || report.Entries != int64(len(lines)-2) || report.Entries < 1100 || report.Organization == nil {
			t.Errorf("%d lines, %+v", len(lines), report)
		}
		report, err = verify(export(t, engine, 20, "?action=update"))
		if err != nil || !report.Filtered || report.Entries < 20 || report.Entries >= report.Number {
			t.Errorf("a part: %+v, %v", report, err)
		}
	})
}

// TestTampered finds what was done to an export, and says where.
func TestTampered(t *testing.T) {
	t.Parallel()
	lines := export(t, db.SQLite, 10, "")
	part := export(t, db.SQLite, 10, "?action=update")
	last := len(lines) - 2 // the line of the last entry; the heading comes before the first
	of := func(i int) string { return fmt.Sprintf("entry %d ", i) }
	replace := func(i int, old, new string) func([]string) []string {
		return func(l []string) []string {
			if !strings.Contains(l[i], old) {
				t.Fatalf("line %d has no %s: %s", i, old, l[i])
			}
			l[i] = strings.Replace(l[i], old, new, 1)
			return l
		}
	}
	for name, c := range map[string]struct {
		change func(lines []string) []string
		want   string
		of     []string
	}{
		"a changed name":       {replace(last, "zoë", "joe"), of(last) + "was changed", lines},
		"a changed state":      {replace(last, ".50", ".5"), of(last) + "was changed", lines},
		"a blank less":         {replace(last, `"number": `, `"number":`), of(last) + "was changed", lines},
		"another time":         {replace(3, ".000000+", ".000001+"), of(3) + "was changed", lines},
		"no time":              {replace(3, "2030-", "20x-"), of(3) + "was changed: ", lines},
		"another action":       {replace(4, `"action":"`, `"action":"un`), of(4) + "was changed", lines},
		"a state gone":         {replace(last, `"before":{`, `"before":null,"was":{`), "the line after " + of(last-1) + "can't be read", lines},
		"another number":       {replace(5, `"number":5,`, `"number":500,`), "entry 5 is missing: entry 500 stands in its place", lines},
		"another organization": {replace(0, `"organization":"`, `"organization":null,"x":"`), "this is no export", lines},
		"the instance's":       {replace(0, `"organization":"`+organizationOf(t, lines[0])+`"`, `"organization":null`), of(1) + "was changed", lines},
		"one removed":          {func(l []string) []string { return append(l[:6:6], l[7:]...) }, of(6) + "is missing: entry 7 stands in its place", lines},
		"the first removed":    {func(l []string) []string { return append(l[:1:1], l[2:]...) }, of(1) + "is missing: entry 2 stands in its place", lines},
		"the last removed":     {func(l []string) []string { return append(l[:last:last], l[last+1:]...) }, of(last) + "is missing at the end", lines},
		"two changed places":   {func(l []string) []string { l[6], l[7] = l[7], l[6]; return l }, of(6) + "was moved: it stands after entry 7", lines},
		"one moved to the end": {func(l []string) []string { moved := l[4]; copy(l[4:last], l[5:last+1]); l[last] = moved; return l }, of(4) + fmt.Sprintf("was moved: it stands after entry %d", last), lines},
		"one twice":            {func(l []string) []string { l[7] = l[6]; return l }, of(6) + "stands after entry 6: it was moved or is there twice", lines},
		"one of another chain's end": {func(l []string) []string {
			l[last+1] = strings.Replace(l[last+1], `"hash":"`, `"hash":"00`, 1)
			return l
		}, of(last) + "was replaced", lines},
		"cut in a line":                   {func(l []string) []string { l[5] = l[5][:40]; return l[:6] }, "the file was cut: what follows entry 4 is missing", lines},
		"cut after a line":                {func(l []string) []string { return l[:6] }, "the file was cut: what follows entry 5 is missing", lines},
		"something added":                 {func(l []string) []string { return append(l, l[1]) }, "something stands after the last line", lines},
		"a list":                          {func([]string) []string { return []string{"[1]"} }, "this is no export", lines},
		"nothing":                         {func([]string) []string { return nil }, "this is no export", lines},
		"a part, one changed":             {replace(2, "zoë", "joe"), "was changed", part},
		"a part, one removed":             {func(l []string) []string { return append(l[:2:2], l[3:]...) }, "exported and", part},
		"a part, two changed places":      {func(l []string) []string { l[2], l[3] = l[3], l[2]; return l }, "it was moved or is there twice", part},
		"a part that is said to be whole": {replace(0, `"filtered":true`, `"filtered":false`), of(1) + "is missing", part},
	} {
		_, err := verify(c.change(append([]string{}, c.of...)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if _, err := verify(lines); err != nil {
		t.Error(err)
	}
}

func organizationOf(t *testing.T, heading string) string {
	t.Helper()
	var h struct{ Organization string }
	if err := json.Unmarshal([]byte(heading), &h); err != nil {
		t.Fatal(err)
	}
	return h.Organization
}

// TestForged finds an entry that was replaced together with its hash.
func TestForged(t *testing.T) {
	t.Parallel()
	lines, other := export(t, db.SQLite, 10, ""), export(t, db.SQLite, 11, "")
	last := len(lines) - 2
	// An entry of the same number from another log has a right hash of its own.
	forged := append([]string{}, lines...)
	forged[0], forged[last] = other[0], other[last]
	_, err := verify(forged)
	if want := fmt.Sprintf("entry %d does not follow the one before", last); err == nil || !strings.Contains(err.Error(), want) && !strings.Contains(err.Error(), "was changed") {
		t.Errorf("%v, want %q", err, want)
	}
}
