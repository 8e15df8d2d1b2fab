package hydra

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"sede/internal/fault"
)

// maxDepth is how deeply the objects and arrays of a body may be nested.
const maxDepth = 32

// body is what came in, taken apart but not yet looked at: the raw value of
// each field by its position, nil for a field that is not there.
type body struct {
	values  []rawValue
	present fieldSet
	files   map[string][]byte
	spooled map[string]Upload
	place   *place            // of a spooled file; nil: there is none
	content []byte            // JSON as it came
	unknown []fault.Violation // references to items that the caller can't see
	hasID   bool              // the body carries @id
	err     error             // why it could not be read; nil when it could
}

// readAll reads a body up to a size. A longer one is TooLarge.
func readAll(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	size := r.ContentLength
	if size < 0 {
		size = 512
	}
	buffer := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	if _, err := buffer.ReadFrom(http.MaxBytesReader(w, r.Body, limit)); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, tooLarge(limit)
		}
		return nil, fault.Wrap(err, fault.Invalid, "The body could not be read to its end.")
	}
	return buffer.Bytes(), nil
}

func tooLarge(limit int64) error {
	return fault.New(fault.TooLarge, "The body is too large. It may have up to %d bytes.", limit)
}

// parse takes a JSON body apart. Unknown members are ignored.
func (m *model[T]) parse(content []byte, media string) *body {
	b := &body{values: make([]rawValue, len(m.fields)), content: content}
	if err := checkDepth(content); err != nil {
		b.err = err
		return b
	}
	if media == typeJSONAPI {
		b.err = m.parseJSONAPI(content, b)
	} else {
		b.err = m.parseObject(content, b)
	}
	return b
}

func syntaxError(err error) error { return fault.Wrap(err, fault.Invalid, "Syntax error") }

// checkDepth looks at the brackets of a body, whatever else is wrong with it.
func checkDepth(content []byte) error {
	depth, inText := 0, false
	for i := 0; i < len(content); i++ {
		switch c := content[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case inText:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return fault.New(fault.Invalid, "The body is nested too deeply. Up to %d levels are read.", maxDepth)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

// parseObject takes a JSON object of fields apart.
func (m *model[T]) parseObject(content []byte, b *body) error {
	return eachMember(content, func(name []byte, value rawValue) error {
		if string(name) == "@id" {
			b.hasID = true
		}
		if i, known := m.byName[string(name)]; known {
			b.values[i] = value
			b.present |= 1 << i
		}
		return nil
	})
}

// decoders are reused, since a new one costs more than a small body.
var decoders = sync.Pool{New: func() any { return new(jsontext.Decoder) }}

// eachMember calls fn for the members of a JSON object (RFC 8259) in which no
// name occurs twice and after which nothing follows. The values are parts of
// content.
func eachMember(content []byte, fn func(name []byte, value rawValue) error) error {
	decoder := decoders.Get().(*jsontext.Decoder)
	defer decoders.Put(decoder)
	decoder.Reset(bytes.NewBuffer(content))
	token, err := decoder.ReadToken()
	if err != nil {
		return syntaxError(err)
	}
	if token.Kind() != '{' {
		return fault.New(fault.Invalid, "The body must be a JSON object.")
	}
	var scratch [64]byte
	for decoder.PeekKind() == '"' {
		quoted, err := decoder.ReadValue()
		if err != nil {
			return syntaxError(err)
		}
		name, err := jsontext.AppendUnquote(scratch[:0], quoted)
		if err != nil {
			return syntaxError(err)
		}
		value, err := decoder.ReadValue()
		if err != nil {
			return syntaxError(err)
		}
		end := decoder.InputOffset()
		if err := fn(name, content[end-int64(len(value)):end]); err != nil {
			return err
		}
	}
	if _, err := decoder.ReadToken(); err != nil {
		return syntaxError(err)
	}
	if _, err := decoder.ReadToken(); err != io.EOF {
		return syntaxError(err)
	}
	return nil
}

// parseJSONAPI takes a JSON:API document apart: data.attributes and the IRIs
// in data.relationships.
func (m *model[T]) parseJSONAPI(content []byte, b *body) error {
	var data rawValue
	find := func(name []byte, value rawValue) error {
		if string(name) == "data" {
			data = value
		}
		return nil
	}
	if err := eachMember(content, find); err != nil {
		return err
	}
	if data.Kind() != '{' {
		return fault.New(fault.Invalid, `The body must be a JSON:API document with an object under "data".`)
	}
	return eachMember(data, func(name []byte, value rawValue) error {
		switch string(name) {
		case "attributes":
			return m.parseObject(value, b)
		case "relationships":
			return eachMember(value, func(name []byte, value rawValue) error {
				if i, known := m.byName[string(name)]; known {
					b.values[i] = relationshipIRI(value)
					b.present |= 1 << i
				}
				return nil
			})
		}
		return nil
	})
}

// relationshipIRI returns the id in a JSON:API relationship object; anything
// else is returned as it is, to be refused with the field's own message.
func relationshipIRI(value rawValue) rawValue {
	found := value
	if value.Kind() != '{' {
		return value
	}
	_ = eachMember(value, func(name []byte, value rawValue) error {
		if string(name) != "data" {
			return nil
		}
		found = value
		if value.Kind() == '{' {
			return eachMember(value, func(name []byte, value rawValue) error {
				if string(name) == "id" {
					found = value
				}
				return nil
			})
		}
		return nil
	})
	return found
}

// parseQuery takes the parameters of a query apart as if they stood in a JSON
// object: of one that is there several times the last counts.
func (m *model[T]) parseQuery(parameters []parameter) *body {
	b := &body{values: make([]rawValue, len(m.fields))}
	for _, p := range parameters {
		i, known := m.byName[p.name]
		if !known {
			continue
		}
		value := rawValue(p.value)
		if k := m.fields[i].kind; k != kindInt && k != kindBool || !value.IsValid() {
			value = appendString(nil, p.value)
		}
		b.values[i] = value
		b.present |= 1 << i
	}
	return b
}

// parseForm takes multipart/form-data apart (RFC 7578): files by the names of
// their parts, texts as they are, all else as JSON. The body has open files, with an
// error too.
func (m *model[T]) parseForm(w http.ResponseWriter, r *http.Request, boundary string, limit int64, at *place) (*body, error) {
	b := &body{values: make([]rawValue, len(m.fields)), files: map[string][]byte{}, spooled: map[string]Upload{}, place: at}
	if r.ContentLength > limit {
		return b, tooLarge(limit)
	}
	reader := multipart.NewReader(http.MaxBytesReader(w, r.Body, limit), boundary)
	for {
		part, err := reader.NextPart()
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return b, formError(err, limit)
		}
		i, known := m.byName[part.FormName()]
		if !known {
			continue
		}
		b.present |= 1 << i
		if m.fields[i].spooled {
			if err := b.spool(&m.fields[i].spec, part); err != nil {
				return b, formError(err, limit)
			}
			continue
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return b, formError(err, limit)
		}
		switch f := &m.fields[i]; {
		case f.kind == kindFile:
			b.files[f.name] = content
		case f.kind == kindText || f.kind == kindTime || f.kind == kindRef:
			if !utf8.Valid(content) {
				return b, syntaxError(errors.New("not UTF-8"))
			}
			b.values[i] = appendString(nil, string(content))
		default:
			value := rawValue(bytes.TrimSpace(content))
			if err := checkDepth(value); err != nil {
				return b, err
			}
			if !value.IsValid() {
				return b, syntaxError(errors.New("part " + f.name + " is no JSON"))
			}
			b.values[i] = value
		}
	}
}

func formError(err error, limit int64) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(limit)
	}
	if own, ok := errors.AsType[*spoolError](err); ok {
		return own
	}
	return fault.Wrap(err, fault.Invalid, "The form could not be read.")
}

