// Package contract holds what an API really says against its OpenAPI document.
// A test records an exchange, a request and its answer, and Check returns an
// error that names the place where the two differ: a path, method, status or
// type of body that the document does not know, a header or a body that breaks
// its schema. A request is held against the document only when it was answered
// with success, since tests send bad ones on purpose; that way the document
// can't ask for less, or for more, than sede does.
//
// Schemas are checked as JSON Schema 2020-12, which is what OpenAPI 3.1 uses,
// formats included. They are compiled when they are first needed.
package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"sync"
)

// Exchange is a request and its answer.
type Exchange struct {
	Method        string
	URL           string // path and query, as they were sent
	RequestHeader http.Header
	RequestBody   []byte
	Status        int
	Header        http.Header
	Body          []byte
}

// Checker checks exchanges against one document. It is safe for concurrent use.
type Checker struct {
	prefix string // of all paths, from the document's server
	paths  map[string]*path
	beside []string
	shared map[string]bool // the names of the shared answers

	answers  *schemas // as documented
	partial  *schemas // nothing required: for answers to properties[]
	requests *schemas // without what only answers hold

	mu   sync.Mutex
	seen map[string]bool
}

// path is one path of the document.
type path struct {
	template   string
	segments   []string
	operations map[string]*operation
}

// operation is the part of an operation that is checked.
type operation struct {
	RequestBody *body            `json:"requestBody"`
	Responses   map[string]*body `json:"responses"`
}

// body is a request body or an answer: its types and headers. at is where it
// stands in the document, as a JSON pointer.
type body struct {
	Ref      string                     `json:"$ref"`
	Required bool                       `json:"required"` // of requests
	Content  map[string]json.RawMessage `json:"content"`
	Headers  map[string]header          `json:"headers"`
	at       string
}

type header struct {
	Ref      string `json:"$ref"`
	Required bool   `json:"required"`
	Schema   struct {
		Type string `json:"type"`
	} `json:"schema"`
	at string
}

// New reads the document. beside names the paths that it leaves out on purpose,
// such as the document's own; one that ends in /* stands for all below it.
func New(document []byte, beside ...string) (*Checker, error) {
	var d struct {
		Servers []struct {
			URL string `json:"url"`
		} `json:"servers"`
		Paths      map[string]map[string]json.RawMessage `json:"paths"`
		Components struct {
			Responses map[string]*body  `json:"responses"`
			Headers   map[string]header `json:"headers"`
		} `json:"components"`
	}
	if err := json.Unmarshal(document, &d); err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	c := &Checker{paths: map[string]*path{}, beside: beside, shared: map[string]bool{}, seen: map[string]bool{}}
	if len(d.Servers) > 0 {
		c.prefix = strings.TrimSuffix(d.Servers[0].URL, "/")
	}
	for name := range d.Components.Responses {
		c.shared[name] = true
	}
	for template, item := range d.Paths {
		p := &path{template: template, segments: strings.Split(template, "/"), operations: map[string]*operation{}}
		for method, raw := range item {
			op := &operation{}
			if err := json.Unmarshal(raw, op); err != nil {
				return nil, fmt.Errorf("contract: %s %s: %w", method, template, err)
			}
			op.locate(template, method, d.Components.Responses, d.Components.Headers)
			p.operations[strings.ToUpper(method)] = op
		}
		c.paths[template] = p
	}
	var err error
	c.answers, c.partial, c.requests, err = newSchemas(document)
	return c, err
}

// locate replaces references by what they point at and notes where that is.
func (op *operation) locate(template, method string, shared map[string]*body, headers map[string]header) {
	at := "/paths/" + escape(template) + "/" + method
	if op.RequestBody != nil {
		op.RequestBody.at = at + "/requestBody"
	}
	for status, answer := range op.Responses {
		answer.at = at + "/responses/" + status
		if name, ok := strings.CutPrefix(answer.Ref, "#/components/responses/"); ok && shared[name] != nil {
			there := *shared[name]
			there.at = "/components/responses/" + name
			answer = &there
			op.Responses[status] = answer
		}
		found := map[string]header{}
		for name, h := range answer.Headers {
			h.at = answer.at + "/headers/" + escape(name)
			if target, ok := strings.CutPrefix(h.Ref, "#/components/headers/"); ok {
				h = headers[target]
				h.at = "/components/headers/" + escape(target)
			}
			found[name] = h
		}
		answer.Headers = found
	}
}

