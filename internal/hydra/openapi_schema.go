package hydra

import (
	"encoding/json"
	"strconv"

	"github.com/getkin/kin-openapi/openapi3"
)

// Each resource has a schema under its own name, for JSON and for bodies in
// most formats, and one for each format that looks different: Location.jsonld,
// Location.jsonhal, Location.jsonapi (one resource object) and, when it can be
// changed, Location.jsonMergePatch, in which nothing is required. Actions have
// a schema of what they read, e.g. Organization.clear.

// exampleID stands for the key of an item in examples.
const exampleID = "01977b3c-8a5f-7c3e-9d21-5f0e6b1a2c4d"

// schemaRef points at a schema of the document.
func schemaRef(name string) *openapi3.SchemaRef {
	return &openapi3.SchemaRef{Ref: "#/components/schemas/" + name}
}

// addSchemas adds the schemas of the resource.
func (api *API) addSchemas(document *openapi3.T, res *resource) {
	schemas := document.Components.Schemas
	shown := func(s *spec) bool { return s.kind != kindFile }
	plain := api.objectSchema(res.specs, shown)
	plain.Description = res.doc
	schemas[res.name] = plain.NewRef()
	schemas[res.name+".jsonld"] = allOf(schemaRef("HydraItemBaseSchema"), schemaRef(res.name)).NewRef()
	schemas[res.name+".jsonhal"] = api.halSchema(res).NewRef()
	schemas[res.name+".jsonapi"] = api.jsonAPISchema(res.name, res.specs).NewRef()
	for _, op := range res.operations {
		switch {
		case op.input == nil:
		case op.method == "PATCH":
			patch := api.objectSchema(op.input, func(s *spec) bool { return shown(s) && !(s.onCreate && op.kind == opUpdate) })
			patch.Required = nil
			schemas[op.inName+".jsonMergePatch"] = patch.NewRef()
		case op.kind == opAction:
			schemas[op.inName] = api.objectSchema(op.input, func(*spec) bool { return true }).NewRef()
		}
	}
}

func allOf(refs ...*openapi3.SchemaRef) *openapi3.Schema { return &openapi3.Schema{AllOf: refs} }

// newObject returns the schema of an object without properties yet.
func newObject() *openapi3.Schema {
	return &openapi3.Schema{Type: &openapi3.Types{"object"}, Properties: openapi3.Schemas{}, Extensions: map[string]any{orderKey: []string{}}}
}

// addProperty adds a property after those that are there.
func addProperty(object *openapi3.Schema, name string, schema *openapi3.SchemaRef) {
	object.Properties[name] = schema
	names, _ := object.Extensions[orderKey].([]string)
	object.Extensions[orderKey] = append(names, name)
}

// objectSchema is the schema of an object of those fields that keep lets
// through.
func (api *API) objectSchema(specs []*spec, keep func(*spec) bool) *openapi3.Schema {
	object := newObject()
	for _, s := range specs {
		if !keep(s) {
			continue
		}
		addProperty(object, s.name, api.fieldSchema(s).NewRef())
		if s.required {
			object.Required = append(object.Required, s.name)
		}
	}
	return object
}

// fieldSchema is the schema of a field's value.
func (api *API) fieldSchema(s *spec) *openapi3.Schema {
	schema := api.valueSchema(s)
	if s.nullable {
		orNull(schema)
	}
	schema.ReadOnly, schema.WriteOnly, schema.Description = s.readOnly, s.writeOnly, s.doc
	if s.example != "" {
		schema.Example = exampleOf(s)
	}
	return schema
}

// orNull lets the schema admit null.
func orNull(schema *openapi3.Schema) {
	types := append(openapi3.Types{}, *schema.Type...)
	types = append(types, "null")
	schema.Type = &types
	if len(schema.Enum) > 0 {
		schema.Enum = append(schema.Enum, nil)
	}
}

// exampleOf reads the example of a declaration; one that does not parse stays a
// text, which the check of the document then refuses.
func exampleOf(s *spec) any {
	switch s.kind {
	case kindInt:
		if n, err := strconv.ParseInt(s.example, 10, 64); err == nil {
			return n
		}
	case kindBool:
		if b, err := strconv.ParseBool(s.example); err == nil {
			return b
		}
	case kindTexts, kindRefs:
		return []any{s.example}
	case kindObjects:
		var list []any
		if json.Unmarshal([]byte(s.example), &list) == nil {
			return list
		}
	}
	return s.example
}

// valueSchema is the schema of a field's value when it is not null.
func (api *API) valueSchema(s *spec) *openapi3.Schema {
	switch s.kind {
	case kindInt:
		return intSchema(s)
	case kindBool:
		return openapi3.NewBoolSchema()
	case kindTime:
		return openapi3.NewDateTimeSchema()
	case kindRef:
		return api.refSchema(s)
	case kindRefs:
		return openapi3.NewArraySchema().WithItems(api.refSchema(s))
	case kindTexts:
		return openapi3.NewArraySchema().WithItems(textSchema(s))
	case kindObject:
		return api.partSchema(s)
	case kindObjects:
		if !s.readOnly {
			return api.entriesSchema(s)
		}
		return openapi3.NewArraySchema().WithItems(api.partSchema(s))
	case kindRaw:
		return openapi3.NewObjectSchema().WithAnyAdditionalProperties()
	case kindFile:
		return openapi3.NewStringSchema().WithFormat("binary")
	}
	return textSchema(s)
}

