package hydra

import (
	"maps"
	"net/http"
	"strconv"

	"github.com/getkin/kin-openapi/openapi3"
)

// securityName is the security scheme that operations ask for.
const securityName = "JWT"

// sharedProblems are the answers to requests that are refused.
var sharedProblems = []struct {
	status            int
	name, description string
	violations        bool
	retry             bool
}{
	{status: 400, name: "BadRequest", description: "Invalid input", violations: true},
	{status: 402, name: "PaymentRequired", description: "Not part of what was bought"},
	{status: 403, name: "Forbidden", description: "Forbidden"},
	{status: 404, name: "NotFound", description: "Not found"},
	{status: 406, name: "NotAcceptable", description: "No format in common"},
	{status: 409, name: "Conflict", description: "Contradicts what is there", retry: true},
	{status: 412, name: "PreconditionFailed", description: "Somebody else was faster"},
	{status: 413, name: "TooLarge", description: "The body is too large"},
	{status: 415, name: "UnsupportedMediaType", description: "The body is of a type that is not read here"},
	{status: 422, name: "UnprocessableEntity", description: "Unprocessable entity", violations: true},
	{status: 429, name: "TooManyRequests", description: "Too many requests", retry: true},
}

// unauthorizedName is the shared answer 401, which has a body of its own.
const unauthorizedName = "Unauthorized"

// failureName is the shared answer for what can fail anywhere.
const failureName = "Failure"

// AddProblems adds the shared answers for those statuses to an operation, and
// the one for failures of sede's own. It is meant for Describe functions.
func AddProblems(op *openapi3.Operation, statuses ...int) {
	if op.Responses == nil {
		op.Responses = openapi3.NewResponsesWithCapacity(len(statuses) + 2)
	}
	set := func(key, name string) {
		op.Responses.Set(key, &openapi3.ResponseRef{Ref: "#/components/responses/" + name})
	}
	for _, status := range statuses {
		if status == http.StatusUnauthorized {
			set(strconv.Itoa(status), unauthorizedName)
		}
		for _, problem := range sharedProblems {
			if problem.status == status {
				set(strconv.Itoa(status), problem.name)
			}
		}
	}
	set("default", failureName)
}

// sharedComponents are the components that do not depend on any resource.
func sharedComponents(keys Keys) *openapi3.Components {
	components := &openapi3.Components{
		Schemas: openapi3.Schemas{}, Parameters: sharedParameters(), Headers: sharedHeaders(),
		Responses: openapi3.ResponseBodies{},
		SecuritySchemes: openapi3.SecuritySchemes{securityName: {Value: &openapi3.SecurityScheme{
			Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: "The token that signing in returns, or an API key.",
		}}},
	}
	addErrorSchemas(components.Schemas, keys)
	addBaseSchemas(components.Schemas, keys)
	for _, p := range sharedProblems {
		components.Responses[p.name] = problemResponse(p.description, p.violations, p.retry)
	}
	maps.Copy(components.Responses["TooManyRequests"].Value.Headers, limitHeaders())
	components.Responses[failureName] = problemResponse("Failure", false, true)
	components.Responses[unauthorizedName] = unauthorizedResponse()
	return components
}

// problemResponse is an error in every format of errors. What is asked for as
// JSON-LD or JSON is sent as application/problem+json.
func problemResponse(description string, violations, retry bool) *openapi3.ResponseRef {
	name := "Error"
	if violations {
		name = "ConstraintViolation"
	}
	content := openapi3.Content{}
	for _, f := range errorFormats {
		schema := schemaRef(name)
		switch f {
		case formatJSONLD:
			schema = schemaRef(name + ".jsonld")
		case formatJSONAPI:
			schema = schemaRef("Error.jsonapi")
		case formatHTML:
			schema = openapi3.NewStringSchema().NewRef()
		}
		content[f.media] = &openapi3.MediaType{Schema: schema}
	}
	response := openapi3.NewResponse().WithDescription(description)
	response.Content = content
	if retry {
		response.Headers = openapi3.Headers{"Retry-After": headerRef("RetryAfter")}
	}
	return &openapi3.ResponseRef{Value: response}
}

