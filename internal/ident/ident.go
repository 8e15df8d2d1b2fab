// Package ident makes and reads the ids of all that sede keeps: UUIDs of version 7
// (RFC 9562), so that ids sort by the time of their creation. In memory and in
// the database an id is 16 bytes; on the wire it is the 36 character lower-case
// form.
package ident

import (
	"encoding/hex"
	"errors"
	"io"
	"time"

	"github.com/gofrs/uuid/v5"
)

// ID is one id. The zero ID names nothing and is never made by a Source.
type ID [16]byte

// ErrMalformed says that a text is no id.
var ErrMalformed = errors.New("ident: malformed id")

// Source makes new ids. It is safe for concurrent use.
type Source struct{ gen *uuid.Gen }

// NewSource returns a Source that takes the time from now and randomness from
// random; nil means the system's own.
func NewSource(now func() time.Time, random io.Reader) *Source {
	var options []uuid.GenOption
	if now != nil {
		options = append(options, uuid.WithEpochFunc(now))
	}
	if random != nil {
		options = append(options, uuid.WithRandomReader(random))
	}
	return &Source{gen: uuid.NewGenWithOptions(options...)}
}

// New returns an id that is larger than every id this Source made before. It
// panics when the system has no randomness, since nothing can go on then.
func (s *Source) New() ID {
	u, err := s.gen.NewV7()
	if err != nil {
		panic("ident: no randomness: " + err.Error())
	}
	return ID(u)
}

// Parse reads the 36 character form in upper or lower case, and nothing else.
// It fails with ErrMalformed.
func Parse(text string) (ID, error) {
	var id ID
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return ID{}, ErrMalformed
	}
	var digits [32]byte
	n := copy(digits[:], text[0:8])
	n += copy(digits[n:], text[9:13])
	n += copy(digits[n:], text[14:18])
	n += copy(digits[n:], text[19:23])
	copy(digits[n:], text[24:36])
	if _, err := hex.Decode(id[:], digits[:]); err != nil {
		return ID{}, ErrMalformed
	}
	return id, nil
}

// IsZero reports whether the id names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// String returns the 36 character form.
func (id ID) String() string { return string(id.Append(make([]byte, 0, 36))) }

// Append adds the 36 character form to dst.
func (id ID) Append(dst []byte) []byte {
	dst = hex.AppendEncode(dst, id[0:4])
	dst = append(dst, '-')
	dst = hex.AppendEncode(dst, id[4:6])
	dst = append(dst, '-')
	dst = hex.AppendEncode(dst, id[6:8])
	dst = append(dst, '-')
	dst = hex.AppendEncode(dst, id[8:10])
	dst = append(dst, '-')
	return hex.AppendEncode(dst, id[10:16])
}

// MarshalText returns the 36 character form; it never fails.
func (id ID) MarshalText() ([]byte, error) { return id.Append(nil), nil }

// UnmarshalText reads what Parse reads.
func (id *ID) UnmarshalText(text []byte) (err error) {
	*id, err = Parse(string(text))
	return err
}
