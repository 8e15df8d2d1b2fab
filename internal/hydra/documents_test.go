package hydra

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"golang.org/x/text/language"

	"sede/internal/access"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/page"
)

var update = flag.Bool("update", false, "write the goldens anew")

// A planet has every kind of field and operation, so that the documents below
// show how each is said. Nothing of it is ever stored.
type planet struct {
	ID         ident.ID
	Name       string
	Kind       string
	Mood       null.Value[string]
	Radius     int64
	Rings      null.Value[int64]
	Inhabited  bool
	Found      time.Time
	Visited    null.Value[time.Time]
	Star       string
	Partner    null.Value[ident.ID]
	Moons      []ident.ID
	Nicknames  []string
	Password   string
	Weather    weather
	Stations   []weather
	Discoverer string
	Survey     []byte
}

type weather struct {
	Name    string
	Degrees null.Value[int64]
	Star    string
}

type star struct{ ID string }

// An orbit is part of a planet.
type orbit struct {
	Planet ident.ID
	Days   int64
	Advice fault.Text
}

// names writes the names of planets.
func names(_ context.Context, _ *access.Caller, items []planet) ([]byte, error) {
	var list []byte
	for _, p := range items {
		if p.Name == "" {
			return nil, fault.Missing()
		}
		list = append(append(list, p.Name...), '\n')
	}
	return list, nil
}

// orbitQuery is what the query for an orbit holds.
type orbitQuery struct {
	Year   int64
	Exact  bool
	Around string
}

func orbits() Declaration {
	return Resource[orbit]{
		Name: "Orbit", Path: "/planets/{id}/orbit", Doc: "How a planet goes round its star.",
		Fields: []Field[orbit]{
			ID(func(o *orbit) *ident.ID { return &o.Planet }),
			Int("days", func(o *orbit) *int64 { return &o.Days }).ReadOnly(),
			Sentence("advice", func(o *orbit) fault.Text { return o.Advice }).Nullable(),
		},
		Operations: []Operation{Action[orbitQuery, orbit]{
			Method: "GET", Path: "/planets/{id}/orbit", Access: access.Within(access.Readers),
			Fields: []Field[orbitQuery]{
				Int("year", func(q *orbitQuery) *int64 { return &q.Year }).Between(1, 3000).Required().Example("2030").Doc("Of which year."),
				Bool("exact", func(q *orbitQuery) *bool { return &q.Exact }),
				Text("around", func(q *orbitQuery) *string { return &q.Around }).OneOf("star", "moon"),
			},
			Defaults: func(q *orbitQuery) { q.Around = "star" },
			Do: func(_ context.Context, _ *access.Caller, _ string, q *orbitQuery, o *orbit) error {
				*o = orbit{Planet: mars().ID, Days: q.Year}
				if q.Exact {
					o.Advice = fault.Textf("%s", q.Around)
				}
				return nil
			},
		}},
	}
}

// exportQuery is what the query for an export holds.
type exportQuery struct{ From int64 }

// exportPlanets sends a line of JSON for each number up to 100, and fails after
// the first when it begins with 65 or 66, which is long with 66, and before it
// when it begins with 67.
func exportPlanets(_ context.Context, _ *access.Caller, _, media string, q *exportQuery) (Download, error) {
	if q.From == 67 {
		return Download{}, fault.Missing()
	}
	if media == typeCSV {
		return Download{Name: "planets.csv", Write: func(w io.Writer) error { _, err := io.WriteString(w, "number\r\n"); return err }}, nil
	}
	return Download{Name: "planets.ndjson", Write: func(w io.Writer) error {
		for n := q.From; n <= 100; n++ {
			if q.From == 66 {
				_, _ = w.Write(make([]byte, 2*streamBuffer))
			}
			if _, err := fmt.Fprintf(w, "{\"number\":%d}\n", n); err != nil || q.From == 65 || q.From == 66 {
				return errors.Join(err, errors.New("no more"))
			}
		}
		return nil
	}}, nil
}

type landing struct {
	Reason string
	DryRun bool
	Pad    null.Value[ident.ID]
}

type flagUpload struct{ File Upload }

