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

// uploads counts whose files are coming in and being worked on, and their bytes, so that
// nobody fills the disk by sending many.
type uploads struct {
	mu    sync.Mutex
	space int64            // how many bytes there may be of all
	of    map[ident.ID]int // by user
	n     int
	bytes int64
}

// How many files may be there at once, of a user and of all.
const (
	uploadsOfUser = 2
	uploadsOfAll  = 16
)

// defaultSpace is how many bytes files may have together that come in at once.
const defaultSpace = 4 << 30

// place is that of a file among those that are there at once.
type place struct {
	uploads *uploads
	user    ident.ID
	bytes   int64
}

// enter takes a place for a file of the user, until leave is called. size is that of
// the body, -1 if nobody said: one that finds no room is refused before it comes.
func (u *uploads) enter(user ident.ID, size int64) (*place, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case u.of[user] >= uploadsOfUser:
		return nil, full(fault.TooManyRequests, fault.Textf("You are sending %d files already. Wait until one of them is answered.", u.of[user]))
	case u.n >= uploadsOfAll:
		return nil, full(fault.Unavailable, fault.Textf("Too many files are coming in at the moment. Try again later."))
	case u.bytes+max(0, size) > u.space:
		return nil, noSpace()
	}
	if u.of == nil {
		u.of = map[ident.ID]int{}
	}
	u.of[user]++
	u.n++
	return &place{uploads: u, user: user}, nil
}

// grow takes room for so many bytes more of the file.
func (p *place) grow(bytes int) error {
	u := p.uploads
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.bytes+int64(bytes) > u.space {
		return noSpace()
	}
	u.bytes += int64(bytes)
	p.bytes += int64(bytes)
	return nil
}

// leave gives the place back, with the room for its bytes.
func (p *place) leave() {
	u := p.uploads
	u.mu.Lock()
	defer u.mu.Unlock()
	u.n--
	u.bytes -= p.bytes
	if u.of[p.user]--; u.of[p.user] == 0 {
		delete(u.of, p.user)
	}
}

func noSpace() error {
	return full(fault.Unavailable, fault.Textf("Other files that are coming in leave no room for this one at the moment. Try again later."))
}

func full(kind fault.Kind, text fault.Text) error {
	return &fault.Error{Kind: kind, Text: text, RetryAfter: uploadPause}
}

// uploadPause is when to try again.
const uploadPause = 10 * time.Second

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
	out := &spoolWriter{file: file, place: b.place}
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

// spoolError is a failure of this machine, not of the sender: it has no room, or its
// disk has none.
type spoolError struct{ error }

func (e *spoolError) Unwrap() error { return e.error }

// spoolWriter tells what writing failed with from what reading did.
type spoolWriter struct {
	file  *os.File
	place *place
	err   error
}

func (w *spoolWriter) Write(content []byte) (n int, err error) {
	if err = w.place.grow(len(content)); err == nil {
		n, err = w.file.Write(content)
	}
	if err != nil {
		w.err = err
	}
	return n, err
}

// close lets go of the files on disk, and then of their room.
func (b *body) close() {
	for _, u := range b.spooled {
		_ = u.File.Close()
	}
	if b.place != nil {
		b.place.leave()
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
