package hydra

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/page"
	"sede/internal/phrase"
)

// exchange is one request and its answer on the way through an operation.
type exchange struct {
	api        *API
	route      *route
	op         *operation
	w          http.ResponseWriter
	r          *http.Request
	ctx        context.Context
	who        *access.Caller
	key        string // the {id} of the path
	format     *format
	reader     phrase.Language
	media      string // of the body
	boundary   string // of a multipart body
	parameters []parameter
	preview    bool // nothing is kept
	encoding   encoding

	buf      []byte // the answer's body
	rendered bool   // buf holds it
	render   func() // fills buf; may run inside the transaction
	etag     string
	iri      string // of the item that a write answers with
	replay   *replay
	close    func() // what the body left open; may be nil
}

var exchanges = sync.Pool{New: func() any { return &exchange{buf: make([]byte, 0, 8<<10)} }}

// maxPooled is the largest buffer that is kept for the next request.
const maxPooled = 256 << 10

// release gives the exchange back. Nothing may hold on to it or to buf.
func (x *exchange) release() {
	if cap(x.buf) > maxPooled {
		return
	}
	*x = exchange{buf: x.buf[:0]}
	exchanges.Put(x)
}

// handler serves the operations of one path.
func (api *API) handler(rt *route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := exchanges.Get().(*exchange)
		x.api, x.route, x.w, x.r, x.ctx = api, rt, w, r, r.Context()
		x.key = r.PathValue("id")
		x.reader = phrase.Match(r.Header.Get("Accept-Language"))
		defer func() { // after a panic too
			if x.close != nil {
				x.close()
			}
			x.freeKey()
			x.release()
		}()
		if err := x.run(); err != nil {
			x.fail(err)
		}
	})
}

// run takes the steps that come before the operation's own, then those.
func (x *exchange) run() error {
	method := x.r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	for _, op := range x.route.operations {
		if op.method == method {
			x.op = op
		}
	}
	if x.op == nil {
		return x.otherMethod()
	}
	who, err := x.api.Authenticate(x.r)
	if x.api.Limit != nil {
		if err := x.api.Limit(x.w.Header(), x.r, who, x.op.class); err != nil {
			return err
		}
	}
	if err != nil && (!x.op.rule.IsPublic() || fault.As(err).Kind == fault.Internal) {
		return err // a token that is no good is none where none is needed; one that can't be looked at may be good
	}
	x.who = who
	if who == nil && !x.op.rule.IsPublic() {
		return x.op.rule.Check(nil)
	}
	if err := x.op.allows(who); err != nil {
		return err
	}
	if err := x.negotiate(); err != nil {
		return err
	}
	x.encoding = encoding{api: x.api, reader: x.reader.Tag(), language: x.reader, fields: allFields}
	if method != http.MethodGet && x.api.Context != nil {
		x.ctx = x.api.Context(x.r)
	}
	if x.op.output != nil && x.op.output.local {
		x.ctx = context.WithValue(x.ctx, readerKey{}, x.reader.Tag())
	}
	if x.r.URL.RawQuery != "" {
		x.parameters = parseQuery(x.r.URL.RawQuery)
		if x.op.output != nil {
			x.encoding.fields = readFields(x.op.output, x.parameters)
		}
	}
	if x.op.preview {
		if err := x.readPreview(); err != nil {
			return err
		}
	}
	if method != http.MethodGet {
		if err := x.prepareWrite(); err != nil {
			return err
		}
	}
	return x.op.serve(x)
}

// allows refuses API keys that lack the scope, and those of which none will do.
func (op *operation) allows(who *access.Caller) error {
	switch {
	case who == nil || who.Key.IsZero() || op.rule.IsPublic():
		return nil
	case op.rule.IsInPerson():
		return op.rule.Check(who)
	case !who.Grants.Allow(op.scope):
		return fault.New(fault.Forbidden, "The API key lacks the scope %q.", op.scope.String())
	}
	return nil
}

