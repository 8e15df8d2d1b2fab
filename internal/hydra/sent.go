package hydra

import (
	"context"
	"slices"
)

type sentKey struct{}

// Sent reports whether the body of an update has the field, for use cases to which a
// value that is sent again means something. ctx is that of the use case.
func Sent(ctx context.Context, field string) bool {
	has, _ := ctx.Value(sentKey{}).(func(string) bool)
	return has != nil && has(field)
}

// withSent returns a context in which Sent knows the fields of the body.
func (m *model[T]) withSent(ctx context.Context, b *body) context.Context {
	return context.WithValue(ctx, sentKey{}, func(field string) bool {
		i := slices.IndexFunc(m.fields, func(f Field[T]) bool { return f.name == field })
		return i >= 0 && b.present.has(i)
	})
}
