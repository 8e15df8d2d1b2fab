package sedetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// sampleBodies makes a body that should be accepted for every operation that
// reads one, from the examples and rules of the OpenAPI document.
func sampleBodies(t testing.TB, in *Instance, samples Samples) map[string]string {
	t.Helper()
	document, err := in.App.API().OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Paths map[string]map[string]struct {
			RequestBody struct {
				Content map[string]struct {
					Schema schema `json:"schema"`
				} `json:"content"`
			} `json:"requestBody"`
		} `json:"paths"`
		Components struct {
			Schemas map[string]schema `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(document, &d); err != nil {
		t.Fatal(err)
	}
	bodies := map[string]string{}
	for path, operations := range d.Paths {
		for method, op := range operations {
			name := strings.ToUpper(method) + " " + path
			for _, media := range []string{"application/json", "application/merge-patch+json"} {
				content, ok := op.RequestBody.Content[media]
				if !ok {
					continue
				}
				s := content.Schema
				if s.Ref != "" {
					s = d.Components.Schemas[s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]]
				}
				bodies[name] = s.sample(t)
			}
		}
	}
	for name, body := range samples {
		bodies[name] = body
	}
	return bodies
}

// schema is as much of a JSON schema as samples need.
type schema struct {
	Ref        string            `json:"$ref"`
	Properties map[string]schema `json:"properties"`
	Required   []string          `json:"required"`
	ReadOnly   bool              `json:"readOnly"`
	Type       any               `json:"type"`
	Format     string            `json:"format"`
	Example    any               `json:"example"`
	Enum       []any             `json:"enum"`
	Minimum    *int64            `json:"minimum"`
}

// sample is an object with the required fields, or with one field if none is.
func (s schema) sample(t testing.TB) string {
	t.Helper()
	object := map[string]any{}
	names := s.Required
	if len(names) == 0 {
		for name, p := range s.Properties {
			if !p.ReadOnly && p.Format != "iri-reference" && (p.Example != nil || len(p.Enum) > 0) {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		names = names[:min(1, len(names))]
	}
	for _, name := range names {
		object[name] = s.Properties[name].value()
	}
	body, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func (s schema) value() any {
	kind := fmt.Sprint(s.Type)
	switch {
	case s.Example != nil:
		return s.Example
	case len(s.Enum) > 0:
		return s.Enum[0]
	case strings.Contains(kind, "null"):
		return nil
	case kind == "integer" && s.Minimum != nil:
		return *s.Minimum
	case kind == "integer":
		return 1
	case kind == "boolean":
		return true
	case kind == "array":
		return []any{}
	case s.Format == "date-time":
		return "2030-01-02T09:00:00+00:00"
	}
	return "sample text"
}
