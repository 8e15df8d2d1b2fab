package kontomatik

import (
	"bufio"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// What a reply may be made of.
const (
	maxDepth = 32
	maxToken = 64 << 10 // bytes of a text, a tag with its attributes or a comment
)

// Errors of replies. Those that a shorter or whole reply would not have are worth
// another try.
var (
	errSize      = errors.New("the reply is too large")
	errToken     = errors.New("a text in the reply is too long")
	errDepth     = errors.New("the reply is nested too deeply")
	errDirective = errors.New("the reply declares a document type")
	errRoot      = errors.New("the reply is not a reply")
)

// bounded hands out the bytes of a reply, up to a number of all and up to a
// number between two tokens.
type bounded struct {
	in    *bufio.Reader
	left  int64
	token int
}

func (b *bounded) ReadByte() (byte, error) {
	c, err := b.in.ReadByte()
	if err != nil {
		return c, err
	}
	if b.left--; b.left < 0 {
		return 0, errSize
	}
	if b.token++; b.token > maxToken {
		return 0, errToken
	}
	return c, nil
}

func (b *bounded) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c, err := b.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = c
	return 1, nil
}

// scanner walks through the elements of a reply.
type scanner struct {
	xml   *xml.Decoder
	in    *bounded
	depth int
}

func newScanner(r io.Reader, limit int64) *scanner {
	in := &bounded{in: bufio.NewReaderSize(r, 32<<10), left: limit}
	return &scanner{xml: xml.NewDecoder(in), in: in}
}

// next returns the next start, end or text; nil and no error at the end.
func (s *scanner) next() (xml.Token, error) {
	for {
		s.in.token = 0
		token, err := s.xml.Token()
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		switch token.(type) {
		case xml.StartElement:
			if s.depth++; s.depth > maxDepth {
				return nil, errDepth
			}
			return token, nil
		case xml.EndElement:
			s.depth--
			return token, nil
		case xml.CharData:
			return token, nil
		case xml.Directive:
			return nil, errDirective
		}
	}
}

// children calls each with the children of the element whose start was read last,
// and reads up to its end. What each leaves of a child is skipped.
func (s *scanner) children(each func(child *xml.StartElement) error) error {
	depth := s.depth
	for {
		token, err := s.next()
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case nil:
			return io.ErrUnexpectedEOF
		case xml.EndElement:
			if s.depth < depth {
				return nil
			}
		case xml.StartElement:
			if err := each(&t); err != nil {
				return err
			}
			if s.depth > depth {
				if err := s.skip(); err != nil {
					return err
				}
			}
		}
	}
}

// skip reads up to the end of the element.
func (s *scanner) skip() error {
	return s.children(func(*xml.StartElement) error { return nil })
}

// text reads up to the end of the element and returns its text, trimmed. Texts of
// elements inside are left out.
func (s *scanner) text() (string, error) {
	depth := s.depth
	text, first := "", true
	for {
		token, err := s.next()
		if err != nil {
			return "", err
		}
		switch t := token.(type) {
		case nil:
			return "", io.ErrUnexpectedEOF
		case xml.EndElement:
			if s.depth < depth {
				return strings.TrimSpace(text), nil
			}
		case xml.StartElement:
			if err := s.skip(); err != nil {
				return "", err
			}
		case xml.CharData:
			if first {
				text, first = string(t), false
			} else if len(text)+len(t) <= maxToken {
				text += string(t)
			}
		}
	}
}

// attribute returns the value of an attribute, trimmed; empty when there is none.
func attribute(e *xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return strings.TrimSpace(a.Value)
		}
	}
	return ""
}
