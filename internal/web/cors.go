package web

import (
	"net/http"
	"slices"

	"github.com/rs/cors"
)

// crossOrigin lets browsers call sede from pages of other origins (the Fetch
// Standard). Cookies are never let through: callers show a token.
type crossOrigin struct {
	cors *cors.Cors
}

// newCrossOrigin allows the origins; nil or empty allows none.
func newCrossOrigin(origins []string) *crossOrigin {
	if len(origins) == 0 {
		return &crossOrigin{}
	}
	return &crossOrigin{cors.New(cors.Options{
		AllowedOrigins: origins,
		AllowedMethods: []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch, http.MethodDelete},
		AllowedHeaders: []string{"Authorization", "Content-Type", "Accept", "Accept-Language", "If-Match", "If-None-Match",
			"Idempotency-Key", "X-Organization", "X-Request-Id"},
		ExposedHeaders: []string{"Link", "ETag", "Location", "Content-Location", "Retry-After", "RateLimit", "RateLimit-Policy",
			"Idempotency-Replayed", "X-Request-Id"},
		MaxAge: 7200, // seconds; no browser keeps it longer
	})}
}

// serve adds the headers and reports whether it has answered: preflight
// requests are answered with 204.
func (c *crossOrigin) serve(rec *recorder, r *http.Request) (answered bool) {
	if c.cors == nil {
		return false
	}
	if r.Method == http.MethodOptions && len(r.Header["Access-Control-Request-Method"]) > 0 {
		c.cors.HandlerFunc(rec, r)
		return true
	}
	rec.perOrigin = true
	if len(r.Header["Origin"]) > 0 {
		c.cors.HandlerFunc(rec, r)
	}
	return false
}

// The values of Vary that resources have, and with Origin. They are shared, so
// nobody may write to them.
var (
	varyOrigin         = []string{"Origin"}
	varyAccept         = []string{"Accept, Origin"}
	varyAcceptLanguage = []string{"Accept, Accept-Language, Origin"}
)

// varyByOrigin adds Origin to Vary: what is kept for one page's origin is not
// good for another's.
func varyByOrigin(h http.Header) {
	switch vary := h["Vary"]; {
	case len(vary) == 0:
		h["Vary"] = varyOrigin
	case len(vary) == 1 && vary[0] == "Accept":
		h["Vary"] = varyAccept
	case len(vary) == 1 && vary[0] == "Accept, Accept-Language":
		h["Vary"] = varyAcceptLanguage
	case !slices.Contains(vary, "Origin"):
		h["Vary"] = append(slices.Clone(vary), "Origin")
	}
}