var planetFields = []Field[planet]{
	ID(func(p *planet) *ident.ID { return &p.ID }),
	Text("name", func(p *planet) *string { return &p.Name }).Required().Length(1, 80).Doc("What people call it.").Example("Mars").
		Means("https://schema.org/name").Filter(Partial).Sortable(),
	Text("kind", func(p *planet) *string { return &p.Kind }).OneOf("rock", "gas").Filter(Exact),
	NullText("mood", func(p *planet) *null.Value[string] { return &p.Mood }).OneOf("calm", "stormy").Filter(Existence),
	Int("radius", func(p *planet) *int64 { return &p.Radius }).Between(0, 5_000_000_000).Filter(Range).Sortable(),
	NullInt("rings", func(p *planet) *null.Value[int64] { return &p.Rings }).Between(0, 24).Filter(Numeric).Example("7"),
	Bool("inhabited", func(p *planet) *bool { return &p.Inhabited }).Filter(Boolean).Example("true"),
	Time("found", func(p *planet) *time.Time { return &p.Found }).ReadOnly().Filter(DateRange).Sortable(),
	NullTime("visited", func(p *planet) *null.Value[time.Time] { return &p.Visited }).Required().Offset(),
	KeyRef("star", "Star", func(p *planet) *string { return &p.Star }).Required().OnCreate().Filter(Exact),
	NullRef("partner", "Planet", func(p *planet) *null.Value[ident.ID] { return &p.Partner }),
	Refs("moons", "Planet", func(p *planet) *[]ident.ID { return &p.Moons }),
	Texts("nicknames", func(p *planet) *[]string { return &p.Nicknames }).Length(1, 20),
	Text("password", func(p *planet) *string { return &p.Password }).WriteOnly(),
	Object("weather", func(p *planet) *weather { return &p.Weather }, weatherFields...).Doc("How it is there now."),
	Objects("stations", func(p *planet) *[]weather { return &p.Stations }, weatherFields...).Nullable(),
	LocalText("localName", func(p *planet, _ language.Tag) string { return p.Name }),
	Text("discoverer", func(p *planet) *string { return &p.Discoverer }).Lines().Length(0, 2000),
	Raw("survey", func(p *planet) *[]byte { return &p.Survey }).Doc("What a probe found."),
}

var weatherFields = []Field[weather]{
	Text("name", func(w *weather) *string { return &w.Name }),
	NullInt("degrees", func(w *weather) *null.Value[int64] { return &w.Degrees }),
	KeyRef("star", "Star", func(w *weather) *string { return &w.Star }),
	Sentence("advice", func(w *weather) fault.Text { return fault.Textf("Not Found") }),
}

func planets() []Declaration {
	list := func(_ context.Context, _ *access.Caller, _ string, q *page.Query) (page.Result[planet], error) {
		return page.Result[planet]{Items: []planet{mars(), {Name: "Venus", Kind: "rock", Star: "SO"}}, Total: page.Total{Rows: 61, Exact: q.Size < 50}, More: true}, nil
	}
	get := func(_ context.Context, _ *access.Caller, key string, p *planet) error {
		if key == "pluto" {
			return fault.Missing()
		}
		*p = mars()
		return nil
	}
	return []Declaration{
		Resource[planet]{
			Name: "Planet", Path: "/planets", Doc: "A planet goes round a star.", Means: "https://schema.org/Place",
			Fields: planetFields, Version: func(*planet) int64 { return 1 }, Defaults: func(p *planet) { p.Kind = "rock" },
			Spans:   []Span{{Name: "known", From: "found", To: "visited"}},
			Formats: []Format[planet]{{Suffix: "txt", Media: "text/plain", Encode: names}},
			Operations: []Operation{
				List[planet]{Access: access.Within(access.Readers), Do: list},
				Create[planet]{Access: access.Within(access.Admins), Do: func(context.Context, *access.Caller, *planet) error { return nil }},
				Get[planet]{Access: access.Within(access.Readers), Do: get},
				Update[planet]{Access: access.Within(access.Admins), Do: func(_ context.Context, _ *access.Caller, _ string, p *planet, apply func() error) error {
					*p = mars()
					return apply()
				}},
				Delete[planet]{Access: access.Within(access.Admins), Do: func(context.Context, *access.Caller, string) error { return nil }},
				List[planet]{Path: "/planets/{id}/moons", Access: access.Within(access.Readers), Do: list},
				Action[landing, planet]{
					Path: "/planets/{id}/land-on", Access: access.SignedIn(), Doc: "Lands on the planet.",
					Fields: []Field[landing]{
						Text("reason", func(l *landing) *string { return &l.Reason }).Required(),
						Bool("dryRun", func(l *landing) *bool { return &l.DryRun }),
						NullRef("pad", "Planet", func(l *landing) *null.Value[ident.ID] { return &l.Pad }),
					},
					Do: func(_ context.Context, _ *access.Caller, _ string, _ *landing, p *planet) error {
						*p = mars()
						return nil
					},
				},
				Action[flagUpload, planet]{
					Path: "/planets/flag", Access: access.Within(access.Admins),
					Fields: []Field[flagUpload]{File("file", func(f *flagUpload) *Upload { return &f.File }).Required().MaxBytes(5 << 20)},
					Do: func(_ context.Context, _ *access.Caller, _ string, _ *flagUpload, p *planet) error {
						*p = mars()
						return nil
					},
				},
				Stream[exportQuery]{
					Path: "/planets/export", Access: access.Within(access.Readers), Media: []string{"application/x-ndjson", typeCSV},
					Fields:   []Field[exportQuery]{Int("from", func(q *exportQuery) *int64 { return &q.From }).Between(1, 100).Doc("The first to send.")},
					Defaults: func(q *exportQuery) { q.From = 1 }, Do: exportPlanets,
				},
				Action[None, None]{Path: "/planets/forget", Access: access.Operators(), Do: func(context.Context, *access.Caller, string, *None, *None) error { return nil }},
			},
		},
		orbits(),
		Resource[star]{
			Name: "Star", Path: "/stars", MaxAge: 3600,
			Fields: []Field[star]{Key(func(s *star) *string { return &s.ID }).Required().Length(2, 2).Example("SO").Filter(Exact).Sortable()},
			Operations: []Operation{
				List[star]{Access: access.Public(), Do: func(context.Context, *access.Caller, string, *page.Query) (page.Result[star], error) {
					return page.Result[star]{Items: []star{{ID: "SO"}}, Total: page.Total{Rows: 1, Exact: true}}, nil
				}},
				Get[star]{Access: access.Public(), Do: func(_ context.Context, _ *access.Caller, key string, s *star) error {
					if s.ID = key; len(key) != 2 {
						return fault.Missing()
					}
					return nil
				}},
			},
		},
	}
}

