package hydra

import (
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

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
