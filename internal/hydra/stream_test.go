package hydra

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sede/internal/clock"
)

// TestStream sends an export as it is written, and cuts the connection when that
// goes wrong.
func TestStream(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(newPlanets(t, Config{Authenticate: asOwner, Clock: clock.System{}}).Handler())
	server.Config.WriteTimeout = time.Minute
	server.Start()
	defer server.Close()
	get := func(path string) (*http.Response, string, error) {
		t.Helper()
		res, err := server.Client().Get(server.URL + path)
		if err != nil {
			return nil, "", err // cut before anything was sent
		}
		defer res.Body.Close()
		content, err := io.ReadAll(res.Body)
		return res, string(content), err
	}
	res, content, err := get("/planets/export?from=98")
	if err != nil {
		t.Fatal(err)
	}
	if content != "{\"number\":98}\n{\"number\":99}\n{\"number\":100}\n" {
		t.Errorf("the export is %q", content)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/x-ndjson; charset=utf-8", "Content-Disposition": "attachment; filename=planets.ndjson", "Cache-Control": "no-cache, private",
	} {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if _, content, err := get("/planets/export?from=66"); err == nil {
		t.Errorf("half an export came as %q without an error", content)
	}
	if res, content, err = get("/planets/export?from=67"); err != nil {
		t.Error(err)
	} else if res.StatusCode != http.StatusNotFound || !strings.Contains(content, "Not Found") {
		t.Errorf("%d %q", res.StatusCode, content)
	}
}

// TestStreamOutlastsTheServersLimit sends for longer than the server lets an
// answer take, since the caller receives all the time.
func TestStreamOutlastsTheServersLimit(t *testing.T) {
	t.Parallel()
	const limit = 200 * time.Millisecond
	part := strings.Repeat("x", streamBuffer)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{api: &API{Config: Config{Clock: clock.System{}}}, w: w, r: r}
		s := &steady{x: x, control: http.NewResponseController(w), begun: true}
		for end := time.Now().Add(2 * limit); time.Now().Before(end); time.Sleep(limit / 10) {
			if _, err := io.WriteString(s, part); err != nil {
				t.Error(err)
				return
			}
		}
	})
	server := httptest.NewUnstartedServer(handler)
	server.Config.WriteTimeout = limit
	server.Start()
	defer server.Close()
	res, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if n, err := io.Copy(io.Discard, res.Body); err != nil || n < 2*streamBuffer {
		t.Errorf("%d bytes, %v", n, err)
	}
}
