// Package null holds values that may be absent, as fields of resources may be.
// The database stores an absent value as NULL, the API writes it as null and
// never leaves the field out.
package null

// Value is a T or nothing. The zero Value is nothing.
type Value[T any] struct {
	V     T
	Valid bool // whether V counts
}

// Of returns the Value that holds v.
func Of[T any](v T) Value[T] { return Value[T]{V: v, Valid: true} }

// Or returns the value held, or otherwise when there is none.
func (v Value[T]) Or(otherwise T) T {
	if v.Valid {
		return v.V
	}
	return otherwise
}