// Check returns the first difference between the exchange and the document.
func (c *Checker) Check(x *Exchange) error {
	target, err := url.Parse(x.URL)
	if err != nil {
		return fmt.Errorf("contract: %s %s: %w", x.Method, x.URL, err)
	}
	if c.left(target.Path) {
		return nil
	}
	place := x.Method + " " + target.Path + " answered " + strconv.Itoa(x.Status)
	p := c.find(target.Path)
	if p == nil {
		return c.refused(place+" at a path that the document does not have", "NotFound", http.StatusNotFound, x)
	}
	method := x.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	op := p.operations[method]
	switch {
	case op != nil:
		return c.checkOperation(place, p.template, op, x, target.Query())
	case method == http.MethodOptions && (x.Status == http.StatusOK || x.Status == http.StatusNoContent):
		return nil
	default:
		return c.refused(place+" with a method that "+p.template+" does not have", "Failure", http.StatusMethodNotAllowed, x)
	}
}

// left reports whether the document leaves the path out on purpose.
func (c *Checker) left(path string) bool {
	for _, name := range c.beside {
		folder, below := strings.CutSuffix(name, "*")
		if path == name || (below && strings.HasPrefix(path, folder)) {
			return true
		}
	}
	return false
}

// find returns the path of the document that covers a path; one without
// parameters wins. A suffix that names a format is no part of the path.
func (c *Checker) find(name string) *path {
	name, ok := strings.CutPrefix(name, c.prefix)
	if !ok {
		return nil
	}
	cut := name
	if dot := strings.LastIndexByte(name, '.'); dot > strings.LastIndexByte(name, '/') {
		cut = name[:dot]
	}
	if p := c.paths[cut]; p != nil {
		return p
	}
	if p := c.match(name); p != nil {
		return p
	}
	return c.match(cut)
}

func (c *Checker) match(name string) *path {
	if p := c.paths[name]; p != nil {
		return p
	}
	segments := strings.Split(name, "/")
	var best *path
	for _, p := range c.paths {
		if p.covers(segments) && (best == nil || p.template < best.template) { // letters sort before braces
			best = p
		}
	}
	return best
}

func (p *path) covers(segments []string) bool {
	if len(p.segments) != len(segments) {
		return false
	}
	for i, s := range p.segments {
		if s != segments[i] && (!strings.HasPrefix(s, "{") || segments[i] == "") {
			return false
		}
	}
	return true
}

// refused checks the answer to a request that no operation covers.
func (c *Checker) refused(place, shared string, status int, x *Exchange) error {
	if x.Status != status {
		return fmt.Errorf("contract: %s", place)
	}
	if !c.shared[shared] || x.Method == http.MethodHead {
		return nil
	}
	return c.checkContent(place, c.answers, "/components/responses/"+shared, x)
}

// checkOperation checks an exchange that an operation covers.
func (c *Checker) checkOperation(place, template string, op *operation, x *Exchange, query url.Values) error {
	answer := op.Responses[strconv.Itoa(x.Status)]
	if answer == nil && mayFail(x.Status) {
		answer = op.Responses["default"]
	}
	if answer == nil {
		return fmt.Errorf("contract: %s, a status that the document does not have; it has %s", place, known(op.Responses))
	}
	c.note(x.Method + " " + template + " " + strconv.Itoa(x.Status))
	if err := c.checkHeaders(place, answer, x.Header); err != nil {
		return err
	}
	if x.Status < 300 {
		if err := c.checkRequest(place, op, x); err != nil {
			return err
		}
	}
	if x.Method == http.MethodHead || x.Status == http.StatusNotModified {
		if len(x.Body) > 0 {
			return fmt.Errorf("contract: %s with a body", place)
		}
		return nil
	}
	if len(answer.Content) == 0 {
		if len(x.Body) > 0 {
			return fmt.Errorf("contract: %s with a body, of which the document says nothing", place)
		}
		return nil
	}
	held := c.answers
	for name := range query {
		if strings.HasPrefix(name, "properties[") {
			held = c.partial
		}
	}
	return c.checkContent(place, held, answer.at, x)
}

