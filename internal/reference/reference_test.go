package reference

import (
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/currency"
	"golang.org/x/text/language"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/feature"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/page"
	"sede/internal/sedetest/blank"
)

// update reports whether the golden files are to be written. The scripts of this
// package declare the flag.
func update() bool { return flag.Lookup("update").Value.String() == "true" }

// TestCountries compares the whole list, with its names, to a golden file.
func TestCountries(t *testing.T) {
	t.Parallel()
	a := newAtlas()
	var b strings.Builder
	for i := range a.list {
		c := &a.list[i]
		b.WriteString(strings.Join([]string{c.ID, c.Alpha3, c.Numeric, c.Currency.Or("-"), c.CallingCode,
			a.name(c, language.English), a.name(c, language.EuropeanPortuguese), a.name(c, language.Polish)}, "|") + "\n")
	}
	const golden = "testdata/countries.txt"
	if update() {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || b.String() != string(want) {
		t.Errorf("the countries differ from %s (%v); -update writes it", golden, err)
	}
	if len(a.list) != 249 {
		t.Errorf("%d countries, ISO 3166-1 assigns 249", len(a.list))
	}
}

// TestCountriesAgree compares the codes with a second source, the tables of
// golang.org/x/text.
func TestCountriesAgree(t *testing.T) {
	t.Parallel()
	// Where that source is older than ours, or names a second currency.
	other := map[string]string{"BG": "BGN", "CW": "ANG", "SX": "ANG", "SL": "SLL", "ZW": "USD", "HR": "HRK",
		"MR": "MRO", "ST": "STD", "VE": "VEF", "BY": "BYN", "LS": "ZAR"}
	for _, c := range newAtlas().list {
		region := language.MustParseRegion(c.ID)
		if region.ISO3() != c.Alpha3 || !region.IsCountry() {
			t.Errorf("%s: alpha-3 %s, other source %s", c.ID, c.Alpha3, region.ISO3())
		}
		if m, err := language.ParseRegion(c.Numeric); err != nil || m != region {
			t.Errorf("%s: numeric %s is %s in the other source", c.ID, c.Numeric, m)
		}
		unit, ok := currency.FromRegion(region)
		if ok && unit.String() != c.Currency.Or("") && other[c.ID] != unit.String() {
			t.Errorf("%s: currency %s, other source %s", c.ID, c.Currency.Or(""), unit)
		}
		if n := len(c.CallingCode); n < 2 || n > 4 || c.CallingCode[0] != '+' {
			t.Errorf("%s: calling code %q", c.ID, c.CallingCode)
		}
	}
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"en": "en", "EN-us": "en-US", "iw": "he", "in": "id", "zh-hANT-tw": "zh-Hant-TW", "pt-pt": "pt-PT",
		"en-Latn": "en", "sr-latn": "sr-Latn", "de-DD": "de-DE", "de-1996": "de-1996", "i-klingon": "tlh", "es-419": "es-419",
		"": "", "e": "", "english": "", "xx": "", "en_US": "", "en-US-": "", "und": "", "mul": "", "x-secret": "",
		"en-QX-": "", "pt PT": "", "pt-ZZZ": "", "ąć": "", "-": "", "zxx": "",
	} {
		got, err := canonical(text)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("canonical(%q) = %q, %v, want %q", text, got, err, want)
		}
		if err != nil && !fault.Is(err, fault.Unprocessable) {
			t.Errorf("canonical(%q) fails with %v", text, err)
		}
		if again, _ := canonical(got); got != "" && again != got {
			t.Errorf("canonical(%q) = %q is not stable: %q", text, got, again)
		}
	}
}

// TestLanguagesPresent checks the set that the migration brings.
func TestLanguagesPresent(t *testing.T) {
	t.Parallel()
	s := newService(t)
	list, err := s.current(t.Context(), 0)
	if err != nil || len(list) < 60 {
		t.Fatalf("%d languages, %v", len(list), err)
	}
	for i, l := range list {
		if id, err := canonical(l.ID); err != nil || id != l.ID {
			t.Errorf("%s is not canonical: %s, %v", l.ID, id, err)
		}
		if l.NativeName == "" || l.NativeName == l.ID || languageName(l.tag, s.namers.of(language.Polish)) == l.ID {
			t.Errorf("%s has no name", l.ID)
		}
		if i > 0 && list[i-1].ID >= l.ID {
			t.Errorf("%s after %s", l.ID, list[i-1].ID)
		}
	}
}

