package hydra

import (
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"sede/internal/fault"
	"sede/internal/ident"
)

// uploads counts whose files are coming in and being worked on, so that nobody fills
// the disk by sending many.
type uploads struct {
	mu sync.Mutex
	of map[ident.ID]int // by user
	n  int
}

// How many files may be there at once, of a user and of all.
const (
	uploadsOfUser = 2
	uploadsOfAll  = 16
)

// enter takes a place for a file of the user until leave is called.
func (u *uploads) enter(user ident.ID) (leave func(), err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	var full *fault.Error
	switch {
	case u.of[user] >= uploadsOfUser:
		full = fault.New(fault.TooManyRequests, "You are sending %d files already. Wait until one of them is answered.", u.of[user])
	case u.n >= uploadsOfAll:
		full = fault.New(fault.Unavailable, "Too many files are coming in at the moment. Try again later.")
	default:
		if u.of == nil {
			u.of = map[ident.ID]int{}
		}
		u.of[user]++
		u.n++
		return sync.OnceFunc(func() { u.leave(user) }), nil
	}
	full.RetryAfter = uploadPause
	return nil, full
}

// uploadPause is when to try again.
const uploadPause = 10 * time.Second

func (u *uploads) leave(user ident.ID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.n--
	if u.of[user]--; u.of[user] == 0 {
		delete(u.of, user)
	}
}

// spool writes a file that comes in to disk.
func (b *body) spool(s *spec, part io.Reader) error {
	if b.spooled[s.name].File != nil {
		return errTwice
	}
	file, err := os.CreateTemp("", "sede-upload-*")
	if err != nil {
		return &spoolError{err}
	}
	_ = os.Remove(file.Name()) // where the system lets: it goes when it is closed
	u := Upload{File: file}
	b.spooled[s.name] = u
	digest := sha256.New()
	out := &spoolWriter{file: file}
	u.Size, err = io.Copy(io.MultiWriter(out, digest), part)
	if out.err != nil {
		return &spoolError{out.err}
	}
	if err != nil {
		return err
	}
	digest.Sum(u.sum[:0])
	b.spooled[s.name] = u
	return nil
}

var errTwice = errors.New("hydra: two files for one field")

// spoolError is a failure of this machine, not of the sender.
type spoolError struct{ error }

func (e *spoolError) Unwrap() error { return e.error }

// spoolWriter tells what writing failed with from what reading did.
type spoolWriter struct {
	file *os.File
	err  error
}

func (w *spoolWriter) Write(content []byte) (n int, err error) {
	n, err = w.file.Write(content)
	if err != nil {
		w.err = err
	}
	return n, err
}

// close lets go of the files on disk.
func (b *body) close() {
	if b.leave != nil {
		b.leave()
	}
	for _, u := range b.spooled {
		_ = u.File.Close()
	}
}

// steadily returns the request with a body that may come for as long as it keeps
// coming: the time limit on requests holds for each part and not for the whole.
func (x *exchange) steadily() *http.Request {
	r := *x.r
	r.Body = &steadyBody{ReadCloser: x.r.Body, x: x, control: http.NewResponseController(x.w)}
	return &r
}

type steadyBody struct {
	io.ReadCloser
	x       *exchange
	control *http.ResponseController
	until   time.Time
}

func (b *steadyBody) Read(content []byte) (int, error) {
	// A server that can't move its limits keeps them.
	if now := b.x.api.Clock.Now(); b.until.Sub(now) < streamTimeout/2 {
		b.until = now.Add(streamTimeout)
		_ = b.control.SetReadDeadline(b.until)
		_ = b.control.SetWriteDeadline(b.until.Add(answerTimeout))
	}
	return b.ReadCloser.Read(content)
}

// answerTimeout is how long a large body may be worked on before it is answered.
const answerTimeout = 5 * time.Minute
