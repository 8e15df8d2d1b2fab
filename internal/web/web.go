// Package web is what stands between the network and sede's routes: the server
// with its time limits, and the steps that every request passes. From the
// outside in:
//
//  1. /healthz, /readyz and /metrics, which nothing else touches
//  2. the request's id: the caller's X-Request-Id, or a new one
//  3. metrics, and one log line without query or header values
//  4. a panic becomes a 500 problem
//  5. headers that protect browsers
//  6. CORS: preflight requests are answered here
//  7. the largest body that anybody may send
//
// Steps 2 to 7 are one function (see Handler.serve) and not a chain of handlers,
// because together they may cost a request a microsecond or two.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sede/internal/clock"
	"sede/internal/fault"
)

// Config says what to serve and how.
type Config struct {
	Routes      http.Handler                                            // serves everything but the three paths of step 1
	Problem     func(w http.ResponseWriter, r *http.Request, err error) // answers with an error
	Ready       func(ctx context.Context) error                         // nil: ready as soon as it listens
	Address     func(r *http.Request) string                            // of the caller, for the log; nil: the connection's
	CORSOrigins []string                                                // who may call from a browser; none: nobody, "*": all
	MaxBody     int64                                                   // bytes of any body, uploads included; 0: 32 MiB
	Uploads     map[string]int64                                        // paths to which larger bodies may be sent, up to that
	Version     string                                                  // of the program, for the metrics
	Collectors  []prometheus.Collector                                  // further metrics
	Clock       clock.Clock                                             // nil: the system's
	Log         *slog.Logger                                            // nil: discards
}

// Handler serves all of sede. It is safe for concurrent use.
type Handler struct {
	Config
	cors    *crossOrigin
	metrics *metrics
	ready   readiness
	ids     requestIDs
}

// New returns the Handler.
func New(config Config) *Handler {
	if config.MaxBody == 0 {
		config.MaxBody = 32 << 20
	}
	if config.Clock == nil {
		config.Clock = clock.System{}
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	h := &Handler{Config: config, cors: newCrossOrigin(config.CORSOrigins), ids: newRequestIDs()}
	h.metrics = newMetrics(config.Version, config.Collectors)
	h.ready = readiness{check: config.Ready, now: config.Clock}
	return h
}

// ServeHTTP answers a request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/healthz":
		serveHealth(w, r)
	case "/readyz":
		h.ready.ServeHTTP(w, r)
	case "/metrics":
		h.metrics.page.ServeHTTP(w, r)
	default:
		h.serve(w, r)
	}
}

// Header values that never change. They are shared, so nobody may write to
// them.
var (
	nosniff    = []string{"nosniff"}
	deny       = []string{"deny"}
	noReferrer = []string{"no-referrer"}
)

// serve is steps 2 to 7.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request) {
	start := h.Clock.Now()
	rec := recorders.Get().(*recorder)
	*rec = recorder{ResponseWriter: w}
	header := w.Header()
	id := h.ids.of(r)
	header["X-Request-Id"] = id
	h.metrics.inFlight.Add(1)
	defer func() {
		h.metrics.inFlight.Add(-1)
		if p := recover(); p != nil {
			h.recovered(rec, r, id[0], p)
		}
		h.observe(rec, r, id[0], start)
		rec.ResponseWriter = nil
		recorders.Put(rec)
	}()
	header["X-Content-Type-Options"] = nosniff
	header["X-Frame-Options"] = deny
	header["Referrer-Policy"] = noReferrer
	if h.cors.serve(rec, r) {
		return
	}
	most := max(h.MaxBody, h.Uploads[r.URL.Path])
	if r.ContentLength > most {
		h.Problem(rec, r, fault.New(fault.TooLarge, "The body is too large. It may have up to %d bytes.", most))
		return
	}
	if r.ContentLength != 0 && r.Body != nil {
		r.Body = http.MaxBytesReader(w, r.Body, most)
	}
	h.Routes.ServeHTTP(rec, r)
}

// recovered answers a request whose handler panicked. When the answer has begun
// the connection is cut, so that nobody takes half an answer for a whole one.
func (h *Handler) recovered(rec *recorder, r *http.Request, id string, p any) {
	if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it the same way
		panic(p)
	}
	h.Log.ErrorContext(r.Context(), "panic", "request_id", id, "method", r.Method, "path", loggedPath(r), "panic", p, "stack", string(debug.Stack()))
	if rec.status != 0 {
		panic(http.ErrAbortHandler)
	}
	for _, name := range []string{"Content-Length", "Content-Encoding", "Etag", "Location", "Content-Location", "Last-Modified"} {
		rec.Header().Del(name)
	}
	h.Problem(rec, r, fault.New(fault.Internal, "Internal Server Error"))
}

// observe counts the request and logs it: at level Error what sede did wrong,
// at level Info what was refused or changed something, at level Debug the reads
// that went well, which are most of the traffic and least of the news.
func (h *Handler) observe(rec *recorder, r *http.Request, id string, start time.Time) {
	status := rec.status
	if status == 0 {
		status = http.StatusOK // net/http sends it for a handler that wrote nothing
	}
	end := h.Clock.Now()
	h.metrics.observe(r, status, end.Sub(start))
	level := slog.LevelInfo
	switch {
	case status >= 500:
		level = slog.LevelError
	case status < 400 && (r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions):
		level = slog.LevelDebug
	}
	ctx := r.Context()
	if !h.Log.Enabled(ctx, level) {
		return
	}
	address := r.RemoteAddr
	if h.Address != nil {
		address = h.Address(r)
	}
	// Straight to the handler, which spares looking for the line of source.
	line := slog.NewRecord(end, level, "request", 0)
	line.AddAttrs(slog.String("request_id", id), slog.String("method", r.Method),
		slog.String("path", loggedPath(r)), slog.Int("status", status), slog.Int64("bytes", rec.written),
		slog.Duration("took", end.Sub(start)), slog.String("address", address))
	_ = h.Log.Handler().Handle(ctx, line) // there is nowhere to say that logging failed
}

// loggedPath is the path without its query. Where the path itself holds a
// secret, which patterns call {token} or {secret}, it is the pattern.
func loggedPath(r *http.Request) string {
	if strings.Contains(r.Pattern, "{token}") || strings.Contains(r.Pattern, "{secret}") {
		return routeOf(r)
	}
	return r.URL.Path
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status    int   // 0: nothing was sent yet
	written   int64 // bytes of the body
	perOrigin bool  // the answer depends on the header Origin
}

var recorders = sync.Pool{New: func() any { return new(recorder) }}

// WriteHeader sends the status and the header.
func (rec *recorder) WriteHeader(status int) {
	if status >= 200 && rec.status == 0 { // 1xx may come before the answer
		rec.status = status
		if rec.perOrigin {
			varyByOrigin(rec.Header())
		}
	}
	rec.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the body.
func (rec *recorder) Write(content []byte) (int, error) {
	if rec.status == 0 {
		rec.WriteHeader(http.StatusOK)
	}
	n, err := rec.ResponseWriter.Write(content)
	rec.written += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the server's own writer.
func (rec *recorder) Unwrap() http.ResponseWriter { return rec.ResponseWriter }
