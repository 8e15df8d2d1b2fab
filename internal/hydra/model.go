package hydra

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"sede/internal/access"
	"sede/internal/fault"
)

// fieldSet is a set of a resource's fields, by their position.
type fieldSet uint64

// allFields is every field.
const allFields = ^fieldSet(0)

// maxFields is how many fields a resource can have.
const maxFields = 64

func (s fieldSet) has(i int) bool { return s&(1<<i) != 0 }

// model is a compiled Resource with its type: it turns Ts into answers and
// bodies into Ts.
type model[T any] struct {
	res      *resource
	fields   []Field[T]
	byName   map[string]int
	labels   [][]byte // `"name":` of each field
	ldHead   []byte   // `"@id":"/locations/`
	ldType   []byte   // `","@type":"Location"`, the end of the IRI before it
	tail     string   // what follows the key in IRIs
	context  []byte   // `"@context":"/contexts/Location",`
	key      func(dst []byte, item *T) []byte
	version  func(item *T) int64
	volatile bool
	defaults func(item *T)
	validate func(item *T) []fault.Violation
	extra    map[*format]func(context.Context, *access.Caller, []T) ([]byte, error)
}

func newModel[T any](api *API, r Resource[T]) (*model[T], error) {
	m := &model[T]{version: r.Version, volatile: r.Volatile, defaults: r.Defaults, validate: r.Validate}
	m.res = &resource{name: r.Name, path: r.Path, doc: r.Doc, means: r.Means, maxAge: r.MaxAge}
	if err := m.take(r.Name, r.Fields); err != nil {
		return nil, err
	}
	for i := range m.fields {
		f := &m.fields[i]
		m.res.local = m.res.local || f.local
		m.res.secret = m.res.secret || f.secret
		if f.isKey {
			m.key, m.res.textKey = f.key, f.format != "uuid"
		}
	}
	if m.key == nil {
		return nil, mismatch(r.Name, "has no ID or Key field")
	}
	if m.res.secret && api.Secret == nil {
		return nil, mismatch(r.Name, "has a secret field and nothing to seal it with")
	}
	for _, span := range r.Spans {
		if m.res.spec(span.From) == nil || m.res.spec(span.To) == nil || m.res.spec(span.Name) != nil {
			return nil, mismatch(r.Name, "span %s needs a name of its own and two fields", span.Name)
		}
	}
	m.res.spans = r.Spans
	m.res.variables = variablesOf(m.res)
	head, tail := m.res.around()
	m.tail = tail
	m.ldHead = []byte(`"@id":"` + api.prefix + head)
	m.ldType = []byte(tail + `","@type":"` + r.Name + `"`)
	m.context = []byte(`"@context":"` + api.prefix + `/contexts/` + r.Name + `",`)
	return m, nil
}

// newInput compiles the fields of an action's body.
func newInput[In any](_ *API, res *resource, fields []Field[In]) (*model[In], error) {
	m := &model[In]{res: &resource{name: res.name}}
	return m, m.take(res.name, fields)
}

// take copies the fields, so that their specs stay where documents and bodies
// find them.
func (m *model[T]) take(name string, fields []Field[T]) error {
	if len(fields) > maxFields {
		return mismatch(name, "has more than %d fields", maxFields)
	}
	m.fields = append([]Field[T](nil), fields...)
	m.byName = make(map[string]int, len(fields))
	for i := range m.fields {
		f := &m.fields[i]
		if _, twice := m.byName[f.name]; twice {
			return mismatch(name, "declares field %s twice", f.name)
		}
		m.byName[f.name] = i
		m.labels = append(m.labels, append(appendString(nil, f.name), ':'))
		m.res.specs = append(m.res.specs, &f.spec)
	}
	return nil
}

// modelOf returns the model of the resource whose items are Ts.
func modelOf[T any](api *API, res *resource) (*model[T], error) {
	for _, other := range api.models {
		if m, ok := other.(*model[T]); ok {
			return m, nil
		}
	}
	return nil, mismatch(res.name, "has an operation on %s, which is no resource", fmt.Sprintf("%T", *new(T)))
}

// inputs lists the fields that a body may set.
func (m *model[T]) inputs() []*spec {
	var list []*spec
	for i := range m.fields {
		if f := &m.fields[i]; !f.readOnly && (f.set != nil || f.upload != nil) {
			list = append(list, &f.spec)
		}
	}
	return list
}

// uploads reports whether a body may hold a file.
func (m *model[T]) uploads() bool {
	for i := range m.fields {
		if m.fields[i].upload != nil {
			return true
		}
	}
	return false
}

// broken checks all rules of the item.
func (m *model[T]) broken(item *T, list []fault.Violation) []fault.Violation {
	for i := range m.fields {
		f := &m.fields[i]
		if f.check == nil || f.readOnly || complained(list, f.name) {
			continue
		}
		before := len(list)
		list = f.check(item, &f.spec, f.name, list)
		if len(list) > before || (f.isNull != nil && f.isNull(item)) {
			continue
		}
		for _, rule := range f.rules {
			list = addBroken(list, f.name, rule(item))
		}
	}
	if m.validate != nil {
		for _, v := range m.validate(item) {
			if !complained(list, v.Path) {
				list = append(list, v)
			}
		}
	}
	return list
}

// complained reports whether the list already complains about the field.
func complained(list []fault.Violation, path string) bool {
	for i := range list {
		if list[i].Path == path {
			return true
		}
	}
	return false
}

// JSON returns the fields of an item as a plain JSON object in English, for
// records such as the audit log. Write-only and secret fields are left out.
func JSON[T any](fields []Field[T], item *T) []byte {
	dst := []byte{'{'}
	e := &encoding{api: &API{}, fields: allFields}
	for i := range fields {
		f := &fields[i]
		if f.writeOnly || f.secret || f.local || f.kind == kindRefs || f.kind == kindObject || f.kind == kindObjects && f.readOnly {
			continue
		}
		if len(dst) > 1 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, f.name), ':')
		dst = f.append(dst, item, &f.spec, e)
	}
	return append(dst, '}')
}

// changes reports whether the operation changes something: an Idempotency-Key has it
// done once.
func (op *operation) changes() bool { return op.method != http.MethodGet }

// reads reports whether the operation reads a body.
func (op *operation) reads() bool { return op.input != nil || op.text != "" }

// accepts lists the media types of the bodies that an operation reads.
func (op *operation) accepts() []string {
	switch {
	case op.method == http.MethodPatch:
		return []string{typeMergePatch, typeJSONAPI}
	case op.upload:
		return []string{typeMultipart}
	case op.text != "":
		return []string{op.text}
	default:
		return []string{typeJSONLD, typeJSON, typeHAL, typeJSONAPI}
	}
}

// shortNameKey is the key of a resource in the entrypoint, e.g. "location".
func shortNameKey(name string) string { return strings.ToLower(name[:1]) + name[1:] }
