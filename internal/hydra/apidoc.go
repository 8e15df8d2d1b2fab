package hydra

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// apiDocumentation is the answer to GET /docs.jsonld: what classes there are,
// what properties they have and what can be done with them, in the vocabulary
// of Hydra Core and in the layout of API Platform 4.3. docsURL is its own
// absolute URL.
//
// Hydra knows no URL per operation. The operations on a collection, and every
// other POST, stand at the property of the entrypoint that leads there; the
// operations on an item stand at its class.
func (api *API) apiDocumentation(docsURL string) []byte {
	document := docDocument{
		Context:    []any{json.RawMessage(hydraTerms), docVocabulary(docsURL)},
		ID:         api.prefix + "/docs.jsonld",
		Type:       "hydra:ApiDocumentation",
		Title:      api.Title,
		About:      api.Description,
		Entrypoint: api.entrypointPath(),
	}
	for _, res := range api.resources {
		document.Classes = append(document.Classes, res.class())
		document.Classes = append(document.Classes, res.inputClasses()...)
	}
	document.Classes = append(document.Classes, api.entrypointClass())
	document.Classes = append(document.Classes, errorClasses()...)
	return marshal(document)
}

// marshal encodes a document whose parts are all encodable, without escaping
// what only HTML needs escaped.
func marshal(v any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic("hydra: a document can't be encoded: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// hydraTerms is the context of the documentation. It is inline, so that nobody
// has to fetch anything to read it.
const hydraTerms = `{
"hydra":"http://www.w3.org/ns/hydra/core#",
"rdf":"http://www.w3.org/1999/02/22-rdf-syntax-ns#",
"rdfs":"http://www.w3.org/2000/01/rdf-schema#",
"xsd":"http://www.w3.org/2001/XMLSchema#",
"owl":"http://www.w3.org/2002/07/owl#",
"schema":"https://schema.org/",
"label":"rdfs:label",
"returns":{"@id":"hydra:returns","@type":"@vocab"},
"expects":{"@id":"hydra:expects","@type":"@vocab"},
"expectsHeader":"hydra:expectsHeader",
"headerName":"hydra:headerName",
"possibleValue":"hydra:possibleValue",
"hydra:entrypoint":{"@type":"@id"}
}`

func docVocabulary(docsURL string) any {
	return struct {
		Vocabulary string  `json:"@vocab"`
		Domain     docTerm `json:"domain"`
		Range      docTerm `json:"range"`
		SubClassOf docTerm `json:"subClassOf"`
	}{docsURL + "#", docTerm{"rdfs:domain", "@id"}, docTerm{"rdfs:range", "@id"}, docTerm{"rdfs:subClassOf", "@id"}}
}

// The nodes of the documentation, with their members in the order in which API
// Platform writes them.
type (
	docTerm struct {
		ID   string `json:"@id"`
		Type string `json:"@type"`
	}
	docDocument struct {
		Context    []any      `json:"@context"`
		ID         string     `json:"@id"`
		Type       string     `json:"@type"`
		Title      string     `json:"hydra:title"`
		About      string     `json:"hydra:description,omitempty"`
		Entrypoint string     `json:"hydra:entrypoint"`
		Classes    []docClass `json:"hydra:supportedClass"`
	}
	docClass struct {
		ID         string         `json:"@id"`
		Type       string         `json:"@type"`
		SubClassOf string         `json:"subClassOf,omitempty"`
		Title      string         `json:"hydra:title"`
		About      string         `json:"hydra:description,omitempty"`
		Properties []docProperty  `json:"hydra:supportedProperty"`
		Operations []docOperation `json:"hydra:supportedOperation,omitempty"`
	}
	docProperty struct {
		Type      string `json:"@type"`
		Property  docRDF `json:"hydra:property"`
		Title     string `json:"hydra:title"`
		Required  bool   `json:"hydra:required"`
		Readable  bool   `json:"hydra:readable"`
		Writeable bool   `json:"hydra:writeable"`
		About     string `json:"hydra:description,omitempty"`
	}
	docRDF struct {
		ID             string         `json:"@id"`
		Type           string         `json:"@type"`
		Domain         string         `json:"domain"`
		Label          string         `json:"label,omitempty"`
		MaxCardinality int            `json:"owl:maxCardinality,omitempty"`
		Range          any            `json:"range,omitempty"`
		Operations     []docOperation `json:"hydra:supportedOperation,omitempty"`
	}
	docOperation struct {
		Type    any         `json:"@type"`
		About   string      `json:"hydra:description"`
		Method  string      `json:"hydra:method"`
		Title   string      `json:"hydra:title"`
		Expects string      `json:"expects,omitempty"`
		Returns string      `json:"returns"`
		Headers []docHeader `json:"expectsHeader,omitempty"`
	}
	docHeader struct {
		Name   string   `json:"headerName"`
		Values []string `json:"possibleValue"`
	}
)

// class describes the items of the resource and what can be done with one.
func (res *resource) class() docClass {
	c := docClass{
		ID: "#" + res.name, Type: "hydra:Class", SubClassOf: res.means, Title: res.name, About: res.doc,
		Properties: properties(res.name, res.specs, res.writes),
	}
	for _, op := range res.operations {
		if !op.atEntrypoint() && !op.misleads() {
			c.Operations = append(c.Operations, op.document())
		}
	}
	return c
}

// inputClasses describes the bodies of the resource's actions.
func (res *resource) inputClasses() []docClass {
	var list []docClass
	for _, op := range res.operations {
		if op.kind == opAction && op.input != nil {
			list = append(list, docClass{
				ID: "#" + op.inName, Type: "hydra:Class", Title: op.inName, About: "What " + op.method + " " + op.path + " reads.",
				Properties: properties(op.inName, op.input, func(*spec) bool { return true }),
			})
		}
	}
	return list
}

// writes reports whether some operation reads the field from its body.
func (res *resource) writes(s *spec) bool {
	for _, op := range res.operations {
		switch {
		case op.kind == opCreate, op.kind == opUpdate && !s.onCreate:
			for _, in := range op.input {
				if in == s {
					return true
				}
			}
		}
	}
	return false
}

// properties describes fields as properties of a class.
func properties(class string, specs []*spec, writeable func(*spec) bool) []docProperty {
	list := []docProperty{}
	for _, s := range specs {
		if s.hidden() {
			continue
		}
		p := docProperty{
			Type: "hydra:SupportedProperty", Title: s.name, About: s.doc,
			Required: s.required, Readable: !s.writeOnly, Writeable: writeable(s),
			Property: docRDF{ID: s.iri, Type: "rdf:Property", Domain: "#" + class, Label: s.name},
		}
		if s.iri == "" {
			p.Property.ID = "#" + class + "/" + s.name
		}
		if s.target != "" {
			p.Property.Type = "hydra:Link"
		}
		if s.kind == kindRef {
			p.Property.MaxCardinality = 1
		}
		if r := s.documentRange(); r != "" {
			p.Property.Range = r
		}
		list = append(list, p)
	}
	return list
}

// documentRange is the class or data type of the field's values, empty when it
// is neither.
func (s *spec) documentRange() string {
	switch s.kind {
	case kindText, kindTexts:
		if s.format == "date" {
			return "xsd:date"
		}
		return "xsd:string"
	case kindInt:
		return "xsd:integer"
	case kindBool:
		return "xsd:boolean"
	case kindTime:
		return "xsd:dateTime"
	case kindRef, kindRefs:
		return "#" + s.target
	case kindRaw:
		return "rdf:JSON"
	}
	return ""
}

// atEntrypoint reports whether the operation stands at the entrypoint's
// property instead of the class. Without a collection there is no such property.
func (op *operation) atEntrypoint() bool {
	return (op.kind == opList || op.method == http.MethodPost) && op.of.collection() != nil
}

// misleads reports whether clients would take the operation for a way to create
// or delete an item where there is none, or to read one: Hydra gives operations
// no paths, so a POST is a POST. Such an operation is left out; OpenAPI has it.
func (op *operation) misleads() bool {
	switch {
	case op.kind == opStream:
		return true
	case op.kind == opDelete:
		return op.path != op.of.itemPath() && !op.of.has(func(o *operation) bool { return o.kind == opDelete && o.path == op.of.itemPath() })
	case op.kind == opAction && op.method == http.MethodPost && op.status != http.StatusCreated:
		return !op.of.has(func(o *operation) bool { return o.kind == opCreate })
	}
	return false
}

// has reports whether one of the resource's operations is such.
func (res *resource) has(such func(*operation) bool) bool {
	return slices.ContainsFunc(res.operations, such)
}

// title is a name for the operation, e.g. getLocationCollection, postLocation
// or postOrganizationClear.
func (op *operation) title() string {
	title := strings.ToLower(op.method) + op.of.name
	for segment := range strings.SplitSeq(strings.TrimPrefix(op.path, op.of.path), "/") {
		if segment == "" || segment[0] == '{' {
			continue
		}
		for word := range strings.FieldsFuncSeq(segment, func(r rune) bool { return r == '-' || r == '_' || r == '.' }) {
			title += strings.ToUpper(word[:1]) + word[1:]
		}
	}
	if op.kind == opList {
		title += "Collection"
	}
	return title
}

// actionTypes are the classes of schema.org for the methods that have one.
var actionTypes = map[string]string{
	http.MethodGet: "schema:FindAction", http.MethodPost: "schema:CreateAction",
	http.MethodPut: "schema:ReplaceAction", http.MethodDelete: "schema:DeleteAction",
}

// document describes the operation.
func (op *operation) document() docOperation {
	d := docOperation{Type: "hydra:Operation", About: op.sentence(), Method: op.method, Title: op.title(), Returns: "owl:Nothing"}
	if action := actionTypes[op.method]; action != "" {
		d.Type = []string{"hydra:Operation", action}
	}
	switch {
	case op.kind == opList:
		d.Returns = "hydra:Collection"
	case op.output != nil:
		d.Returns = op.output.name
	}
	switch {
	case op.input != nil:
		d.Expects = op.inName
	case op.method == http.MethodPost:
		d.Expects = "owl:Nothing"
	}
	if op.upload || op.text != "" || op.input != nil && op.method == http.MethodPatch {
		d.Headers = []docHeader{{Name: "Content-Type", Values: op.accepts()}}
	}
	return d
}

// entrypointClass describes the entrypoint: one property for each collection,
// with what can be done there.
func (api *API) entrypointClass() docClass {
	c := docClass{ID: "#Entrypoint", Type: "hydra:Class", Title: "Entrypoint", Properties: []docProperty{}}
	for _, res := range api.listed() {
		list := res.collection()
		p := docProperty{
			Type: "hydra:SupportedProperty", Title: list.title(), Readable: true,
			About: "The collection of " + res.name + " resources",
			Property: docRDF{
				ID: "#Entrypoint/" + shortNameKey(res.name), Type: "hydra:Link", Domain: "#Entrypoint", MaxCardinality: 1,
				Range: membersRange(res.name), Operations: []docOperation{list.document()},
			},
		}
		for _, op := range res.operations {
			if op != list && op.atEntrypoint() && !op.misleads() {
				p.Property.Operations = append(p.Property.Operations, op.document())
			}
		}
		c.Properties = append(c.Properties, p)
	}
	return c
}

// membersRange says: a collection, all of whose members are of the class.
func membersRange(class string) any {
	type node map[string]any
	return []any{
		node{"@id": "hydra:Collection"},
		node{"owl:equivalentClass": node{
			"owl:onProperty": node{"@id": "hydra:member"}, "owl:allValuesFrom": node{"@id": "#" + class},
		}},
	}
}

// errorClasses describes the bodies of errors.
func errorClasses() []docClass {
	member := func(class, name, about, of string) docProperty {
		return docProperty{
			Type: "hydra:SupportedProperty", Title: name, About: about, Readable: true,
			Property: docRDF{ID: "#" + class + "/" + name, Type: "rdf:Property", Domain: "#" + class, Label: name, Range: of},
		}
	}
	problem := func(class string) []docProperty {
		return []docProperty{
			member(class, "title", "What kind of failure it is.", "xsd:string"),
			member(class, "detail", "What went wrong.", "xsd:string"),
			member(class, "status", "The HTTP status.", "xsd:integer"),
			member(class, "type", "The path of the kind of failure.", "xsd:string"),
		}
	}
	return []docClass{
		{ID: "#Error", Type: "hydra:Class", SubClassOf: "hydra:Error", Title: "Error", About: "A request that failed.", Properties: problem("Error")},
		{
			ID: "#ConstraintViolation", Type: "hydra:Class", SubClassOf: "hydra:Error", Title: "ConstraintViolation", About: "A request that breaks rules.",
			Properties: append(problem("ConstraintViolation"),
				member("ConstraintViolation", "violations", "The rules that are broken.", "#ConstraintViolationList")),
		},
		{
			ID: "#ConstraintViolationList", Type: "hydra:Class", Title: "ConstraintViolationList", About: "One broken rule.",
			Properties: []docProperty{
				member("ConstraintViolationList", "propertyPath", "The field that breaks the rule.", "xsd:string"),
				member("ConstraintViolationList", "message", "What is wrong with it.", "xsd:string"),
				member("ConstraintViolationList", "code", "The id of the rule.", "xsd:string"),
				member("ConstraintViolationList", "hint", "More for developers.", "xsd:string"),
			},
		},
	}
}
