package hydra

import (
	"context"

	"golang.org/x/text/language"
)

type readerKey struct{}

// Reader returns the language in which the answer of the request is read, for
// use cases that filter or order by what is shown in it. It is known for the
// resources that have fields in the reader's language; else it is English.
func Reader(ctx context.Context) language.Tag {
	if tag, ok := ctx.Value(readerKey{}).(language.Tag); ok {
		return tag
	}
	return language.English
}
