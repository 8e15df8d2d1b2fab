package archive

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/null"
)

// A row is a line: a JSON object with the columns under their names, all but the
// organization's. Ids, times and bytes are strings (UUID, RFC 3339 with
// microseconds, base64).

const microseconds = "2006-01-02T15:04:05.000000Z"

func base64Key(public []byte) string { return base64.StdEncoding.EncodeToString(public) }

// codec turns rows of a table into lines and back.
type codec struct {
	table   Table
	columns []db.TableColumn
	names   [][]byte // "name": with a comma in front of all but the first
	cells   []cell
	dest    []any
}

// cell holds a value of any kind.
type cell struct {
	id    null.Value[ident.ID]
	time  null.Value[time.Time]
	bool  null.Value[bool]
	int   null.Value[int64]
	float null.Value[float64]
	text  null.Value[string]
	bytes null.Value[[]byte]
}

// newCodec makes one for the named columns; nil: all that archives carry.
func newCodec(t Table, schema *db.Table, columns []string) (*codec, error) {
	if columns == nil {
		for _, column := range schema.Columns {
			if column.Name != t.OwnerColumn() && !t.hides(column.Name) {
				columns = append(columns, column.Name)
			}
		}
	}
	for _, name := range columns {
		if name == t.OwnerColumn() {
			return nil, fmt.Errorf("archive: table %s has no column %s for archives", t.Name, name)
		}
	}
	return codecOf(t, schema, columns)
}

// codecOf makes one for the columns.
func codecOf(t Table, schema *db.Table, columns []string) (*codec, error) {
	c := &codec{table: t}
	for i, name := range columns {
		column, ok := schema.Column(name)
		if !ok || t.hides(name) {
			return nil, fmt.Errorf("archive: table %s has no column %s for archives", t.Name, name)
		}
		c.columns = append(c.columns, column)
		comma := ","
		if i == 0 {
			comma = ""
		}
		c.names = append(c.names, []byte(comma+`"`+name+`":`))
	}
	c.cells = make([]cell, len(c.columns))
	for i := range c.cells {
		c.dest = append(c.dest, c.cells[i].dest(c.columns[i].Kind))
	}
	return c, nil
}

// hides reports whether no archive carries the column.
func (t *Table) hides(column string) bool {
	for _, s := range t.Secret {
		if s == All || s == column {
			return true
		}
	}
	return false
}

// list names the columns.
func (c *codec) list() []string {
	list := make([]string, len(c.columns))
	for i := range list {
		list[i] = c.columns[i].Name
	}
	return list
}

func (c *cell) dest(kind db.Kind) any {
	switch kind {
	case db.KindID:
		return &c.id
	case db.KindTime:
		return &c.time
	case db.KindBool:
		return &c.bool
	case db.KindInt:
		return &c.int
	case db.KindFloat:
		return &c.float
	case db.KindBytes:
		return &c.bytes
	default:
		return &c.text
	}
}

// append adds the row in the cells as a line.
func (c *codec) append(b []byte) ([]byte, error) {
	b = append(b, '{')
	var err error
	for i := range c.cells {
		b = append(b, c.names[i]...)
		if b, err = c.cells[i].append(b, c.columns[i].Kind); err != nil {
			return b, err
		}
	}
	return append(b, '}', '\n'), nil
}

func (c *cell) append(b []byte, kind db.Kind) ([]byte, error) {
	switch {
	case kind == db.KindID && c.id.Valid:
		return append(c.id.V.Append(append(b, '"')), '"'), nil
	case kind == db.KindTime && c.time.Valid:
		return append(c.time.V.UTC().AppendFormat(append(b, '"'), microseconds), '"'), nil
	case kind == db.KindBool && c.bool.Valid:
		return strconv.AppendBool(b, c.bool.V), nil
	case kind == db.KindInt && c.int.Valid:
		return strconv.AppendInt(b, c.int.V, 10), nil
	case kind == db.KindFloat && c.float.Valid:
		return strconv.AppendFloat(b, c.float.V, 'g', -1, 64), nil
	case kind == db.KindBytes && c.bytes.Valid:
		return append(base64.StdEncoding.AppendEncode(append(b, '"'), c.bytes.V), '"'), nil
	case kind == db.KindText && c.text.Valid:
		return jsontext.AppendQuote(b, c.text.V)
	}
	return append(b, "null"...), nil
}

// errRow says that a line is no row of its table.
var errRow = errors.New("archive: not a row of the table")

// parse reads a line: the columns' values for a statement. What WriteRows writes is
// read fast, other JSON that says the same as well.
func (c *codec) parse(line string, values []any) error {
	if c.scan(line, values) {
		return nil
	}
	return c.decode(jsontext.NewDecoder(strings.NewReader(line)), values)
}