// limitHeaders are the header fields that say how much may still be asked for.
func limitHeaders() openapi3.Headers {
	return openapi3.Headers{"RateLimit": headerRef("RateLimit"), "RateLimit-Policy": headerRef("RateLimitPolicy")}
}

// AddLimits adds the header fields of limits to the successful answers of an
// operation, and the answer to what is over a limit. It is meant for Describe
// functions whose routes have plain problems.
func AddLimits(op *openapi3.Operation) {
	AddPlainProblems(op, http.StatusTooManyRequests)
	for status, response := range op.Responses.Map() {
		if status[0] != '2' || response.Value == nil {
			continue
		}
		if response.Value.Headers == nil {
			response.Value.Headers = openapi3.Headers{}
		}
		for name, header := range limitHeaders() {
			response.Value.Headers[name] = header
		}
	}
}

func unauthorizedResponse() *openapi3.ResponseRef {
	response := plainProblem("Nobody is signed in, or the token is no good")
	response.Headers = openapi3.Headers{"WWW-Authenticate": headerRef("Challenge")}
	return &openapi3.ResponseRef{Value: response}
}

// plainProblem is an error as {"code": status, "message": sentence}.
func plainProblem(description string) *openapi3.Response {
	response := openapi3.NewResponse().WithDescription(description)
	response.Content = openapi3.Content{typeJSON: {Schema: schemaRef("CodeMessage")}}
	return response
}

// AddPlainProblems adds answers for those statuses, and for failures of sede's
// own, whose body is {"code": status, "message": sentence}, as the routes beside
// the resources have them. It is meant for Describe functions.
func AddPlainProblems(op *openapi3.Operation, statuses ...int) {
	if op.Responses == nil {
		op.Responses = openapi3.NewResponsesWithCapacity(len(statuses) + 1)
	}
	for _, status := range statuses {
		response := plainProblem(http.StatusText(status))
		switch status {
		case http.StatusUnauthorized:
			response.Headers = openapi3.Headers{"WWW-Authenticate": headerRef("Challenge")}
		case http.StatusTooManyRequests:
			response.Headers = limitHeaders()
			response.Headers["Retry-After"] = headerRef("RetryAfter")
		}
		op.Responses.Set(strconv.Itoa(status), &openapi3.ResponseRef{Value: response})
	}
	op.Responses.Set("default", &openapi3.ResponseRef{Value: plainProblem("Failure")})
}

// text is the schema of a text without limits.
func text(doc string) *openapi3.SchemaRef {
	return &openapi3.SchemaRef{Value: &openapi3.Schema{Type: &openapi3.Types{"string"}, Description: doc}}
}

// count is the schema of a number of things.
func count(doc string) *openapi3.SchemaRef {
	schema := openapi3.NewInt64Schema().WithMin(0)
	schema.Description = doc
	return schema.NewRef()
}

// object builds the schema of an object from pairs of a name and a schema.
func object(required []string, members ...member) *openapi3.Schema {
	schema := newObject()
	for _, m := range members {
		addProperty(schema, m.name, m.schema)
	}
	schema.Required = required
	return schema
}

type member struct {
	name   string
	schema *openapi3.SchemaRef
}