// otherMethod answers OPTIONS and refuses methods that the path does not have.
func (x *exchange) otherMethod() error {
	h := x.w.Header()
	h["Allow"] = x.route.allow
	if x.r.Method == http.MethodOptions {
		x.setHeader()
		x.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return fault.New(fault.MethodNotAllowed, `No route found for "%s %s": Method Not Allowed (Allow: %s)`,
		x.r.Method, x.api.origin(x.r)+x.r.URL.Path, strings.TrimPrefix(x.route.allow[0], "OPTIONS, "))
}

// negotiate chooses the format of the answer and checks that of the body.
func (x *exchange) negotiate() error {
	offer := x.op.offers
	if f, ok := x.ctx.Value(suffixKey{}).(*format); ok {
		for _, o := range offer {
			if o == f {
				x.format = f
			}
		}
		if x.format == nil {
			return fault.New(fault.NotFound, "Format %q is not supported", f.suffix)
		}
	} else if x.format = choose(x.r.Header.Get("Accept"), offer); x.format == nil {
		return notAcceptable(x.r.Header.Get("Accept"), offer)
	}
	if !x.op.reads() || x.isBare() {
		return nil
	}
	media, parameters, err := bodyType(x.r.Header.Get("Content-Type"), x.op.accepts())
	x.media, x.boundary = media, parameters["boundary"]
	return err
}

// prepareWrite hooks the idempotency record into the operation's transaction.
func (x *exchange) prepareWrite() error {
	key := x.r.Header.Get("Idempotency-Key")
	if key == "" || x.who == nil || x.preview {
		return nil
	}
	hook, err := newReplay(x, key)
	if err != nil {
		return err
	}
	x.ctx = context.WithValue(db.WithHook(x.ctx, hook), storedKey{}, true)
	return nil
}

// storedKey marks the context of a request whose answer is stored.
type storedKey struct{}

// AnswerStored reports whether the answer is stored with the work, for repeats of
// the request: then it is made in the transaction, and what comes to pass after it
// is not in the answer.
func AnswerStored(ctx context.Context) bool { return ctx.Value(storedKey{}) != nil }

// serveGet answers with an item.
func serveGet[T any](x *exchange, m *model[T], do func(context.Context, *access.Caller, string, *T) error) error {
	item := new(T)
	if err := do(x.ctx, x.who, x.key, item); err != nil {
		return err
	}
	if err := x.op.rule.Check(x.who); err != nil {
		return err
	}
	extra, err := m.encodeExtra(x, []T{*item})
	if err != nil {
		return err
	}
	if m.version != nil && !m.volatile && !extra && x.format != formatHTML {
		x.etag = x.tag(m.version(item), nil)
		if x.notModified() {
			return nil
		}
	}
	if !extra {
		x.buf = m.appendItem(x.buf, item, x.format, &x.encoding)
	}
	if x.etag == "" {
		x.etag = m.hashTag(x, item)
		if x.notModified() {
			return nil
		}
	}
	x.send(http.StatusOK)
	return nil
}

// serveList answers with a page of a collection.
func serveList[T any](x *exchange, m *model[T], do func(context.Context, *access.Caller, string, *page.Query) (page.Result[T], error)) error {
	if err := x.op.rule.Check(x.who); err != nil {
		return err
	}
	l := listing{parameters: x.parameters, path: x.api.prefix + x.op.path, keys: x.api.Keys}
	if x.key != "" {
		l.path = strings.Replace(l.path, "{id}", x.key, 1)
	}
	if err := readPage(x.parameters, &l.query); err != nil {
		return err
	}
	x.api.readFilters(m.res, x.parameters, &l.query)
	result, err := do(x.ctx, x.who, x.key, &l.query)
	if err != nil {
		return err
	}
	l.total, l.count, l.more = result.Total, len(result.Items), result.More
	if x.op.path == m.res.path {
		l.search = m.res.search
	}
	if extra, err := m.encodeExtra(x, result.Items); err != nil {
		return err
	} else if !extra {
		x.buf = m.appendList(x.buf, result.Items, &l, x.format, &x.encoding)
	}
	if m.res.maxAge > 0 {
		x.etag = bodyTag(0, x.buf)
		if x.notModified() {
			return nil
		}
	}
	x.send(http.StatusOK)
	return nil
}

// serveCreate reads a new item and stores it.
func serveCreate[T any](x *exchange, m *model[T], do func(context.Context, *access.Caller, *T) error) error {
	b, err := takeBody(x, m)
	if err != nil {
		return err
	}
	if err := x.op.rule.Check(x.who); err != nil {
		return err
	}
	item := new(T)
	if m.defaults != nil {
		m.defaults(item)
	}
	if err := m.apply(b, item, true, &intake{api: x.api}); err != nil {
		return err
	}
	x.render = func() { m.renderItem(x, item) }
	if err := do(x.ctx, x.who, item); err != nil {
		return x.replayed(err)
	}
	return x.answer()
}

// serveUpdate changes an item as a merge patch says (RFC 7396).
func serveUpdate[T any](x *exchange, m *model[T], do func(context.Context, *access.Caller, string, *T, func() error) error) error {
	b, err := takeBody(x, m)
	if err != nil {
		return err
	}
	item := new(T)
	applied := false
	apply := func() error {
		applied = true
		if err := x.op.rule.Check(x.who); err != nil {
			return err
		}
		if err := x.ifMatch(m.version(item)); err != nil {
			return err
		}
		return m.apply(b, item, false, &intake{api: x.api})
	}
	x.render = func() { m.renderItem(x, item) }
	if err := do(m.withSent(x.ctx, b), x.who, x.key, item, apply); err != nil {
		return x.replayed(err)
	}
	if !applied {
		return mismatch(m.res.name, "stored an item without checking the change")
	}
	return x.answer()
}

func serveDelete(x *exchange, do func(context.Context, *access.Caller, string) error) error {
	if err := x.op.rule.Check(x.who); err != nil {
		return err
	}
	x.render = func() {}
	if err := do(x.ctx, x.who, x.key); err != nil {
		return x.replayed(err)
	}
	return x.answer()
}

// serveAction reads an In, does the work, and answers with the Out.
func serveAction[In, Out any](x *exchange, in *model[In], text *TextBody[In], out *model[Out], do func(context.Context, *access.Caller, string, *In, *Out) error) error {
	var input In
	if in.defaults != nil {
		in.defaults(&input)
	}
	if x.op.query != nil {
		if err := x.op.rule.Check(x.who); err != nil {
			return err
		}
		if err := in.apply(in.parseQuery(x.parameters), &input, true, &intake{api: x.api}); err != nil {
			return err
		}
		if err := takeText(x, text, &input); err != nil {
			return err
		}
	} else if x.op.input != nil && !x.isBare() {
		b, err := takeBody(x, in)
		if err != nil {
			return err
		}
		if err := x.op.rule.Check(x.who); err != nil {
			return err
		}
		if err := in.apply(b, &input, true, &intake{api: x.api}); err != nil {
			return err
		}
	} else if err := x.op.rule.Check(x.who); err != nil {
		return err
	}
	item := new(Out)
	x.render = func() {
		if out != nil {
			out.renderItem(x, item)
		}
	}
	if err := do(x.ctx, x.who, x.key, &input, item); err != nil {
		return x.replayed(err)
	}
	return x.answer()
}

// isBare reports whether the request comes without a body, and may.
func (x *exchange) isBare() bool { return x.op.bare && x.r.ContentLength == 0 }

// takeText reads a body that is one text, if the operation takes one.
func takeText[In any](x *exchange, text *TextBody[In], in *In) error {
	if text == nil {
		return nil
	}
	content, err := readAll(x.w, x.r, text.Most)
	if err != nil {
		return err
	}
	x.hashBody(&body{content: content})
	text.Set(in, content)
	return nil
}

// takeBody reads and takes apart the body, and looks up what it points at. It
// fails only when there is no whole body to speak of; what is wrong inside is
// kept for apply.
func takeBody[T any](x *exchange, m *model[T]) (*body, error) {
	limit := x.api.MaxBody
	var b *body
	if x.media == typeMultipart {
		r := x.r
		var at *place
		for i := range m.fields {
			if m.fields[i].kind == kindFile {
				limit += int64(m.fields[i].maxLen)
			}
			if m.fields[i].spooled { // too much for those who may not
				if err := x.op.rule.Check(x.who); err != nil {
					return nil, err
				}
				var err error
				if at, err = x.api.uploads.enter(x.who.User, min(r.ContentLength, int64(m.fields[i].maxLen))); err != nil {
					return nil, err
				}
				x.close = at.leave
				r = x.steadily()
			}
		}
		form, err := m.parseForm(x.w, r, x.boundary, limit, at)
		x.close = form.close
		if err != nil {
			return nil, err
		}
		b = form
	} else {
		content, err := readAll(x.w, x.r, limit)
		if err != nil {
			return nil, err
		}
		b = m.parse(content, x.media)
	}
	x.hashBody(b)
	return b, m.lookUp(x, b)
}

// lookUp finds out which of the items that the body points at the caller can't
// see. It runs before the transaction, so that no connection waits for another.
func (m *model[T]) lookUp(x *exchange, b *body) error {
	for i := range m.fields {
		f := &m.fields[i]
		if (f.kind != kindRef && f.kind != kindObjects) || f.set == nil || f.readOnly || !b.present.has(i) {
			continue
		}
		in := intake{api: x.api}
		if f.set(new(T), b.values[i], &f.spec, &in) != nil {
			continue // apply says so
		}
		for _, item := range in.items {
			err := item.resource.exists(x.ctx, x.who, item.key)
			if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Forbidden) {
				b.unknown = append(b.unknown, notThere(item.iri))
				b.unknown[len(b.unknown)-1].Path = item.field
			} else if err != nil {
				return err
			}
		}
	}
	return nil
}