// mars has a value in every field.
func mars() planet {
	return planet{
		ID: ident.ID{1}, Name: "Mars", Kind: "rock", Mood: null.Of("calm"), Radius: 3389, Rings: null.Of[int64](0),
		Found: time.Date(1610, 1, 1, 0, 0, 0, 0, time.UTC), Visited: null.Of(time.Date(1976, 7, 20, 12, 0, 0, 0, time.UTC)),
		Star: "SO", Partner: null.Of(ident.ID{2}), Moons: []ident.ID{{3}, {4}}, Nicknames: []string{"red"}, Password: "hidden",
		Weather: weather{Name: "dust", Star: "SO"}, Stations: []weather{{Name: "calm", Degrees: null.Of[int64](-60), Star: "SO"}},
		Survey: []byte(`{"water":{"found":true,"at":[1,2]},"name":"Beagle"}`),
	}
}

func newPlanets(t *testing.T, config Config, describe ...Describe) *API {
	t.Helper()
	config.Title, config.Version = "Planets", "1.0.0"
	api, err := New(config, planets(), describe...)
	if err != nil {
		t.Fatal(err)
	}
	return api
}

// golden compares what a document is with what it was.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", "documents", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs; run with -update and look at the difference. Got:\n%s", name, got)
	}
}

func indent(t *testing.T, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, content, "", "  "); err != nil {
		t.Fatalf("%v in %s", err, content)
	}
	return append(b.Bytes(), '\n')
}

const docsURL = "https://sede.example/docs.jsonld"

func TestDocuments(t *testing.T) {
	t.Parallel()
	api := newPlanets(t, Config{Description: "Where to go."})
	golden(t, "entrypoint.jsonld", indent(t, api.entrypointDocument()))
	golden(t, "docs.jsonld", indent(t, api.apiDocumentation(docsURL)))
	for _, name := range []string{"Entrypoint", "Planet", "Orbit", "Star", "Error", "ConstraintViolation"} {
		content, ok := api.contextDocument(docsURL, name)
		if !ok {
			t.Fatalf("no context %s", name)
		}
		golden(t, "context-"+name+".jsonld", indent(t, content))
	}
	if _, ok := api.contextDocument(docsURL, "Comet"); ok {
		t.Error("a context of an unknown class")
	}
	for _, keys := range []Keys{Prefixed, Plain, Both} {
		golden(t, "search-"+string(keys)+".json", indent(t, []byte("{"+string(newPlanets(t, Config{Keys: keys}).searchTemplate(api.byName["Planet"]))+"}")))
	}
}

