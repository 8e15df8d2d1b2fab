package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// The limits of a connection. A caller that is slower is cut off, so that slow
// callers can't hold all connections.
const (
	headerTimeout  = 10 * time.Second // to send the header
	readTimeout    = time.Minute      // to send header and body
	writeTimeout   = time.Minute      // to be answered, from the end of the header
	idleTimeout    = 2 * time.Minute  // between requests
	maxHeaderBytes = 32 << 10
)

// Server is how Serve serves.
type Server struct {
	Listener net.Listener
	Handler  http.Handler
	Grace    time.Duration // for requests in flight when the end comes; 0: 30 s
	Log      *slog.Logger  // nil: discards
}

// ErrCutOff says that requests were still running when the grace was over; their
// connections were cut.
var ErrCutOff = errors.New("web: requests were still running when the time to finish them was over")

// Serve serves until ctx ends. Then it takes no new connections, answers /readyz
// with 503 on those that are open, and returns nil when the requests in flight
// are answered, or ErrCutOff. It fails at once when the listener does.
func (s Server) Serve(ctx context.Context) error {
	if s.Grace == 0 {
		s.Grace = 30 * time.Second
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	leaving := new(atomic.Bool)
	server := &http.Server{
		Handler:           s.Handler,
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeaderBytes,
		ErrorLog:       slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context {
			return context.WithValue(context.WithoutCancel(ctx), drainingKey{}, leaving)
		},
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(s.Listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	leaving.Store(true)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.Grace)
	defer cancel()
	err := server.Shutdown(grace)
	<-failed // http.ErrServerClosed
	if errors.Is(err, context.DeadlineExceeded) {
		_ = server.Close() // what it could say is known already
		return ErrCutOff
	}
	return err
}

type drainingKey struct{}

// draining reports whether the server that the request came through is about to
// end.
func draining(ctx context.Context) bool {
	leaving, ok := ctx.Value(drainingKey{}).(*atomic.Bool)
	return ok && leaving.Load()
}
