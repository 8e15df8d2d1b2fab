package contract

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// source is the name of the document within the compiler.
const source = "document:openapi"

// schemas compiles the schemas of one view of the document.
type schemas struct {
	document any
	mu       sync.Mutex // guards the compiler
	compiler *jsonschema.Compiler
	compiled sync.Map // pointer -> *jsonschema.Schema
}

// newSchemas returns the three views of the document: as it is, with nothing
// required, and without what only answers hold.
func newSchemas(document []byte) (answers, partial, requests *schemas, err error) {
	view := func(change func(map[string]any), formats bool) *schemas {
		if err != nil {
			return nil
		}
		var tree any
		if tree, err = jsonschema.UnmarshalJSON(bytes.NewReader(document)); err != nil {
			return nil
		}
		walk(tree, change)
		s := &schemas{document: tree, compiler: jsonschema.NewCompiler()}
		s.compiler.DefaultDraft(jsonschema.Draft2020)
		if formats {
			s.compiler.AssertFormat()
		}
		err = s.compiler.AddResource(source, tree)
		return s
	}
	answers = view(func(map[string]any) {}, true)
	partial = view(dropRequired, true)
	requests = view(dropReadOnly, false)
	return answers, partial, requests, err
}

// walk calls change on every object, the outer ones first.
func walk(node any, change func(map[string]any)) {
	switch node := node.(type) {
	case map[string]any:
		change(node)
		for _, inner := range node {
			walk(inner, change)
		}
	case []any:
		for _, inner := range node {
			walk(inner, change)
		}
	}
}

func dropRequired(node map[string]any) {
	if _, isList := node["required"].([]any); isList {
		delete(node, "required")
	}
}

// dropReadOnly lets read-only properties be anything: they are ignored when a
// body holds them.
func dropReadOnly(node map[string]any) {
	properties, ok := node["properties"].(map[string]any)
	if !ok {
		return
	}
	var optional []any
	for name, schema := range properties {
		if s, ok := schema.(map[string]any); ok && s["readOnly"] == true {
			properties[name] = true
		}
	}
	required, ok := node["required"].([]any)
	if !ok {
		return
	}
	for _, name := range required {
		if text, ok := name.(string); ok && properties[text] != true {
			optional = append(optional, name)
		}
	}
	node["required"] = optional
	if optional == nil {
		delete(node, "required")
	}
}

// fromToken reads a token of a JSON pointer (RFC 6901).
var fromToken = strings.NewReplacer("~1", "/", "~0", "~")

// has reports whether something stands at the pointer.
func (s *schemas) has(pointer string) bool {
	node := s.document
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		object, ok := node.(map[string]any)
		if !ok {
			return false
		}
		if node, ok = object[fromToken.Replace(token)]; !ok {
			return false
		}
	}
	return true
}

// check checks a body against the schema at the pointer. Bodies that are no
// JSON are not looked into.
func (s *schemas) check(pointer, media string, content []byte) error {
	if media != "application/json" && !strings.HasSuffix(media, "+json") {
		return nil
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
	if err != nil {
		return fmt.Errorf("the body is no JSON: %w", err)
	}
	return s.checkValue(pointer, value)
}

// checkValue checks a value against the schema at the pointer.
func (s *schemas) checkValue(pointer string, value any) error {
	if !s.has(pointer) {
		return nil
	}
	schema, err := s.compile(pointer)
	if err != nil {
		return err
	}
	if err := schema.Validate(value); err != nil {
		_, places, _ := strings.Cut(err.Error(), "\n") // the first line names the schema
		return fmt.Errorf("the schema at %s is broken\n%s", pointer, places)
	}
	return nil
}

func (s *schemas) compile(pointer string) (*jsonschema.Schema, error) {
	if known, ok := s.compiled.Load(pointer); ok {
		return known.(*jsonschema.Schema), nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	schema, err := s.compiler.Compile(source + "#" + (&url.URL{Fragment: pointer}).EscapedFragment())
	if err != nil {
		return nil, fmt.Errorf("the schema at %s: %w", pointer, err)
	}
	s.compiled.Store(pointer, schema)
	return schema, nil
}