func addErrorSchemas(schemas openapi3.Schemas, keys Keys) {
	violation := object([]string{"propertyPath", "message", "code"},
		member{"propertyPath", text("The field that breaks the rule.")},
		member{"message", text("What is wrong with it.")},
		member{"code", nullable(text("The id of the rule."))},
		member{"hint", text("More for developers.")})
	schemas["Violation"] = violation.NewRef()
	violations := member{"violations", arrayOf(schemaRef("Violation")).NewRef()}
	members := []member{
		{"title", text("What kind of failure it is.")},
		{"detail", text("What went wrong.")},
		{"status", openapi3.NewInt32Schema().WithMin(400).WithMax(599).NewRef()},
		{"type", text("The path of the kind of failure.")},
		{"instance", text("The failure itself.")},
		{"conflicts", arrayOf(openapi3.NewStringSchema().WithFormat("iri-reference").NewRef()).NewRef()},
		{"modules", arrayOf(openapi3.NewStringSchema().NewRef()).NewRef()},
		{"products", arrayOf(openapi3.NewStringSchema().WithFormat("iri-reference").NewRef()).NewRef()},
	}
	required := []string{"title", "detail", "status", "type"}
	schemas["Error"] = object(required, members...).NewRef()
	schemas["ConstraintViolation"] = object(required, append(members, violations)...).NewRef()
	linked := []member{
		keyword("@context", ""), keyword("@id", ""), keyword("@type", ""), {"description", text("What went wrong.")},
	}
	if keys != Plain {
		linked = append(linked, member{"hydra:title", text("What kind of failure it is.")}, member{"hydra:description", text("What went wrong.")})
	}
	head := object([]string{"@context", "@id", "@type", "description"}, linked...)
	schemas["HydraErrorBaseSchema"] = head.NewRef()
	schemas["Error.jsonld"] = allOf(schemaRef("HydraErrorBaseSchema"), schemaRef("Error")).NewRef()
	schemas["ConstraintViolation.jsonld"] = allOf(schemaRef("HydraErrorBaseSchema"), schemaRef("ConstraintViolation")).NewRef()
	source := object(nil, member{"pointer", text("Where in the body.")})
	entry := object([]string{"detail"},
		member{"status", text("")}, member{"title", text("")}, member{"detail", text("What went wrong.")}, member{"source", source.NewRef()})
	schemas["Error.jsonapi"] = object([]string{"errors"}, member{"errors", arrayOf(entry.NewRef()).NewRef()}).NewRef()
	schemas["CodeMessage"] = object([]string{"code", "message"},
		member{"code", openapi3.NewInt32Schema().WithMin(400).WithMax(599).NewRef()}, member{"message", text("What went wrong.")}).NewRef()
}

func nullable(ref *openapi3.SchemaRef) *openapi3.SchemaRef {
	orNull(ref.Value)
	return ref
}

// addBaseSchemas adds what items and collections of all resources share.
func addBaseSchemas(schemas openapi3.Schemas, keys Keys) {
	schemas["HydraItemBaseSchema"] = object([]string{"@id", "@type"},
		readOnly(keyword("@context", "The JSON-LD context; in collections it stands at the top only.")),
		readOnly(keyword("@id", "The IRI.")), readOnly(keyword("@type", "The class."))).NewRef()
	schemas["HydraCollectionBaseSchema"] = hydraCollection(keys).NewRef()
	schemas["HalLink"] = object([]string{"href"}, member{"href", openapi3.NewStringSchema().WithFormat("iri-reference").NewRef()}).NewRef()
	link := func(name string) member { return member{name, schemaRef("HalLink")} }
	links := object([]string{"self", "item"}, link("self"), member{"item", arrayOf(schemaRef("HalLink")).NewRef()},
		link("first"), link("last"), link("next"), link("prev"))
	schemas["HalCollectionBaseSchema"] = object([]string{"_links", "itemsPerPage"},
		member{"_links", links.NewRef()}, member{"totalItems", count("How many items there are.")},
		member{"itemsPerPage", count("How many items a page holds.")}).NewRef()
	pages := object([]string{"self"}, member{"self", text("")}, member{"first", text("")}, member{"last", text("")},
		member{"prev", text("")}, member{"next", text("")})
	meta := object([]string{"itemsPerPage", "currentPage"}, member{"totalItems", count("How many items there are.")},
		member{"itemsPerPage", count("How many items a page holds.")}, member{"currentPage", count("The number of this page.")})
	schemas["JsonApiCollectionBaseSchema"] = object([]string{"links", "meta"},
		member{"links", pages.NewRef()}, member{"meta", meta.NewRef()}).NewRef()
}

// keyword is a member of JSON-LD's own. Its name in Go tells it from a field of
// the item: @type is not type.
func keyword(name, doc string) member {
	m := member{name, text(doc)}
	m.schema.Value.Extensions = goName("At" + upperFirst(name[1:]))
	return m
}

func readOnly(m member) member {
	m.schema.Value.ReadOnly = true
	return m
}

