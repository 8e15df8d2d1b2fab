package db

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"sede/internal/ident"
	"sede/internal/null"
)

// errText is the answer for strings that PostgreSQL could not keep.
var errText = errors.New("db: text with a NUL or invalid UTF-8")

func badText(s string) bool { return strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s) }

// badType says that a Go type has no place in SQL. It takes care not to let
// its argument escape: that would put all arguments of all statements on the
// heap.
func badType(v any) error {
	t := reflect.TypeOf(v)
	if t == nil {
		return errors.New("db: nil to scan into")
	}
	return fmt.Errorf("db: type %s is not supported", t.String())
}

// mismatch says that a column does not fit its destination.
func mismatch(i int, dest any, kind string) error {
	return fmt.Errorf("db: column %d (%s) can't be scanned into %s", i+1, kind, reflect.TypeOf(dest).String())
}

// scanInt sets an integer or float destination; it serves both engines.
func scanInt(v int64, dest any) (bool, error) {
	switch d := dest.(type) {
	case *int64:
		*d = v
	case *int:
		*d = int(v)
	case *null.Value[int64]:
		*d = null.Of(v)
	case *null.Value[int]:
		*d = null.Of(int(v))
	case **int64:
		n := v // only what is pointed to goes to the heap
		*d = &n
	case **int:
		n := int(v)
		*d = &n
	default:
		return scanFloat(float64(v), dest)
	}
	return true, nil
}

func scanFloat(v float64, dest any) (bool, error) {
	switch d := dest.(type) {
	case *float64:
		*d = v
	case *null.Value[float64]:
		*d = null.Of(v)
	case **float64:
		n := v
		*d = &n
	default:
		return false, knownDest(dest)
	}
	return true, nil
}

// scanNull empties a destination that may be absent; false for one that may
// not. It serves both engines.
func scanNull(dest any) (bool, error) {
	switch d := dest.(type) {
	case *null.Value[ident.ID]:
		*d = null.Value[ident.ID]{}
	case *null.Value[string]:
		*d = null.Value[string]{}
	case *null.Value[int]:
		*d = null.Value[int]{}
	case *null.Value[int64]:
		*d = null.Value[int64]{}
	case *null.Value[bool]:
		*d = null.Value[bool]{}
	case *null.Value[time.Time]:
		*d = null.Value[time.Time]{}
	case *null.Value[[]byte]:
		*d = null.Value[[]byte]{}
	case *null.Value[float64]:
		*d = null.Value[float64]{}
	default:
		return scanNullPointer(dest)
	}
	return true, nil
}

func scanNullPointer(dest any) (bool, error) {
	switch d := dest.(type) {
	case **ident.ID:
		*d = nil
	case **string:
		*d = nil
	case **int:
		*d = nil
	case **int64:
		*d = nil
	case **bool:
		*d = nil
	case **time.Time:
		*d = nil
	case **[]byte:
		*d = nil
	case **float64:
		*d = nil
	default:
		return false, knownDest(dest)
	}
	return true, nil
}

// knownDest returns an error for a destination that no column could fill.
func knownDest(dest any) error {
	switch dest.(type) {
	case *ident.ID, *string, *int, *int64, *bool, *time.Time, *[]byte, *float64,
		*null.Value[ident.ID], *null.Value[string], *null.Value[int], *null.Value[int64],
		*null.Value[bool], *null.Value[time.Time], *null.Value[[]byte], *null.Value[float64],
		**ident.ID, **string, **int, **int64, **bool, **time.Time, **[]byte, **float64:
		return nil
	}
	return badType(dest)
}
