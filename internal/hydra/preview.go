package hydra

import (
	"context"

	"github.com/getkin/kin-openapi/openapi3"

	"sede/internal/fault"
)

// Preview is what the query of an operation with previews says. With
// preview=true the use case answers with what would come of it and keeps
// nothing. With the previewToken of such an answer it does just that, or fails
// with Conflict when something else would come of it by now.
type Preview struct {
	Wanted bool
	Token  string // empty: none
}

type previewKey struct{}

// PreviewOf returns what the request says about previews.
func PreviewOf(ctx context.Context) Preview {
	p, _ := ctx.Value(previewKey{}).(Preview)
	return p
}

// WithPreview returns a context in which PreviewOf returns p.
func WithPreview(ctx context.Context, p Preview) context.Context {
	return context.WithValue(ctx, previewKey{}, p)
}

// readPreview reads the parameters of an operation with previews.
func (x *exchange) readPreview() error {
	var p Preview
	for _, parameter := range x.parameters {
		switch parameter.name {
		case "preview":
			switch parameter.value {
			case "true", "1":
				p.Wanted = true
			case "false", "0", "":
				p.Wanted = false
			default:
				return fault.New(fault.Invalid, "The query parameter %q must be true or false.", parameter.name)
			}
		case "previewToken":
			p.Token = parameter.value
		}
	}
	if p != (Preview{}) {
		x.ctx = WithPreview(x.ctx, p)
	}
	x.preview = p.Wanted
	return nil
}

// previewParameters are those of an operation with previews.
func previewParameters() openapi3.Parameters {
	wanted := openapi3.NewQueryParameter("preview").WithSchema(openapi3.NewBoolSchema()).
		WithDescription("Answers 200 with what would come of it, and changes nothing.")
	token := openapi3.NewQueryParameter("previewToken").WithSchema(openapi3.NewStringSchema()).
		WithDescription("The token of a preview: just that is done, or 409 if something else would come of it by now.")
	return openapi3.Parameters{{Value: wanted}, {Value: token}}
}
