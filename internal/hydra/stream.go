package hydra

import (
	"bufio"
	"context"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"sede/internal/access"
	"sede/internal/throttle"
)

// Stream answers GET with a text that may be too long to be held in memory, such
// as an export. It reads its In from the query.
type Stream[In any] struct {
	Path   string
	Access access.Rule
	Doc    string
	Class  throttle.Class // ByMethod, or a class with limits of its own
	Media  []string       // the media types that the text can have, the default first
	Fields []Field[In]    // none: nothing is read
	// Defaults fills the In before anything is read into it; may be nil.
	Defaults func(in *In)
	// Do finds out what to send; key is the {id} of the path, if it has one, media
	// the type that the caller wants.
	Do func(ctx context.Context, who *access.Caller, key, media string, in *In) (Download, error)
}

// Download is a text on its way to the caller.
type Download struct {
	Name string // of the file that it may be kept in
	// Write sends the text. When it fails after a part of it was sent the
	// connection is cut, so that nobody takes a part for the whole.
	Write func(w io.Writer) error
}

func (d Stream[In]) bind(api *API, res *resource) (*operation, error) {
	in, err := newInput(api, res, d.Fields)
	if err != nil {
		return nil, err
	}
	in.defaults = d.Defaults
	op := &operation{kind: opStream, method: http.MethodGet, path: d.Path, rule: d.Access, doc: d.Doc, class: d.Class,
		query: in.inputs()}
	for _, media := range d.Media {
		op.streams = append(op.streams, streamFormat(media))
	}
	op.serve = func(x *exchange) error { return serveStream(x, in, d.Do) }
	return op, nil
}

// streamFormat is how a text of the media type is sent. CSV can be asked for by
// the suffix of the path too.
func streamFormat(media string) *format {
	if media == typeCSV {
		return formatCSV
	}
	f := newFormat("", media, 's')
	if strings.HasSuffix(media, "+zip") { // no text
		f.header = []string{media}
	}
	return f
}

// serveStream reads an In and sends what comes of it.
func serveStream[In any](x *exchange, in *model[In], do func(context.Context, *access.Caller, string, string, *In) (Download, error)) error {
	if err := x.op.rule.Check(x.who); err != nil {
		return err
	}
	var input In
	if in.defaults != nil {
		in.defaults(&input)
	}
	if err := in.apply(in.parseQuery(x.parameters), &input, true, &intake{api: x.api}); err != nil {
		return err
	}
	d, err := do(x.ctx, x.who, x.key, x.format.media, &input)
	if err != nil {
		return err
	}
	s := &steady{x: x, control: http.NewResponseController(x.w), name: d.Name}
	if x.r.Method == http.MethodHead {
		s.begin()
		return nil
	}
	w := bufio.NewWriterSize(s, streamBuffer)
	if err = d.Write(w); err == nil {
		err = w.Flush()
	}
	switch {
	case err == nil:
		s.begin()
	case !s.begun:
		return err
	default:
		if x.ctx.Err() == nil {
			x.api.Log.Error("a download was cut", "path", x.r.URL.Path, "error", err)
		}
		panic(http.ErrAbortHandler)
	}
	return nil
}

// streamBuffer is how much of a download is sent at once, and streamTimeout how
// long the caller may take to receive that.
const (
	streamBuffer  = 64 << 10
	streamTimeout = time.Minute
)

// steady sends a download for as long as the caller receives it: the time limit
// on answers holds for each part and not for the whole.
type steady struct {
	x       *exchange
	control *http.ResponseController
	name    string // of the file
	begun   bool   // the status is sent
}

var _ io.Writer = (*steady)(nil)

// begin sends the status and the header, once.
func (s *steady) begin() {
	if s.begun {
		return
	}
	s.begun = true
	s.x.setHeader()
	h := s.x.w.Header()
	h["Content-Type"] = s.x.format.header
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": s.name}))
	s.x.w.WriteHeader(http.StatusOK)
}

func (s *steady) Write(content []byte) (int, error) {
	// A server that can't move its limit keeps it.
	_ = s.control.SetWriteDeadline(s.x.api.Clock.Now().Add(streamTimeout))
	s.begin()
	return s.x.w.Write(content)
}
