package hydra

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Describe adds to the OpenAPI document what no resource declares, such as the
// sign-in: paths below the API's prefix, their schemas and tags. It finds the
// shared components in place (see AddProblems) and writes OpenAPI 3.1.
type Describe func(document *openapi3.T)

// The versions of OpenAPI that sede speaks.
const (
	openAPIVersion    = "3.1.0"
	openAPIDowngraded = "3.0.3"
)

// orderKey is the extension by which a schema tells the order of its
// properties to encodeOpenAPI. It is in no published document.
const orderKey = "x-order"

// OpenAPI is the OpenAPI 3.1 document of all resources and of what was added by
// Describe functions. The same declarations always give the same bytes. It takes
// some milliseconds to make and is not checked: see CheckOpenAPI.
func (api *API) OpenAPI() ([]byte, error) {
	document, err := api.openAPITree()
	if err != nil {
		return nil, err
	}
	return encodeOpenAPI(document), nil
}

// OpenAPI30 is the same document for tools that know OpenAPI 3.0 only, as
// answered to ?spec_version=3.0.0: null is said by nullable instead of a type.
func (api *API) OpenAPI30() ([]byte, error) {
	document, err := api.openAPITree()
	if err != nil {
		return nil, err
	}
	downgrade(document)
	document["openapi"] = openAPIDowngraded
	return encodeOpenAPI(document), nil
}

// CheckOpenAPI returns where the document, in either version, breaks the
// specification. That takes longer than a start should, so tests do it.
func (api *API) CheckOpenAPI() error {
	for _, make := range []func() ([]byte, error){api.OpenAPI, api.OpenAPI30} {
		content, err := make()
		if err != nil {
			return err
		}
		document, err := openapi3.NewLoader().LoadFromData(content)
		if err == nil {
			err = document.Validate(context.Background())
		}
		if err != nil {
			return fmt.Errorf("hydra: OpenAPI document: %w", err)
		}
	}
	return nil
}

// openAPITree assembles the document as plain JSON values.
func (api *API) openAPITree() (map[string]any, error) {
	document := api.newOpenAPI()
	for _, res := range api.resources {
		api.addSchemas(document, res)
		for _, op := range res.operations {
			document.AddOperation(op.path, op.method, api.describeOperation(document, op))
		}
	}
	for _, describe := range api.describe {
		describe(document)
	}
	sort.Slice(document.Tags, func(i, j int) bool { return document.Tags[i].Name < document.Tags[j].Name })
	content, err := document.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("hydra: OpenAPI document: %w", err)
	}
	tree := map[string]any{}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	if err := decoder.Decode(&tree); err != nil {
		return nil, fmt.Errorf("hydra: OpenAPI document: %w", err)
	}
	return tree, nil
}

// newOpenAPI returns the document without any resource.
func (api *API) newOpenAPI() *openapi3.T {
	server := "/"
	if api.prefix != "" {
		server = api.prefix
	}
	document := &openapi3.T{
		OpenAPI:    openAPIVersion,
		Info:       &openapi3.Info{Title: api.Title, Description: api.Description, Version: api.Version},
		Servers:    openapi3.Servers{{URL: server}},
		Paths:      openapi3.NewPaths(),
		Components: sharedComponents(api.Keys),
		Security:   openapi3.SecurityRequirements{{securityName: {}}},
	}
	for _, res := range api.resources {
		if len(res.operations) > 0 {
			doc := res.doc
			if doc == "" {
				doc = "Resource '" + res.name + "' operations."
			}
			document.Tags = append(document.Tags, &openapi3.Tag{Name: res.name, Description: doc})
		}
	}
	return document
}

// downgrade turns the JSON Schema of OpenAPI 3.1 into that of 3.0: a type that
// admits null becomes the type alone with nullable.
func downgrade(node any) {
	switch node := node.(type) {
	case []any:
		for _, element := range node {
			downgrade(element)
		}
	case map[string]any:
		if types, ok := node["type"].([]any); ok {
			var rest []any
			for _, t := range types {
				if t != "null" {
					rest = append(rest, t)
				}
			}
			if len(rest) == 1 && len(types) == 2 {
				node["type"], node["nullable"] = rest[0], true
			}
		}
		for _, element := range node {
			downgrade(element)
		}
	}
}

// encodeOpenAPI writes the document. Keys are sorted, but for those of the
// document itself and for properties, which keep the order of their declaration.
func encodeOpenAPI(document map[string]any) []byte {
	document[orderKey] = []any{"openapi", "info", "servers", "tags", "paths", "components", "security"}
	return appendOrdered(nil, document, order(document))
}

// order is the order of keys that an object asks for.
func order(object map[string]any) []string {
	list, _ := object[orderKey].([]any)
	names := make([]string, 0, len(list))
	for _, name := range list {
		if text, ok := name.(string); ok {
			names = append(names, text)
		}
	}
	return names
}

// appendOrdered adds a JSON value. The keys of an object stand in the order
// given, then by name.
func appendOrdered(dst []byte, node any, first []string) []byte {
	switch node := node.(type) {
	case map[string]any:
		dst = append(dst, '{')
		for i, name := range orderedKeys(node, first) {
			if i > 0 {
				dst = append(dst, ',')
			}
			var inner []string
			if name == "properties" {
				inner = order(node)
			}
			dst = append(appendString(dst, name), ':')
			dst = appendOrdered(dst, node[name], inner)
		}
		return append(dst, '}')
	case []any:
		return appendList(dst, node, func(dst []byte, element *any) []byte { return appendOrdered(dst, *element, nil) })
	case string:
		return appendString(dst, node)
	default:
		return append(dst, marshal(node)...)
	}
}

// orderedKeys lists the keys of the object but the order's own.
func orderedKeys(object map[string]any, first []string) []string {
	rank := make(map[string]int, len(first))
	for i, name := range first {
		rank[name] = i - len(first)
	}
	keys := make([]string, 0, len(object))
	for name := range object {
		if name != orderKey {
			keys = append(keys, name)
		}
	}
	sort.Slice(keys, func(i, j int) bool {
		if a, b := rank[keys[i]], rank[keys[j]]; a != b {
			return a < b
		}
		return keys[i] < keys[j]
	})
	return keys
}

// operationID names an operation the way API Platform does, e.g.
// api_locations_id_get or api_organizationsclear_post.
func (op *operation) operationID() string {
	path := strings.NewReplacer("/", "", "{", "_", "}", "").Replace(op.path)
	id := "api_" + path + "_" + strings.ToLower(op.method)
	if op.kind == opList {
		id += "_collection"
	}
	return id
}

// hasKey reports whether the path names an item.
func hasKey(path string) bool { return strings.Contains(path, "{id}") }

func upperFirst(name string) string { return strings.ToUpper(name[:1]) + name[1:] }
