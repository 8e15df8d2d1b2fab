package hydra

import (
	"bytes"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"sede/internal/fault"
	"sede/internal/ident"
)

// rawValue is one JSON value as it stood in a body.
type rawValue = jsontext.Value

// intake collects what reading a body finds out on the side.
type intake struct {
	api   *API
	items []named // the items that references in the body point at
	// broken are violations beside the one that reading a value returns. Their
	// paths are relative to the field that is read.
	broken []fault.Violation
}

// named is an item that a body names by its IRI.
type named struct {
	field    string
	iri      string
	resource *resource
	key      string
}

// typeNames are the names of JSON values in messages, as PHP spells them, since
// that is what clients of API Platform have seen.
func typeName(raw rawValue) string {
	switch raw.Kind() {
	case 'n':
		return "NULL"
	case 't', 'f':
		return "bool"
	case '"':
		return "string"
	case '0':
		if bytes.ContainsAny(raw, ".eE") {
			return "float"
		}
		return "int"
	}
	return "array"
}

// wrongType is the violation of a value that is not of the field's type. A body
// with one is answered 400.
func wrongType(raw rawValue, s *spec, want string) *fault.Violation {
	if s.nullable {
		want += "|null"
	}
	return &fault.Violation{
		Text: fault.Textf("The type of the %q attribute must be %q, %q given.", s.name, want, typeName(raw)),
		Code: fault.CodeType,
	}
}

var textCodec = codec[string]{
	append: func(dst []byte, v string, _ *spec, _ *encoding) []byte { return appendString(dst, v) },
	set: func(raw rawValue, v *string, s *spec, _ *intake) *fault.Violation {
		text, ok := unquote(raw)
		if !ok {
			return wrongType(raw, s, "string")
		}
		*v = text
		return nil
	},
	check: checkText,
}

// unquote returns the text of a JSON string; false for any other value.
func unquote(raw rawValue) (string, bool) {
	if raw.Kind() != '"' {
		return "", false
	}
	text, err := jsontext.AppendUnquote(nil, raw)
	return string(text), err == nil
}

// defaultLength is the most characters of a text that declares no length.
const defaultLength = 255

func checkText(v string, s *spec) *fault.Violation {
	if s.required && !s.nullable && strings.TrimSpace(v) == "" {
		return &fault.Violation{Text: fault.Textf("This value should not be blank."), Code: fault.CodeBlank}
	}
	if len(s.enum) > 0 {
		return checkChoice(v, s.enum)
	}
	longest := s.maxLen
	if longest == 0 {
		longest = defaultLength
	}
	switch n := utf8.RuneCountInString(v); {
	case n > longest:
		return &fault.Violation{Text: fault.Textf("This value is too long. It should have %d characters or less.", longest), Code: fault.CodeTooLong}
	case n < s.minLen && (n > 0 || s.required):
		return &fault.Violation{Text: fault.Textf("This value is too short. It should have %d characters or more.", s.minLen), Code: fault.CodeTooShort}
	}
	for _, r := range v {
		if unicode.IsControl(r) && !(s.lines && (r == '\n' || r == '\r' || r == '\t')) {
			return &fault.Violation{Text: fault.Textf("This value contains characters that are not allowed."), Code: fault.CodeRegex}
		}
	}
	return nil
}

func checkChoice(v string, choices []string) *fault.Violation {
	for _, choice := range choices {
		if v == choice {
			return nil
		}
	}
	return &fault.Violation{
		Text: fault.Textf("The value you selected is not a valid choice."),
		Code: fault.CodeChoice, Hint: "one of " + strings.Join(choices, ", "),
	}
}

var intCodec = codec[int64]{
	append: func(dst []byte, v int64, _ *spec, _ *encoding) []byte { return appendInt(dst, v) },
	set: func(raw rawValue, v *int64, s *spec, _ *intake) *fault.Violation {
		n, err := strconv.ParseInt(string(raw), 10, 64)
		if raw.Kind() != '0' || err != nil {
			return wrongType(raw, s, "int")
		}
		*v = n
		return nil
	},
	check: func(v int64, s *spec) *fault.Violation {
		if !s.bounded || (v >= s.min && v <= s.max) {
			return nil
		}
		return &fault.Violation{Text: fault.Textf("This value should be between %d and %d.", s.min, s.max), Code: fault.CodeRange}
	},
}

var boolCodec = codec[bool]{
	append: func(dst []byte, v bool, _ *spec, _ *encoding) []byte { return appendBool(dst, v) },
	set: func(raw rawValue, v *bool, s *spec, _ *intake) *fault.Violation {
		if k := raw.Kind(); k != 't' && k != 'f' {
			return wrongType(raw, s, "bool")
		}
		*v = raw.Kind() == 't'
		return nil
	},
}

