package hydra

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"sede/internal/access"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/page"
	"sede/internal/throttle"
)

// Resource declares one resource of the API. Everything that sede says about
// it or does with it on the wire follows from this.
type Resource[T any] struct {
	Name string // "Location": the short name, also its JSON-LD type
	// Path is where the collection is: "/locations". With an {id} it is where the
	// one item is that belongs to an item of another resource:
	// "/meetings/{id}/slots". Then nothing can refer to the resource.
	Path   string
	Doc    string // a sentence or two
	Means  string // the IRI of the class in a public vocabulary, or empty
	Fields []Field[T]
	// Version returns the number that grows with every change of the item. It
	// makes the ETag. Without it the resource has ETags over the encoded answer
	// and no If-Match.
	Version func(item *T) int64
	// Volatile says that the encoded item can change while its version does not,
	// for example because it counts other things.
	Volatile bool
	// Defaults fills a new item before a POST is read into it; may be nil.
	Defaults func(item *T)
	// Validate returns the broken rules that involve more than one field; may be
	// nil.
	Validate   func(item *T) []fault.Violation
	Spans      []Span
	Formats    []Format[T] // beside those that every resource has
	Operations []Operation
	// MaxAge lets anybody cache the answers for that many seconds; 0 keeps them
	// with the caller.
	MaxAge int
}

// Span is a filter of collections by two fields that bound a stretch of time:
// name[from]=a&name[to]=b keeps the items whose stretch touches [a, b). A bound
// that is left out is no bound. It becomes filters on a field of its name:
// StrictlyAfter for from, since it is compared with the end, and StrictlyBefore
// for to.
type Span struct {
	Name     string
	From, To string // the fields
}

// Declaration is a Resource of any type.
type Declaration interface {
	compile(api *API) error
}

// Operation is a List, Get, Create, Update, Delete, Action or Stream.
type Operation interface {
	bind(api *API, res *resource) (*operation, error)
}

// List answers GET on the collection with a page of it.
type List[T any] struct {
	Path   string // empty: the resource's own
	Access access.Rule
	Doc    string         // empty: the standard sentence
	Class  throttle.Class // ByMethod, or a class with limits of its own
	// Do returns the page; parent is the {id} of the path, if it has one.
	Do func(ctx context.Context, who *access.Caller, parent string, q *page.Query) (page.Result[T], error)
}

// Get answers GET on an item.
type Get[T any] struct {
	Path   string // empty: the resource's path and /{id}
	Access access.Rule
	Doc    string
	Detail string         // what OpenAPI says beside Doc
	Class  throttle.Class // ByMethod, or a class with limits of its own
	// Do loads the item, or fails with fault.Missing.
	Do func(ctx context.Context, who *access.Caller, key string, item *T) error
}

// Create answers POST on the collection.
type Create[T any] struct {
	Path   string
	Access access.Rule
	Doc    string
	Class  throttle.Class // ByMethod, or a class with limits of its own
	// Preview gives the operation the parameters that PreviewOf reads.
	Preview bool
	// Do stores the item and completes it in place, with its id, times and
	// defaults, within one write transaction.
	Do func(ctx context.Context, who *access.Caller, item *T) error
}

// Update answers PATCH on an item.
type Update[T any] struct {
	Path   string
	Access access.Rule
	Doc    string
	Detail string         // what OpenAPI says beside Doc
	Class  throttle.Class // ByMethod, or a class with limits of its own
	// Preview gives the operation the parameters that PreviewOf reads.
	Preview bool
	// Do loads the item, calls apply, which changes it as the body says, and
	// stores it, all within one write transaction. An error of apply is returned
	// as it is. Do may run more than once, so it starts from the stored item.
	Do func(ctx context.Context, who *access.Caller, key string, item *T, apply func() error) error
}

// Delete answers DELETE on an item.
type Delete[T any] struct {
	Path   string
	Access access.Rule
	Doc    string
	Class  throttle.Class // ByMethod, or a class with limits of its own
	Do     func(ctx context.Context, who *access.Caller, key string) error
}

