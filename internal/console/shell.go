package console

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/phrase"
)

//go:embed page.html
var pageHTML string

//go:embed console.css
var styleSheet []byte

// policy lets a page load the style sheet and send its form, both to sede.
const policy = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// maxForm bounds a form in bytes.
const maxForm = 64 << 10

// Shell serves pages. It is safe for concurrent use.
type Shell struct {
	prefix string // of all paths
	style  string // path of the style sheet, which changes with its content
	layout *template.Template
	sites  *http.CrossOriginProtection
	log    *slog.Logger
}

// New returns a Shell whose pages stand below the prefix and /console.
func New(prefix string, log *slog.Logger) *Shell {
	sum := sha256.Sum256(styleSheet)
	return &Shell{
		prefix: prefix, style: "/console/assets/" + hex.EncodeToString(sum[:8]) + ".css",
		layout: template.Must(template.New("page").Parse(pageHTML)),
		sites:  http.NewCrossOriginProtection(), log: log,
	}
}

// Routes serve the pages and what they load.
func (s *Shell) Routes(pages []Page) []hydra.Route {
	routes := []hydra.Route{{Pattern: "GET " + s.style, Handler: http.HandlerFunc(s.serveStyle)}}
	for _, p := range pages {
		routes = append(routes, hydra.Route{Pattern: "GET /console" + p.Path, Handler: s.show(p), Problem: s.problem})
		if p.Submit != nil {
			routes = append(routes, hydra.Route{Pattern: "POST /console" + p.Path, Handler: s.submit(p), Class: p.Class, Problem: s.problem})
		}
	}
	return routes
}

// serveStyle answers with the style sheet, which never changes under its path.
func (s *Shell) serveStyle(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/css; charset=utf-8")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(styleSheet)
}

func (s *Shell) show(p Page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		view, err := p.Show(r, r.URL.Query())
		if err != nil {
			s.problem(w, r, err)
			return
		}
		s.write(w, r, http.StatusOK, newSheet(&view, nil, nil))
	})
}

func (s *Shell) submit(p Page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		form, err := s.read(w, r)
		if err != nil {
			s.problem(w, r, err)
			return
		}
		view, err := p.Submit(r, form)
		if fault.Is(err, fault.Unprocessable) {
			s.again(w, r, p, form, fault.As(err))
			return
		}
		if err != nil {
			s.problem(w, r, err)
			return
		}
		s.write(w, r, http.StatusOK, newSheet(&view, nil, nil))
	})
}

// again shows the form once more, with what is wrong with what was typed.
func (s *Shell) again(w http.ResponseWriter, r *http.Request, p Page, form url.Values, why *fault.Error) {
	view, err := p.Show(r, form)
	if err != nil {
		s.problem(w, r, err)
		return
	}
	s.write(w, r, http.StatusUnprocessableEntity, newSheet(&view, form, why))
}

// read returns the form that was sent. It refuses forms on the pages of others.
func (s *Shell) read(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if err := s.sites.Check(r); err != nil {
		return nil, fault.Wrap(err, fault.Forbidden, "This form was sent from another site.")
	}
	if media := r.Header.Get("Content-Type"); !strings.HasPrefix(media, "application/x-www-form-urlencoded") {
		return nil, fault.New(fault.UnsupportedMediaType, "The content-type %q is not supported. Supported MIME types are %s.",
			media, `"application/x-www-form-urlencoded"`)
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The form could not be read.")
	}
	return r.PostForm, nil
}

// problem answers with a page that says what went wrong.
func (s *Shell) problem(w http.ResponseWriter, r *http.Request, err error) {
	e := fault.As(err)
	if e.Kind == fault.Internal {
		s.log.ErrorContext(r.Context(), "request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((e.RetryAfter+time.Second-1)/time.Second)))
	}
	view := View{Title: fault.Textf("This did not work")}
	if !e.Text.IsZero() {
		view.Paragraphs = append(view.Paragraphs, e.Text)
	}
	for _, v := range e.Violations {
		view.Paragraphs = append(view.Paragraphs, v.Text)
	}
	s.write(w, r, e.Kind.Status(), newSheet(&view, nil, nil))
}

// write lays the sheet out.
func (s *Shell) write(w http.ResponseWriter, r *http.Request, status int, page *sheet) {
	page.reader = phrase.Match(r.Header.Get("Accept-Language"))
	page.Style, page.Action = s.prefix+s.style, r.URL.Path
	var b bytes.Buffer
	if err := s.layout.Execute(&b, page); err != nil {
		s.log.ErrorContext(r.Context(), "page not laid out", "path", r.URL.Path, "error", err)
		status = http.StatusInternalServerError
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "same-origin") // with no-referrer a form would not say where it comes from
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept-Language")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}
