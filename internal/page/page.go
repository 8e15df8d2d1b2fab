// Package page describes which part of a collection is asked for and what came
// of it. It knows fields by their API names only; package db turns a Query into
// SQL.
package page

import (
	"time"

	"sede/internal/ident"
)

// Op is how a filter compares.
type Op uint8

// The comparisons. Before and After are the inclusive ones.
const (
	Equal          Op = iota // the field is one of Values
	Contains                 // text: contains one of Values, ignoring case and accents
	Before                   // time or number <= value
	StrictlyBefore           // <
	After                    // >=
	StrictlyAfter            // >
	Exists                   // bool value: the field is not null, or is null
)

// Value is one operand: exactly one of the members counts, which one is known
// from the field's kind: Text, Int, Bool, Time or ID.
type Value struct {
	Text string
	Int  int64
	Bool bool
	Time time.Time
	ID   ident.ID
	Kind Kind
}

// Kind tells which member of a Value counts.
type Kind uint8

// The kinds of operands.
const (
	Text Kind = iota
	Int
	Bool
	Time
	ID
)

// Filter is one condition on one field. All filters of a Query must hold.
type Filter struct {
	Field  string
	Op     Op
	Values []Value // one, or for Equal and Contains any number: one of them must match
}

// Order sorts by one field.
type Order struct {
	Field      string
	Descending bool
}

// Query asks for one page. The fields named in it are known to exist: hydra
// drops what a resource does not declare.
type Query struct {
	Number  int // from 1
	Size    int // rows, 0 to the resource's maximum; 0 asks for the total only
	Filters []Filter
	Order   []Order // empty: the resource's own order; ties are broken by id
}

// Offset returns how many rows come before the page.
func (q *Query) Offset() int { return (q.Number - 1) * q.Size }

// Total is how many rows a Query matches over all pages.
type Total struct {
	Rows  int64
	Exact bool // false: more than Rows match and nobody counted them
}

// Result is one page of a collection.
type Result[T any] struct {
	Items []T
	Total Total
	More  bool // whether a further page has rows
}