// TestFormatsOfTheirOwn reads a resource in a format that it alone has.
func TestFormatsOfTheirOwn(t *testing.T) {
	t.Parallel()
	handler := newPlanets(t, Config{Authenticate: asOwner}).Handler()
	get := func(path, accept, tag string) *httptest.ResponseRecorder {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", path, nil)
		r.Header.Set("Accept", accept)
		r.Header.Set("If-None-Match", tag)
		handler.ServeHTTP(w, r)
		return w
	}
	for _, c := range []struct {
		path, accept, body string
		status             int
	}{
		{"/planets", "text/plain", "Mars\nVenus\n", 200},
		{"/planets/1.txt", "", "Mars\n", 200},
		{"/planets/1", "text/plain;q=0.5, image/png", "Mars\n", 200},
		{"/planets", "text/*", "", 200}, // CSV is offered first
		{"/stars", "text/plain", "", 406},
		{"/stars.txt", "", "", 404},
		{"/docs.txt", "", "", 404},
		{"/planets/pluto.txt", "", "", 404},
	} {
		w := get(c.path, c.accept, "")
		if w.Code != c.status || c.body != "" && (w.Body.String() != c.body || w.Header().Get("Content-Type") != "text/plain; charset=utf-8") {
			t.Errorf("%s as %s: %d %v %s", c.path, c.accept, w.Code, w.Header(), w.Body)
		}
	}
	tag := get("/planets/1", "text/plain", "").Header().Get("ETag")
	if other := get("/planets/1", "", "").Header().Get("ETag"); tag == other || tag == "" {
		t.Errorf("tags %s and %s", tag, other)
	}
	if w := get("/planets/1", "text/plain", tag); w.Code != http.StatusNotModified {
		t.Errorf("%d", w.Code)
	}
	if w := get("/planets", "image/png", ""); !strings.Contains(w.Body.String(), `\"text/plain\"`) {
		t.Errorf("406 does not name the format: %s", w.Body)
	}
}

// TestPartsHaveIRIs answers with an item that is part of another one: its IRI is
// where it was read, and what the query says takes the place of the defaults.
func TestPartsHaveIRIs(t *testing.T) {
	t.Parallel()
	handler := newPlanets(t, Config{Prefix: "/api", Authenticate: asOwner}).Handler()
	id := mars().ID.String()
	for path, want := range map[string]string{
		"?year=2030":                         `,"days":2030,"advice":null}`,
		"?year=1&year=2030&exact=true&x=y":   `,"days":2030,"advice":"star"}`,
		"?around=moon&exact=true&year=2030":  `,"days":2030,"advice":"moon"}`,
		"?around=true&exact=false&year=2030": "",
		".jsonhal?year=2030":                 `{"_links":{"self":{"href":"/api/planets/` + id + `/orbit"}},`,
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("GET", "/api/planets/"+id+"/orbit"+path, nil))
		if want == "" {
			if w.Code != http.StatusUnprocessableEntity {
				t.Errorf("%s: %d", path, w.Code)
			}
			continue
		}
		if path[0] == '?' {
			want = `{"@context":"/api/contexts/Orbit","@id":"/api/planets/` + id + `/orbit","@type":"Orbit","id":"` + id + `"` + want
		}
		if body := w.Body.String(); w.Code != http.StatusOK || !strings.HasPrefix(body, want) {
			t.Errorf("%s: %d %s, want %s", path, w.Code, body, want)
		}
		r := httptest.NewRequest("GET", "/api/planets/"+id+"/orbit"+path, nil)
		r.Header.Set("If-None-Match", w.Header().Get("ETag"))
		w = httptest.NewRecorder()
		if handler.ServeHTTP(w, r); w.Code != http.StatusNotModified {
			t.Errorf("%s again: %d", path, w.Code)
		}
	}
}

func TestOpenAPI(t *testing.T) {
	t.Parallel()
	signIn := func(document *openapi3.T) {
		op := openapi3.NewOperation()
		op.OperationID, op.Summary = "sign_in", "Signs in."
		op.AddResponse(204, openapi3.NewResponse().WithDescription("Done"))
		AddPlainProblems(op, 401, 429)
		document.AddOperation("/login", "POST", op)
	}
	api := newPlanets(t, Config{Prefix: "/api"}, signIn)
	current, err := api.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "openapi.json", indent(t, current))
	old, err := api.OpenAPI30()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "openapi30.json", indent(t, old))
	for _, api := range []*API{api, newPlanets(t, Config{Keys: Plain}), newPlanets(t, Config{Keys: Both})} {
		if err := api.CheckOpenAPI(); err != nil {
			t.Error(err)
		}
	}
}

func TestOpenAPIRefusesBadDocuments(t *testing.T) {
	t.Parallel()
	broken := func(document *openapi3.T) {
		document.AddOperation("/x", "GET", &openapi3.Operation{OperationID: "api_stars_get_collection", Responses: openapi3.NewResponses()})
	}
	if err := newPlanets(t, Config{}, broken).CheckOpenAPI(); err == nil {
		t.Error("a document with an operationId that occurs twice was accepted")
	}
}
