// Package reference keeps what is the same for every organization: the
// countries of the world and the languages that sede offers.
//
// Countries are those with an officially assigned code of ISO 3166-1; they come
// with the program. Languages are rows: a common set is there from the start and
// operators add more. Both are public and are served from memory, with names
// from CLDR in the reader's language.
package reference

import (
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/language"

	"sede/internal/db"
	"sede/internal/null"
	"sede/internal/page"
)

// value returns a field of an item as the text that filters and orders look at.
type value[T any] func(item *T, field string) null.Value[string]

// pageOf narrows, orders and cuts a list as db.Listing does it with a table. The
// list is in the order of its keys and stays as it is.
func pageOf[T any](all []T, q *page.Query, of value[T]) page.Result[T] {
	found := make([]*T, 0, len(all))
	for i := range all {
		if matchesAll(&all[i], q.Filters, of) {
			found = append(found, &all[i])
		}
	}
	if len(q.Order) > 0 {
		sortBy(found, q.Order, of)
	}
	r := page.Result[T]{Total: page.Total{Rows: int64(len(found)), Exact: true}}
	from := min(int64(len(found)), int64(max(q.Number, 1)-1)*int64(q.Size))
	to := min(int64(len(found)), from+int64(q.Size))
	r.Items, r.More = make([]T, 0, to-from), to < int64(len(found))
	for _, item := range found[from:to] {
		r.Items = append(r.Items, *item)
	}
	return r
}

func matchesAll[T any](item *T, filters []page.Filter, of value[T]) bool {
	for i := range filters {
		if !matches(of(item, filters[i].Field), &filters[i]) {
			return false
		}
	}
	return true
}

func matches(v null.Value[string], f *page.Filter) bool {
	if f.Op == page.Exists {
		return len(f.Values) == 1 && v.Valid == f.Values[0].Bool
	}
	if !v.Valid {
		return false
	}
	for _, want := range f.Values {
		switch {
		case f.Op == page.Equal && v.V == want.Text:
			return true
		case f.Op == page.Contains && strings.Contains(db.Fold(v.V), db.Fold(want.Text)):
			return true
		}
	}
	return false
}

// sortBy orders by the fields without case and accents. Nulls come first in
// ascending order, ties are in the order of the keys.
func sortBy[T any](found []*T, order []page.Order, of value[T]) {
	type row struct {
		item *T
		keys []null.Value[string]
	}
	rows := make([]row, len(found))
	for i, item := range found {
		rows[i].item = item
		for _, o := range order {
			v := of(item, o.Field)
			v.V = db.Fold(v.V)
			rows[i].keys = append(rows[i].keys, v)
		}
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		for i, o := range order {
			if c := compare(a.keys[i], b.keys[i]); c != 0 {
				if o.Descending {
					return -c
				}
				return c
			}
		}
		return 0
	})
	for i := range rows {
		found[i] = rows[i].item
	}
}

func compare(a, b null.Value[string]) int {
	switch {
	case a.Valid && b.Valid:
		return strings.Compare(a.V, b.V)
	case a.Valid:
		return 1
	case b.Valid:
		return -1
	}
	return 0
}

// perReader keeps what was made for each language that readers use.
type perReader[V any] struct {
	mu    sync.RWMutex
	known map[language.Tag]V
	make  func(reader language.Tag) V
}

// maxReaders bounds the memory; CLDR has fewer languages than that.
const maxReaders = 400

func (p *perReader[V]) of(reader language.Tag) V {
	p.mu.RLock()
	v, ok := p.known[reader]
	p.mu.RUnlock()
	if ok {
		return v
	}
	v = p.make(reader)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil || len(p.known) >= maxReaders {
		p.known = map[language.Tag]V{}
	}
	p.known[reader] = v
	return v
}
