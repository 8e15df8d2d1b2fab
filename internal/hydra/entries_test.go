package hydra

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sede/internal/access"
	"sede/internal/fault"
	"sede/internal/sedetest/contract"
)

// A basket holds entries of every kind, some of which point at stars.
type basket struct {
	ID    string
	Lines []basketLine
	Notes []basketNote
}

type basketLine struct {
	Star  string
	Count int64
	Label string
	Sum   int64
}

type basketNote struct{ Text string }

var basketFields = []Field[basket]{
	Key(func(b *basket) *string { return &b.ID }).ReadOnly(),
	Entries("lines", func(b *basket) *[]basketLine { return &b.Lines },
		KeyRef("star", "Star", func(l *basketLine) *string { return &l.Star }).Required(),
		Int("count", func(l *basketLine) *int64 { return &l.Count }).Between(0, 9),
		Text("label", func(l *basketLine) *string { return &l.Label }).Length(0, 5).
			Check(fault.CodeRegex, func(l *basketLine) fault.Text {
				if l.Label == "bad" {
					return fault.Textf("This value is not valid.")
				}
				return fault.Text{}
			}),
		Int("sum", func(l *basketLine) *int64 { return &l.Sum }).ReadOnly(),
	).Short("star").Most(3),
	Entries("notes", func(b *basket) *[]basketNote { return &b.Notes },
		Text("text", func(n *basketNote) *string { return &n.Text }).Required()),
}

func newBaskets(t *testing.T, create func(context.Context, *basket) error) (http.Handler, *contract.Checker) {
	t.Helper()
	api, err := New(Config{Title: "Baskets", Authenticate: asOwner}, append(planets(), Resource[basket]{
		Name: "Basket", Path: "/baskets", Fields: basketFields,
		Operations: []Operation{
			Create[basket]{Access: access.SignedIn(), Preview: true, Do: func(ctx context.Context, _ *access.Caller, b *basket) error {
				b.ID = "1"
				return create(ctx, b)
			}},
		},
	}))
	if err != nil {
		t.Fatal(err)
	}
	document, err := api.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	checker, err := contract.New(document)
	if err != nil {
		t.Fatal(err)
	}
	return api.Handler(), checker
}

// post sends a body and holds the exchange against the contract.
func post(t *testing.T, h http.Handler, checker *contract.Checker, target, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	err := checker.Check(&contract.Exchange{Method: r.Method, URL: target, RequestHeader: r.Header, RequestBody: []byte(body),
		Status: w.Code, Header: w.Header(), Body: w.Body.Bytes()})
	if err != nil {
		t.Errorf("%s: %v", body, err)
	}
	return w
}

func TestEntries(t *testing.T) {
	t.Parallel()
	h, checker := newBaskets(t, func(context.Context, *basket) error { return nil })
	for _, test := range []struct {
		body   string
		status int
		want   string // in the answer
	}{
		{`{}`, 201, `"lines":[]`},
		{`{"lines":["/stars/SO",{"star":"/stars/SO","count":2,"label":"x","sum":7}]}`, 201,
			`"lines":[{"star":"/stars/SO","count":0,"label":"","sum":0},{"star":"/stars/SO","count":2,"label":"x","sum":0}]`},
		{`{"lines":{}}`, 400, `"propertyPath":"lines"`},
		{`{"lines":[{"star":"/stars/SO"},7]}`, 400, `"propertyPath":"lines[1]"`},
		{`{"notes":[7]}`, 400, `"propertyPath":"notes[0]"`},
		{`{"notes":["x"]}`, 400, `"propertyPath":"notes[0]"`},
		{`{"notes":[{}]}`, 422, `"propertyPath":"notes[0].text"`},
		{`{"lines":[{"count":"2"},{"star":"/stars/SO","label":7}]}`, 400, `"propertyPath":"lines[1].label"`},
		{`{"lines":[{"count":"2"},{"star":"/stars/SO","label":7}]}`, 400, `"propertyPath":"lines[0].count"`},
		{`{"lines":["/stars/NONE"]}`, 400, `"propertyPath":"lines[0].star"`},
		{`{"lines":["/planets/1"]}`, 400, `Invalid IRI`},
		{`{"lines":[{"star":"/stars/SO","count":10},{"star":"/stars/SO","label":"longer"}]}`, 422, `"propertyPath":"lines[0].count"`},
		{`{"lines":[{"star":"/stars/SO","count":10},{"star":"/stars/SO","label":"longer"}]}`, 422, `"propertyPath":"lines[1].label"`},
		{`{"lines":[{"star":"/stars/SO","label":"bad"}]}`, 422, `"propertyPath":"lines[0].label"`},
		{`{"lines":["/stars/SO","/stars/SO","/stars/SO","/stars/SO"]}`, 422, `"propertyPath":"lines"`},
		{`{"lines":[{"star":"/stars/SO","star":"/stars/SO"}]}`, 400, ``},
	} {
		w := post(t, h, checker, "/baskets", test.body)
		if body := strings.ReplaceAll(w.Body.String(), " ", ""); w.Code != test.status || !strings.Contains(body, strings.ReplaceAll(test.want, " ", "")) {
			t.Errorf("%s: %d %s, want %d and %s", test.body, w.Code, w.Body, test.status, test.want)
		}
	}
}

func TestPreview(t *testing.T) {
	t.Parallel()
	var seen Preview
	h, checker := newBaskets(t, func(ctx context.Context, _ *basket) error {
		seen = PreviewOf(ctx)
		return nil
	})
	w := post(t, h, checker, "/baskets?preview=true", `{}`)
	if w.Code != http.StatusOK || w.Header().Get("Location") != "" || !seen.Wanted {
		t.Errorf("%d %v %+v", w.Code, w.Header(), seen)
	}
	w = post(t, h, checker, "/baskets?previewToken=abc", `{}`)
	if w.Code != http.StatusCreated || w.Header().Get("Location") != "/baskets/1" || seen != (Preview{Token: "abc"}) {
		t.Errorf("%d %v %+v", w.Code, w.Header(), seen)
	}
	if w = post(t, h, checker, "/baskets?preview=perhaps", `{}`); w.Code != http.StatusBadRequest {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
