package stripefake

import (
	"io"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
)

// params are the parameters of a request, nested as their names say: a[b][0]=c is
// a map with a list in it.
type params map[string]any

func readParams(r *http.Request) (in params, raw string, bad *problem) {
	raw = r.URL.RawQuery
	if r.Method == http.MethodPost {
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			return nil, "", invalid("", "", "The body can't be read.")
		}
		raw = string(body)
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, "", invalid("", "", "The parameters can't be read.")
	}
	tree := map[string]any{}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if !put(tree, split(name), values[name][0]) {
			return nil, "", invalid("parameter_unknown", name, "The parameter's name is not understood.")
		}
	}
	lists, _ := withLists(tree).(map[string]any)
	return lists, raw, nil
}

func split(name string) []string {
	head, rest, nested := strings.Cut(name, "[")
	path := []string{head}
	if nested {
		path = append(path, strings.Split(strings.TrimSuffix(rest, "]"), "][")...)
	}
	return path
}

func put(tree map[string]any, path []string, value string) bool {
	if len(path) == 1 {
		tree[path[0]] = value
		return true
	}
	next, ok := tree[path[0]].(map[string]any)
	if !ok {
		if tree[path[0]] != nil {
			return false
		}
		next = map[string]any{}
		tree[path[0]] = next
	}
	return put(next, path[1:], value)
}

// withLists makes lists of maps whose names are 0, 1, 2 and so on.
func withLists(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return v
	}
	list := make([]any, len(m))
	for name, each := range m {
		m[name] = withLists(each)
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(list) && list != nil {
			list[i] = m[name]
		} else {
			list = nil
		}
	}
	if len(m) > 0 && list != nil {
		return list
	}
	return m
}

func (p params) has(name string) bool { _, there := p[name]; return there }

func (p params) text(name string) string {
	s, _ := p[name].(string)
	return s
}

func (p params) bool(name string) bool { return p.text(name) == "true" }

func (p params) int(name string, otherwise int64) int64 {
	n, err := strconv.ParseInt(p.text(name), 10, 64)
	if err != nil {
		return otherwise
	}
	return n
}

func (p params) float(name string) float64 {
	f, _ := strconv.ParseFloat(p.text(name), 64)
	return f
}

func (p params) in(name string) params {
	m, _ := p[name].(map[string]any)
	return m
}

func (p params) list(name string) []any {
	l, _ := p[name].([]any)
	return l
}

// objects are the entries of a list of objects.
func (p params) objects(name string) (found []params) {
	for _, each := range p.list(name) {
		if m, ok := each.(map[string]any); ok {
			found = append(found, m)
		}
	}
	return found
}

func (p params) texts(name string) (found []string) {
	for _, each := range p.list(name) {
		if s, ok := each.(string); ok {
			found = append(found, s)
		}
	}
	return found
}

// metadata merges what is given into what is there: an empty value removes one.
func (p params) metadata(into map[string]string) map[string]string {
	if into == nil {
		into = map[string]string{}
	}
	for name, value := range p.in("metadata") {
		if s, _ := value.(string); s == "" {
			delete(into, name)
		} else {
			into[name] = s
		}
	}
	return into
}
