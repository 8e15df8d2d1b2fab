package hydra

import (
	"net/http"
	"strconv"

	"github.com/getkin/kin-openapi/openapi3"
)

// describeOperation is the operation as OpenAPI says it.
func (api *API) describeOperation(document *openapi3.T, op *operation) *openapi3.Operation {
	described := &openapi3.Operation{
		Tags: []string{op.of.name}, OperationID: op.operationID(),
		Summary: op.sentence(), Description: op.description(),
		Parameters: api.parameters(document, op), RequestBody: api.requestBody(op),
	}
	if op.rule.IsPublic() {
		described.Security = &openapi3.SecurityRequirements{}
	}
	described.Responses = openapi3.NewResponsesWithCapacity(12)
	described.Responses.Set(strconv.Itoa(op.status), api.successResponse(op))
	if op.preview && op.status != http.StatusOK {
		described.Responses.Set("200", api.previewResponse(op))
	}
	if op.isCached() {
		unchanged := openapi3.NewResponse().WithDescription("Not modified")
		unchanged.Headers = openapi3.Headers{"ETag": headerRef("ETag")}
		described.Responses.Set("304", &openapi3.ResponseRef{Value: unchanged})
	}
	AddProblems(described, op.problems()...)
	return described
}

// isCached reports whether the answers have an ETag by which they can be asked
// for again.
func (op *operation) isCached() bool {
	return op.method == http.MethodGet && op.output != nil && (op.kind != opList || op.output.maxAge > 0)
}

