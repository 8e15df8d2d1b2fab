package stripefake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stripe/stripe-mock/embedded"
	mock "github.com/stripe/stripe-mock/server"
)

// Mock returns stripe-mock, Stripe's own stand-in, which knows all parameters and
// keeps nothing.
var Mock = sync.OnceValue(func() http.Handler {
	document, err := mock.LoadSpec(embedded.OpenAPISpec, "")
	if err != nil {
		panic("stripefake: " + err.Error())
	}
	fixtures, err := mock.LoadFixtures(embedded.OpenAPIFixtures, "")
	if err != nil {
		panic("stripefake: " + err.Error())
	}
	stub, err := mock.NewStubServer(fixtures, document, false, false)
	if err != nil {
		panic("stripefake: " + err.Error())
	}
	return http.HandlerFunc(stub.HandleRequest)
})

// askMock returns what stripe-mock has against a request; nil: nothing. The request
// can be read once more.
func askMock(r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	copied := r.Clone(r.Context())
	copied.Body = io.NopCloser(bytes.NewReader(body))
	w := httptest.NewRecorder()
	Mock().ServeHTTP(w, copied)
	if w.Code != http.StatusOK {
		return fmt.Errorf("stripe-mock refuses %s %s: %d %s", r.Method, r.URL.Path, w.Code, w.Body)
	}
	return nil
}

// conformity are the schemas of Stripe's OpenAPI document as JSON Schema, compiled
// when they are needed. Fields that it does not know are refused.
type conformity struct {
	mu       sync.Mutex
	compiler *jsonschema.Compiler
	compiled map[string]*jsonschema.Schema
	paths    map[string]map[int][]string // by method and number of parts
}

var conforming = sync.OnceValue(func() *conformity {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(embedded.OpenAPISpec))
	if err != nil {
		panic("stripefake: " + err.Error())
	}
	c := &conformity{compiler: jsonschema.NewCompiler(), compiled: map[string]*jsonschema.Schema{},
		paths: map[string]map[int][]string{http.MethodGet: {}, http.MethodPost: {}, http.MethodDelete: {}}}
	c.compiler.DefaultDraft(jsonschema.Draft2020)
	paths, _ := dig(document, "paths").(map[string]any)
	kinds, _ := dig(jsonSchema(document), "components", "schemas").(map[string]any)
	for path, operations := range paths {
		for _, method := range []string{"get", "post", "delete"} {
			if parts := strings.Count(path, "/") + 1; dig(operations, method) != nil {
				of := c.paths[strings.ToUpper(method)]
				of[parts] = append(of[parts], path)
			}
			for _, code := range []string{"200", "default"} {
				if answer := dig(operations, method, "responses", code, "content", "application/json", "schema"); answer != nil {
					kinds[method+path+code] = answer
				}
			}
		}
	}
	if err := c.compiler.AddResource("stripe.json", map[string]any{"$defs": kinds}); err != nil {
		panic("stripefake: " + err.Error())
	}
	return c
})

// dig goes down into nested maps; nil where there is nothing.
func dig(v any, path ...string) any {
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

// jsonSchema makes schemas of OpenAPI 3.0 those of JSON Schema: nullable becomes an
// alternative, and objects have no other fields than those they name.
func jsonSchema(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = jsonSchema(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = jsonSchema(v[name])
		}
		if to, is := v["$ref"].(string); is {
			v["$ref"] = "#/$defs/" + strings.TrimPrefix(to, "#/components/schemas/")
		}
		if _, object := v["properties"].(map[string]any); object && v["type"] == "object" && v["additionalProperties"] == nil {
			v["additionalProperties"] = false
		}
		if v["nullable"] == true {
			delete(v, "nullable")
			return map[string]any{"anyOf": []any{v, map[string]any{"type": "null"}}}
		}
	}
	return v
}

// schema is what the document says of a kind.
func (c *conformity) schema(kind string) (*jsonschema.Schema, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.compiled[kind]; known != nil {
		return known, nil
	}
	compiled, err := c.compiler.Compile("stripe.json#/$defs/" + url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(kind)))
	if err == nil {
		c.compiled[kind] = compiled
	}
	return compiled, err
}

// check holds content against what the document says of a kind.
func (c *conformity) check(kind string, content []byte) error {
	compiled, err := c.schema(kind)
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
	if err != nil {
		return err
	}
	return compiled.Validate(v)
}

// checkAnswer holds an answer against what the document says of the operation.
func (c *conformity) checkAnswer(method, path string, status int, body []byte) error {
	template, ok := c.template(method, path)
	if !ok {
		return fmt.Errorf("there is no %s %s", method, path)
	}
	code := "200"
	if status != http.StatusOK {
		code = "default"
	}
	return c.check(strings.ToLower(method)+template+code, body)
}

// template finds the path of the document that fits, one without parameters first.
func (c *conformity) template(method, path string) (string, bool) {
	found, best := "", 1000
	want := strings.Split(path, "/")
	for _, template := range c.paths[method][len(want)] {
		wild, fits := 0, true
		for i, part := range strings.Split(template, "/") {
			if strings.HasPrefix(part, "{") {
				wild++
			} else if part != want[i] {
				fits = false
			}
		}
		if fits && wild < best {
			found, best = template, wild
		}
	}
	return found, found != ""
}

// checkEvent holds an event and the object in it against the document.
func (c *conformity) checkEvent(body []byte) error {
	if err := c.check("event", body); err != nil {
		return err
	}
	var in struct {
		Data struct{ Object json.RawMessage }
	}
	var kind struct{ Object string }
	if err := json.Unmarshal(body, &in); err != nil {
		return err
	}
	if err := json.Unmarshal(in.Data.Object, &kind); err != nil {
		return err
	}
	return c.check(kind.Object, in.Data.Object)
}
