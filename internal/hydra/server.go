package hydra

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"sede/internal/fault"
	"sede/internal/throttle"
)

// suffixKey is the context key of the format that a path's suffix asks for.
type suffixKey struct{}

// Route is a handler beside the resources, under a pattern of http.ServeMux
// without the prefix, e.g. "POST /login". Its requests are counted for the
// address that they come from.
type Route struct {
	Pattern string
	Handler http.Handler
	Class   throttle.Class                                          // ByMethod, or a class with limits of its own
	Problem func(w http.ResponseWriter, r *http.Request, err error) // answers what is over a limit; nil: as the resources do
}

// Handler serves the resources, their documents and the extra routes.
func (api *API) Handler(extra ...Route) http.Handler {
	mux := http.NewServeMux()
	for _, rt := range api.routes {
		mux.Handle(api.prefix+rt.path, api.handler(rt))
	}
	api.handleDocuments(mux)
	methods := map[string][]string{}
	for _, e := range extra {
		method, path, _ := strings.Cut(e.Pattern, " ")
		if method == http.MethodGet {
			methods[path] = append(methods[path], http.MethodHead)
		}
		methods[path] = append(methods[path], method)
		handler := api.limited(e, orMethod(e.Class, method))
		mux.Handle(method+" "+api.prefix+path, handler)
		if api.prefix != "" && strings.HasPrefix(path, "/.well-known/") { // always below the host too (RFC 8615)
			mux.Handle(method+" "+path, handler)
		}
	}
	for path, allowed := range methods {
		mux.HandleFunc(api.prefix+path, func(w http.ResponseWriter, r *http.Request) { api.otherMethod(w, r, allowed) })
	}
	return api.withSuffix(mux)
}

// limited holds the requests of a route to the limits of the class.
func (api *API) limited(e Route, class throttle.Class) http.Handler {
	if api.Limit == nil {
		return e.Handler
	}
	problem := e.Problem
	if problem == nil {
		problem = api.WriteProblem
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := api.Limit(w.Header(), r, nil, class); err != nil {
			problem(w, r, err)
			return
		}
		e.Handler.ServeHTTP(w, r)
	})
}

// otherMethod answers OPTIONS on a route and refuses the methods it lacks.
func (api *API) otherMethod(w http.ResponseWriter, r *http.Request, allowed []string) {
	list := strings.Join(allowed, ", ")
	w.Header().Set("Allow", "OPTIONS, "+list)
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	api.WriteProblem(w, r, fault.New(fault.MethodNotAllowed, `No route found for "%s %s": Method Not Allowed (Allow: %s)`,
		r.Method, api.origin(r)+r.URL.Path, list))
}

// withSuffix lets a path name a format, as in /locations.jsonld: the suffix is
// cut off and the format required.
func (api *API) withSuffix(next *http.ServeMux) http.Handler {
	byName := map[string]*format{}
	for _, f := range api.formats {
		byName[f.suffix] = f
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		dot := strings.LastIndexByte(path, '.')
		if dot < 0 || strings.IndexByte(path[dot:], '/') >= 0 || strings.HasPrefix(strings.TrimPrefix(path, api.prefix), "/.well-known/") {
			next.ServeHTTP(w, r)
			return
		}
		f := byName[path[dot+1:]]
		if f == nil {
			if _, pattern := next.Handler(r); pattern != "/" && pattern != "" && !strings.HasSuffix(pattern, "/{id}") && !strings.HasSuffix(pattern, "/{name}") {
				next.ServeHTTP(w, r)
				return
			}
			api.WriteProblem(w, r, fault.New(fault.NotFound, "Format %q is not supported", path[dot+1:]))
			return
		}
		cut := r.WithContext(context.WithValue(r.Context(), suffixKey{}, f))
		target := *r.URL
		target.Path, target.RawPath = path[:dot], ""
		if strings.HasSuffix(target.Path, "/index") {
			target.Path = strings.TrimSuffix(target.Path, "index")
		}
		cut.URL = &target
		defer func() { r.Pattern = cut.Pattern }() // for the metrics and the log
		next.ServeHTTP(w, cut)
	})
}

// NotFound answers a path that is no route.
func (api *API) NotFound(w http.ResponseWriter, r *http.Request) {
	api.WriteProblem(w, r, fault.New(fault.NotFound, `No route found for "%s %s"`, r.Method, api.origin(r)+r.URL.Path))
}

// documents are the answers that do not depend on data.
type documents struct {
	entrypoint []byte
	openAPI    func() ([]byte, error) // made when first asked for
	openAPI30  func() ([]byte, error)
	page       http.Handler
}

// buildDocuments makes the documents and the search templates.
func (api *API) buildDocuments() {
	for _, res := range api.resources {
		if len(res.variables) > 0 {
			res.search = api.searchTemplate(res)
		}
	}
	api.static.entrypoint = api.entrypointDocument()
	api.static.page = api.docsPage()
	api.static.openAPI = sync.OnceValues(api.OpenAPI)
	api.static.openAPI30 = sync.OnceValues(api.OpenAPI30)
}