// problems lists the statuses with which the operation can refuse a request.
func (op *operation) problems() []int {
	writes := op.method != http.MethodGet
	list := []int{http.StatusNotFound, http.StatusNotAcceptable, http.StatusTooManyRequests}
	if !op.rule.IsPublic() {
		list = append(list, http.StatusUnauthorized, http.StatusForbidden)
	}
	if len(op.rule.Modules()) > 0 {
		list = append(list, http.StatusPaymentRequired)
	}
	if writes || op.kind == opList || op.query != nil || !op.rule.IsPublic() {
		list = append(list, http.StatusBadRequest)
	}
	if writes || op.kind == opAction || op.kind == opStream && hasKey(op.path) { // an item may be in no state to be sent
		list = append(list, http.StatusConflict)
	}
	if op.reads() {
		list = append(list, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if op.input != nil || op.query != nil || op.method == http.MethodPost || op.method == http.MethodPatch {
		list = append(list, http.StatusUnprocessableEntity)
	}
	if op.kind == opUpdate {
		list = append(list, http.StatusPreconditionFailed)
	}
	return list
}

// parameters lists what the operation reads from path, query and header.
func (api *API) parameters(document *openapi3.T, op *operation) openapi3.Parameters {
	var list openapi3.Parameters
	share := func(name string) {
		list = append(list, &openapi3.ParameterRef{Ref: "#/components/parameters/" + name})
	}
	if hasKey(op.path) {
		key := openapi3.NewPathParameter("id").WithDescription(op.of.name + " identifier").WithSchema(openapi3.NewStringSchema())
		list = append(list, &openapi3.ParameterRef{Value: key})
	}
	if op.kind == opList {
		share("page")
		share("itemsPerPage")
		for i := range op.output.variables {
			list = append(list, &openapi3.ParameterRef{Value: op.output.variables[i].parameter(op.output)})
		}
	}
	if op.preview {
		list = append(list, previewParameters()...)
	}
	for _, s := range op.query {
		list = append(list, &openapi3.ParameterRef{Value: api.queryParameter(s)})
	}
	if op.output != nil {
		share(op.output.shareFields(document))
		if op.output.local {
			share("AcceptLanguage")
		}
	}
	if !op.rule.IsPublic() {
		share("XOrganization")
	}
	switch {
	case op.method == http.MethodGet && op.kind != opList && op.output != nil:
		share("IfNoneMatch")
	case op.changes():
		share("IdempotencyKey")
	}
	if op.kind == opUpdate {
		share("IfMatch")
	}
	return list
}

// queryParameter describes a field that is read from the query.
func (api *API) queryParameter(s *spec) *openapi3.Parameter {
	p := openapi3.NewQueryParameter(s.name).WithDescription(s.doc).WithSchema(api.valueSchema(s))
	p.Required = s.required
	if s.example != "" {
		p.Example = exampleOf(s)
	}
	return p
}

// shareFields adds the parameter properties[] of the resource to the shared
// ones and returns its name there.
func (res *resource) shareFields(document *openapi3.T) string {
	name := res.name + ".properties"
	field := openapi3.NewStringSchema()
	for _, s := range res.specs {
		if !s.writeOnly {
			field.Enum = append(field.Enum, s.name)
		}
	}
	parameter := openapi3.NewQueryParameter("properties[]").WithSchema(openapi3.NewArraySchema().WithItems(field)).
		WithDescription("Show these fields only. Then no field is required in the answer.")
	explode(parameter, true)
	document.Components.Parameters[name] = &openapi3.ParameterRef{Value: parameter}
	return name
}

func explode(p *openapi3.Parameter, exploded bool) {
	p.Style, p.Explode = openapi3.SerializationForm, &exploded
}

// goName tells oapi-codegen what to call a parameter in Go: name and name[]
// would otherwise be called the same.
func goName(name string) map[string]any { return map[string]any{"x-go-name": name} }

// parameter describes the variable of a collection of the resource.
func (v *variable) parameter(res *resource) *openapi3.Parameter {
	schema := v.schema()
	p := openapi3.NewQueryParameter(v.name).WithDescription(v.doc)
	if v.list {
		schema.Enum = nil // oapi-codegen would name the choices of x and x[] alike
		schema = openapi3.NewArraySchema().WithItems(schema)
		for i := range res.variables {
			if res.variables[i].name+"[]" == v.name {
				p.Extensions = goName(upperFirst(v.property) + "List")
			}
		}
	}
	explode(p, v.list)
	return p.WithSchema(schema)
}

// schema is the schema of one value of the variable.
func (v *variable) schema() *openapi3.Schema {
	switch {
	case v.boolean:
		return openapi3.NewBoolSchema()
	case len(v.choices) > 0:
		schema := openapi3.NewStringSchema()
		for _, choice := range v.choices {
			schema.Enum = append(schema.Enum, choice)
		}
		if v.initial != "" {
			schema.Default = v.initial
		}
		return schema
	case v.of == nil || v.of.target != "":
		return openapi3.NewStringSchema()
	}
	switch v.of.kind {
	case kindInt:
		return openapi3.NewInt64Schema()
	case kindBool:
		return openapi3.NewBoolSchema()
	case kindTime:
		return openapi3.NewDateTimeSchema()
	}
	schema := openapi3.NewStringSchema()
	for _, choice := range v.of.enum {
		schema.Enum = append(schema.Enum, choice)
	}
	return schema
}

// requestBody describes what the operation reads, nil when it reads no body.
func (api *API) requestBody(op *operation) *openapi3.RequestBodyRef {
	if !op.reads() {
		return nil
	}
	body := openapi3.NewRequestBody().WithRequired(!op.bare).WithDescription("The new " + op.of.name + " resource")
	if op.method == http.MethodPatch {
		body.Description = "The updated " + op.of.name + " resource"
	}
	body.Content = openapi3.Content{}
	for _, media := range op.accepts() {
		body.Content[media] = &openapi3.MediaType{Schema: api.inputSchema(op, media)}
	}
	return &openapi3.RequestBodyRef{Value: body}
}

// inputSchema is the schema of a body of the media type.
func (api *API) inputSchema(op *operation, media string) *openapi3.SchemaRef {
	action := op.kind == opAction
	switch {
	case media == op.text:
		return openapi3.NewStringSchema().NewRef()
	case media == typeMultipart && !action:
		return api.objectSchema(op.input, func(*spec) bool { return true }).NewRef()
	case media == typeMergePatch:
		return schemaRef(op.inName + ".jsonMergePatch")
	case media == typeJSONAPI && action:
		return jsonAPIDocument(api.jsonAPISchema(op.inName, op.input).NewRef())
	case media == typeJSONAPI:
		return jsonAPIDocument(schemaRef(op.inName + ".jsonapi"))
	default:
		return schemaRef(op.inName)
	}
}

func jsonAPIDocument(data *openapi3.SchemaRef) *openapi3.SchemaRef {
	return object([]string{"data"}, member{"data", data}).NewRef()
}

// successResponse describes the answer when all goes well.
func (api *API) successResponse(op *operation) *openapi3.ResponseRef {
	response := openapi3.NewResponse().WithDescription(op.outcome())
	response.Headers = limitHeaders()
	if op.kind == opStream {
		response.Content = openapi3.Content{}
		for _, f := range op.streams {
			response.Content[f.media] = openapi3.NewMediaType().WithSchema(openapi3.NewStringSchema())
		}
	}
	if op.output != nil {
		response.Content = api.outputContent(op)
		if op.kind != opList || op.output.maxAge > 0 {
			response.Headers["ETag"] = headerRef("ETag")
		}
		if op.method != http.MethodGet {
			response.Headers["Content-Location"] = headerRef("ContentLocation")
		}
		if op.status == http.StatusCreated {
			response.Headers["Location"] = headerRef("Location")
		}
	}
	if op.changes() {
		response.Headers["Idempotency-Replayed"] = headerRef("Replayed")
	}
	return &openapi3.ResponseRef{Value: response}
}

// previewResponse describes the answer of a preview.
func (api *API) previewResponse(op *operation) *openapi3.ResponseRef {
	response := openapi3.NewResponse().WithDescription("What would come of it")
	response.Headers = limitHeaders()
	response.Headers["ETag"] = headerRef("ETag")
	response.Content = api.outputContent(op)
	return &openapi3.ResponseRef{Value: response}
}

// outcome says in a word or two what the answer is.
func (op *operation) outcome() string {
	name := op.of.name
	if op.output != nil {
		name = op.output.name
	}
	switch {
	case op.kind == opStream:
		return name + " resources"
	case op.kind == opList:
		return name + " collection"
	case op.status == http.StatusAccepted:
		return "The work goes on"
	case op.kind == opDelete:
		return name + " resource deleted"
	case op.status == http.StatusNoContent:
		return "Done"
	case op.status == http.StatusCreated:
		return name + " resource created"
	case op.kind == opUpdate || op.method == http.MethodPatch:
		return name + " resource updated"
	default:
		return name + " resource"
	}
}

// outputContent is the answer in every format on offer.
func (api *API) outputContent(op *operation) openapi3.Content {
	content := openapi3.Content{}
	for _, f := range op.offers {
		schema := api.itemSchema(op.output, f)
		if op.kind == opList {
			schema = api.listSchema(op.output, f)
		}
		content[f.media] = &openapi3.MediaType{Schema: schema}
	}
	return content
}

// itemSchema is the schema of an answer that is one item.
func (api *API) itemSchema(res *resource, f *format) *openapi3.SchemaRef {
	switch f {
	case formatJSONLD:
		return schemaRef(res.name + ".jsonld")
	case formatJSON:
		return schemaRef(res.name)
	case formatHAL:
		return schemaRef(res.name + ".jsonhal")
	case formatJSONAPI:
		return jsonAPIDocument(schemaRef(res.name + ".jsonapi"))
	default:
		return openapi3.NewStringSchema().NewRef()
	}
}

// listSchema is the schema of an answer that is a page of a collection.
func (api *API) listSchema(res *resource, f *format) *openapi3.SchemaRef {
	switch f {
	case formatJSONLD:
		members := newObject()
		for _, prefix := range api.Keys.prefixes() {
			addProperty(members, prefix+"member", arrayOf(schemaRef(res.name+".jsonld")).NewRef())
			members.Required = append(members.Required, prefix+"member")
		}
		return allOf(schemaRef("HydraCollectionBaseSchema"), members.NewRef()).NewRef()
	case formatJSON:
		return arrayOf(schemaRef(res.name)).NewRef()
	case formatHAL:
		embedded := object([]string{"item"}, member{"item", arrayOf(schemaRef(res.name + ".jsonhal")).NewRef()})
		return allOf(schemaRef("HalCollectionBaseSchema"), object([]string{"_embedded"}, member{"_embedded", embedded.NewRef()}).NewRef()).NewRef()
	case formatJSONAPI:
		data := object([]string{"data"}, member{"data", arrayOf(schemaRef(res.name + ".jsonapi")).NewRef()})
		return allOf(schemaRef("JsonApiCollectionBaseSchema"), data.NewRef()).NewRef()
	default:
		return openapi3.NewStringSchema().NewRef()
	}
}
