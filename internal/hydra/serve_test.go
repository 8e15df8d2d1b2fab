package hydra

import (
	"bytes"
	"context"
	"errors"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sede/internal/access"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/page"
	"sede/internal/throttle"
)

// A note is the simplest thing that every kind of operation can be tried on
// without a database.
type note struct {
	ID    ident.ID
	Title string
	Pages int64
	Size  int64
}

type noteFile struct {
	Title string
	Pages int64
	File  Upload
}

var noteID = ident.ID{15: 7}

// notes serves one note, which lives in memory, to a caller who is an admin
// when the request carries a token.
func notes(t *testing.T, config Config) http.Handler {
	t.Helper()
	kept := note{ID: noteID, Title: "Seven", Size: 1}
	fields := []Field[note]{
		ID(func(n *note) *ident.ID { return &n.ID }),
		Text("title", func(n *note) *string { return &n.Title }).Required().Filter(Partial).Sortable(),
		Int("pages", func(n *note) *int64 { return &n.Pages }).Between(0, 10),
		Int("size", func(n *note) *int64 { return &n.Size }).ReadOnly(),
	}
	may := access.Within(access.Admins)
	list := func(_ context.Context, _ *access.Caller, parent string, q *page.Query) (page.Result[note], error) {
		if parent != "" && parent != noteID.String() {
			return page.Result[note]{}, fault.Missing()
		}
		return page.Result[note]{Items: []note{kept}, Total: page.Total{Rows: 1, Exact: true}}, nil
	}
	get := func(_ context.Context, _ *access.Caller, id ident.ID, n *note) error {
		if id != noteID {
			return fault.Missing()
		}
		*n = kept
		return nil
	}
	config.Title = "Notes"
	config.Authenticate = func(r *http.Request) (*access.Caller, error) {
		switch r.Header.Get("Authorization") {
		case "":
			return nil, nil
		case "Bearer guest":
			return &access.Caller{User: noteID, Organization: noteID, Role: access.Guest}, nil
		case "Bearer lost":
			return &access.Caller{User: noteID}, nil
		case "Bearer admin":
			return &access.Caller{User: noteID, Organization: noteID, Role: access.Admin}, nil
		}
		return nil, fault.New(fault.Unauthorized, "Invalid JWT Token")
	}
	api, err := New(config, []Declaration{Resource[note]{
		Name: "Note", Path: "/notes", Fields: fields, Version: func(n *note) int64 { return n.Size },
		Operations: []Operation{
			List[note]{Access: may, Do: list},
			List[note]{Path: "/notes/{id}/copies", Access: may, Do: list},
			Get[note]{Access: may, Do: ByID(get)},
			Get[note]{Path: "/notes/newest", Access: may, Do: func(_ context.Context, _ *access.Caller, key string, n *note) error {
				if key != "" {
					return errors.New("a path without {id} has no key")
				}
				*n = kept
				return nil
			}},
			Update[note]{Access: may, Do: UpdateByID(func(_ context.Context, _ *access.Caller, id ident.ID, n *note, apply func() error) error {
				if err := get(t.Context(), nil, id, n); err != nil {
					return err
				}
				return apply()
			})},
			Delete[note]{Access: may, Do: DeleteByID(func(_ context.Context, _ *access.Caller, id ident.ID) error {
				return get(t.Context(), nil, id, new(note))
			})},
			Action[noteFile, note]{Path: "/notes/upload", Access: may, Status: http.StatusCreated, Class: throttle.Heavy,
				Fields: []Field[noteFile]{
					Text("title", func(n *noteFile) *string { return &n.Title }).Required(),
					Int("pages", func(n *noteFile) *int64 { return &n.Pages }).Between(0, 10),
					File("file", func(n *noteFile) *Upload { return &n.File }).Required().MaxBytes(100),
				},
				Do: func(_ context.Context, _ *access.Caller, _ string, in *noteFile, n *note) error {
					*n = note{ID: noteID, Title: in.Title, Pages: in.Pages, Size: int64(len(in.File.Content))}
					return nil
				}},
			Action[None, note]{Path: "/notes/{id}/clear", Access: may,
				Do: func(_ context.Context, _ *access.Caller, key string, _ *None, n *note) error {
					n.ID, n.Title = noteID, "cleared "+key
					return nil
				}},
			Action[None, None]{Path: "/notes/crash", Access: access.Public(),
				Do: func(context.Context, *access.Caller, string, *None, *None) error { return errors.New("secret detail") }},
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return api.Handler(Route{Pattern: "GET /plain", Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })})
}

// ask serves one request. Headers are given as "Name: value".
func ask(h http.Handler, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer admin")
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const (
	mergePatch = "Content-Type: application/merge-patch+json"
	asJSON     = "Content-Type: application/json"
)

func TestServe(t *testing.T) {
	t.Parallel()
	h := notes(t, Config{})
	item := "/notes/" + noteID.String()
	for _, c := range []struct {
		method, path, body string
		headers            []string
		status             int
		holds              string // in the body
	}{
		{"GET", item, "", nil, 200, `"@id":"` + item + `","@type":"Note","id":`},
		{"GET", item + ".json", "", nil, 200, `{"id":"` + noteID.String() + `","title":"Seven"`},
		{"GET", item + ".jsonhal", "", nil, 200, `{"_links":{"self":{"href":"` + item + `"}}`},
		{"GET", item + ".jsonapi", "", nil, 200, `{"data":{"id":"` + item + `","type":"Note","attributes":{"_id":`},
		{"GET", item + ".exe", "", nil, 404, `Format \"exe\" is not supported`},
		{"GET", item + ".csv", "", nil, 404, `Format \"csv\" is not supported`},
		{"GET", item, "", []string{"Accept: text/plain"}, 406, `Requested format \"text/plain\" is not supported.`},
		{"GET", item, "", []string{"Authorization: "}, 401, `{"code":401,"message":"JWT Token not found"}`},
		{"GET", item, "", []string{"Authorization: Bearer x"}, 401, `{"code":401,"message":"Invalid JWT Token"}`},
		{"GET", item, "", []string{"Authorization: Bearer guest"}, 403, `Access Denied.`},
		{"GET", item, "", []string{"Authorization: Bearer lost"}, 400, `X-Organization`},
		{"GET", "/notes/" + ident.ID{1}.String(), "", []string{"Authorization: Bearer guest"}, 404, `"detail":"Not Found"`},
		{"GET", "/notes/oops", "", nil, 404, `"detail":"Not Found"`},
		{"GET", "/notes/newest", "", nil, 200, `"title":"Seven"`},
		{"GET", item + "?properties[]=title", "", nil, 200, `"@type":"Note","title":"Seven"}`},
		{"PUT", item, "{}", nil, 405, `Method Not Allowed (Allow: HEAD, GET, PATCH, DELETE)`},
		{"DELETE", item, "", []string{"Content-Type: application/ld+json"}, 204, ""},
		{"DELETE", "/notes/" + ident.ID{1}.String(), "", nil, 404, ""},
		{"OPTIONS", item, "", []string{"Authorization: "}, 204, ""},
		{"PATCH", item, `{"title":"Eight"}`, []string{mergePatch}, 200, `"title":"Eight","pages":0`},
		{"PATCH", item, `{"title":"Eight","size":9,"id":"x","@id":"x","@type":"y"}`, []string{mergePatch}, 200, `"title":"Eight","pages":0,"size":1`},
		{"PATCH", item, `{"data":{"attributes":{"pages":3}}}`, []string{"Content-Type: application/vnd.api+json"}, 200, `"pages":3`},
		{"PATCH", item, `{"title":null}`, []string{mergePatch}, 400, `The type of the \"title\" attribute must be \"string\", \"NULL\" given.`},
		{"PATCH", item, `{"title":" ","pages":11}`, []string{mergePatch}, 422, `"propertyPath":"pages"`},
		{"PATCH", item, `{}`, []string{asJSON}, 415, `Supported MIME types are \"application/merge-patch+json\", \"application/vnd.api+json\".`},
		{"PATCH", item, `{}`, nil, 415, `The \"Content-Type\" header must exist.`},
		{"PATCH", item, `{}`, []string{mergePatch, `If-Match: "2-l"`}, 412, `in the meantime`},
		{"PATCH", item, `{}`, []string{mergePatch, `If-Match: "1-anything"`}, 200, ""},
		{"PATCH", item, `[]`, []string{mergePatch}, 400, `must be a JSON object`},
		{"PATCH", item, `{"title"`, []string{mergePatch}, 400, `"detail":"Syntax error"`},
		{"PATCH", "/notes/" + ident.ID{1}.String(), `{"title"`, []string{mergePatch}, 404, `Not Found`},
		{"PATCH", item, `{"title"`, []string{mergePatch, "Authorization: Bearer guest"}, 403, `Access Denied.`},
		{"PATCH", item, strings.Repeat(" ", 2<<20), []string{mergePatch}, 413, `too large`},
		{"GET", "/notes?title=x", "", nil, 200, `"hydra:view":{"@id":"/notes?title=x","@type":"hydra:PartialCollectionView"}`},
		{"GET", "/notes?page=0", "", nil, 400, `Page should not be less than 1`},
		{"GET", "/notes.csv", "", nil, 200, "id,title,pages,size\r\n" + noteID.String() + ",Seven,0,1\r\n"},
		{"GET", item + "/copies", "", nil, 200, `"@id":"` + item + `/copies","@type":"hydra:Collection"`},
		{"GET", "/notes/x/copies", "", nil, 404, ""},
		{"POST", item + "/clear", "", nil, 200, `"title":"cleared ` + noteID.String() + `"`},
		{"POST", "/notes/crash", "", nil, 500, `"detail":"Internal Server Error"`},
		{"GET", "/plain", "", nil, 418, ""},
		{"GET", "/nowhere", "", nil, 404, `No route found for \"GET http://example.com/nowhere\"`},
		{"GET", "/", "", nil, 200, `{"@context":"/contexts/Entrypoint","@id":"/","@type":"Entrypoint","note":"/notes"}`},
		{"GET", "/index.jsonld", "", nil, 200, `"@type":"Entrypoint"`},
		{"GET", "/contexts/Note.jsonld", "", nil, 200, `"@vocab":"http://example.com/docs.jsonld#"`},
		{"GET", "/contexts/Nothing", "", nil, 404, ""},
		{"GET", "/docs.jsonld", "", nil, 200, `"hydra:ApiDocumentation"`},
		{"GET", "/docs.jsonopenapi", "", nil, 200, `"openapi":"3.1.0"`},
		{"GET", "/docs.jsonopenapi?spec_version=3.0.0", "", nil, 200, `"openapi":"3.0`},
		{"GET", "/docs", "", []string{"Accept: text/html"}, 200, "<html"},
		{"GET", item, "", []string{"Accept: text/html"}, 200, "<html"},
		{"GET", "/errors/404", "", nil, 404, `"status":404`},
		{"GET", "/errors/999", "", nil, 404, `"detail":"Not Found"`},
		{"POST", "/docs", "", nil, 405, ""},
	} {
		w := ask(h, c.method, c.path, c.body, c.headers...)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.holds) {
			t.Errorf("%s %s %v\nis answered %d %s\nwant %d with %s", c.method, c.path, c.headers, w.Code, w.Body, c.status, c.holds)
		}
		if w.Code != 418 && w.Header().Get("Link") == "" && w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("%s %s carries no Link to the documentation", c.method, c.path)
		}
		if strings.Contains(w.Body.String(), "secret detail") {
			t.Errorf("%s %s leaks what only the log should know", c.method, c.path)
		}
	}
}

func TestServeUpload(t *testing.T) {
	t.Parallel()
	h := notes(t, Config{})
	form := func(parts map[string]string) (string, string) {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		for name, value := range parts {
			if name == "file" {
				part, _ := w.CreateFormFile(name, "../../etc/passwd")
				_, _ = part.Write([]byte(value))
				continue
			}
			_ = w.WriteField(name, value)
		}
		_ = w.Close()
		return b.String(), "Content-Type: " + w.FormDataContentType()
	}
	for _, c := range []struct {
		parts  map[string]string
		status int
		holds  string
	}{
		{map[string]string{"title": "A", "pages": "3", "file": "12345"}, 201, `"title":"A","pages":3,"size":5`},
		{map[string]string{"title": "A", "file": ""}, 201, `"size":0`},
		{map[string]string{"title": "A"}, 422, `"propertyPath":"file"`},
		{map[string]string{"title": " ", "file": "1"}, 422, `"propertyPath":"title"`},
		{map[string]string{"title": "A", "pages": "x", "file": "1"}, 400, `Syntax error`},
		{map[string]string{"title": "A", "pages": `"3"`, "file": "1"}, 400, `must be \"int\", \"string\" given`},
		{map[string]string{"title": "A", "file": strings.Repeat("x", 101)}, 422, `The file is too large. It may have up to 100 bytes.`},
		{map[string]string{"title": "A", "file": strings.Repeat("x", 2<<20)}, 413, `too large`},
		{map[string]string{"title": "A", "other": "B", "file": "1"}, 201, ``},
	} {
		body, contentType := form(c.parts)
		w := ask(h, "POST", "/notes/upload", body, contentType)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.holds) {
			t.Errorf("%.60v is answered %d %s\nwant %d with %s", c.parts, w.Code, w.Body, c.status, c.holds)
		}
	}
	for contentType, status := range map[string]int{"application/json": 415, "multipart/form-data": 400, "multipart/form-data; boundary=x": 400} {
		if w := ask(h, "POST", "/notes/upload", "junk", "Content-Type: "+contentType); w.Code != status {
			t.Errorf("%s is answered %d %s, want %d", contentType, w.Code, w.Body, status)
		}
	}
}