// apply sets the fields of the item that the body holds and checks all rules.
// It returns an Invalid error when a value is of a wrong type or names nothing,
// an Unprocessable one when rules are broken, each with all violations.
func (m *model[T]) apply(b *body, item *T, creating bool, in *intake) error {
	if b.err != nil {
		return b.err
	}
	if creating && b.hasID {
		return fault.New(fault.Invalid, "Update is not allowed for this operation.")
	}
	list := append([]fault.Violation(nil), b.unknown...)
	for i := range m.fields {
		f := &m.fields[i]
		if f.readOnly || (f.onCreate && !creating) {
			continue
		}
		if b.present.has(i) && !complained(list, f.name) {
			list = m.setField(f, b, i, item, in, list)
		} else if creating && f.required && !b.present.has(i) {
			list = append(list, missing(&f.spec))
		}
	}
	unreadable := false
	for _, v := range list {
		unreadable = unreadable || v.Code == fault.CodeType
	}
	list = m.broken(item, list)
	switch {
	case len(list) == 0:
		return nil
	case unreadable:
		return &fault.Error{Kind: fault.Invalid, Violations: list}
	default:
		return fault.Broken(list...)
	}
}

func (m *model[T]) setField(f *Field[T], b *body, i int, item *T, in *intake, list []fault.Violation) []fault.Violation {
	if f.spooled {
		*f.upload(item) = b.spooled[f.name]
		return list
	}
	if f.upload != nil {
		content := b.files[f.name]
		if f.maxLen > 0 && len(content) > f.maxLen {
			return append(list, fault.Violation{Path: f.name, Text: fault.Textf("The file is too large. It may have up to %d bytes.", f.maxLen), Code: fault.CodeTooLong})
		}
		f.upload(item).Content = content
		return list
	}
	if f.set == nil {
		return list
	}
	in.broken = in.broken[:0]
	list = addBroken(list, f.name, f.set(item, b.values[i], &f.spec, in))
	for j := range in.broken {
		list = addBroken(list, f.name, &in.broken[j])
	}
	return list
}

// missing is the violation of a required field that is not in the body.
func missing(s *spec) fault.Violation {
	if s.kind == kindText && !s.nullable {
		return fault.Violation{Path: s.name, Text: fault.Textf("This value should not be blank."), Code: fault.CodeBlank}
	}
	if s.nullable {
		return fault.Violation{Path: s.name, Text: fault.Textf("This field must be given, null if there is nothing to say."), Code: fault.CodeNull}
	}
	return fault.Violation{Path: s.name, Text: fault.Textf("This value should not be null."), Code: fault.CodeNull}
}
