package web

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"sede/internal/clock"
)

// serveHealth says that the process is alive, whatever its database does.
func serveHealth(w http.ResponseWriter, r *http.Request) { answerProbe(w, r, http.StatusOK, "ok\n") }

// readiness says whether requests should be sent here.
type readiness struct {
	check func(ctx context.Context) error
	now   clock.Clock

	mu   sync.Mutex // held while the check runs, so that many probes cost one
	last error
	at   time.Time
}

// The check may take checkTimeout; what it found is repeated for checkAge.
const (
	checkTimeout = 2 * time.Second
	checkAge     = time.Second
)

// ServeHTTP answers 200, or 503 with the reason in a word: the log has the rest.
func (p *readiness) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case draining(r.Context()):
		answerProbe(w, r, http.StatusServiceUnavailable, "draining\n")
	case p.failure(r.Context()) != nil:
		answerProbe(w, r, http.StatusServiceUnavailable, "database not ready\n")
	default:
		answerProbe(w, r, http.StatusOK, "ok\n")
	}
}

func (p *readiness) failure(ctx context.Context) error {
	if p.check == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now.Now()
	if age := now.Sub(p.at); p.at.IsZero() || age >= checkAge || age < 0 {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTimeout)
		defer cancel()
		p.last, p.at = p.check(ctx), now
	}
	return p.last
}

func answerProbe(w http.ResponseWriter, r *http.Request, status int, text string) {
	h := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		status, text = http.StatusMethodNotAllowed, "method not allowed\n"
	}
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h["X-Content-Type-Options"] = nosniff
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // the prober is gone when this fails
}
