package hydra

import (
	"compress/gzip"
	"io"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// TestDocsPage fetches the page and all that it refers to, with and without
// gzip, and makes sure that nothing comes from elsewhere.
func TestDocsPage(t *testing.T) {
	t.Parallel()
	handler := newPlanets(t, Config{Prefix: "/api"}).docsPage()
	get := func(path, encoding string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Accept-Encoding", encoding)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	page := get("/api/planets", "")
	if page.Code != 200 || page.Header().Get("Content-Security-Policy") != pagePolicy {
		t.Fatalf("%d %v", page.Code, page.Header())
	}
	if strings.Contains(page.Body.String(), "://") || strings.Contains(page.Body.String(), "<script>") {
		t.Errorf("the page loads from elsewhere or runs an inline script:\n%s", page.Body)
	}
	for _, match := range regexp.MustCompile(`(?:src|href)="(/api/docs/[^"]+)"`).FindAllStringSubmatch(page.Body.String(), -1) {
		plain, zipped := get(match[1], ""), get(match[1], "gzip")
		if plain.Code != 200 || zipped.Code != 200 || plain.Body.Len() == 0 {
			t.Errorf("%s: %d and %d", match[1], plain.Code, zipped.Code)
		}
		if zipped.Header().Get("Content-Encoding") != "gzip" {
			continue
		}
		reader, err := gzip.NewReader(zipped.Body)
		if err != nil {
			t.Fatal(err)
		}
		if content, err := io.ReadAll(reader); err != nil || string(content) != plain.Body.String() {
			t.Errorf("%s differs with gzip: %v", match[1], err)
		}
	}
	if w := get("/api/docs/nothing.js", ""); w.Code != 404 {
		t.Errorf("an unknown file: %d", w.Code)
	}
}