var timeCodec = codec[time.Time]{
	append: func(dst []byte, v time.Time, _ *spec, _ *encoding) []byte { return appendTime(dst, v) },
	set: func(raw rawValue, v *time.Time, s *spec, _ *intake) *fault.Violation {
		text, ok := unquote(raw)
		if !ok {
			return wrongType(raw, s, "string")
		}
		t, err := parseTime(text)
		if err == nil && s.offset {
			_, err = time.Parse(time.RFC3339, text)
		}
		if err != nil {
			return &fault.Violation{Text: fault.Textf("The %q attribute must be a date and time with an offset, such as %q.", s.name, "2030-01-02T09:00:00+00:00"), Code: fault.CodeType, Hint: err.Error()}
		}
		*v = t
		return nil
	},
}

// parseTime reads RFC 3339, with Z or an offset, and what API Platform takes
// beside it: no offset (UTC) and a date alone (midnight UTC). Fractions of a
// second are cut off.
func parseTime(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime, time.DateOnly} {
			if other, ok := time.Parse(layout, text); ok == nil {
				t, err = other, nil
				break
			}
		}
	}
	if err == nil && (t.UTC().Year() < 1 || t.UTC().Year() > 9999) {
		err = &time.ParseError{Layout: time.RFC3339, Value: text, Message: ": year out of range"}
	}
	return t.UTC().Truncate(time.Second), err
}

// keyRefCodec reads and writes IRIs of a resource whose key is a text.
func keyRefCodec(target string) codec[string] {
	return codec[string]{
		append: func(dst []byte, v string, _ *spec, e *encoding) []byte {
			dst = append(append(dst, '"'), e.api.base(target)...)
			return append(append(dst, v...), '"')
		},
		set: func(raw rawValue, v *string, s *spec, in *intake) (broken *fault.Violation) {
			*v, broken = in.point(raw, s)
			return broken
		},
	}
}

// idRefCodec reads and writes IRIs of a resource whose key is a UUID.
func idRefCodec(target string) codec[ident.ID] {
	return codec[ident.ID]{
		append: func(dst []byte, v ident.ID, _ *spec, e *encoding) []byte {
			dst = append(append(dst, '"'), e.api.base(target)...)
			return append(v.Append(dst), '"')
		},
		set: func(raw rawValue, v *ident.ID, s *spec, in *intake) *fault.Violation {
			key, broken := in.point(raw, s)
			if broken != nil {
				return broken
			}
			id, err := ident.Parse(key)
			if err != nil {
				return notFound(raw)
			}
			*v = id
			return nil
		},
	}
}

// point reads an IRI and notes the item that it names, to be looked up later.
func (in *intake) point(raw rawValue, s *spec) (key string, broken *fault.Violation) {
	iri, ok := unquote(raw)
	switch {
	case raw.Kind() == '{':
		return "", &fault.Violation{Text: fault.Textf("Nested documents for attribute %q are not allowed. Use IRIs instead.", s.name), Code: fault.CodeType}
	case !ok:
		return "", &fault.Violation{Text: fault.Textf(`The type of the %q attribute must be "array" (nested document) or "string" (IRI), %q given.`, s.name, longTypeName(raw)), Code: fault.CodeType}
	}
	res, key := in.api.locate(iri)
	if res == nil || res.name != s.target {
		return "", &fault.Violation{Text: fault.Textf("Invalid IRI %q.", iri), Code: fault.CodeType}
	}
	in.items = append(in.items, named{field: s.name, iri: iri, resource: res, key: key})
	return key, nil
}

// longTypeName is what API Platform calls a value where a relation should be.
func longTypeName(raw rawValue) string {
	switch name := typeName(raw); name {
	case "int":
		return "integer"
	case "bool":
		return "boolean"
	case "float":
		return "double"
	default:
		return name
	}
}

func notFound(raw rawValue) *fault.Violation {
	iri, _ := unquote(raw)
	broken := notThere(iri)
	return &broken
}

func notThere(iri string) fault.Violation {
	return fault.Violation{Text: fault.Textf("Item not found for %q.", iri), Code: fault.CodeType}
}

// setList reads a JSON array with one call for each of its values.
func setList[V any](raw rawValue, list *[]V, s *spec, each func(rawValue, *V) *fault.Violation) *fault.Violation {
	if raw.Kind() == 'n' && s.nullable {
		*list = nil
		return nil
	}
	if raw.Kind() != '[' {
		return wrongType(raw, s, "array")
	}
	decoder := jsontext.NewDecoder(bytes.NewReader(raw))
	_, _ = decoder.ReadToken() // the opening bracket; raw was checked before
	*list = []V{}
	for decoder.PeekKind() != ']' {
		value, err := decoder.ReadValue()
		if err != nil {
			return wrongType(raw, s, "array")
		}
		var v V
		if broken := each(value, &v); broken != nil {
			return broken
		}
		*list = append(*list, v)
	}
	return nil
}
