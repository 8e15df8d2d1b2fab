package hydra

import (
	"math"
	"net/url"
	"strconv"
	"strings"

	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/page"
)

// The sizes of a page.
const (
	defaultSize = 30
	maxSize     = 100
)

// parameter is one query parameter, in the order it came.
type parameter struct{ name, value string }

// maxParameters bounds the work that one query can cause.
const maxParameters = 100

// parseQuery splits a query string and keeps its order, which links repeat.
// What can't be unescaped is left out, as are parameters beyond the bound.
func parseQuery(raw string) []parameter {
	if raw == "" {
		return nil
	}
	var list []parameter
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		if err != nil || err2 != nil || name == "" || len(list) == maxParameters {
			continue
		}
		if strings.ContainsRune(name+value, 0) {
			continue
		}
		list = append(list, parameter{name, value})
	}
	return list
}

// readPage takes page and itemsPerPage out of the parameters.
func readPage(parameters []parameter, q *page.Query) error {
	q.Number, q.Size = 1, defaultSize
	for _, p := range parameters {
		switch p.name {
		case "page", "page[number]":
			n, err := parseCount(p.value)
			if err != nil || n < 1 {
				return fault.New(fault.Invalid, "Page should not be less than 1")
			}
			q.Number = n
		case "itemsPerPage", "page[size]":
			n, err := parseCount(p.value)
			if err != nil || n < 0 {
				return fault.New(fault.Invalid, "Limit should not be less than 0")
			}
			q.Size = min(n, maxSize)
		}
	}
	if q.Size == 0 && q.Number > 1 {
		return fault.New(fault.Invalid, "Page should not be greater than 1 if limit is equal to 0")
	}
	return nil
}

// maxPage keeps offsets far from overflow; no collection has such a page.
const maxPage = math.MaxInt32

// parseCount reads an integer; one too large to hold counts as the largest.
func parseCount(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if numError, ok := err.(*strconv.NumError); ok && numError.Err == strconv.ErrRange && text[0] != '-' {
		return maxPage, nil
	}
	return min(n, maxPage), err
}

// readFilters turns the parameters that the resource declares into filters and
// orders. Values that make no sense are ignored, as are unknown parameters.
func (api *API) readFilters(res *resource, parameters []parameter, q *page.Query) {
	for _, p := range parameters {
		name, inner, bracketed := cutBracket(p.name)
		switch {
		case name == "order" && bracketed:
			if s := res.spec(inner); s != nil && s.sortable {
				if descending, ok := direction(p.value); ok {
					q.Order = append(q.Order, page.Order{Field: inner, Descending: descending})
				}
			}
		case name == "exists" && bracketed:
			if s := res.spec(inner); s != nil && s.filtered(Existence) {
				if b, ok := parseBool(p.value); ok {
					q.Filters = append(q.Filters, page.Filter{Field: inner, Op: page.Exists, Values: []page.Value{{Bool: b, Kind: page.Bool}}})
				}
			}
		default:
			if s := res.spec(name); s != nil {
				api.readFilter(res, s, inner, bracketed, p.value, q)
			} else if bracketed {
				res.readSpan(name, inner, p.value, q)
			}
		}
	}
}

// cutBracket splits d[before] into d and before.
func cutBracket(name string) (outer, inner string, bracketed bool) {
	open := strings.IndexByte(name, '[')
	if open < 1 || name[len(name)-1] != ']' {
		return name, "", false
	}
	return name[:open], name[open+1 : len(name)-1], true
}

func direction(value string) (descending, ok bool) {
	switch {
	case value == "" || strings.EqualFold(value, "asc"):
		return false, true
	case strings.EqualFold(value, "desc"):
		return true, true
	}
	return false, false
}

func parseBool(value string) (b, ok bool) {
	switch value {
	case "true", "1", "":
		return true, true
	case "false", "0":
		return false, true
	}
	return false, false
}

// spec returns the field of that name, nil when there is none.
func (res *resource) spec(name string) *spec {
	for _, s := range res.specs {
		if s.name == name {
			return s
		}
	}
	return nil
}

func (s *spec) filtered(by Filter) bool {
	for _, f := range s.filters {
		if f == by {
			return true
		}
	}
	return false
}

// readFilter reads one parameter of one field: inner is what stands in its
// brackets.
func (api *API) readFilter(res *resource, s *spec, inner string, bracketed bool, value string, q *page.Query) {
	list := !bracketed || isIndex(inner) // n=1, n[]=1 and n[0]=1
	for _, declared := range s.filters {
		switch {
		case declared == DateRange && bracketed && !list:
			readDate(s.name, inner, value, q)
		case declared == Range && bracketed && !list:
			readRange(s, inner, value, q)
		case declared == Boolean && !bracketed:
			if b, ok := parseBool(value); ok {
				q.Filters = append(q.Filters, page.Filter{Field: s.name, Values: []page.Value{{Bool: b, Kind: page.Bool}}})
			}
		case declared == Numeric && list:
			if n, err := strconv.ParseInt(value, 10, 64); err == nil {
				addValue(q, s.name, page.Equal, page.Value{Int: n, Kind: page.Int})
			}
		case declared == Exact && list:
			addValue(q, s.name, page.Equal, api.operand(res, s, value))
		case declared == Partial && list:
			addValue(q, s.name, page.Contains, page.Value{Text: value})
		}
	}
}

