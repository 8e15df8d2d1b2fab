package hydra

import (
	"crypto/sha256"
	"os"
	"strconv"
	"time"

	"golang.org/x/text/language"

	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
)

// Field is one field of a resource or of an action's input: its name on the
// wire, its rules, and where it lives in a T. The functions below make Fields;
// the methods refine them and return the refined Field:
//
//	hydra.Text("name", func(l *Location) *string { return &l.Name }).Required().Length(1, 255)
type Field[T any] struct {
	spec
	append func(dst []byte, item *T, s *spec, e *encoding) []byte
	set    func(item *T, raw rawValue, s *spec, in *intake) *fault.Violation // nil: never read from a body
	check  func(item *T, s *spec, at string, list []fault.Violation) []fault.Violation
	isNull func(item *T) bool               // nil: never null
	key    func(dst []byte, item *T) []byte // the field that names the item
	rules  []func(item *T) *fault.Violation // added by Check
	upload func(item *T) *Upload            // files
	local  bool                             // depends on the reader's language
}

// kind is the shape of a field's value.
type kind uint8

const (
	kindText kind = iota
	kindInt
	kindBool
	kindTime
	kindRef
	kindRefs
	kindTexts
	kindObject
	kindObjects
	kindRaw
	kindFile
)

// spec is the part of a Field that does not depend on its type: what documents
// are made of and what bodies and queries are checked against.
type spec struct {
	name      string
	kind      kind
	isKey     bool   // names the item in its IRI
	spooled   bool   // an uploaded file goes to disk
	isID      bool   // the id of something else, as a text
	nullable  bool   // may be null
	required  bool   // must be in the body of a POST
	readOnly  bool   // never read from a body
	onCreate  bool   // read from the body of a POST only
	writeOnly bool   // never shown
	secret    bool   // shown, but kept nowhere
	target    string // references: the resource's name
	doc       string
	example   string
	iri       string // the property's own IRI, e.g. https://schema.org/name
	format    string // OpenAPI format of a text
	bounded   bool   // integers: min and max count
	min, max  int64  // integers: inclusive bounds
	minLen    int    // text: characters
	maxLen    int    // text: characters, 0: 255; files: bytes
	lines     bool   // text: line breaks and tabs are allowed
	offset    bool   // times: must state their offset from UTC
	enum      []string
	filters   []Filter
	sortable  bool
	fields    []spec // objects: theirs
	short     string // entries: the field that may stand for the whole object
	most      int    // entries: how many there may be
}

// Filter is a way in which a collection can be narrowed by a field.
type Filter uint8

// The filters, each with its query parameters.
const (
	Exact     Filter = iota // name=x, name[]=x&name[]=y
	Partial                 // name=x, name[]=x: contains, ignoring case and accents
	DateRange               // d[before], d[strictly_before], d[after], d[strictly_after]
	Boolean                 // b=true|false|1|0
	Numeric                 // n=1, n[]=1
	Range                   // n[between]=1..5, n[gt], n[gte], n[lt], n[lte]
	Existence               // exists[n]=true|false
)

// Required makes the field one that a POST must carry. A text must then hold
// more than blanks, unless it is nullable.
func (f Field[T]) Required() Field[T] { f.required = true; return f }

// Nullable makes a list, an object or a sentence one that may be null; nil is
// null then.
func (f Field[T]) Nullable() Field[T] { f.nullable = true; return f }

// ReadOnly makes the field one that bodies can't set; it is ignored there.
func (f Field[T]) ReadOnly() Field[T] { f.readOnly = true; return f }

// OnCreate makes the field one that only a POST can set.
func (f Field[T]) OnCreate() Field[T] { f.onCreate = true; return f }

// WriteOnly makes the field one that is never shown, such as a password.
func (f Field[T]) WriteOnly() Field[T] { f.writeOnly = true; return f }

// Secret makes the field one that is shown to the caller and kept nowhere in the
// clear: JSON leaves it out, and answers with it are sealed before they are stored
// for their Idempotency-Key.
func (f Field[T]) Secret() Field[T] { f.secret = true; return f }

// Doc sets the sentence that documents the field.
func (f Field[T]) Doc(sentence string) Field[T] { f.doc = sentence; return f }

// Example sets a value for the documents, spelled as in JSON but without
// quotes.
func (f Field[T]) Example(value string) Field[T] { f.example = value; return f }

