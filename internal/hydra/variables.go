package hydra

import "encoding/json"

// variable is one query parameter with which a collection can be narrowed or
// ordered.
type variable struct {
	name     string // "dateFrom[before]"
	property string // the field that it is about: "dateFrom"
	doc      string
	of       *spec    // whose values it takes; nil when it takes choices, a bool or text
	choices  []string // the values it can have
	initial  string   // what an empty value means
	boolean  bool
	list     bool // may be given more than once
}

// variablesOf lists the query parameters of the resource's collections: those
// that narrow, field by field in the order of declaration, then those that
// order.
func variablesOf(res *resource) []variable {
	var list []variable
	seen := map[string]bool{}
	for _, s := range res.specs {
		for _, filter := range s.filters {
			for _, v := range filter.variables(s) {
				if !seen[v.name] {
					seen[v.name] = true
					v.property = s.name
					list = append(list, v)
				}
			}
		}
	}
	for _, span := range res.spans {
		list = append(list,
			variable{name: span.Name + "[from]", property: span.To, of: res.spec(span.To),
				doc: "Only items that touch the stretch of time from this on: whose " + span.To + " is after it."},
			variable{name: span.Name + "[to]", property: span.From, of: res.spec(span.From),
				doc: "Only items that touch the stretch of time before this: whose " + span.From + " is before it."})
	}
	for _, s := range res.specs {
		if s.sortable {
			list = append(list, variable{
				name: "order[" + s.name + "]", property: s.name, choices: []string{"asc", "desc"}, initial: "asc",
				doc: "Orders by " + s.name + ".",
			})
		}
	}
	return list
}

// variables lists the query parameters that the filter reads for a field.
func (f Filter) variables(s *spec) []variable {
	n := s.name
	switch f {
	case Exact, Numeric:
		return []variable{
			{name: n, of: s, doc: "Only items whose " + n + " is this" + orKey(s) + "."},
			{name: n + "[]", of: s, list: true, doc: "Only items whose " + n + " is one of these" + orKey(s) + "."},
		}
	case Partial:
		return []variable{{name: n, doc: "Only items whose " + n + " contains this text, ignoring case and accents."}}
	case DateRange:
		return bounds(s, [][2]string{
			{"before", "at or before"}, {"strictly_before", "before"}, {"after", "at or after"}, {"strictly_after", "after"},
		})
	case Boolean:
		return []variable{{name: n, boolean: true, doc: "Only items whose " + n + " is this."}}
	case Range:
		between := variable{name: n + "[between]", doc: "Only items whose " + n + " lies between two values, both included: low..high."}
		return append([]variable{between}, bounds(s, [][2]string{
			{"gt", "greater than"}, {"gte", "at least"}, {"lt", "less than"}, {"lte", "at most"},
		})...)
	case Existence:
		return []variable{{name: "exists[" + n + "]", boolean: true, doc: "Only items whose " + n + " is stated (true) or null (false)."}}
	}
	return nil
}

// orKey says in which ways a reference can be named.
func orKey(s *spec) string {
	if s.target != "" {
		return " (IRI or id)"
	}
	return ""
}

func bounds(s *spec, words [][2]string) []variable {
	list := make([]variable, len(words))
	for i, w := range words {
		list[i] = variable{name: s.name + "[" + w[0] + "]", of: s, doc: "Only items whose " + s.name + " is " + w[1] + " this."}
	}
	return list
}

// mapping is one variable of a search template. Its keys have no prefix in any
// spelling.
type mapping struct {
	Type     string `json:"@type"`
	Variable string `json:"variable"`
	Property string `json:"property"`
	Required bool   `json:"required"`
}

// searchTemplate returns the members of a collection that say how it can be
// searched, `"hydra:search":{…}` in the spellings of the API. It is empty when
// the resource has no variables.
func (api *API) searchTemplate(res *resource) []byte {
	if len(res.variables) == 0 {
		return nil
	}
	template := api.prefix + res.path + "{?"
	mappings := make([]mapping, len(res.variables))
	for i, v := range res.variables {
		if i > 0 {
			template += ","
		}
		template += v.name
		mappings[i] = mapping{Type: "IriTemplateMapping", Variable: v.name, Property: v.property}
	}
	list, _ := json.Marshal(mappings) // strings and bools always can be
	var dst []byte
	add := func(prefix string) {
		if len(dst) > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `"`+prefix+`search":{"@type":"hydra:IriTemplate","`+prefix+`template":`...)
		dst = appendString(dst, template+"}")
		dst = append(dst, `,"`+prefix+`variableRepresentation":"BasicRepresentation","`+prefix+`mapping":`...)
		dst = append(append(dst, list...), '}')
	}
	if api.Keys != Plain {
		add("hydra:")
	}
	if api.Keys != Prefixed {
		add("")
	}
	return dst
}
