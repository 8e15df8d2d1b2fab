package hydra

import (
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/language"

	"sede/internal/ident"
	"sede/internal/phrase"
)

// encoding is what an answer's encoder needs to know beside the item.
type encoding struct {
	api      *API
	reader   language.Tag    // whom names are for
	language phrase.Language // whom sentences are for
	fields   fieldSet        // the fields asked for
}

// appendString adds s as a JSON string. Text that needs no escape, nearly all,
// is copied as it is.
func appendString(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return appendEscaped(dst, s)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

func appendEscaped(dst []byte, s string) []byte {
	dst, err := jsontext.AppendQuote(dst, s)
	if err != nil { // invalid UTF-8 never gets into a record; it is replaced all the same
		return dst
	}
	return dst
}

func appendInt(dst []byte, v int64) []byte { return strconv.AppendInt(dst, v, 10) }

func appendBool(dst []byte, v bool) []byte { return strconv.AppendBool(dst, v) }

// appendTime adds 2030-01-02T09:00:00+00:00 in quotes.
func appendTime(dst []byte, t time.Time) []byte {
	dst = t.UTC().Truncate(time.Second).AppendFormat(append(dst, '"'), time.RFC3339)
	return append(dst[:len(dst)-1], `+00:00"`...)
}

func appendID(dst []byte, id ident.ID, _ *spec, _ *encoding) []byte {
	return append(id.Append(append(dst, '"')), '"')
}

// appendList adds a JSON array of what each adds.
func appendList[V any](dst []byte, list []V, each func(dst []byte, v *V) []byte) []byte {
	dst = append(dst, '[')
	for i := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = each(dst, &list[i])
	}
	return append(dst, ']')
}

// appendObject adds a JSON object of the fields. Objects within an item show
// all their fields.
func appendObject[O any](dst []byte, o *O, fields []Field[O], e *encoding) []byte {
	dst = append(dst, '{')
	for i := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, fields[i].name), ':')
		dst = fields[i].append(dst, o, &fields[i].spec, e)
	}
	return append(dst, '}')
}
