package hydra

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"sede/internal/fault"
)

// Header values that never change. They are shared, so nobody may write to
// them.
var (
	varyAccept   = []string{"Accept"}
	varyLanguage = []string{"Accept, Accept-Language"}
	nosniff      = []string{"nosniff"}
	deny         = []string{"deny"}
	noCache      = []string{"no-cache, private"}
)

// setHeader sets what every answer of the path carries.
func (x *exchange) setHeader() {
	h := x.w.Header()
	h["Link"] = x.api.links.of(x.api, x.r)
	h["X-Content-Type-Options"] = nosniff
	h["X-Frame-Options"] = deny
	h["Vary"] = varyAccept
	h["Cache-Control"] = noCache
	if x.route == nil {
		return
	}
	h["Allow"] = x.route.allow
	if x.route.acceptPost != nil {
		h["Accept-Post"] = x.route.acceptPost
	}
	if x.route.patch != nil {
		h["Accept-Patch"] = x.route.patch
	}
	if x.op != nil && x.op.output != nil {
		if x.op.output.local {
			h["Vary"] = varyLanguage
		}
		if x.op.output.local && !slices.Contains(x.op.output.extra, x.format) { // those have languages of their own
			h["Content-Language"] = []string{x.reader.Tag().String()}
		}
		if x.op.output.maxAge > 0 && x.op.method == http.MethodGet {
			h["Cache-Control"] = []string{"public, max-age=" + strconv.Itoa(x.op.output.maxAge)}
		}
	}
}

// hostLinks keeps the Link header of each host that sede is reached under.
type hostLinks struct {
	known sync.Map // origin -> []string
	count atomic.Int32
}

// maxHosts bounds what made-up Host headers can fill.
const maxHosts = 64

// of returns the Link header that points at the documentation: the absolute
// URL must be the one that clients fetch it from.
func (l *hostLinks) of(api *API, r *http.Request) []string {
	origin := api.origin(r)
	if value, ok := l.known.Load(origin); ok {
		return value.([]string)
	}
	value := []string{"<" + origin + api.prefix + `/docs.jsonld>; rel="http://www.w3.org/ns/hydra/core#apiDocumentation"`}
	if l.count.Load() < maxHosts {
		l.known.Store(origin, value)
		l.count.Add(1)
	}
	return value
}

// origin is the scheme and host under which the caller reaches sede.
func (api *API) origin(r *http.Request) string {
	switch {
	case api.BaseURL != "":
		return strings.TrimSuffix(api.BaseURL, "/")
	case r.TLS != nil:
		return "https://" + r.Host
	default:
		return "http://" + r.Host
	}
}

// tag makes the strong ETag of an item's representation: its version, then
// what tells this representation from the others (RFC 9110, 8.8.3). With a body
// it is the body that is told apart.
func (x *exchange) tag(version int64, content []byte) string {
	if content != nil {
		return bodyTag(version, content)
	}
	dst := append(make([]byte, 0, 40), '"')
	dst = append(strconv.AppendInt(dst, version, 10), '-', x.format.variant)
	if x.encoding.fields != allFields {
		dst = strconv.AppendUint(append(dst, '.'), uint64(x.encoding.fields), 36)
	}
	if x.op.output.local {
		dst = append(append(dst, '.'), x.reader.Tag().String()...)
	}
	return string(append(dst, '"'))
}

// bodyTag is the ETag over an encoded body.
func bodyTag(version int64, content []byte) string {
	sum := sha256.Sum256(content)
	return `"` + strconv.FormatInt(version, 10) + "-" + hex.EncodeToString(sum[:12]) + `"`
}

// hashTag is the ETag of the item whose encoding stands in the buffer.
func (m *model[T]) hashTag(x *exchange, item *T) string {
	switch {
	case m.version == nil:
		return bodyTag(0, x.buf)
	case m.volatile || m.extra[x.format] != nil:
		return bodyTag(m.version(item), x.buf)
	default:
		return x.tag(m.version(item), nil)
	}
}

// notModified answers 304 when the client holds this very representation.
func (x *exchange) notModified() bool {
	held := x.r.Header["If-None-Match"]
	if len(held) == 0 || x.format == formatHTML {
		return false
	}
	for _, line := range held {
		for candidate := range strings.SplitSeq(line, ",") {
			candidate = strings.TrimPrefix(strings.TrimSpace(candidate), "W/")
			if candidate == x.etag || candidate == "*" {
				x.setHeader()
				x.w.Header()["Etag"] = []string{x.etag}
				x.w.WriteHeader(http.StatusNotModified)
				return true
			}
		}
	}
	return false
}

// ifMatch fails with PreconditionFailed when the client names versions and this
// is none of them. Any representation of the version counts.
func (x *exchange) ifMatch(version int64) error {
	held := x.r.Header["If-Match"]
	if len(held) == 0 {
		return nil
	}
	want := `"` + strconv.FormatInt(version, 10) + `-`
	for _, line := range held {
		for candidate := range strings.SplitSeq(line, ",") {
			candidate = strings.TrimSpace(candidate)
			if candidate == "*" || strings.HasPrefix(candidate, want) {
				return nil
			}
		}
	}
	return fault.New(fault.PreconditionFailed, "Somebody else has changed this in the meantime. Read it again and repeat your change.")
}
