package hydra

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"sede/internal/page"
)

// appendItem adds the item as it stands alone in an answer of the format.
func (m *model[T]) appendItem(dst []byte, item *T, f *format, e *encoding) []byte {
	switch f {
	case formatJSON, formatHTML:
		return m.appendPlain(dst, item, e)
	case formatHAL:
		return m.appendHAL(dst, item, e)
	case formatJSONAPI:
		dst = append(dst, `{"data":`...)
		return append(m.appendJSONAPI(dst, item, e), '}')
	default:
		dst = append(append(dst, '{'), m.context...)
		return m.appendLD(dst, item, e)
	}
}

// appendLD adds the members of a JSON-LD node and its closing brace: @id and
// @type first.
func (m *model[T]) appendLD(dst []byte, item *T, e *encoding) []byte {
	dst = append(dst, m.ldHead...)
	dst = m.key(dst, item)
	dst = append(dst, m.ldType...)
	for i := range m.fields {
		f := &m.fields[i]
		if f.writeOnly || !e.fields.has(i) {
			continue
		}
		dst = append(append(dst, ','), m.labels[i]...)
		dst = f.append(dst, item, &f.spec, e)
	}
	return append(dst, '}')
}

// appendPlain adds the item as a JSON object of its fields.
func (m *model[T]) appendPlain(dst []byte, item *T, e *encoding) []byte {
	return m.appendMembers(append(dst, '{'), item, e, true, func(s *spec) bool { return true })
}

// appendMembers adds those fields that keep lets through, then the brace. first
// says that no member stands before them.
func (m *model[T]) appendMembers(dst []byte, item *T, e *encoding, first bool, keep func(*spec) bool) []byte {
	for i := range m.fields {
		f := &m.fields[i]
		if f.writeOnly || !e.fields.has(i) || !keep(&f.spec) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(dst, m.labels[i]...)
		dst = f.append(dst, item, &f.spec, e)
	}
	return append(dst, '}')
}

func (m *model[T]) appendIRI(dst []byte, item *T, e *encoding) []byte {
	dst = append(append(dst, '"'), e.api.base(m.res.name)...)
	return append(append(m.key(dst, item), m.tail...), '"')
}

// isRelation reports whether the field's value is made of IRIs.
func isRelation(s *spec) bool { return s.kind == kindRef || s.kind == kindRefs }

// appendHAL adds the item as HAL (draft-kelly-json-hal): relations are links.
func (m *model[T]) appendHAL(dst []byte, item *T, e *encoding) []byte {
	dst = append(dst, `{"_links":{"self":{"href":`...)
	dst = append(m.appendIRI(dst, item, e), '}')
	for i := range m.fields {
		f := &m.fields[i]
		if f.writeOnly || !e.fields.has(i) || !isRelation(&f.spec) || (f.isNull != nil && f.isNull(item)) {
			continue
		}
		dst = append(append(dst, ','), m.labels[i]...)
		if f.kind == kindRef {
			dst = f.append(append(dst, `{"href":`...), item, &f.spec, e)
			dst = append(dst, '}')
			continue
		}
		dst = appendLinked(dst, f.append(nil, item, &f.spec, e), `{"href":`, "")
	}
	return m.appendMembers(append(dst, '}'), item, e, false, func(s *spec) bool { return !isRelation(s) })
}

// appendLinked turns a JSON array of IRIs into one of objects that hold each
// between the opening and the closing text.
func appendLinked(dst, array []byte, opening, closing string) []byte {
	dst = append(dst, '[')
	start := -1
	for i, c := range array { // IRIs of sede hold no quotes
		if c != '"' {
			continue
		}
		if start < 0 {
			start = i
			continue
		}
		if dst[len(dst)-1] != '[' {
			dst = append(dst, ',')
		}
		dst = append(dst, opening...)
		dst = append(append(dst, array[start:i+1]...), closing...)
		dst = append(dst, '}')
		start = -1
	}
	return append(dst, ']')
}