// mayFail reports whether the status is one that anything can be answered with
// and that the document describes once, as the default.
func mayFail(status int) bool {
	return status >= 500 || status == http.StatusGone
}

func known(responses map[string]*body) string {
	var list []string
	for status := range responses {
		list = append(list, status)
	}
	sort.Strings(list)
	return strings.Join(list, ", ")
}

// checkContent checks the type and the body of an answer whose description
// stands at the pointer.
func (c *Checker) checkContent(place string, held *schemas, at string, x *Exchange) error {
	media, err := mediaType(x.Header)
	if err != nil {
		return fmt.Errorf("contract: %s: %w", place, err)
	}
	if !held.has(at + "/content/" + escape(media)) {
		return fmt.Errorf("contract: %s as %s, a type that the document does not have", place, media)
	}
	if err := held.check(at+"/content/"+escape(media)+"/schema", media, x.Body); err != nil {
		return fmt.Errorf("contract: %s as %s: %w", place, media, err)
	}
	linked := at + "/content/" + escape("application/ld+json")
	if media == "application/problem+json" && bytes.Contains(x.Body, []byte(`"@context"`)) && held.has(linked) {
		if err := held.check(linked+"/schema", media, x.Body); err != nil {
			return fmt.Errorf("contract: %s as %s with a context: %w", place, media, err)
		}
	}
	return nil
}

func mediaType(h http.Header) (string, error) {
	value := h.Get("Content-Type")
	if value == "" {
		return "", fmt.Errorf("without a Content-Type")
	}
	media, _, err := mime.ParseMediaType(value)
	return media, err
}

// checkHeaders checks the headers of an answer that the document describes.
func (c *Checker) checkHeaders(place string, answer *body, got http.Header) error {
	for name, h := range answer.Headers {
		values := got.Values(name)
		if len(values) == 0 {
			if h.Required {
				return fmt.Errorf("contract: %s without the header %s", place, name)
			}
			continue
		}
		var value any = values[0]
		if n, err := strconv.Atoi(values[0]); err == nil && h.Schema.Type == "integer" {
			value = n
		}
		if err := c.answers.checkValue(h.at+"/schema", value); err != nil {
			return fmt.Errorf("contract: %s with the header %s: %w", place, name, err)
		}
	}
	return nil
}

// checkRequest checks that a request which succeeded is one that the document
// allows.
func (c *Checker) checkRequest(place string, op *operation, x *Exchange) error {
	if op.RequestBody == nil || !op.RequestBody.Required && len(x.RequestBody) == 0 {
		return nil
	}
	media, err := mediaType(x.RequestHeader)
	if err != nil {
		return fmt.Errorf("contract: %s to a request: %w", place, err)
	}
	at := op.RequestBody.at + "/content/" + escape(media)
	if !c.requests.has(at) {
		return fmt.Errorf("contract: %s to a body of type %s, which the document does not have", place, media)
	}
	if err := c.requests.check(at+"/schema", media, x.RequestBody); err != nil {
		return fmt.Errorf("contract: %s to a body of type %s: %w", place, media, err)
	}
	return nil
}

func (c *Checker) note(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[what] = true
}

// Unanswered lists the operations of the document of which no exchange with
// success was checked, ordered by path.
func (c *Checker) Unanswered() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []string
	for template, p := range c.paths {
		for method := range p.operations {
			answered := false
			for _, status := range []int{200, 201, 202, 204} {
				answered = answered || c.seen[method+" "+template+" "+strconv.Itoa(status)]
			}
			if !answered {
				list = append(list, template+" "+method)
			}
		}
	}
	sort.Strings(list)
	return list
}

var toToken = strings.NewReplacer("~", "~0", "/", "~1")

// escape makes a name a token of a JSON pointer (RFC 6901).
func escape(name string) string { return toToken.Replace(name) }