// scan reads a line that is as append writes it: the columns in their order, without
// blanks. It reports false for any other, which may be good all the same.
func (c *codec) scan(line string, values []any) bool {
	rest, ok := strings.CutPrefix(line, "{")
	for i := range c.columns {
		name := c.names[i]
		if !ok || len(rest) < len(name) || rest[:len(name)] != string(name) {
			return false
		}
		var token string
		var kind jsontext.Kind
		if token, rest, kind, ok = cutToken(rest[len(name):]); !ok {
			return false
		}
		var err error
		if values[i], err = valueOf(kind, token, &c.columns[i]); err != nil {
			return false
		}
	}
	return ok && rest == "}"
}

// cutToken takes a value off that is no object or array. Of a string it is what
// stands between the quotes, and there may be nothing to unescape.
func cutToken(text string) (token, rest string, kind jsontext.Kind, ok bool) {
	if text == "" {
		return "", "", 0, false
	}
	if text[0] == '"' {
		end := strings.IndexByte(text[1:], '"')
		if end < 0 {
			return "", "", 0, false
		}
		token, rest = text[1:1+end], text[2+end:]
		if strings.IndexByte(token, '\\') < 0 {
			return token, rest, '"', true
		}
		return cutEscaped(text)
	}
	end := strings.IndexAny(text, ",}")
	if end < 1 {
		return "", "", 0, false
	}
	token, rest = text[:end], text[end:]
	switch token {
	case "null", "true", "false":
		return token, rest, jsontext.Kind(token[0]), true
	}
	return token, rest, '0', true // which is checked when it is made a number
}

// cutEscaped takes a string off in which something is escaped.
func cutEscaped(text string) (token, rest string, kind jsontext.Kind, ok bool) {
	for end := 1; end < len(text); end++ {
		switch text[end] {
		case '\\':
			end++
		case '"':
			plain, err := jsontext.AppendUnquote(nil, text[:end+1])
			return string(plain), text[end+1:], '"', err == nil
		}
	}
	return "", "", 0, false
}

// decode reads a line as any JSON.
func (c *codec) decode(in *jsontext.Decoder, values []any) error {
	if token, err := in.ReadToken(); err != nil || token.Kind() != '{' {
		return errors.Join(errRow, err)
	}
	clear(values)
	seen := 0
	for in.PeekKind() != '}' {
		token, err := in.ReadToken()
		if err != nil {
			return errors.Join(errRow, err)
		}
		name := token.String()
		at := c.find(name)
		if at < 0 {
			return fmt.Errorf("%w: column %q", errRow, name)
		}
		seen++
		if token, err = in.ReadToken(); err != nil {
			return errors.Join(errRow, err)
		}
		if values[at], err = valueOf(token.Kind(), token.String(), &c.columns[at]); err != nil {
			return err
		}
	}
	if _, err := in.ReadToken(); err != nil || seen != len(c.columns) {
		return errors.Join(errRow, err)
	}
	return nil
}

func (c *codec) find(name string) int {
	for i := range c.columns {
		if c.columns[i].Name == name {
			return i
		}
	}
	return -1
}

// valueOf is the value of a column.
func valueOf(kind jsontext.Kind, text string, column *db.TableColumn) (v any, err error) {
	switch {
	case kind == 'n':
		if !column.Null {
			return nil, fmt.Errorf("%w: %s is null", errRow, column.Name)
		}
		return nil, nil
	case column.Kind == db.KindBool && (kind == 't' || kind == 'f'):
		return kind == 't', nil
	case column.Kind == db.KindInt && kind == '0':
		v, err = strconv.ParseInt(text, 10, 64)
	case column.Kind == db.KindFloat && kind == '0':
		v, err = strconv.ParseFloat(text, 64)
	case kind != '"':
		err = errRow
	case column.Kind == db.KindText:
		return text, nil
	case column.Kind == db.KindID:
		v, err = ident.Parse(text)
	case column.Kind == db.KindTime:
		v, err = time.Parse(time.RFC3339Nano, text) // which knows a fast way for microseconds
	case column.Kind == db.KindBytes:
		v, err = base64.StdEncoding.DecodeString(text)
	default:
		err = errRow
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errRow, column.Name, err)
	}
	return v, nil
}

// Page is how many rows are read at once.
const Page = 1000

// WriteRows adds the organization's rows of a table to the archive, a page at a
// time. read runs a closure in a transaction that reaches the organization; what
// it shows must not change from one call to the next.
func (w *Writer) WriteRows(read func(func(*db.Tx) error) error, t Table, schema *db.Table, organization ident.ID) error {
	c, err := newCodec(t, schema, nil)
	if err != nil || len(c.columns) == 0 {
		return err
	}
	if err := w.begin(File{Name: "data/" + t.Name + ".jsonl", Table: t.Name, Columns: c.list()}); err != nil {
		return err
	}
	var lines []byte
	after := make([]any, 0, 4)
	for more := true; more; {
		n := 0
		page := append(after[:0:0], after...)
		err := read(func(tx *db.Tx) (err error) {
			n, lines, after = 0, lines[:0], append(after[:0], page...)
			rows := tx.Query(c.pageSQL(len(page) > 0), append([]any{organization}, page...)...)
			defer rows.Close()
			for rows.Next() {
				if err := rows.Scan(c.dest...); err != nil {
					return err
				}
				if lines, err = c.append(lines); err != nil {
					return err
				}
				if n++; n%pieceRows == 0 {
					runtime.Gosched()
				}
			}
			after = c.position(after[:0])
			return rows.Err()
		})
		if err != nil {
			return err
		}
		more = n == Page && len(t.KeyColumns()) > 0
		w.current.Rows += int64(n)
		if _, err := w.Write(lines); err != nil {
			return err
		}
	}
	return nil
}