// Means sets the IRI of the property in a public vocabulary.
func (f Field[T]) Means(iri string) Field[T] { f.iri = iri; return f }

// Format sets the OpenAPI format of a text, e.g. "email".
func (f Field[T]) Format(name string) Field[T] { f.format = name; return f }

// Between bounds an integer, both ends included.
func (f Field[T]) Between(low, high int64) Field[T] {
	f.bounded, f.min, f.max = true, low, high
	return f
}

// Length bounds a text in characters, both ends included.
func (f Field[T]) Length(low, high int) Field[T] { f.minLen, f.maxLen = low, high; return f }

// MaxBytes bounds an uploaded file.
func (f Field[T]) MaxBytes(n int) Field[T] { f.maxLen = n; return f }

// Spooled has an uploaded file written to disk as it comes, for those that are too
// large for the memory.
func (f Field[T]) Spooled() Field[T] { f.spooled = true; return f }

// Lines allows line breaks and tabs in a text.
func (f Field[T]) Lines() Field[T] { f.lines = true; return f }

// Offset makes a time one that must state its offset from UTC, in bodies. A time
// without one could be in any time zone.
func (f Field[T]) Offset() Field[T] { f.offset = true; return f }

// OneOf lists the values that a text may have.
func (f Field[T]) OneOf(values ...string) Field[T] { f.enum = values; return f }

// Filter declares how collections can be narrowed by the field.
func (f Field[T]) Filter(filters ...Filter) Field[T] { f.filters = filters; return f }

// Sortable declares that collections can be ordered by the field.
func (f Field[T]) Sortable() Field[T] { f.sortable = true; return f }

// Check adds a rule: broken returns the sentence that says what is wrong, or
// the zero Text. It is not called for null.
func (f Field[T]) Check(code string, broken func(item *T) fault.Text) Field[T] {
	rule := func(item *T) *fault.Violation {
		if text := broken(item); !text.IsZero() {
			return &fault.Violation{Text: text, Code: code}
		}
		return nil
	}
	f.rules = append(f.rules[:len(f.rules):len(f.rules)], rule)
	return f
}

// codec is how values of a type are written, read and checked.
type codec[V any] struct {
	append func(dst []byte, v V, s *spec, e *encoding) []byte
	set    func(raw rawValue, v *V, s *spec, in *intake) *fault.Violation
	check  func(v V, s *spec) *fault.Violation // nil: nothing to check
}

// plain makes a field that is never null.
func plain[T, V any](name string, k kind, at func(*T) *V, c codec[V]) Field[T] {
	f := Field[T]{spec: spec{name: name, kind: k}}
	f.append = func(dst []byte, item *T, s *spec, e *encoding) []byte { return c.append(dst, *at(item), s, e) }
	f.set = func(item *T, raw rawValue, s *spec, in *intake) *fault.Violation {
		return c.set(raw, at(item), s, in)
	}
	f.check = func(item *T, s *spec, path string, list []fault.Violation) []fault.Violation {
		if c.check == nil {
			return list
		}
		return addBroken(list, path, c.check(*at(item), s))
	}
	return f
}

// optional makes a field that may be null.
func optional[T, V any](name string, k kind, at func(*T) *null.Value[V], c codec[V]) Field[T] {
	f := Field[T]{spec: spec{name: name, kind: k, nullable: true}}
	f.append = func(dst []byte, item *T, s *spec, e *encoding) []byte {
		v := at(item)
		if !v.Valid {
			return append(dst, "null"...)
		}
		return c.append(dst, v.V, s, e)
	}
	f.set = func(item *T, raw rawValue, s *spec, in *intake) *fault.Violation {
		v := at(item)
		*v = null.Value[V]{Valid: raw.Kind() != 'n'}
		if !v.Valid {
			return nil
		}
		return c.set(raw, &v.V, s, in)
	}
	f.check = func(item *T, s *spec, path string, list []fault.Violation) []fault.Violation {
		v := at(item)
		if c.check == nil || !v.Valid {
			return list
		}
		return addBroken(list, path, c.check(v.V, s))
	}
	f.isNull = func(item *T) bool { return !at(item).Valid }
	return f
}

func addBroken(list []fault.Violation, path string, broken *fault.Violation) []fault.Violation {
	if broken == nil {
		return list
	}
	broken.Path = path + broken.Path // within the field, if it is about a part of it
	return append(list, *broken)
}

