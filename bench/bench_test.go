package main

import (
	"net"
	"net/http"
	"path/filepath"
	"testing"

	"sede/internal/app"
)

// serve serves a handler on a port of its own.
func serve(t *testing.T, handler http.Handler) *process {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return &process{address: listener.Addr().String()}
}

// TestSameAnswers holds the server written by hand to sede's answers, without
// which a comparison would say nothing.
func TestSameAnswers(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := &stage{o: &options{rows: 1000}, engine: "sqlite", dir: t.TempDir()}
	if err := s.place(ctx, "sede"); err != nil {
		t.Fatal(err)
	}
	if err := s.seed(ctx, "sede", s.seedAll); err != nil {
		t.Fatal(err)
	}
	a, err := app.New(ctx, app.Config{Dir: filepath.Join(s.dir, "sede"), SecretKey: masterKey, CORSOrigins: []string{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	s.sede = serve(t, a.Handler())
	if s.token, err = signIn(ctx, s.sede, "owner"); err != nil {
		t.Fatal(err)
	}
	if err := s.pickItems(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.copyDatabase(ctx, "hand"); err != nil {
		t.Fatal(err)
	}
	settings, err := s.handSettings(ctx, "hand")
	if err != nil {
		t.Fatal(err)
	}
	hand, err := newHand(settings)
	if err != nil {
		t.Fatal(err)
	}
	s.hand = serve(t, hand.routes())
	for _, w := range s.works() {
		if err := s.same(ctx, w); err != nil {
			t.Error(err)
		}
	}
}

func TestAnswerEnd(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]int{
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc":           41,
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nA: b\r\n\r\nabcde": 47,
		"HTTP/1.1 200 OK\r\nContent-Le":                             -1,
	} {
		if got, err := answerEnd([]byte(answer)); err != nil || got != want {
			t.Errorf("%q ends at %d, %v, want %d", answer, got, err, want)
		}
	}
	if _, err := answerEnd([]byte("HTTP/1.1 200 OK\r\n\r\n")); err == nil {
		t.Error("an answer without a length was taken")
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	if got := median([]float64{5, 1, 9}); got != 5 {
		t.Error(got)
	}
	if got := median([]float64{4, 1, 9, 2}); got != 3 {
		t.Error(got)
	}
}
