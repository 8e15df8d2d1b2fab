// Package hydra serves resources the way an API Platform backend does. A
// feature declares a Resource once: its fields and their rules, its operations,
// who may use them, and how collections are filtered and ordered. From that one
// declaration come the routes, the reading and checking of bodies, JSON-LD and
// the other formats, collections with their pages and search templates, errors,
// the Hydra documentation with its contexts, and the OpenAPI document.
//
// A request goes through these steps, and the first that fails answers: route
// (404, 405), limits (429), who calls (401), the scopes of their API key (403),
// Accept (406), Content-Type (415), the item is read (404), its access rule is
// checked (403), the body is decoded (400) and checked against the rules (422),
// the work is done. Bodies are read before the transaction that uses them begins,
// and what they change is applied inside it.
//
// Encoders are compiled when sede starts and append to pooled buffers; nothing
// is reflected upon while a request is served.
package hydra

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sort"
	"strings"

	"sede/internal/access"
	"sede/internal/clock"
	"sede/internal/fault"
	"sede/internal/secret"
	"sede/internal/throttle"
)

// Keys chooses how Hydra's own keys are spelled in collections and errors.
type Keys string

// The spellings. In every one of them totalItems is there without a prefix.
const (
	Prefixed Keys = "prefixed" // hydra:member, as API Platform 2 and 3 do
	Plain    Keys = "plain"    // member, as API Platform 4 does
	Both     Keys = "both"     // each key twice
)

// Config is what an API needs to know.
type Config struct {
	Title       string
	Description string
	Version     string // empty: dev
	Prefix      string // of all paths: empty or e.g. "/api"
	BaseURL     string // e.g. https://sede.example; empty: taken from each request
	Keys        Keys   // empty: Prefixed
	MaxBody     int64  // bytes of a body without files; 0: 1 MiB
	FileSpace   int64  // bytes of all spooled files that are there at once; 0: 4 GiB
	Log         *slog.Logger
	Clock       clock.Clock
	Secret      *secret.Box // seals stored answers that hold secrets; needed when a field is Secret
	// Context returns the context of requests that may change something; nil: the
	// request's own.
	Context func(r *http.Request) context.Context
	// Authenticate returns who calls, nil for nobody, or an Unauthorized error
	// for a token that is no good.
	Authenticate func(r *http.Request) (*access.Caller, error)
	// Limit counts the request for who sends it, nil for nobody and for a token
	// that is no good. It sets header fields that say how much is left, and
	// returns a TooManyRequests error when nothing is. nil: no limits.
	Limit func(h http.Header, r *http.Request, who *access.Caller, class throttle.Class) error
	// Offers returns what can be bought to get one of the modules, for answers
	// that are PaymentRequired; nil: they don't say.
	Offers func(ctx context.Context, modules []string) (fault.Items, error)
}

// API is a set of resources, ready to be served. It is safe for concurrent use.
type API struct {
	Config
	prefix    string
	resources []*resource
	byName    map[string]*resource
	byPath    map[string]*resource
	bases     map[string]string // resource name -> "/api/locations/"
	models    []any
	formats   []*format // all there are
	pending   []func() error
	routes    []*route
	links     hostLinks
	static    documents
	underway  underway
	uploads   uploads
	describe  []Describe
}

// route is a path and its operations.
type route struct {
	path       string
	operations []*operation
	allow      []string // header values, ready to be set
	acceptPost []string
	patch      []string
}

// New compiles the declarations. It fails when one contradicts itself or
// another, and when an operation declares no access rule.
func New(config Config, declarations []Declaration, describe ...Describe) (*API, error) {
	api := &API{
		Config: config, prefix: strings.TrimSuffix(config.Prefix, "/"), describe: describe,
		formats: append([]*format(nil), ownFormats...),
		byName:  map[string]*resource{}, byPath: map[string]*resource{}, bases: map[string]string{},
	}
	if api.Keys == "" {
		api.Keys = Prefixed
	}
	if api.Version == "" {
		api.Version = "dev"
	}
	if api.MaxBody == 0 {
		api.MaxBody = 1 << 20
	}
	api.uploads.space = cmp.Or(api.FileSpace, defaultSpace)
	if api.Log == nil {
		api.Log = slog.New(slog.DiscardHandler)
	}
	if api.Clock == nil {
		api.Clock = clock.System{}
	}
	if api.prefix != "" && api.prefix[0] != '/' {
		return nil, fmt.Errorf("hydra: prefix %q must start with a slash", config.Prefix)
	}
	for _, d := range declarations {
		if err := d.compile(api); err != nil {
			return nil, err
		}
	}
	for _, bind := range api.pending {
		if err := bind(); err != nil {
			return nil, err
		}
	}
	if err := api.link(); err != nil {
		return nil, err
	}
	api.buildDocuments()
	return api, nil
}