// ID is the read-only field "id" of a resource whose key is a UUID.
func ID[T any](at func(*T) *ident.ID) Field[T] {
	f := plain("id", kindText, at, codec[ident.ID]{append: appendID}).ReadOnly().Format("uuid")
	f.isKey, f.set = true, nil
	f.key = func(dst []byte, item *T) []byte { return at(item).Append(dst) }
	return f
}

// NullID is the read-only id of something that need not be there, or that the
// caller may not see, as a text; or null.
func NullID[T any](name string, at func(*T) *null.Value[ident.ID]) Field[T] {
	f := optional(name, kindText, at, codec[ident.ID]{append: appendID}).ReadOnly().Format("uuid")
	f.isID, f.set = true, nil
	return f
}

// Key is the field "id" of a resource whose key is a text, e.g. a country code.
// Only a POST, where there is one, sets it.
func Key[T any](at func(*T) *string) Field[T] {
	f := Text("id", at).OnCreate()
	f.isKey = true
	f.key = func(dst []byte, item *T) []byte { return append(dst, *at(item)...) }
	return f
}

// Text is a text that is never null.
func Text[T any](name string, at func(*T) *string) Field[T] {
	return plain(name, kindText, at, textCodec)
}

// NullText is a text or null.
func NullText[T any](name string, at func(*T) *null.Value[string]) Field[T] {
	return optional(name, kindText, at, textCodec)
}

// LocalText is a read-only text in the reader's language.
func LocalText[T any](name string, in func(item *T, reader language.Tag) string) Field[T] {
	f := Field[T]{spec: spec{name: name, kind: kindText, readOnly: true}, local: true}
	f.append = func(dst []byte, item *T, s *spec, e *encoding) []byte { return appendString(dst, in(item, e.reader)) }
	return f
}

// Sentence is a read-only sentence for people in the reader's language. If it is
// Nullable, no sentence is null.
func Sentence[T any](name string, at func(*T) fault.Text) Field[T] {
	f := Field[T]{spec: spec{name: name, kind: kindText, readOnly: true}, local: true}
	f.append = func(dst []byte, item *T, s *spec, e *encoding) []byte {
		text := at(item)
		if text.IsZero() && s.nullable {
			return append(dst, "null"...)
		}
		return appendString(dst, e.language.Text(e.api.withIRIs(text)))
	}
	return f
}

// Int is an integer that is never null.
func Int[T any](name string, at func(*T) *int64) Field[T] {
	return plain(name, kindInt, at, intCodec)
}

// NullInt is an integer or null.
func NullInt[T any](name string, at func(*T) *null.Value[int64]) Field[T] {
	return optional(name, kindInt, at, intCodec)
}

// Bool is true or false.
func Bool[T any](name string, at func(*T) *bool) Field[T] {
	return plain(name, kindBool, at, boolCodec)
}

// Time is a moment in whole seconds, RFC 3339 with a numeric offset, always
// shown in UTC.
func Time[T any](name string, at func(*T) *time.Time) Field[T] {
	return plain(name, kindTime, at, timeCodec).Format("date-time")
}

// NullTime is a moment, as for Time, or null.
func NullTime[T any](name string, at func(*T) *null.Value[time.Time]) Field[T] {
	return optional(name, kindTime, at, timeCodec).Format("date-time")
}

// Ref points at an item of the resource named target by its IRI. The item must
// exist and be visible to the caller when a body names it.
func Ref[T any](name, target string, at func(*T) *ident.ID) Field[T] {
	return reference(plain(name, kindRef, at, idRefCodec(target)), target)
}

// NullRef is a reference, as for Ref, or null.
func NullRef[T any](name, target string, at func(*T) *null.Value[ident.ID]) Field[T] {
	return reference(optional(name, kindRef, at, idRefCodec(target)), target)
}

// KeyRef is a reference, as for Ref, to a resource whose key is a text.
func KeyRef[T any](name, target string, at func(*T) *string) Field[T] {
	return reference(plain(name, kindRef, at, keyRefCodec(target)), target)
}

// NullKeyRef is a reference, as for KeyRef, or null.
func NullKeyRef[T any](name, target string, at func(*T) *null.Value[string]) Field[T] {
	return reference(optional(name, kindRef, at, keyRefCodec(target)), target)
}

