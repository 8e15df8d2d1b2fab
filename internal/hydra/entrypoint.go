package hydra

import "sort"

// The entrypoint, the contexts and the API documentation are the documents by
// which a Hydra client finds its way: the entrypoint says where the collections
// are, the contexts say what the keys of an item mean, and the documentation,
// which the Link header of every answer points at, says what can be done.

// entrypointPath is where the entrypoint is: "/" or the prefix alone.
func (api *API) entrypointPath() string {
	if api.prefix == "" {
		return "/"
	}
	return api.prefix
}

// collection returns the operation that lists the resource, nil when there is
// none that needs no parent.
func (res *resource) collection() *operation {
	for _, op := range res.operations {
		if op.kind == opList && op.path == res.path {
			return op
		}
	}
	return nil
}

// listed returns the resources that have a collection, ordered by their key in
// the entrypoint.
func (api *API) listed() []*resource {
	var list []*resource
	for _, res := range api.resources {
		if res.collection() != nil {
			list = append(list, res)
		}
	}
	sort.Slice(list, func(i, j int) bool { return shortNameKey(list[i].name) < shortNameKey(list[j].name) })
	return list
}

// entrypointDocument is the answer to GET / as JSON-LD.
func (api *API) entrypointDocument() []byte {
	dst := appendString([]byte(`{"@context":`), api.prefix+"/contexts/Entrypoint")
	dst = appendString(append(dst, `,"@id":`...), api.entrypointPath())
	dst = append(dst, `,"@type":"Entrypoint"`...)
	for _, res := range api.listed() {
		dst = appendString(append(dst, ','), shortNameKey(res.name))
		dst = appendString(append(dst, ':'), api.prefix+res.path)
	}
	return append(dst, '}')
}