func TestPrefixAndKeys(t *testing.T) {
	t.Parallel()
	h := notes(t, Config{Prefix: "/api", Keys: Both, BaseURL: "https://sede.example"})
	for path, holds := range map[string]string{
		"/api":             `{"@context":"/api/contexts/Entrypoint","@id":"/api","@type":"Entrypoint","note":"/api/notes"}`,
		"/api/":            `"@type":"Entrypoint"`,
		"/api/notes":       `"hydra:totalItems":1,"totalItems":1,"hydra:member":[{"@id":"/api/notes/` + noteID.String(),
		"/api/docs.jsonld": `https://sede.example/api/docs.jsonld#`,
		"/api/nothing":     `"@id":"/api/errors/404"`,
		"/notes":           `"type":"/errors/404"`,
	} {
		if w := ask(h, "GET", path, ""); !strings.Contains(w.Body.String(), holds) {
			t.Errorf("%s is answered %s\nwant %s", path, w.Body, holds)
		}
	}
	w := ask(notes(t, Config{Keys: Plain}), "GET", "/notes", "")
	if strings.Contains(w.Body.String(), `"hydra:member"`) || !strings.Contains(w.Body.String(), `"member":[`) {
		t.Errorf("plain keys are answered %s", w.Body)
	}
}

func TestConditionalRequests(t *testing.T) {
	t.Parallel()
	h := notes(t, Config{})
	item := "/notes/" + noteID.String()
	tag := ask(h, "GET", item, "").Header().Get("Etag")
	for _, c := range []struct {
		path, held string
		status     int
	}{
		{item, tag, 304}, {item, "W/" + tag, 304}, {item, `"x", ` + tag, 304}, {item, "*", 304}, {item, `"x"`, 200},
		{item + ".json", tag, 200}, {item + "?properties[]=title", tag, 200},
	} {
		w := ask(h, "GET", c.path, "", "If-None-Match: "+c.held)
		if w.Code != c.status || (c.status == 304) != (w.Body.Len() == 0) {
			t.Errorf("%s If-None-Match %s is answered %d %s, want %d", c.path, c.held, w.Code, w.Body, c.status)
		}
	}
}