// readSpan reads one bound of a span.
func (res *resource) readSpan(name, inner, value string, q *page.Query) {
	for _, span := range res.spans {
		t, err := parseTime(value)
		switch {
		case span.Name != name || err != nil:
		case inner == "from":
			addBound(q, name, page.StrictlyAfter, page.Value{Time: t, Kind: page.Time})
		case inner == "to":
			addBound(q, name, page.StrictlyBefore, page.Value{Time: t, Kind: page.Time})
		}
	}
}

// isIndex reports whether what stands in brackets says no more than that the
// parameter is one of a list: nothing, or its position.
func isIndex(inner string) bool {
	for i := range len(inner) {
		if inner[i] < '0' || inner[i] > '9' {
			return false
		}
	}
	return true
}

// operand reads the value of an exact filter. A reference, and the resource's
// own key, may be an IRI or a key; one that can't exist becomes the zero id or
// the empty key, which match nothing.
func (api *API) operand(res *resource, s *spec, value string) page.Value {
	target := api.byName[s.target]
	if s.isKey {
		target = res
	}
	if target != nil && strings.HasPrefix(value, "/") {
		of, key := api.locate(value)
		if of != target {
			key = ""
		}
		value = key
	}
	if s.kind == kindTime {
		t, _ := parseTime(value)
		return page.Value{Time: t, Kind: page.Time}
	}
	if s.isID && strings.HasPrefix(value, "/") {
		_, value = api.locate(value)
	}
	if s.isID || target != nil && !target.textKey {
		id, _ := ident.Parse(value)
		return page.Value{ID: id, Kind: page.ID}
	}
	return page.Value{Text: value}
}

// addValue adds one more alternative to the field's filter.
func addValue(q *page.Query, field string, op page.Op, v page.Value) {
	for i := range q.Filters {
		if f := &q.Filters[i]; f.Field == field && f.Op == op {
			f.Values = append(f.Values, v)
			return
		}
	}
	q.Filters = append(q.Filters, page.Filter{Field: field, Op: op, Values: []page.Value{v}})
}

func addBound(q *page.Query, field string, op page.Op, v page.Value) {
	q.Filters = append(q.Filters, page.Filter{Field: field, Op: op, Values: []page.Value{v}})
}

var dateOps = map[string]page.Op{
	"before": page.Before, "strictly_before": page.StrictlyBefore,
	"after": page.After, "strictly_after": page.StrictlyAfter,
}

func readDate(field, inner, value string, q *page.Query) {
	op, known := dateOps[inner]
	t, err := parseTime(value)
	if !known || err != nil {
		return
	}
	addBound(q, field, op, page.Value{Time: t, Kind: page.Time})
}

var rangeOps = map[string]page.Op{
	"lte": page.Before, "lt": page.StrictlyBefore, "gte": page.After, "gt": page.StrictlyAfter,
}

func readRange(s *spec, inner, value string, q *page.Query) {
	if inner == "between" {
		low, high, ok := strings.Cut(value, "..")
		if ok {
			readRange(s, "gte", low, q)
			readRange(s, "lte", high, q)
		}
		return
	}
	op, known := rangeOps[inner]
	if !known {
		return
	}
	if s.kind == kindTime {
		if t, err := parseTime(value); err == nil {
			addBound(q, s.name, op, page.Value{Time: t, Kind: page.Time})
		}
		return
	}
	if n, err := strconv.ParseInt(value, 10, 64); err == nil {
		addBound(q, s.name, op, page.Value{Int: n, Kind: page.Int})
	}
}

// readFields returns the fields that properties[]=a&properties[]=b asks for,
// all of them when it does not ask.
func readFields(res *resource, parameters []parameter) fieldSet {
	var set fieldSet
	asked := false
	for _, p := range parameters {
		rest, ok := strings.CutPrefix(p.name, "properties[")
		if !ok {
			continue
		}
		asked = true
		name := p.value
		if inner, _, nested := strings.Cut(rest, "]"); nested && !isIndex(inner) {
			name = inner // properties[employee][]=x asks for employee
		}
		for i, s := range res.specs {
			if s.name == name {
				set |= 1 << i
			}
		}
	}
	if !asked {
		return allFields
	}
	return set
}

// pageLink appends the path and query of a page of a collection, as the view
// of the collection spells it: all other parameters first, in their order.
func pageLink(dst []byte, path string, parameters []parameter, number int) []byte {
	dst = append(dst, path...)
	separator := byte('?')
	for _, p := range parameters {
		if p.name == "page" {
			continue
		}
		dst = append(dst, separator)
		dst = append(appendEscape(dst, p.name), '=')
		dst = appendEscape(dst, p.value)
		separator = '&'
	}
	if number > 0 {
		dst = append(append(dst, separator), "page="...)
		dst = strconv.AppendInt(dst, int64(number), 10)
	}
	return dst
}

// appendEscape escapes all but the unreserved characters of RFC 3986.
func appendEscape(dst []byte, s string) []byte {
	const digits = "0123456789ABCDEF"
	for i := 0; i < len(s); i++ {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.' || c == '~' {
			dst = append(dst, c)
			continue
		}
		dst = append(dst, '%', digits[c>>4], digits[c&15])
	}
	return dst
}

// hasView reports whether a collection of one page shows a view all the same.
func hasView(parameters []parameter) bool {
	for _, p := range parameters {
		if p.name != "page" && p.name != "pagination" {
			return true
		}
	}
	return false
}