// Action is an operation of its own: it reads an In and answers with an item of
// the resource whose type is Out, or with nothing when Out is None. A GET reads
// its In from the query.
type Action[In, Out any] struct {
	Path   string
	Method string // empty: POST
	Access access.Rule
	Doc    string
	Detail string         // what OpenAPI says beside Doc
	Class  throttle.Class // ByMethod, or a class with limits of its own
	// Preview gives the operation the parameters that PreviewOf reads.
	Preview bool
	Status  int         // empty: 200, since most actions change what exists
	Fields  []Field[In] // none: nothing is read
	// BodyOptional lets a request come without a body, as if it held no field.
	BodyOptional bool
	// Text makes the body one text; then Fields are read from the query. nil: the
	// body holds the fields.
	Text *TextBody[In]
	Name string // of what is read, in the documents; empty: the last word of the path
	// Defaults fills the In before anything is read into it; may be nil.
	Defaults func(in *In)
	Do       func(ctx context.Context, who *access.Caller, key string, in *In, out *Out) error
}

// TextBody is a body that is one text of a media type of its own, such as
// text/calendar, and is taken as it stands.
type TextBody[In any] struct {
	Media string
	Most  int64 // bytes; more are TooLarge
	Set   func(in *In, content []byte)
}

// None is the In or Out of an Action that has none.
type None struct{}

// ByID lets a Get call a use case that takes a UUID; another text is Missing.
func ByID[T any](do func(context.Context, *access.Caller, ident.ID, *T) error) func(context.Context, *access.Caller, string, *T) error {
	return func(ctx context.Context, who *access.Caller, key string, item *T) error {
		id, err := ident.Parse(key)
		if err != nil {
			return fault.Missing()
		}
		return do(ctx, who, id, item)
	}
}

// UpdateByID does for an Update what ByID does for a Get.
func UpdateByID[T any](do func(context.Context, *access.Caller, ident.ID, *T, func() error) error) func(context.Context, *access.Caller, string, *T, func() error) error {
	return func(ctx context.Context, who *access.Caller, key string, item *T, apply func() error) error {
		id, err := ident.Parse(key)
		if err != nil {
			return fault.Missing()
		}
		return do(ctx, who, id, item, apply)
	}
}

// DeleteByID does for a Delete what ByID does for a Get.
func DeleteByID(do func(context.Context, *access.Caller, ident.ID) error) func(context.Context, *access.Caller, string) error {
	return func(ctx context.Context, who *access.Caller, key string) error {
		id, err := ident.Parse(key)
		if err != nil {
			return fault.Missing()
		}
		return do(ctx, who, id)
	}
}

// ActionByID does for an Action on an item what ByID does for a Get.
func ActionByID[In, Out any](do func(context.Context, *access.Caller, ident.ID, *In, *Out) error) func(context.Context, *access.Caller, string, *In, *Out) error {
	return func(ctx context.Context, who *access.Caller, key string, in *In, out *Out) error {
		id, err := ident.Parse(key)
		if err != nil {
			return fault.Missing()
		}
		return do(ctx, who, id, in, out)
	}
}

// OfAll lets a List without a parent call a use case that takes none.
func OfAll[T any](do func(context.Context, *access.Caller, *page.Query) (page.Result[T], error)) func(context.Context, *access.Caller, string, *page.Query) (page.Result[T], error) {
	return func(ctx context.Context, who *access.Caller, _ string, q *page.Query) (page.Result[T], error) {
		return do(ctx, who, q)
	}
}

// resource is a compiled Resource, without its type.
type resource struct {
	name, path, doc, means string
	specs                  []*spec // in the order of declaration
	extra                  []*format
	spans                  []Span
	operations             []*operation
	variables              []variable // of collections
	search                 []byte     // the search template, a member of collections
	maxAge                 int
	textKey                bool // the key is text, not a UUID
	secret                 bool // some field is Secret
	local                  bool // some field depends on the reader's language
	// exists returns nil when the caller may see the item with that key.
	exists func(ctx context.Context, who *access.Caller, key string) error
}

// opKind is which of the Operation types an operation was declared with.
type opKind uint8

const (
	opList opKind = iota
	opGet
	opCreate
	opUpdate
	opDelete
	opAction
	opStream
)