func TestListCountries(t *testing.T) {
	t.Parallel()
	s := newService(t)
	ids := func(reader language.Tag, q page.Query) string {
		s := Service{atlas: s.atlas, reader: func(context.Context) language.Tag { return reader }}
		if q.Number == 0 {
			q.Number, q.Size = 1, 3
		}
		r, err := s.ListCountries(t.Context(), nil, &q)
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, c := range r.Items {
			list = append(list, c.ID)
		}
		return strings.Join(list, " ")
	}
	contains := func(text string) []page.Filter {
		return []page.Filter{{Field: "name", Op: page.Contains, Values: []page.Value{{Text: text}}}}
	}
	equal := func(field string, values ...string) []page.Filter {
		f := page.Filter{Field: field}
		for _, v := range values {
			f.Values = append(f.Values, page.Value{Text: v})
		}
		return []page.Filter{f}
	}
	for _, test := range []struct {
		reader language.Tag
		query  page.Query
		want   string
	}{
		{language.English, page.Query{}, "AD AE AF"},
		{language.English, page.Query{Number: 2, Size: 2}, "AF AG"},
		{language.English, page.Query{Number: 84, Size: 3}, ""},
		{language.English, page.Query{Number: 1, Size: 0}, ""},
		{language.English, page.Query{Filters: contains("GERMAN")}, "DE"},
		{language.Polish, page.Query{Filters: contains("niemcy")}, "DE"},
		{language.Polish, page.Query{Filters: contains("lotwa")}, "LV"},
		{language.EuropeanPortuguese, page.Query{Filters: contains("POLONIA")}, "PL"},
		{language.English, page.Query{Filters: contains("niemcy")}, ""},
		{language.English, page.Query{Filters: equal("id", "PT", "PL", "pt")}, "PL PT"},
		{language.English, page.Query{Filters: equal("currency", "PLN")}, "PL"},
		{language.English, page.Query{Filters: []page.Filter{{Field: "currency", Op: page.Exists, Values: []page.Value{{}}}}}, "AQ"},
		{language.English, page.Query{Order: []page.Order{{Field: "name", Descending: true}}}, "ZW ZM YE"},
		{language.English, page.Query{Order: []page.Order{{Field: "currency"}, {Field: "name"}}}, "AQ AE AF"},
		{language.Polish, page.Query{Order: []page.Order{{Field: "name"}}}, "AF AL DZ"},
	} {
		if got := ids(test.reader, test.query); got != test.want {
			t.Errorf("%s %+v: %s, want %s", test.reader, test.query, got, test.want)
		}
	}
}

func TestOverHTTP(t *testing.T) {
	t.Parallel()
	s := newService(t)
	operator := &access.Caller{Operator: true}
	serve := serveAs(t, s)
	for _, test := range []struct {
		who          *access.Caller
		method, path string
		language     string
		body         string
		status       int
		holds        []string
	}{
		{nil, "GET", "/countries/PT", "", "", 200, []string{`"name":"Portugal"`, `"alpha3":"PRT"`, `"numericCode":"620"`, `"currency":"EUR"`, `"callingCode":"+351"`}},
		{nil, "GET", "/countries/DE", "pl", "", 200, []string{`"name":"Niemcy"`}},
		{nil, "GET", "/countries/DE", "fr-CH, en;q=0.5", "", 200, []string{`"name":"Allemagne"`}},
		{nil, "GET", "/countries/AQ", "", "", 200, []string{`"currency":null`}},
		{nil, "GET", "/countries/pt", "", "", 404, nil},
		{nil, "GET", "/countries/XX", "", "", 404, nil},
		{nil, "POST", "/countries", "", `{"id":"XX"}`, 405, nil},
		{nil, "GET", "/countries?itemsPerPage=1", "", "", 200, []string{`"totalItems":249`, `"/countries/AD"`}},
		{nil, "GET", "/languages/pt-PT", "en", "", 200, []string{`"name":"European Portuguese"`, `"nativeName":"português europeu"`}},
		{nil, "GET", "/languages/tlh", "", "", 404, nil},
		{nil, "POST", "/languages", "", `{"id":"tlh"}`, 401, nil},
		{&access.Caller{}, "POST", "/languages", "", `{"id":"tlh"}`, 403, nil},
		{operator, "POST", "/languages", "", `{"id":"I-KLINGON"}`, 201, []string{`"@id":"/languages/tlh"`, `"name":"Klingon"`}},
		{operator, "POST", "/languages", "", `{"id":"tlh"}`, 409, []string{"tlh"}},
		{operator, "POST", "/languages", "", `{"id":"EN-us"}`, 409, []string{"en-US"}},
		{operator, "POST", "/languages", "", `{"id":"klingonese"}`, 422, []string{`"propertyPath":"id"`}},
		{operator, "POST", "/languages", "pt", `{"id":""}`, 422, []string{`"propertyPath":"id"`}},
		{operator, "POST", "/languages", "", `{}`, 422, []string{`"propertyPath":"id"`}},
		{operator, "POST", "/languages", "", `{"id":7}`, 400, []string{`"propertyPath":"id"`}},
		{nil, "GET", "/languages/tlh", "", "", 200, []string{`"nativeName":"Klingon"`}},
		{nil, "GET", "/languages?name=klingon", "", "", 200, []string{`"totalItems":1`}},
	} {
		w := serve(test.who, test.method, test.path, test.language, test.body)
		if w.Code != test.status {
			t.Errorf("%s %s %s: %d, want %d: %s", test.method, test.path, test.body, w.Code, test.status, w.Body)
		}
		for _, text := range test.holds {
			if !strings.Contains(w.Body.String(), text) {
				t.Errorf("%s %s: no %s in %s", test.method, test.path, text, w.Body)
			}
		}
		if w.Body.Len() > 0 && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s %s: %s", test.method, test.path, w.Body)
		}
		if test.status == 200 && !strings.HasPrefix(w.Header().Get("Cache-Control"), "public, max-age=") {
			t.Errorf("%s %s can't be cached: %s", test.method, test.path, w.Header())
		}
	}
}