// Refs is a read-only list of references to items whose keys are UUIDs.
func Refs[T any](name, target string, at func(*T) *[]ident.ID) Field[T] {
	c := idRefCodec(target)
	f := reference(Field[T]{spec: spec{name: name, kind: kindRefs, readOnly: true}}, target)
	f.append = func(dst []byte, item *T, s *spec, e *encoding) []byte {
		return appendList(dst, *at(item), func(dst []byte, v *ident.ID) []byte { return c.append(dst, *v, s, e) })
	}
	return f
}

func reference[T any](f Field[T], target string) Field[T] {
	f.target, f.format = target, "iri-reference"
	return f
}

// Texts is a list of texts. Rules for texts hold for each of them.
func Texts[T any](name string, at func(*T) *[]string) Field[T] {
	f := Field[T]{spec: spec{name: name, kind: kindTexts}}
	f.append = func(dst []byte, item *T, s *spec, e *encoding) []byte {
		return appendList(dst, *at(item), func(dst []byte, v *string) []byte { return appendString(dst, *v) })
	}
	f.set = func(item *T, raw rawValue, s *spec, in *intake) *fault.Violation {
		return setList(raw, at(item), s, func(raw rawValue, v *string) *fault.Violation {
			return textCodec.set(raw, v, s, in)
		})
	}
	f.check = func(item *T, s *spec, path string, list []fault.Violation) []fault.Violation {
		for i, v := range *at(item) {
			list = addBroken(list, path+"["+strconv.Itoa(i)+"]", textCodec.check(v, s))
		}
		return list
	}
	return f
}

// Object is a read-only object within the item.
func Object[T, O any](name string, at func(*T) *O, fields ...Field[O]) Field[T] {
	f := Field[T]{spec: spec{name: name, kind: kindObject, readOnly: true, fields: specsOf(fields)}, local: anyLocal(fields)}
	f.append = func(dst []byte, item *T, s *spec, e *encoding) []byte {
		o := at(item)
		if o == nil && s.nullable {
			return append(dst, "null"...)
		}
		return appendObject(dst, o, fields, e)
	}
	return f
}

// Objects is a read-only list of objects within the item.
func Objects[T, O any](name string, at func(*T) *[]O, fields ...Field[O]) Field[T] {
	f := Field[T]{spec: spec{name: name, kind: kindObjects, readOnly: true, fields: specsOf(fields)}, local: anyLocal(fields)}
	f.append = func(dst []byte, item *T, s *spec, e *encoding) []byte {
		if *at(item) == nil && s.nullable {
			return append(dst, "null"...)
		}
		return appendList(dst, *at(item), func(dst []byte, o *O) []byte { return appendObject(dst, o, fields, e) })
	}
	return f
}

// Raw is a read-only JSON object of no fixed shape, shown as it is stored, which
// must be JSON; nil is null.
func Raw[T any](name string, at func(*T) *[]byte) Field[T] {
	f := Field[T]{spec: spec{name: name, kind: kindRaw, readOnly: true, nullable: true}}
	f.append = func(dst []byte, item *T, _ *spec, _ *encoding) []byte {
		if content := *at(item); content != nil {
			return append(dst, content...)
		}
		return append(dst, "null"...)
	}
	return f
}

// File is an uploaded file: the operation that reads it takes
// multipart/form-data, with the file in the part of that name.
func File[T any](name string, at func(*T) *Upload) Field[T] {
	f := Field[T]{spec: spec{name: name, kind: kindFile, writeOnly: true, format: "binary"}}
	f.upload = at
	return f
}

// Upload is a file that came in. The name and the type that the sender gave it
// are not kept, since nothing may depend on them.
type Upload struct {
	Content []byte
	// File has the content instead if the field is Spooled, until the request is
	// answered. It has no name and goes with its last reader.
	File *os.File
	Size int64
	sum  [sha256.Size]byte
}

// anyLocal reports whether one of the fields depends on the reader's language.
func anyLocal[T any](fields []Field[T]) bool {
	for i := range fields {
		if fields[i].local {
			return true
		}
	}
	return false
}

func specsOf[T any](fields []Field[T]) []spec {
	list := make([]spec, len(fields))
	for i := range fields {
		list[i] = fields[i].spec
	}
	return list
}