// TestDeclarationsThatDoNotStart holds mistakes that must not reach a user.
func TestDeclarationsThatDoNotStart(t *testing.T) {
	t.Parallel()
	id := ID(func(n *note) *ident.ID { return &n.ID })
	get := func(context.Context, *access.Caller, string, *note) error { return nil }
	for name, r := range map[string]Resource[note]{
		"no access rule": {Name: "Note", Path: "/notes", Fields: []Field[note]{id}, Operations: []Operation{Get[note]{Do: get}}},
		"no key":         {Name: "Note", Path: "/notes"},
		"a field twice":  {Name: "Note", Path: "/notes", Fields: []Field[note]{id, id}},
		"an unknown target": {Name: "Note", Path: "/notes", Fields: []Field[note]{id,
			Ref("other", "Nothing", func(n *note) *ident.ID { return &n.ID })}},
		"a reference to a part": {Name: "Note", Path: "/books/{id}/note", Fields: []Field[note]{id,
			Ref("other", "Note", func(n *note) *ident.ID { return &n.ID })}},
		"a suffix of another type": {Name: "Note", Path: "/notes", Fields: []Field[note]{id}, Formats: []Format[note]{{Suffix: "csv", Media: "text/plain"}}},
		"a method twice": {Name: "Note", Path: "/notes", Fields: []Field[note]{id},
			Operations: []Operation{Get[note]{Do: get, Access: access.Public()}, Get[note]{Do: get, Access: access.Public()}}},
		"an update without versions": {Name: "Note", Path: "/notes", Fields: []Field[note]{id}, Operations: []Operation{
			Update[note]{Access: access.Public(), Do: func(context.Context, *access.Caller, string, *note, func() error) error { return nil }}}},
		"a span without fields": {Name: "Note", Path: "/notes", Fields: []Field[note]{id}, Spans: []Span{{Name: "x", From: "a", To: "b"}}},
		"an operation on no resource": {Name: "Note", Path: "/notes", Fields: []Field[note]{id}, Operations: []Operation{
			Get[star]{Access: access.Public(), Do: func(context.Context, *access.Caller, string, *star) error { return nil }}}},
	} {
		if _, err := New(Config{Title: "x"}, []Declaration{r}); err == nil {
			t.Errorf("a declaration with %s starts", name)
		}
	}
}