// buffered is how many bytes of lines are collected before they are written.
const buffered = 256 << 10

// WriteWhere adds the rows of a table for which a condition in SQL holds, all in one
// statement; with their owner if withOwner is true, since they may have many.
func (w *Writer) WriteWhere(tx *db.Tx, t Table, schema *db.Table, withOwner bool, where string, args ...any) error {
	var columns []string
	for _, c := range schema.Columns {
		if !t.hides(c.Name) && (withOwner || c.Name != t.OwnerColumn()) {
			columns = append(columns, c.Name)
		}
	}
	c, err := codecOf(t, schema, columns)
	if err != nil || len(columns) == 0 {
		return err
	}
	if err := w.begin(File{Name: "data/" + t.Name + ".jsonl", Table: t.Name, Columns: columns}); err != nil {
		return err
	}
	rows := tx.Query(`SELECT `+strings.Join(columns, ", ")+` FROM `+t.Name+` WHERE `+where+` ORDER BY `+strings.Join(schema.Key, ", "), args...)
	defer rows.Close()
	var lines []byte
	for rows.Next() {
		if err := rows.Scan(c.dest...); err != nil {
			return err
		}
		if lines, err = c.append(lines); err != nil {
			return err
		}
		w.current.Rows++
		w.rows++
		if len(lines) >= buffered {
			if err := w.flush(lines); err != nil {
				return err
			}
			lines = lines[:0]
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return w.flush(lines)
}

// flush writes lines and tells how far that is.
func (w *Writer) flush(lines []byte) error {
	_, err := w.Write(lines)
	if err == nil && w.Wrote != nil {
		err = w.Wrote(w.rows)
	}
	return err
}

// pageSQL reads a page: the first one, or the one behind a key.
func (c *codec) pageSQL(behind bool) string {
	key, t := c.table.KeyColumns(), &c.table
	text := `SELECT ` + strings.Join(c.list(), ", ") + ` FROM ` + t.Name + ` WHERE ` + t.OwnerColumn() + ` = $1`
	if len(key) == 0 {
		return text
	}
	if behind {
		marks := make([]string, len(key))
		for i := range key {
			marks[i] = "$" + strconv.Itoa(i+2)
		}
		text += ` AND (` + strings.Join(key, ", ") + `) > (` + strings.Join(marks, ", ") + `)`
	}
	return text + ` ORDER BY ` + strings.Join(key, ", ") + ` LIMIT ` + strconv.Itoa(Page)
}

// position is the key of the row in the cells.
func (c *codec) position(list []any) []any {
	for _, name := range c.table.KeyColumns() {
		at := c.find(name)
		cell := &c.cells[at]
		switch c.columns[at].Kind {
		case db.KindID:
			list = append(list, cell.id.V)
		case db.KindInt:
			list = append(list, cell.int.V)
		case db.KindTime:
			list = append(list, cell.time.V)
		default:
			list = append(list, cell.text.V)
		}
	}
	return list
}

// EachRow reads the rows of a file of the archive: the values of its columns, which
// are good until do returns.
func (r *Reader) EachRow(f *File, t Table, schema *db.Table, do func(values []any) error) error {
	c, err := newCodec(t, schema, f.Columns)
	if err != nil {
		return damaged(err, "The archive is damaged in %s.", f.Name)
	}
	return r.lines(f, c, func(values []any, _ int) error { return do(values) })
}

// lines reads the lines of a file. do is given the values of each and how long it
// is.
func (r *Reader) lines(f *File, c *codec, do func(values []any, size int) error) error {
	in, err := r.files[f.Name].Open()
	if err != nil {
		return damaged(err, "The archive is damaged in %s.", f.Name)
	}
	defer in.Close()
	values := make([]any, len(c.columns))
	lines := bufio.NewScanner(io.LimitReader(in, f.Bytes))
	lines.Buffer(make([]byte, 64<<10), mostLine)
	n := int64(0)
	for ; lines.Scan(); n++ {
		line := lines.Text()
		if err := c.parse(line, values); err != nil {
			return damaged(err, "The archive is damaged in %s.", f.Name)
		}
		if err := do(values, len(line)); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil || n != f.Rows {
		return damaged(err, "The archive is damaged in %s.", f.Name)
	}
	return nil
}