// handleDocuments adds the entrypoint, contexts, documentation, sample errors
// and the answer for everything else.
func (api *API) handleDocuments(mux *http.ServeMux) {
	at := func(path string, offer []*format, serve func(w http.ResponseWriter, r *http.Request, f *format) error) {
		mux.HandleFunc(api.prefix+path, func(w http.ResponseWriter, r *http.Request) {
			if err := api.document(w, r, offer, serve); err != nil {
				api.WriteProblem(w, r, err)
			}
		})
	}
	at("/{$}", []*format{formatJSONLD, formatHTML}, api.serveEntrypoint)
	if api.prefix != "" {
		at("", []*format{formatJSONLD, formatHTML}, api.serveEntrypoint)
	}
	at("/contexts/{name}", []*format{formatJSONLD}, func(w http.ResponseWriter, r *http.Request, f *format) error {
		context, ok := api.contextDocument(api.docsURL(r), r.PathValue("name"))
		if !ok {
			return fault.Missing()
		}
		return api.writeDocument(w, r, f, context)
	})
	at("/docs", documentFormats, api.serveDocs)
	mux.Handle("GET "+api.prefix+"/docs/{asset}", api.static.page)
	at("/errors/{status}", errorFormats, api.serveSampleError)
	mux.HandleFunc("/", api.NotFound)
}

// serveEntrypoint answers with where the collections are; a browser is sent on
// to the page to read.
func (api *API) serveEntrypoint(w http.ResponseWriter, r *http.Request, f *format) error {
	if f == formatHTML {
		http.Redirect(w, r, api.prefix+"/docs", http.StatusSeeOther)
		return nil
	}
	return api.writeDocument(w, r, f, api.static.entrypoint)
}

// document answers GET and HEAD on a document in the format asked for.
func (api *API) document(w http.ResponseWriter, r *http.Request, offer []*format, serve func(http.ResponseWriter, *http.Request, *format) error) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions:
		w.Header().Set("Allow", "OPTIONS, HEAD, GET")
		w.WriteHeader(http.StatusNoContent)
		return nil
	default:
		w.Header().Set("Allow", "OPTIONS, HEAD, GET")
		return fault.New(fault.MethodNotAllowed, `No route found for "%s %s": Method Not Allowed (Allow: %s)`, r.Method, api.origin(r)+r.URL.Path, "HEAD, GET")
	}
	if f, ok := r.Context().Value(suffixKey{}).(*format); ok {
		for _, o := range offer {
			if o == f {
				return serve(w, r, f)
			}
		}
		return fault.New(fault.NotFound, "Format %q is not supported", f.suffix)
	}
	f := choose(r.Header.Get("Accept"), offer)
	if f == nil {
		return notAcceptable(r.Header.Get("Accept"), offer)
	}
	return serve(w, r, f)
}

// writeDocument sends a document that anybody may keep for an hour and then
// check again by its ETag.
func (api *API) writeDocument(w http.ResponseWriter, r *http.Request, f *format, content []byte) error {
	h := w.Header()
	h["Link"] = api.links.of(api, r)
	h["X-Content-Type-Options"] = nosniff
	h["X-Frame-Options"] = deny
	h["Vary"] = varyAccept
	h.Set("Allow", "OPTIONS, HEAD, GET")
	h.Set("Cache-Control", "public, max-age=0, must-revalidate")
	x := exchange{api: api, w: w, r: r, format: f, etag: bodyTag(0, content)}
	if x.notModifiedDocument() {
		return nil
	}
	h["Etag"] = []string{x.etag}
	h["Content-Type"] = f.header
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(content)
	return nil
}

// notModifiedDocument is notModified with the headers of a document.
func (x *exchange) notModifiedDocument() bool {
	if x.r.Header.Get("If-None-Match") != x.etag {
		return false
	}
	x.w.Header()["Etag"] = []string{x.etag}
	x.w.WriteHeader(http.StatusNotModified)
	return true
}

// docsURL is the absolute URL of the Hydra documentation as this caller
// reaches it.
func (api *API) docsURL(r *http.Request) string { return api.origin(r) + api.prefix + "/docs.jsonld" }

// serveDocs answers /docs as Hydra, OpenAPI or a page to read and try.
func (api *API) serveDocs(w http.ResponseWriter, r *http.Request, f *format) error {
	switch f {
	case formatHTML:
		api.static.page.ServeHTTP(w, r)
		return nil
	case formatJSONLD:
		return api.writeDocument(w, r, f, api.apiDocumentation(api.docsURL(r)))
	}
	document := api.static.openAPI
	if strings.HasPrefix(r.URL.Query().Get("spec_version"), "3.0") {
		document = api.static.openAPI30
	}
	content, err := document()
	if err != nil {
		return err
	}
	return api.writeDocument(w, r, f, content)
}

// serveSampleError answers /errors/404 with a sample of that error.
func (api *API) serveSampleError(w http.ResponseWriter, r *http.Request, _ *format) error {
	for kind := fault.Internal; kind <= fault.Unavailable; kind++ {
		if r.PathValue("status") == strconv.Itoa(kind.Status()) {
			return fault.New(kind, "%s", http.StatusText(kind.Status()))
		}
	}
	return fault.Missing()
}