// appendJSONAPI adds the item as a JSON:API resource object.
func (m *model[T]) appendJSONAPI(dst []byte, item *T, e *encoding) []byte {
	dst = append(dst, `{"id":`...)
	dst = m.appendIRI(dst, item, e)
	dst = append(append(append(dst, `,"type":"`...), m.res.name...), `","attributes":{"_id":"`...)
	dst = append(m.key(dst, item), '"')
	for i := range m.fields {
		f := &m.fields[i]
		if f.writeOnly || f.isKey || !e.fields.has(i) || isRelation(&f.spec) {
			continue
		}
		dst = append(append(dst, ','), m.labels[i]...)
		dst = f.append(dst, item, &f.spec, e)
	}
	dst = append(dst, '}')
	related := false
	for i := range m.fields {
		f := &m.fields[i]
		if f.writeOnly || !e.fields.has(i) || !isRelation(&f.spec) {
			continue
		}
		if !related {
			dst = append(dst, `,"relationships":{`...)
		} else {
			dst = append(dst, ',')
		}
		related = true
		dst = appendRelationship(append(dst, m.labels[i]...), f.append(nil, item, &f.spec, e), f.target)
	}
	if related {
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// appendRelationship adds a JSON:API relationship for a value that is null, an
// IRI or an array of IRIs.
func appendRelationship(dst, value []byte, target string) []byte {
	opening := `{"type":"` + target + `","id":`
	dst = append(dst, `{"data":`...)
	switch value[0] {
	case 'n':
		dst = append(dst, value...)
	case '[':
		dst = appendLinked(dst, value, opening, "")
	default:
		dst = append(append(append(dst, opening...), value...), '}')
	}
	return append(dst, '}')
}

// listing is what a collection's answer says beside its items.
type listing struct {
	path       string // with the prefix
	parameters []parameter
	query      page.Query
	total      page.Total
	count      int // items on this page
	more       bool
	search     []byte // `"hydra:search":{…}`, empty without filters
	keys       Keys
}

// last is the number of the last page, at least 1.
func (l *listing) last() int {
	if l.query.Size == 0 || l.total.Rows == 0 {
		return 1
	}
	return int((l.total.Rows + int64(l.query.Size) - 1) / int64(l.query.Size))
}

// next reports whether there is a page after this one.
func (l *listing) next() bool {
	if !l.total.Exact {
		return l.more
	}
	return l.query.Size > 0 && l.query.Number < l.last()
}

// previous is the number of the page before this one, 0 for none.
func (l *listing) previous() int { return l.query.Number - 1 }

func (m *model[T]) appendList(dst []byte, items []T, l *listing, f *format, e *encoding) []byte {
	switch f {
	case formatJSON, formatHTML:
		return appendList(dst, items, func(dst []byte, item *T) []byte { return m.appendPlain(dst, item, e) })
	case formatHAL:
		return m.appendHALList(dst, items, l, e)
	case formatJSONAPI:
		return m.appendJSONAPIList(dst, items, l, e)
	case formatCSV:
		return m.appendCSV(dst, items, e)
	default:
		return m.appendLDList(dst, items, l, e)
	}
}

// appendLDList adds a hydra:Collection.
func (m *model[T]) appendLDList(dst []byte, items []T, l *listing, e *encoding) []byte {
	dst = append(append(dst, '{'), m.context...)
	dst = append(append(append(dst, `"@id":"`...), l.path...), `","@type":"hydra:Collection"`...)
	if l.total.Exact {
		if l.keys != Plain {
			dst = strconv.AppendInt(append(dst, `,"hydra:totalItems":`...), l.total.Rows, 10)
		}
		dst = strconv.AppendInt(append(dst, `,"totalItems":`...), l.total.Rows, 10)
	}
	if l.keys != Plain {
		dst = append(dst, `,"hydra:member":`...)
	} else {
		dst = append(dst, `,"member":`...)
	}
	start := len(dst)
	dst = appendList(dst, items, func(dst []byte, item *T) []byte { return m.appendLD(append(dst, '{'), item, e) })
	if l.keys == Both {
		members := dst[start:]
		dst = append(append(dst, `,"member":`...), members...)
	}
	if l.last() > 1 || !l.total.Exact || hasView(l.parameters) {
		if l.keys != Plain {
			dst = l.appendView(dst, "hydra:")
		}
		if l.keys != Prefixed {
			dst = l.appendView(dst, "")
		}
	}
	if len(l.search) > 0 {
		dst = append(append(dst, ','), l.search...)
	}
	return append(dst, '}')
}

// appendView adds the view of this page with links to the others.
func (l *listing) appendView(dst []byte, prefix string) []byte {
	link := func(dst []byte, name string, number int) []byte {
		dst = append(append(append(append(dst, `,"`...), prefix...), name...), `":"`...)
		return append(pageLink(dst, l.path, l.parameters, number), '"')
	}
	own := l.query.Number
	if l.last() <= 1 && l.total.Exact && own == 1 {
		own = 0 // one page: the view names it without a number
	}
	dst = append(append(append(dst, `,"`...), prefix...), `view":{"@id":"`...)
	dst = append(pageLink(dst, l.path, l.parameters, own), `","@type":"hydra:PartialCollectionView"`...)
	if l.total.Exact && (l.last() > 1 || l.query.Number > 1) {
		dst = link(dst, "first", 1)
		dst = link(dst, "last", l.last())
	}
	if l.previous() > 0 {
		dst = link(dst, "previous", l.previous())
	}
	if l.next() {
		dst = link(dst, "next", l.query.Number+1)
	}
	return append(dst, '}')
}

// appendHref adds a link member whose value is what write adds around the
// path of a page.
func (l *listing) appendHref(dst []byte, name string, number int, hal bool) []byte {
	dst = append(append(append(dst, `,"`...), name...), `":`...)
	if hal {
		dst = append(dst, `{"href":`...)
	}
	dst = append(dst, '"')
	dst = append(pageLink(dst, l.path, l.parameters, number), '"')
	if hal {
		dst = append(dst, '}')
	}
	return dst
}

// appendPages adds the links to the first, last, next and previous page.
func (l *listing) appendPages(dst []byte, hal bool) []byte {
	if l.total.Exact && (l.last() > 1 || l.query.Number > 1) {
		dst = l.appendHref(dst, "first", 1, hal)
		dst = l.appendHref(dst, "last", l.last(), hal)
	}
	if l.next() {
		dst = l.appendHref(dst, "next", l.query.Number+1, hal)
	}
	if l.previous() > 0 {
		dst = l.appendHref(dst, "prev", l.previous(), hal)
	}
	return dst
}

func (m *model[T]) appendHALList(dst []byte, items []T, l *listing, e *encoding) []byte {
	dst = append(dst, `{"_links":{"self":{"href":"`...)
	dst = append(pageLink(dst, l.path, l.parameters, l.query.Number), `"},"item":`...)
	dst = appendList(dst, items, func(dst []byte, item *T) []byte {
		return append(m.appendIRI(append(dst, `{"href":`...), item, e), '}')
	})
	dst = append(l.appendPages(dst, true), '}')
	if l.total.Exact {
		dst = strconv.AppendInt(append(dst, `,"totalItems":`...), l.total.Rows, 10)
	}
	dst = strconv.AppendInt(append(dst, `,"itemsPerPage":`...), int64(l.query.Size), 10)
	dst = append(dst, `,"_embedded":{"item":`...)
	dst = appendList(dst, items, func(dst []byte, item *T) []byte { return m.appendHAL(dst, item, e) })
	return append(dst, `}}`...)
}

func (m *model[T]) appendJSONAPIList(dst []byte, items []T, l *listing, e *encoding) []byte {
	dst = append(dst, `{"links":{"self":"`...)
	dst = append(pageLink(dst, l.path, l.parameters, l.query.Number), '"')
	dst = append(l.appendPages(dst, false), `},"meta":{`...)
	if l.total.Exact {
		dst = strconv.AppendInt(append(dst, `"totalItems":`...), l.total.Rows, 10)
		dst = append(dst, ',')
	}
	dst = strconv.AppendInt(append(dst, `"itemsPerPage":`...), int64(l.query.Size), 10)
	dst = strconv.AppendInt(append(dst, `,"currentPage":`...), int64(l.query.Number), 10)
	dst = append(dst, `},"data":`...)
	dst = appendList(dst, items, func(dst []byte, item *T) []byte { return m.appendJSONAPI(dst, item, e) })
	return append(dst, '}')
}

// appendCSV adds the items as CSV (RFC 4180) with a line of field names. A text
// that a spreadsheet would run as a formula gets an apostrophe in front; a
// number, such as a calling code, does not.
func (m *model[T]) appendCSV(dst []byte, items []T, e *encoding) []byte {
	sink := &sink{dst}
	w := csv.NewWriter(sink)
	w.UseCRLF = true
	row := make([]string, 0, len(m.fields))
	each := func(cell func(i int) string) {
		row = row[:0]
		for i := range m.fields {
			if !m.fields[i].writeOnly && e.fields.has(i) {
				row = append(row, cell(i))
			}
		}
		_ = w.Write(row) // a sink takes everything
	}
	each(func(i int) string { return m.fields[i].name })
	var scratch []byte
	for n := range items {
		each(func(i int) string {
			f := &m.fields[i]
			scratch = f.append(scratch[:0], &items[n], &f.spec, e)
			return cellOf(scratch)
		})
	}
	w.Flush()
	return sink.b
}

// sink is an io.Writer that appends.
type sink struct{ b []byte }

var _ io.Writer = (*sink)(nil)

func (s *sink) Write(p []byte) (int, error) { s.b = append(s.b, p...); return len(p), nil }

// cellOf turns a JSON value into the text of a CSV cell; null is empty.
func cellOf(value []byte) string {
	if value[0] == 'n' {
		return ""
	}
	text, ok := unquote(value)
	if !ok {
		return string(value)
	}
	return Cell(text)
}

// Cell is a text for a cell of a CSV file: what a spreadsheet would run as a
// formula has an apostrophe in front.
func Cell(text string) string {
	if text != "" && strings.IndexByte("=+-@\t\r", text[0]) >= 0 && strings.Trim(text, "+-0123456789 ") != "" {
		return "'" + text
	}
	return text
}