// operation is a compiled Operation, without its type.
type operation struct {
	of      *resource // whose it is in the documents
	kind    opKind
	method  string
	path    string // below the prefix, with {id}
	rule    access.Rule
	scope   access.Grant // what an API key needs
	doc     string
	detail  string         // what OpenAPI says beside doc
	class   throttle.Class // whose limits hold
	status  int
	input   []*spec // what a body may hold; nil: no body is read
	query   []*spec // what the query of an action may hold
	text    string  // the media type of a body that is one text; empty: it is none
	inName  string  // the schema of the body: the resource's name, or one of its own for actions
	bare    bool    // a request may come without a body
	upload  bool    // takes multipart/form-data
	preview bool    // has the parameters that PreviewOf reads
	output  *resource
	streams []*format // how the text of a Stream can be sent
	offers  []*format // in which formats it can answer, the default first
	serve   func(x *exchange) error
}

// sentence is the standard documentation of the operation.
func (op *operation) sentence() string {
	switch {
	case op.doc != "":
		return op.doc
	case op.kind == opStream:
		return "Sends the " + op.of.name + " resources as one text."
	case op.kind == opList:
		return "Retrieves the collection of " + op.of.name + " resources."
	case op.method == http.MethodGet:
		return "Retrieves a " + op.of.name + " resource."
	case op.method == http.MethodPatch:
		return "Updates the " + op.of.name + " resource."
	case op.method == http.MethodDelete:
		return "Removes the " + op.of.name + " resource."
	default:
		return "Creates a " + op.of.name + " resource."
	}
}

// description is the sentence and what it leaves out.
func (op *operation) description() string {
	if op.detail == "" {
		return op.sentence()
	}
	return op.sentence() + " " + op.detail
}

// mismatch is a defect of a declaration, found when sede starts.
func mismatch(res, format string, args ...any) error {
	return fmt.Errorf("hydra: resource %s: %s", res, fmt.Sprintf(format, args...))
}

func (r Resource[T]) compile(api *API) error {
	m, err := newModel(api, r)
	if err != nil {
		return err
	}
	if api.byName[r.Name] != nil {
		return mismatch(r.Name, "declared twice")
	}
	api.resources = append(api.resources, m.res)
	api.byName[r.Name] = m.res
	if err := addFormats(api, m, r.Formats); err != nil {
		return err
	}
	api.models = append(api.models, m)
	api.pending = append(api.pending, func() error { return bindAll(api, m.res, r.Operations) })
	return nil
}

// bindAll binds the operations, once all resources are known.
func bindAll(api *API, res *resource, operations []Operation) error {
	for _, declared := range operations {
		op, err := declared.bind(api, res)
		if err != nil {
			return err
		}
		op.of = res
		if !op.rule.Declared() {
			return mismatch(res.name, "%s %s declares no access rule", op.method, op.path)
		}
		if op.method != http.MethodGet {
			op.rule = op.rule.ToChange()
		}
		op.scope = scopeOf(res.path, op.method)
		op.class = orMethod(op.class, op.method)
		if op.status == 0 {
			op.status = http.StatusOK
		}
		op.offers = op.offer()
		res.operations = append(res.operations, op)
	}
	return nil
}

// scopeOf is what an API key needs for the method on the resource.
func scopeOf(path, method string) access.Grant {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return access.Grant{Resource: first, Write: method != http.MethodGet}
}

// orMethod replaces ByMethod by the class that the method stands for.
func orMethod(class throttle.Class, method string) throttle.Class {
	switch {
	case class != throttle.ByMethod:
		return class
	case method == http.MethodGet:
		return throttle.Read
	default:
		return throttle.Write
	}
}

func (d List[T]) bind(api *API, res *resource) (*operation, error) {
	m, err := modelOf[T](api, res)
	if err != nil {
		return nil, err
	}
	op := &operation{kind: opList, method: http.MethodGet, path: orPath(d.Path, res.path), rule: d.Access, doc: d.Doc, class: d.Class, output: m.res}
	op.serve = func(x *exchange) error { return serveList(x, m, d.Do) }
	return op, nil
}

