package account

import (
	"net/http"

	"github.com/getkin/kin-openapi/openapi3"

	"sede/internal/hydra"
)

// describe adds the routes beside the resources to the OpenAPI document, under
// the names that clients of Symfony's JWT bundles know.
func describe(document *openapi3.T) {
	text := func(doc string) *openapi3.Schema {
		schema := openapi3.NewStringSchema()
		schema.Description = doc
		return schema
	}
	seconds := openapi3.NewInt64Schema()
	seconds.Description = "When the refresh token expires, Unix seconds."
	document.Components.Schemas["Credentials"] = required(openapi3.NewObjectSchema().
		WithProperty("username", text("The e-mail address.").WithMinLength(1)).
		WithProperty("password", text("The password.").WithMinLength(1).WithFormat("password")).
		WithProperty("organization", text("The id or slug of the organization that the token is for. Left out: the only one, or none.")),
		"username", "password")
	document.Components.Schemas["Tokens"] = required(openapi3.NewObjectSchema().
		WithProperty("token", text("A JWT to send as bearer token, good for an hour.")).
		WithProperty("refresh_token", text("Gets the next pair of tokens, once.")).
		WithProperty("refresh_token_expiration", seconds),
		"token", "refresh_token", "refresh_token_expiration")
	document.Components.Schemas["RefreshToken"] = required(openapi3.NewObjectSchema().
		WithProperty("refresh_token", text("The refresh token from the last answer.")), "refresh_token")

	document.Tags = append(document.Tags,
		&openapi3.Tag{Name: "Login Check", Description: "Signing in and out."},
		&openapi3.Tag{Name: "Signing keys", Description: "The public keys that verify tokens."})
	add := func(path, method, tag, id, summary string, op *openapi3.Operation) {
		op.Tags, op.OperationID, op.Summary, op.Description = []string{tag}, id, summary, summary
		hydra.AddLimits(op)
		document.AddOperation(path, method, op)
	}
	add("/login", http.MethodPost, "Login Check", "login_check_post", "Creates a user token.",
		exchange("Credentials", []string{"application/json"}, 400, 401, 404, 413, 415))
	add("/token/refresh", http.MethodPost, "Login Check", "token_refresh_post", "Exchanges a refresh token for new tokens.",
		exchange("RefreshToken", []string{"application/json", "application/x-www-form-urlencoded"}, 400, 401, 413, 415))
	add("/logout", http.MethodPost, "Login Check", "logout_post", "Ends the session that the token belongs to.", leave())
	add("/.well-known/jwks.json", http.MethodGet, "Signing keys", "jwks_get", "Retrieves the public keys that verify tokens.", publish())
}

func required(schema *openapi3.Schema, names ...string) *openapi3.SchemaRef {
	schema.Required = names
	return schema.NewRef()
}

// public takes away the demand for a token.
func public() *openapi3.SecurityRequirements { return &openapi3.SecurityRequirements{} }

// exchange describes a route that reads a body and answers with tokens.
func exchange(body string, media []string, problems ...int) *openapi3.Operation {
	ref := openapi3.NewSchemaRef("#/components/schemas/"+body, nil)
	op := &openapi3.Operation{Security: public(), RequestBody: &openapi3.RequestBodyRef{
		Value: openapi3.NewRequestBody().WithRequired(true).WithContent(openapi3.NewContentWithSchemaRef(ref, media)),
	}}
	hydra.AddPlainProblems(op, problems...)
	tokens := openapi3.NewSchemaRef("#/components/schemas/Tokens", nil)
	op.AddResponse(http.StatusOK, openapi3.NewResponse().WithDescription("Tokens created").WithJSONSchemaRef(tokens))
	return op
}

func leave() *openapi3.Operation {
	op := &openapi3.Operation{}
	hydra.AddPlainProblems(op, 401, 403)
	op.AddResponse(http.StatusNoContent, openapi3.NewResponse().WithDescription("Session ended"))
	return op
}

func publish() *openapi3.Operation {
	op := &openapi3.Operation{Security: public()}
	hydra.AddPlainProblems(op)
	set := openapi3.NewObjectSchema().WithProperty("keys", openapi3.NewArraySchema().WithItems(openapi3.NewObjectSchema().WithAnyAdditionalProperties()))
	op.AddResponse(http.StatusOK, openapi3.NewResponse().WithDescription("A JSON Web Key Set").WithJSONSchemaRef(required(set, "keys")))
	return op
}