// textSchema is the schema of a text, with the limits that checkText enforces.
func textSchema(s *spec) *openapi3.Schema {
	schema := openapi3.NewStringSchema().WithFormat(s.format)
	if len(s.enum) > 0 {
		for _, choice := range s.enum {
			schema.Enum = append(schema.Enum, choice)
		}
		return schema
	}
	if s.readOnly {
		return schema
	}
	if s.required && s.kind == kindText {
		low := s.minLen
		if !s.nullable {
			low = max(low, 1)
		}
		schema.MinLength = uint64(low)
	}
	longest := uint64(defaultLength)
	if s.maxLen > 0 {
		longest = uint64(s.maxLen)
	}
	schema.MaxLength = &longest
	return schema
}

func intSchema(s *spec) *openapi3.Schema {
	if !s.bounded {
		return openapi3.NewInt64Schema()
	}
	schema := openapi3.NewInt64Schema()
	if s.min >= -1<<31 && s.max < 1<<31 {
		schema = openapi3.NewInt32Schema()
	}
	return schema.WithMin(float64(s.min)).WithMax(float64(s.max))
}

// refSchema is the schema of the IRI of an item that the field points at.
func (api *API) refSchema(s *spec) *openapi3.Schema {
	schema := openapi3.NewStringSchema().WithFormat("iri-reference")
	if target := api.byName[s.target]; target != nil {
		schema.Example = api.prefix + target.path + "/" + target.exampleKey()
	}
	return schema
}

// exampleKey is a key that an item of the resource could have.
func (res *resource) exampleKey() string {
	for _, s := range res.specs {
		if s.isKey && s.example != "" {
			return s.example
		}
	}
	return exampleID
}

// partSchema is the schema of an object within an item. Such objects always
// show all their fields.
func (api *API) partSchema(s *spec) *openapi3.Schema {
	part := newObject()
	for i := range s.fields {
		field := s.fields[i]
		field.readOnly = true // no body sets it, so no limits hold for it
		schema := api.fieldSchema(&field)
		schema.ReadOnly = false // the object around it is
		addProperty(part, field.name, schema.NewRef())
		if !field.writeOnly {
			part.Required = append(part.Required, field.name)
		}
	}
	return part
}

// entriesSchema is the schema of a list of objects that bodies can set. Fields
// that a body need not have are not required, though answers have them.
func (api *API) entriesSchema(s *spec) *openapi3.Schema {
	entry, short := newObject(), (*openapi3.SchemaRef)(nil)
	for i := range s.fields {
		field := &s.fields[i]
		schema := api.fieldSchema(field).NewRef()
		addProperty(entry, field.name, schema)
		if field.required {
			entry.Required = append(entry.Required, field.name)
		}
		if field.name == s.short {
			short = api.fieldSchema(field).NewRef()
		}
	}
	list := openapi3.NewArraySchema().WithMaxItems(int64(s.most))
	if list.Items = entry.NewRef(); short != nil {
		list.Items = openapi3.NewOneOfSchema().NewRef()
		list.Items.Value.OneOf = openapi3.SchemaRefs{short, entry.NewRef()}
	}
	return list
}

// halSchema is the schema of an item as HAL: relations are links.
func (api *API) halSchema(res *resource) *openapi3.Schema {
	object, links := newObject(), newObject()
	addProperty(links, "self", schemaRef("HalLink"))
	links.Required = []string{"self"}
	addProperty(object, "_links", links.NewRef())
	object.Required = []string{"_links"}
	for _, s := range res.specs {
		switch {
		case s.writeOnly:
		case s.kind == kindRef:
			addProperty(links, s.name, schemaRef("HalLink"))
		case s.kind == kindRefs:
			addProperty(links, s.name, arrayOf(schemaRef("HalLink")).NewRef())
		default:
			addProperty(object, s.name, api.fieldSchema(s).NewRef())
		}
	}
	return object
}

func arrayOf(items *openapi3.SchemaRef) *openapi3.Schema {
	schema := openapi3.NewArraySchema()
	schema.Items = items
	return schema
}

// jsonAPISchema is the schema of a JSON:API resource object.
func (api *API) jsonAPISchema(name string, specs []*spec) *openapi3.Schema {
	object, attributes, relations := newObject(), newObject(), newObject()
	for _, s := range specs {
		switch {
		case s.kind == kindFile:
		case isRelation(s):
			addProperty(relations, s.name, relationSchema(s).NewRef())
		case s.isKey:
			key := readOnly(member{"_id", text("The key, as in the IRI.")})
			key.schema.Value.Extensions = goName("KeyInIRI")
			addProperty(attributes, key.name, key.schema)
			if !s.readOnly {
				given := api.fieldSchema(s)
				given.WriteOnly = true
				addProperty(attributes, s.name, given.NewRef())
			}
		default:
			addProperty(attributes, s.name, api.fieldSchema(s).NewRef())
		}
	}
	addProperty(object, "id", openapi3.NewStringSchema().WithFormat("iri-reference").NewRef())
	addProperty(object, "type", openapi3.NewStringSchema().WithEnum(name).NewRef())
	addProperty(object, "attributes", attributes.NewRef())
	if len(relations.Properties) > 0 {
		addProperty(object, "relationships", relations.NewRef())
	}
	object.Required = []string{"type", "attributes"}
	return object
}

// relationSchema is the schema of a JSON:API relationship object.
func relationSchema(s *spec) *openapi3.Schema {
	identifier := newObject()
	addProperty(identifier, "type", openapi3.NewStringSchema().WithEnum(s.target).NewRef())
	addProperty(identifier, "id", openapi3.NewStringSchema().WithFormat("iri-reference").NewRef())
	identifier.Required = []string{"type", "id"}
	data := identifier
	if s.kind == kindRefs {
		data = arrayOf(identifier.NewRef())
	} else if s.nullable {
		orNull(data)
	}
	relation := newObject()
	addProperty(relation, "data", data.NewRef())
	relation.Required = []string{"data"}
	return relation
}