// hydraCollection is the schema of what every hydra:Collection says beside its
// members, in the spellings of the API.
func hydraCollection(keys Keys) *openapi3.Schema {
	schema := object([]string{"@context", "@id", "@type"},
		keyword("@context", ""), keyword("@id", ""), keyword("@type", ""))
	if keys != Plain {
		addProperty(schema, "hydra:totalItems", count("How many items there are."))
	}
	addProperty(schema, "totalItems", count("How many items there are."))
	for _, prefix := range keys.prefixes() {
		view := object([]string{"@id", "@type"}, keyword("@id", ""), keyword("@type", ""))
		for _, name := range []string{"first", "last", "previous", "next"} {
			addProperty(view, prefix+name, text(""))
		}
		mapping := object([]string{"@type", "variable", "property", "required"}, keyword("@type", ""),
			member{"variable", text("")}, member{"property", nullable(text(""))}, member{"required", openapi3.NewBoolSchema().NewRef()})
		search := object([]string{"@type", prefix + "template", prefix + "mapping"}, keyword("@type", ""),
			member{prefix + "template", text("")}, member{prefix + "variableRepresentation", text("")},
			member{prefix + "mapping", arrayOf(mapping.NewRef()).NewRef()})
		addProperty(schema, prefix+"view", view.NewRef())
		addProperty(schema, prefix+"search", search.NewRef())
	}
	return schema
}

// prefixes are the prefixes of Hydra's keys: "hydra:", "" or both.
func (k Keys) prefixes() []string {
	switch k {
	case Plain:
		return []string{""}
	case Both:
		return []string{"hydra:", ""}
	default:
		return []string{"hydra:"}
	}
}

func sharedParameters() openapi3.ParametersMap {
	header := func(name, doc string, longest int64) *openapi3.ParameterRef {
		schema := openapi3.NewStringSchema()
		if longest > 0 {
			schema.WithMaxLength(longest)
		}
		return &openapi3.ParameterRef{Value: openapi3.NewHeaderParameter(name).WithDescription(doc).WithSchema(schema)}
	}
	number := openapi3.NewQueryParameter("page").WithDescription("The collection page number").
		WithSchema(openapi3.NewInt32Schema().WithMin(1).WithDefault(1))
	size := openapi3.NewQueryParameter("itemsPerPage").WithDescription("The number of items per page").
		WithSchema(openapi3.NewInt32Schema().WithMin(0).WithMax(maxSize).WithDefault(defaultSize))
	return openapi3.ParametersMap{
		"page":          {Value: number},
		"itemsPerPage":  {Value: size},
		"XOrganization": header("X-Organization", "The organization to act in: its id or slug. Needed by users who belong to several.", 0),
		"IdempotencyKey": header("Idempotency-Key",
			"Makes a repeat safe: the same request with the same key is done once and answered alike.", maxKey),
		"IfMatch":        header("If-Match", "The ETag of the version to change; when it has changed since, nothing is done (412).", 0),
		"IfNoneMatch":    header("If-None-Match", "The ETag of the representation at hand; when it is current, the answer is 304.", 0),
		"AcceptLanguage": header("Accept-Language", "The language of texts: en, pt or pl.", 0),
	}
}

func headerRef(name string) *openapi3.HeaderRef {
	return &openapi3.HeaderRef{Ref: "#/components/headers/" + name}
}

func sharedHeaders() openapi3.Headers {
	header := func(doc string, schema *openapi3.Schema) *openapi3.HeaderRef {
		return &openapi3.HeaderRef{Value: &openapi3.Header{Parameter: openapi3.Parameter{Description: doc, Schema: schema.NewRef()}}}
	}
	return openapi3.Headers{
		"ETag":            header("The strong entity tag of this representation.", openapi3.NewStringSchema()),
		"Location":        header("The IRI of the new item.", openapi3.NewStringSchema().WithFormat("iri-reference")),
		"ContentLocation": header("Where this very representation can be read.", openapi3.NewStringSchema().WithFormat("iri-reference")),
		"Replayed":        header("true when this answer was stored by an earlier request with the same key.", openapi3.NewStringSchema().WithEnum("true")),
		"RetryAfter":      header("Seconds after which trying again makes sense.", openapi3.NewInt32Schema().WithMin(0)),
		"Challenge":       header("How to sign in.", openapi3.NewStringSchema()),
		"RateLimit": header("How much is left of the policy with the least left: r requests now, all of them again in t seconds.",
			openapi3.NewStringSchema()),
		"RateLimitPolicy": header("The policies that hold for requests like this one: q requests in a window of w seconds.",
			openapi3.NewStringSchema()),
	}
}
