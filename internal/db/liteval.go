package db

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"zombiezen.com/go/sqlite"

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

// bindLite sets parameter i of a SQLite statement.
func bindLite(s *sqlite.Stmt, i int, arg any) error {
	switch v := arg.(type) {
	case nil:
		s.BindNull(i)
	case ident.ID:
		s.BindBytes(i, v[:])
	case string:
		return bindLiteText(s, i, v)
	case int:
		s.BindInt64(i, int64(v))
	case int64:
		s.BindInt64(i, v)
	case bool:
		s.BindBool(i, v)
	case time.Time:
		s.BindInt64(i, v.UnixMicro())
	case []byte:
		s.BindBytes(i, v)
	case float64:
		s.BindFloat(i, v)
	default:
		return bindLiteNull(s, i, arg)
	}
	return nil
}

func bindLiteText(s *sqlite.Stmt, i int, v string) error {
	if badText(v) {
		return errText
	}
	s.BindText(i, v)
	return nil
}

// bindLiteNull binds the types that may be absent.
func bindLiteNull(s *sqlite.Stmt, i int, arg any) error {
	switch v := arg.(type) {
	case null.Value[ident.ID]:
		if v.Valid {
			s.BindBytes(i, v.V[:])
			return nil
		}
	case null.Value[string]:
		if v.Valid {
			return bindLiteText(s, i, v.V)
		}
	case null.Value[int]:
		if v.Valid {
			s.BindInt64(i, int64(v.V))
			return nil
		}
	case null.Value[int64]:
		if v.Valid {
			s.BindInt64(i, v.V)
			return nil
		}
	case null.Value[bool]:
		if v.Valid {
			s.BindBool(i, v.V)
			return nil
		}
	case null.Value[time.Time]:
		if v.Valid {
			s.BindInt64(i, v.V.UnixMicro())
			return nil
		}
	case null.Value[[]byte]:
		if v.Valid {
			s.BindBytes(i, v.V)
			return nil
		}
	case null.Value[float64]:
		if v.Valid {
			s.BindFloat(i, v.V)
			return nil
		}
	default:
		return bindLitePointer(s, i, arg)
	}
	s.BindNull(i)
	return nil
}

func bindLitePointer(s *sqlite.Stmt, i int, arg any) error {
	switch v := arg.(type) {
	case *ident.ID:
		if v != nil {
			s.BindBytes(i, v[:])
			return nil
		}
	case *string:
		if v != nil {
			return bindLiteText(s, i, *v)
		}
	case *int:
		if v != nil {
			s.BindInt64(i, int64(*v))
			return nil
		}
	case *int64:
		if v != nil {
			s.BindInt64(i, *v)
			return nil
		}
	case *bool:
		if v != nil {
			s.BindBool(i, *v)
			return nil
		}
	case *time.Time:
		if v != nil {
			s.BindInt64(i, v.UnixMicro())
			return nil
		}
	case *[]byte:
		if v != nil {
			s.BindBytes(i, *v)
			return nil
		}
	case *float64:
		if v != nil {
			s.BindFloat(i, *v)
			return nil
		}
	default:
		return badType(arg)
	}
	s.BindNull(i)
	return nil
}

// liteCell is a copied column.
type liteCell struct {
	kind  sqlite.ColumnType
	int   int64
	float float64
	bytes []byte // of text and blobs
}

// liteCells are the columns of a row: those a statement stands on, or copies.
type liteCells struct {
	stmt    *sqlite.Stmt
	cells   []liteCell
	columns int
}

func copyCells(s *sqlite.Stmt, columns int) []liteCell {
	cells := make([]liteCell, columns)
	for i := range cells {
		c := &cells[i]
		c.kind = s.ColumnType(i)
		switch c.kind {
		case sqlite.TypeInteger:
			c.int = s.ColumnInt64(i)
		case sqlite.TypeFloat:
			c.float = s.ColumnFloat(i)
		case sqlite.TypeText:
			c.bytes = []byte(s.ColumnText(i))
		case sqlite.TypeBlob:
			c.bytes = make([]byte, s.ColumnLen(i))
			s.ColumnBytes(i, c.bytes)
		}
	}
	return cells
}

func (c *liteCells) kind(i int) sqlite.ColumnType {
	if c.stmt != nil {
		return c.stmt.ColumnType(i)
	}
	return c.cells[i].kind
}

