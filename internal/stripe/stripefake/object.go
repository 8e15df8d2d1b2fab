package stripefake

import (
	"encoding/json"
	"maps"
	"sync"

	"github.com/stripe/stripe-mock/embedded"
)

// object is one of Stripe's objects as JSON.
type object map[string]any

// schema is what is needed of a schema of Stripe's OpenAPI document.
type schema struct {
	Ref        string `json:"$ref"`
	Type       string
	Nullable   bool
	Enum       []any
	Required   []string
	Properties map[string]*schema
	AnyOf      []*schema
}

// schemas are read once for all tests of a process.
var schemas = sync.OnceValue(func() map[string]*schema {
	var document struct {
		Components struct{ Schemas map[string]*schema }
	}
	if err := json.Unmarshal(embedded.OpenAPISpec, &document); err != nil {
		panic("stripefake: Stripe's OpenAPI document can't be read: " + err.Error())
	}
	return document.Components.Schemas
})

// make returns an object with all that the document requires of its kind, as empty
// as it may be, and with what is given.
func makeObject(kind string, given object) object {
	o, ok := empty(schemas()[kind]).(object)
	if !ok {
		panic("stripefake: no object " + kind)
	}
	maps.Copy(o, given)
	return o
}

func empty(s *schema) any {
	switch {
	case s == nil || s.Nullable:
		return nil
	case s.Ref != "":
		return empty(schemas()[s.Ref[len("#/components/schemas/"):]])
	case len(s.Enum) > 0:
		return s.Enum[0]
	case len(s.AnyOf) > 0:
		return empty(s.AnyOf[0])
	}
	switch s.Type {
	case "string":
		return ""
	case "integer", "number":
		return 0
	case "boolean":
		return false
	case "array":
		return []any{}
	}
	o := object{}
	for _, name := range s.Required {
		o[name] = empty(s.Properties[name])
	}
	return o
}

// orNull is the text, or null where it is empty.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// when is a time in seconds, or null where there is none.
func when(seconds int64) any {
	if seconds == 0 {
		return nil
	}
	return seconds
}
