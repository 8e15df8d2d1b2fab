package access

import "strings"

// Grant is one scope of an API key: what it may read, or change.
type Grant struct {
	Resource string // the first segment of a resource's path, e.g. "locations"; "*" for all
	Write    bool   // changing, which includes reading, since changes answer with the item
}

// ParseGrant reads a scope such as "locations:read" or "*:write"; false when it
// is spelled otherwise.
func ParseGrant(scope string) (Grant, bool) {
	resource, verb, ok := strings.Cut(scope, ":")
	return Grant{Resource: resource, Write: verb == "write"}, ok && resource != "" && (verb == "read" || verb == "write")
}

// String returns the scope as ParseGrant reads it.
func (g Grant) String() string {
	if g.Write {
		return g.Resource + ":write"
	}
	return g.Resource + ":read"
}

// Grants are all scopes of an API key.
type Grants []Grant

// Allow reports whether one of the scopes covers the resource.
func (g Grants) Allow(needed Grant) bool {
	for i := range g {
		if (g[i].Resource == needed.Resource || g[i].Resource == "*") && (g[i].Write || !needed.Write) {
			return true
		}
	}
	return false
}