func (c *liteCells) int64(i int) int64 {
	if c.stmt != nil {
		return c.stmt.ColumnInt64(i)
	}
	return c.cells[i].int
}

func (c *liteCells) float(i int) float64 {
	switch {
	case c.stmt != nil:
		return c.stmt.ColumnFloat(i)
	case c.cells[i].kind == sqlite.TypeInteger:
		return float64(c.cells[i].int)
	}
	return c.cells[i].float
}

func (c *liteCells) text(i int) string {
	if c.stmt != nil {
		return c.stmt.ColumnText(i)
	}
	return string(c.cells[i].bytes)
}

func (c *liteCells) id(i int, dst *ident.ID) {
	if c.stmt != nil {
		c.stmt.ColumnBytes(i, dst[:])
		return
	}
	copy(dst[:], c.cells[i].bytes)
}

func (c *liteCells) len(i int) int {
	if c.stmt != nil {
		return c.stmt.ColumnLen(i)
	}
	return len(c.cells[i].bytes)
}

func (c *liteCells) blob(i int) []byte {
	b := make([]byte, c.len(i))
	if c.stmt != nil {
		c.stmt.ColumnBytes(i, b)
	} else {
		copy(b, c.cells[i].bytes)
	}
	return b
}

// scanLite copies the columns into dest.
func scanLite(c liteCells, dest []any) error {
	if len(dest) != c.columns {
		return fmt.Errorf("db: %d destinations for %d columns", len(dest), c.columns)
	}
	for i, d := range dest {
		kind := c.kind(i)
		ok := false
		var err error
		if kind == sqlite.TypeNull {
			ok, err = scanNull(d)
		} else {
			ok, err = scanLiteValue(&c, i, kind, d)
		}
		if err != nil {
			return err
		}
		if !ok {
			return mismatch(i, d, kind.String())
		}
	}
	return nil
}

func mismatch(i int, dest any, kind string) error {
	return fmt.Errorf("db: column %d (%s) can't be scanned into %s", i+1, kind, reflect.TypeOf(dest).String())
}

// scanLiteValue copies a column that is not NULL; false when the types don't
// fit.
func scanLiteValue(c *liteCells, i int, kind sqlite.ColumnType, dest any) (bool, error) {
	switch kind {
	case sqlite.TypeInteger:
		return scanLiteInt(c, i, dest)
	case sqlite.TypeText:
		switch d := dest.(type) {
		case *string:
			*d = c.text(i)
		case *null.Value[string]:
			*d = null.Of(c.text(i))
		case **string:
			v := c.text(i)
			*d = &v
		default:
			return false, knownDest(dest)
		}
		return true, nil
	case sqlite.TypeFloat:
		return scanFloat(c.float(i), dest)
	}
	return scanLiteBlob(c, i, dest)
}

func scanLiteInt(c *liteCells, i int, dest any) (bool, error) {
	v := c.int64(i)
	switch d := dest.(type) {
	case *bool:
		*d = v != 0
	case *null.Value[bool]:
		*d = null.Of(v != 0)
	case **bool:
		b := v != 0
		*d = &b
	case *time.Time:
		*d = time.UnixMicro(v).UTC()
	case *null.Value[time.Time]:
		*d = null.Of(time.UnixMicro(v).UTC())
	case **time.Time:
		t := time.UnixMicro(v).UTC()
		*d = &t
	default:
		return scanInt(v, dest)
	}
	return true, nil
}

func scanLiteBlob(c *liteCells, i int, dest any) (bool, error) {
	switch d := dest.(type) {
	case *[]byte:
		*d = c.blob(i)
		return true, nil
	case *null.Value[[]byte]:
		*d = null.Of(c.blob(i))
		return true, nil
	case **[]byte:
		b := c.blob(i)
		*d = &b
		return true, nil
	}
	if c.len(i) != len(ident.ID{}) {
		return false, knownDest(dest)
	}
	switch d := dest.(type) {
	case *ident.ID:
		c.id(i, d)
	case *null.Value[ident.ID]:
		c.id(i, &d.V)
		d.Valid = true
	case **ident.ID:
		id := new(ident.ID)
		c.id(i, id)
		*d = id
	default:
		return false, knownDest(dest)
	}
	return true, nil
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
		*d = &v
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
		*d = &v
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