// renderItem encodes the item that a write answers with.
func (m *model[T]) renderItem(x *exchange, item *T) {
	x.buf = m.appendItem(x.buf[:0], item, x.format, &x.encoding)
	x.iri = string(m.key([]byte(x.api.base(m.res.name)), item)) + m.tail
	x.etag = m.hashTag(x, item)
}

// answer sends what render makes, unless it has been made.
func (x *exchange) answer() error {
	if !x.rendered {
		x.render()
	}
	if x.op.method == http.MethodGet && x.notModified() {
		return nil
	}
	status := x.op.status
	if x.preview {
		status = http.StatusOK
	}
	x.send(status)
	return nil
}

// send writes the answer's header and body.
func (x *exchange) send(status int) {
	x.freeKey()
	x.setHeader()
	h := x.w.Header()
	if x.op.changes() {
		x.setWritten(h)
	}
	if x.etag != "" {
		h["Etag"] = []string{x.etag}
	}
	if status == http.StatusNoContent || len(x.buf) == 0 {
		x.w.WriteHeader(status)
		return
	}
	if x.format == formatHTML {
		x.api.static.page.ServeHTTP(x.w, x.r)
		return
	}
	h["Content-Type"] = x.format.header
	h["Content-Length"] = []string{strconv.Itoa(len(x.buf))}
	x.w.WriteHeader(status)
	_, _ = x.w.Write(x.buf) // the client is gone when this fails
}

// setWritten sets the headers that say where the written item is.
func (x *exchange) setWritten(h http.Header) {
	if x.iri == "" || x.preview {
		return
	}
	if x.op.status == http.StatusCreated {
		h["Location"] = []string{x.iri}
	}
	location := x.iri + "." + x.format.suffix
	if x.r.URL.RawQuery != "" {
		location += "?" + x.r.URL.RawQuery
	}
	h["Content-Location"] = []string{location}
}
