package console

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"sede/internal/fault"
)

// sample is a page that greets whom the form names and refuses short names.
func sample() Page {
	return Page{
		Path: "/greet",
		Show: func(_ *http.Request, query url.Values) (View, error) {
			if query.Get("token") == "dead" {
				return View{}, fault.New(fault.Gone, "Not Found")
			}
			return View{Title: fault.Textf("Access Denied."), Form: Form{
				Hidden: []Hidden{{"token", query.Get("token")}},
				Inputs: []Input{
					{Name: "name", Label: fault.Textf("Not Found"), Kind: "text", Max: 20},
					{Name: "password", Label: fault.Textf("Syntax error"), Kind: "password", Autocomplete: "new-password", Min: 10},
				},
				Button: fault.Textf("An error occurred"),
			}}, nil
		},
		Submit: func(_ *http.Request, form url.Values) (View, error) {
			switch form.Get("name") {
			case "broken":
				return View{}, http.ErrNoLocation
			case "":
				return View{}, fault.Broken(
					fault.Violation{Path: "password", Text: fault.Textf("This value should not be blank.")},
					fault.Violation{Path: "elsewhere", Text: fault.Textf("This value should not be null.")})
			}
			return View{Title: fault.Textf("%s", "Hello "+form.Get("name")+form.Get("token"))}, nil
		},
	}
}

type shop struct {
	http.ServeMux
	log bytes.Buffer
}

func newShop() *shop {
	s := &shop{}
	for _, route := range New("", slog.New(slog.NewTextHandler(&s.log, nil))).Routes([]Page{sample()}) {
		s.Handle(route.Pattern, route.Handler)
	}
	return s
}

func (s *shop) get(target string, header ...string) *httptest.ResponseRecorder {
	return s.do(httptest.NewRequest(http.MethodGet, target, nil), header)
}

func (s *shop) post(form string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/console/greet", strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.do(r, header)
}

func (s *shop) do(r *http.Request, header []string) *httptest.ResponseRecorder {
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// has checks the status and that the body holds the texts, or not, with "!".
func has(t *testing.T, w *httptest.ResponseRecorder, status int, texts ...string) {
	t.Helper()
	if w.Code != status {
		t.Errorf("status %d, want %d: %s", w.Code, status, w.Body)
	}
	for _, text := range texts {
		not := strings.HasPrefix(text, "!")
		if strings.Contains(w.Body.String(), strings.TrimPrefix(text, "!")) == not {
			t.Errorf("want %q in:\n%s", text, w.Body)
		}
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	s := newShop()
	w := s.get(`/console/greet?token=a"><script>`)
	has(t, w, 200, `<html lang="en">`, "<h1>Access Denied.</h1>", `name="token" value="a&#34;&gt;&lt;script&gt;"`, "!<script", "!style=",
		`<label for="name">Not Found</label>`, `type="password" value="" autocomplete="new-password" required minlength="10"`, `action="/console/greet"`)
	h := w.Header()
	if h.Get("Content-Security-Policy") != policy || h.Get("Cache-Control") != "no-store" || strings.Contains(policy, "unsafe") || strings.Contains(policy, "script-src") {
		t.Errorf("header %v", h)
	}
	has(t, s.get("/console/greet", "Accept-Language", "pl"), 200, `<html lang="pl">`, "<h1>Odmowa dostępu.</h1>")
	has(t, s.get("/console/greet?token=dead", "Accept-Language", "pt"), 410, "<h1>Não foi possível</h1>", "!<form")
	_, rest, _ := strings.Cut(w.Body.String(), `<link rel="stylesheet" href="`)
	path, _, _ := strings.Cut(rest, `"`)
	if css := s.get(path); css.Code != 200 || css.Header().Get("Content-Type") != "text/css; charset=utf-8" || !strings.Contains(css.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("the style sheet: %d %v", css.Code, css.Header())
	}
}

func TestForm(t *testing.T) {
	t.Parallel()
	s := newShop()
	has(t, s.post("name=Ana+%3Cb%3E&token=1"), 200, "<h1>Hello Ana &lt;b&gt;1</h1>", "!<form")
	// What is wrong stands beside the field, what was typed stays, but no password.
	has(t, s.post("name=&password=secret-thing&token=1"), 422, `id="password-wrong" class="wrong"`, "<p>This value should not be blank.</p>",
		`role="alert"`, "<p>This value should not be null.</p>", `name="token" value="1"`, "!secret-thing",
		`minlength="10" autofocus aria-invalid="true" aria-describedby="password-wrong">`)
	has(t, s.post("name=broken"), 500, "<h1>This did not work</h1>", "!ErrNoLocation", "!location")
	if !strings.Contains(s.log.String(), http.ErrNoLocation.Error()) {
		t.Errorf("the log says %q", s.log.String())
	}
}

// TestForeignForms refuses forms that stand on another site's page, and what is no
// form.
func TestForeignForms(t *testing.T) {
	t.Parallel()
	s := newShop()
	has(t, s.post("name=Ana", "Sec-Fetch-Site", "cross-site"), 403, "another site", "!Hello")
	has(t, s.post("name=Ana", "Origin", "https://evil.example"), 403, "!Hello")
	has(t, s.post("name=Ana", "Sec-Fetch-Site", "same-origin", "Origin", "http://example.com"), 200, "Hello")
	has(t, s.post(`{"name":"Ana"}`, "Content-Type", "application/json"), 415, "!Hello")
	has(t, s.post("name=%zz"), 400, "!Hello")
	has(t, s.post("name="+strings.Repeat("a", maxForm)), 400, "!Hello")
}
