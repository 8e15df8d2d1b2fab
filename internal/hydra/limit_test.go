package hydra

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/fault"
	"sede/internal/throttle"
)

// TestLimit looks at who and what is counted, and that a refusal comes before
// everything else but the route.
func TestLimit(t *testing.T) {
	t.Parallel()
	var asked string
	refuse := false
	h := notes(t, Config{Limit: func(h http.Header, _ *http.Request, who *access.Caller, class throttle.Class) error {
		asked = fmt.Sprintf("%s by %v", class, who != nil)
		h["Ratelimit"] = []string{"told"}
		if refuse {
			return &fault.Error{Kind: fault.TooManyRequests, RetryAfter: time.Second, Text: fault.Textf("Not Found")}
		}
		return nil
	}})
	item := "/notes/" + noteID.String()
	for _, test := range []struct {
		method, path, token string
		want                string
		status              int
	}{
		{"GET", item, "Bearer admin", "read by true", 200},
		{"HEAD", item, "Bearer admin", "read by true", 200},
		{"GET", "/notes", "Bearer guest", "read by true", 403},
		{"GET", item, "Bearer bad", "read by false", 401},
		{"GET", item, "", "read by false", 401},
		{"PATCH", item, "Bearer admin", "write by true", 415},
		{"DELETE", item, "Bearer admin", "write by true", 204},
		{"POST", "/notes/upload", "Bearer admin", "heavy by true", 415},
		{"POST", "/notes/crash", "", "write by false", 500},
		{"GET", "/plain", "Bearer admin", "read by false", 418},
		{"PUT", item, "Bearer admin", "", 405},
		{"OPTIONS", item, "Bearer admin", "", 204},
		{"GET", "/docs.jsonld", "Bearer admin", "", 200},
		{"GET", "/nowhere", "Bearer admin", "", 404},
	} {
		asked, refuse = "", false
		w := ask(h, test.method, test.path, "", "Authorization: "+test.token)
		if asked != test.want || w.Code != test.status {
			t.Errorf("%s %s: counted as %q, want %q; status %d, want %d", test.method, test.path, asked, test.want, w.Code, test.status)
		}
		if told := w.Header().Get("RateLimit") != ""; told != (test.want != "") {
			t.Errorf("%s %s: the header field is there: %v", test.method, test.path, told)
		}
		if test.want == "" {
			continue
		}
		refuse = true
		w = ask(h, test.method, test.path, "", "Authorization: "+test.token)
		if w.Code != 429 || w.Header().Get("Retry-After") != "1" || w.Header().Get("RateLimit") == "" ||
			test.method != "HEAD" && !strings.Contains(w.Body.String(), `"status":429`) {
			t.Errorf("%s %s over the limit: %d %v %s", test.method, test.path, w.Code, w.Header(), w.Body)
		}
	}
}
