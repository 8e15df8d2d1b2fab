package web

import (
	"crypto/rand"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
)

// requestIDs makes ids that are unique over processes and restarts: a random
// beginning and a number.
type requestIDs struct {
	beginning string
	last      *atomic.Uint64
}

func newRequestIDs() requestIDs {
	return requestIDs{beginning: strings.ToLower(rand.Text()[:10]) + "-", last: new(atomic.Uint64)}
}

// maxRequestID is the longest id that is taken over from a caller.
const maxRequestID = 128

// of returns the id as the value of a header: the caller's own, if it is
// harmless in logs, else a new one.
func (ids requestIDs) of(r *http.Request) []string {
	if given := r.Header["X-Request-Id"]; len(given) == 1 && isRequestID(given[0]) {
		return given
	}
	buf := make([]byte, 0, 32)
	buf = strconv.AppendUint(append(buf, ids.beginning...), ids.last.Add(1), 36)
	return []string{string(buf)}
}

func isRequestID(id string) bool {
	if len(id) == 0 || len(id) > maxRequestID {
		return false
	}
	for i := range len(id) {
		c := id[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && strings.IndexByte("-_.:/+=", c) < 0 {
			return false
		}
	}
	return true
}