func (d Get[T]) bind(api *API, res *resource) (*operation, error) {
	m, err := modelOf[T](api, res)
	if err != nil {
		return nil, err
	}
	op := &operation{kind: opGet, method: http.MethodGet, path: orPath(d.Path, res.itemPath()), rule: d.Access, doc: d.Doc, detail: d.Detail, class: d.Class, output: m.res}
	op.serve = func(x *exchange) error { return serveGet(x, m, d.Do) }
	if d.Path == "" {
		res.exists = func(ctx context.Context, who *access.Caller, key string) error {
			var item T
			if err := d.Do(ctx, who, key, &item); err != nil {
				return err
			}
			return d.Access.Check(who)
		}
	}
	return op, nil
}

func (d Create[T]) bind(api *API, res *resource) (*operation, error) {
	m, err := modelOf[T](api, res)
	if err != nil {
		return nil, err
	}
	op := &operation{kind: opCreate, method: http.MethodPost, path: orPath(d.Path, res.path), rule: d.Access, doc: d.Doc, class: d.Class, status: http.StatusCreated, output: m.res, preview: d.Preview}
	op.input, op.inName, op.upload = m.inputs(), res.name, m.uploads()
	op.serve = func(x *exchange) error { return serveCreate(x, m, d.Do) }
	return op, nil
}

func (d Update[T]) bind(api *API, res *resource) (*operation, error) {
	m, err := modelOf[T](api, res)
	if err != nil {
		return nil, err
	}
	if m.version == nil {
		return nil, mismatch(res.name, "can be updated but has no Version, so changes could overwrite each other")
	}
	op := &operation{kind: opUpdate, method: http.MethodPatch, path: orPath(d.Path, res.itemPath()), rule: d.Access, doc: d.Doc, detail: d.Detail, class: d.Class, output: m.res, preview: d.Preview}
	op.input, op.inName = m.inputs(), m.res.name
	op.serve = func(x *exchange) error { return serveUpdate(x, m, d.Do) }
	return op, nil
}

func (d Delete[T]) bind(api *API, res *resource) (*operation, error) {
	op := &operation{kind: opDelete, method: http.MethodDelete, path: orPath(d.Path, res.itemPath()), rule: d.Access, doc: d.Doc, class: d.Class, status: http.StatusNoContent}
	op.serve = func(x *exchange) error { return serveDelete(x, d.Do) }
	return op, nil
}

func (d Action[In, Out]) bind(api *API, res *resource) (*operation, error) {
	op := &operation{kind: opAction, method: d.Method, path: d.Path, rule: d.Access, doc: d.Doc, detail: d.Detail, class: d.Class, status: d.Status, preview: d.Preview, bare: d.BodyOptional}
	if op.method == "" {
		op.method = http.MethodPost
	}
	in, err := newInput(api, res, d.Fields)
	if err != nil {
		return nil, err
	}
	in.defaults = d.Defaults
	switch {
	case op.method == http.MethodGet:
		op.query = in.inputs()
	case d.Text != nil:
		op.query, op.text = append([]*spec{}, in.inputs()...), d.Text.Media
	case len(d.Fields) > 0:
		op.input, op.upload = in.inputs(), in.uploads()
		op.inName = res.name + "." + orPath(d.Name, actionName(d.Path))
	}
	var out *model[Out]
	if _, nothing := any(new(Out)).(*None); !nothing {
		if out, err = modelOf[Out](api, res); err != nil {
			return nil, err
		}
		op.output = out.res
	} else if op.status == 0 {
		op.status = http.StatusNoContent
	}
	op.serve = func(x *exchange) error { return serveAction(x, in, d.Text, out, d.Do) }
	return op, nil
}

// actionName is the last word of an action's path, e.g. "clear".
func actionName(path string) string {
	return path[strings.LastIndexByte(path, '/')+1:]
}

// itemPath is where the items are, with {id} for their keys.
func (res *resource) itemPath() string {
	if res.isPart() {
		return res.path
	}
	return res.path + "/{id}"
}

// isPart reports whether the items have no collection but belong each to an item
// of another resource.
func (res *resource) isPart() bool { return hasKey(res.path) }

// around returns what stands before and after the key in the items' IRIs, below
// the prefix.
func (res *resource) around() (head, tail string) {
	head, tail, _ = strings.Cut(res.itemPath(), "{id}")
	return head, tail
}

func orPath(path, otherwise string) string {
	if path != "" {
		return path
	}
	return otherwise
}