// TestOtherProcess adds a language behind the service's back.
func TestOtherProcess(t *testing.T) {
	t.Parallel()
	s := newService(t)
	l := newLanguage("tlh")
	if err := s.db.Write(t.Context(), access.Instance(), func(tx *db.Tx) error { return insert(tx, &l) }); err != nil {
		t.Fatal(err)
	}
	q := page.Query{Number: 1, Size: 100}
	before, err := s.ListLanguages(t.Context(), nil, &q)
	if err != nil {
		t.Fatal(err)
	}
	var found Language
	if err := s.Language(t.Context(), nil, "tlh", &found); err != nil || found.ID != "tlh" {
		t.Errorf("not found although it is there: %v", err)
	}
	s.now.(*clock.Fake).Advance(2 * time.Second)
	after, err := s.ListLanguages(t.Context(), nil, &q)
	if err != nil || after.Total.Rows != before.Total.Rows+1 {
		t.Errorf("%d, then %d languages, %v", before.Total.Rows, after.Total.Rows, err)
	}
	if !slices.ContainsFunc(after.Items, func(l Language) bool { return l.ID == "tlh" }) {
		t.Error("not in the collection")
	}
}

func BenchmarkListCountriesByName(b *testing.B) {
	s := Service{atlas: newAtlas(), reader: hydra.Reader}
	q := page.Query{Number: 1, Size: 30, Order: []page.Order{{Field: "name"}},
		Filters: []page.Filter{{Field: "name", Op: page.Contains, Values: []page.Value{{Text: "an"}}}}}
	for b.Loop() {
		_, _ = s.ListCountries(b.Context(), nil, &q)
	}
}

// newService returns a service on a fresh SQLite database.
func newService(t *testing.T) *Service {
	t.Helper()
	now := clock.NewFake(time.Date(2030, 1, 2, 9, 0, 0, 0, time.UTC))
	cfg := blank.Config(t, db.SQLite)
	cfg.Synchronous, cfg.Clock = "normal", now
	database, err := db.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = database.Close() })
	ids := ident.NewSource(now.Now, nil)
	s, err := New(t.Context(), feature.Platform{DB: database, Audit: audit.New(ids, now), IDs: ids, Clock: now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// serveAs returns a function that sends requests as somebody.
func serveAs(t *testing.T, s *Service) func(who *access.Caller, method, path, language, body string) *httptest.ResponseRecorder {
	t.Helper()
	var caller *access.Caller
	api, err := hydra.New(hydra.Config{Title: "test", Version: "1", Clock: s.now, Authenticate: func(*http.Request) (*access.Caller, error) { return caller, nil }},
		s.Module().Resources)
	if err != nil {
		t.Fatal(err)
	}
	handler := api.Handler()
	return func(who *access.Caller, method, path, language, body string) *httptest.ResponseRecorder {
		caller = who
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Accept-Language", language)
		if body != "" {
			r.Header.Set("Content-Type", "application/ld+json")
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
}