// TestActionsThatCreateNothing are not documented where clients would take them
// for the way to create an item.
func TestActionsThatCreateNothing(t *testing.T) {
	h := notes(t, Config{})
	docs := ask(h, "GET", "/docs.jsonld", "").Body.String()
	for title, want := range map[string]bool{"postNoteUpload": true, "postNoteClear": false, "postNoteCrash": false} {
		if got := strings.Contains(docs, `"`+title+`"`); got != want {
			t.Errorf("%s is documented: %v, want %v", title, got, want)
		}
	}
	if open := ask(h, "GET", "/docs.jsonopenapi", "").Body.String(); !strings.Contains(open, `"/notes/{id}/clear"`) {
		t.Error("the OpenAPI document lacks the action")
	}
}

// TestConflictsAreNamed: an error tells the items that it is about by the IRIs
// under which this API has them.
func TestConflictsAreNamed(t *testing.T) {
	t.Parallel()
	api := newPlanets(t, Config{Prefix: "/api"})
	items := fault.Items{{Resource: "Planet", Key: "a", Note: "in the way"}, {Resource: "Star", Key: "SO"}}
	for accept, want := range map[string]string{
		typeJSON:   `"detail":"Look at /api/planets/a (in the way), /api/stars/SO, not at /api/planets/b","status":409,"type":"/errors/409","conflicts":["/api/planets/a","/api/stars/SO"]}`,
		typeJSONLD: `"conflicts":["/api/planets/a","/api/stars/SO"]}`,
		typeHTML:   `<p>Look at /api/planets/a (in the way), /api/stars/SO, not at /api/planets/b</p>`,
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept", accept)
		api.WriteProblem(w, r, &fault.Error{Kind: fault.Conflict, Conflicts: items,
			Text: fault.Text{Format: "Look at %s, not at %s", Args: []any{items, fault.Item{Resource: "Planet", Key: "b"}}}})
		if !strings.Contains(w.Body.String(), want) || w.Code != http.StatusConflict {
			t.Errorf("%s: %d %s", accept, w.Code, w.Body)
		}
	}
}
