package ical

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"

	goical "github.com/emersion/go-ical"
)

// maxContent is how many octets one unfolded line may have.
const maxContent = 64 << 10

// What can be wrong with a line.
var (
	errNoColon   = errors.New("no colon")
	errNoName    = errors.New("no name")
	errParameter = errors.New("a malformed parameter")
	errTooLong   = errors.New("too long")
	errEncoding  = errors.New("not UTF-8")
)

// lines hands out the content lines of a file, unfolded (RFC 5545, 3.1), with
// their numbers. Ends of lines may be LF alone, as many programs write them.
type lines struct {
	rest   []byte
	number int // of the line that comes next
}

// next returns the next line that is not empty, false at the end. The error says
// that the line can't be read; those after it may.
func (l *lines) next() (line string, number int, more bool, err error) {
	for len(l.rest) > 0 {
		number = l.number
		content := l.cut()
		for len(l.rest) > 0 && (l.rest[0] == ' ' || l.rest[0] == '\t') {
			l.rest = l.rest[1:]
			piece := l.cut()
			if len(content)+len(piece) > maxContent {
				err = errTooLong
				continue
			}
			content = append(content[:len(content):len(content)], piece...)
		}
		switch {
		case len(content) > maxContent:
			err = errTooLong
		case err == nil && !utf8.Valid(content):
			err = errEncoding
		case len(content) == 0 && err == nil:
			continue
		}
		return string(content[:min(len(content), maxContent)]), number, true, err
	}
	return "", l.number, false, nil
}

// cut takes one line as it stands, without its end.
func (l *lines) cut() []byte {
	l.number++
	line := l.rest
	if end := bytes.IndexByte(l.rest, '\n'); end >= 0 {
		line, l.rest = l.rest[:end], l.rest[end+1:]
	} else {
		l.rest = nil
	}
	return bytes.TrimSuffix(line, []byte("\r"))
}

// parse takes a content line apart: name, parameters, value. The library's own
// reader takes quadratic time for long parameters and panics at some ends.
func parse(line string) (*goical.Prop, error) {
	end := strings.IndexAny(line, ";:")
	switch {
	case end < 0:
		return nil, errNoColon
	case end == 0:
		return nil, errNoName
	}
	p := &goical.Prop{Name: strings.ToUpper(line[:end]), Params: goical.Params{}}
	rest := line[end:]
	for rest[0] == ';' {
		name, after, ok := strings.Cut(rest[1:], "=")
		if !ok || name == "" || strings.ContainsAny(name, `;:"`) {
			return nil, errParameter
		}
		name = strings.ToUpper(name)
		for again := true; again; {
			var value string
			if value, after, ok = parameterValue(after); !ok {
				return nil, errParameter
			}
			p.Params[name] = append(p.Params[name], value)
			if again = after[0] == ','; again {
				after = after[1:]
			}
		}
		rest = after
	}
	p.Value = rest[1:]
	return p, nil
}

// parameterValue reads one value of a parameter; what is left begins with what
// ends it. False when nothing does.
func parameterValue(text string) (value, rest string, ok bool) {
	if strings.HasPrefix(text, `"`) {
		value, rest, ok = strings.Cut(text[1:], `"`)
		return value, rest, ok && rest != "" && strings.IndexByte(",;:", rest[0]) >= 0
	}
	end := strings.IndexAny(text, `,;:"`)
	if end < 0 || text[end] == '"' {
		return "", "", false
	}
	return text[:end], text[end:], true
}
