package db

import (
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"

	"sede/internal/ident"
	"sede/internal/null"
)

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