// link checks that references have targets and groups operations by path.
func (api *API) link() error {
	paths := map[string]*route{}
	for _, res := range api.resources {
		head, _ := res.around()
		api.bases[res.name] = api.prefix + head
		if !res.isPart() {
			api.byPath[res.path] = res
		}
		for _, s := range res.specs {
			if target := api.byName[s.target]; s.target != "" && (target == nil || target.isPart()) {
				return mismatch(res.name, "field %s points at unknown resource %s", s.name, s.target)
			}
		}
		for _, op := range res.operations {
			r := paths[op.path]
			if r == nil {
				r = &route{path: op.path}
				paths[op.path] = r
				api.routes = append(api.routes, r)
			}
			for _, other := range r.operations {
				if other.method == op.method {
					return mismatch(res.name, "%s %s declared twice", op.method, op.path)
				}
			}
			r.operations = append(r.operations, op)
		}
	}
	for _, r := range api.routes {
		r.prepare()
	}
	return nil
}

// prepare renders the headers that every answer of the path carries.
func (r *route) prepare() {
	methods := []string{http.MethodOptions}
	for _, op := range r.operations {
		if op.method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
		methods = append(methods, op.method)
		switch op.method {
		case http.MethodPost:
			r.acceptPost = []string{strings.Join(op.accepts(), ", ")}
		case http.MethodPatch:
			r.patch = []string{strings.Join(op.accepts(), ", ")}
		}
	}
	r.allow = []string{strings.Join(methods, ", ")}
}

// base is the path of a resource's items up to the key, e.g. "/api/locations/".
func (api *API) base(name string) string { return api.bases[name] }

// locate returns the resource and the key that an IRI names, nil when it names
// no item. The IRI may be absolute when it is of this API's base URL.
func (api *API) locate(iri string) (*resource, string) {
	if api.BaseURL != "" {
		iri = strings.TrimPrefix(iri, strings.TrimSuffix(api.BaseURL, "/"))
	}
	path, ok := strings.CutPrefix(iri, api.prefix)
	if !ok {
		return nil, ""
	}
	slash := strings.LastIndexByte(path, '/')
	if slash < 1 || slash == len(path)-1 {
		return nil, ""
	}
	return api.byPath[path[:slash]], path[slash+1:]
}

// Scopes lists the scopes that API keys can have, sorted: one for each resource
// that a key can read or change, and those for all.
func (api *API) Scopes() []string {
	list := []string{access.Grant{Resource: "*"}.String(), access.Grant{Resource: "*", Write: true}.String()}
	for _, r := range api.routes {
		for _, op := range r.operations {
			if !op.rule.IsPublic() && !op.rule.IsInPerson() && !op.rule.OperatorsOnly() {
				list = append(list, op.scope.String())
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// OperationInfo describes one operation to tests that sweep all of them.
type OperationInfo struct {
	Resource   string // its name
	Method     string
	Path       string // with the prefix, and {id}
	Rule       access.Rule
	Scope      access.Grant // what an API key needs
	Collection bool
	Inputs     []InputInfo // the fields a body may hold
	Filters    []string    // the query parameters of a collection
}

// InputInfo describes one field of a body.
type InputInfo struct {
	Name     string
	Target   string // references: the resource
	Required bool
}

// Operations lists every operation, ordered by path and method.
func (api *API) Operations() []OperationInfo {
	var list []OperationInfo
	for _, r := range api.routes {
		for _, op := range r.operations {
			info := OperationInfo{Resource: op.of.name, Method: op.method, Path: api.prefix + op.path, Rule: op.rule, Scope: op.scope, Collection: op.kind == opList}
			for _, s := range op.input {
				info.Inputs = append(info.Inputs, InputInfo{Name: s.name, Target: s.target, Required: s.required})
			}
			if op.kind == opList {
				for _, v := range op.output.variables {
					info.Filters = append(info.Filters, v.name)
				}
			}
			list = append(list, info)
		}
	}
	sort.Slice(list, func(i, j int) bool {
		if list[i].Path != list[j].Path {
			return list[i].Path < list[j].Path
		}
		return list[i].Method < list[j].Method
	})
	return list
}
