package hydra

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sede/internal/access"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/sedetest/contract"
)

const form = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\nflag\r\n--x--\r\n"

// TestAnswersKeepTheContract sends requests of every kind and holds the answers
// against the OpenAPI document.
func TestAnswersKeepTheContract(t *testing.T) {
	t.Parallel()
	const planet = `{"name":"Mars","visited":null,"star":"/api/stars/SO"}`
	for _, keys := range []Keys{Prefixed, Plain, Both} {
		api := newPlanets(t, Config{Prefix: "/api", Keys: keys, Authenticate: asOwner})
		document, err := api.OpenAPI()
		if err != nil {
			t.Fatal(err)
		}
		checker, err := contract.New(document)
		if err != nil {
			t.Fatal(err)
		}
		handler := api.Handler()
		for _, test := range []struct {
			request string // method and path below the prefix
			accept  string
			media   string
			body    string
			status  int
		}{
			{"GET /planets", "", "", "", 200},
			{"GET /planets", "application/json", "", "", 200},
			{"GET /planets?itemsPerPage=1&page=2", "", "", "", 200},
			{"GET /planets?itemsPerPage=60&page=2", "", "", "", 200},
			{"GET /planets?properties[]=kind", "", "", "", 200},
			{"GET /planets", "application/hal+json", "", "", 200},
			{"GET /planets?page=2", "application/hal+json", "", "", 200},
			{"GET /planets", "application/vnd.api+json", "", "", 200},
			{"GET /planets?page=2", "application/vnd.api+json", "", "", 200},
			{"GET /planets", "text/csv", "", "", 200},
			{"GET /planets", "text/html", "", "", 200},
			{"GET /planets.jsonld", "", "", "", 200},
			{"GET /planets/1/moons", "", "", "", 200},
			{"GET /planets", "text/plain", "", "", 200},
			{"GET /planets/1.txt", "", "", "", 200},
			{"POST /planets", "text/plain", "application/json", planet, 406},
			{"HEAD /planets", "", "", "", 200},
			{"OPTIONS /planets", "", "", "", 204},
			{"GET /planets?page=0", "", "", "", 400},
			{"GET /planets?page=0", "application/vnd.api+json", "", "", 400},
			{"GET /planets?page=0", "text/html", "", "", 400},
			{"GET /planets?page=0", "application/json", "", "", 400},
			{"GET /planets", "image/png", "", "", 406},
			{"PUT /planets", "", "", "", 405},
			{"GET /nowhere", "", "", "", 404},
			{"GET /planets/1", "", "", "", 200},
			{"GET /planets/1", "application/json", "", "", 200},
			{"GET /planets/1", "application/hal+json", "", "", 200},
			{"GET /planets/1", "application/vnd.api+json", "", "", 200},
			{"GET /planets/1", "text/html", "", "", 200},
			{"GET /planets/1.jsonhal?properties[]=star", "", "", "", 200},
			{"GET /planets/pluto", "", "", "", 404},
			{"POST /planets", "", "application/json", planet, 201},
			{"POST /planets", "application/hal+json", "application/ld+json", planet, 201},
			{"POST /planets", "application/vnd.api+json", "application/vnd.api+json", `{"data":{"type":"Planet","attributes":{"name":"Mars","visited":null},"relationships":{"star":{"data":{"type":"Star","id":"/api/stars/SO"}}}}}`, 201},
			{"POST /planets", "", "application/json", `{`, 400},
			{"POST /planets", "", "application/json", `{"name":7}`, 400},
			{"POST /planets", "", "application/json", `{"name":" "}`, 422},
			{"POST /planets", "application/vnd.api+json", "application/json", `{"name":" "}`, 422},
			{"POST /planets", "", "text/plain", `{}`, 415},
			{"POST /planets", "", "application/json", strings.Repeat(" ", 1<<20+1), 413},
			{"PATCH /planets/1", "", "application/merge-patch+json", `{"@id":"/x","id":7,"mood":null}`, 200},
			{"PATCH /planets/1", "", "application/vnd.api+json", `{"data":{"type":"Planet","attributes":{"mood":null}}}`, 200},
			{"PATCH /planets/1", "", "application/merge-patch+json", `{"rings":99}`, 422},
			{"DELETE /planets/1", "", "", "", 204},
			{"POST /planets/1/land-on", "", "application/json", `{"reason":"to see"}`, 200},
			{"POST /planets/1/land-on", "", "application/json", `{}`, 422},
			{"POST /planets/flag", "", "multipart/form-data; boundary=x", form, 200},
			{"POST /planets/forget", "", "", "", 204},
			{"GET /planets/1/orbit?year=2030", "", "", "", 200},
			{"GET /planets/1/orbit?year=2030&exact=true&around=moon&properties[]=days", "application/vnd.api+json", "", "", 200},
			{"GET /planets/1/orbit?year=2030", "application/hal+json", "", "", 200},
			{"GET /planets/1/orbit?year=2030&exact=1", "", "", "", 400},
			{"GET /planets/1/orbit?year=x", "", "", "", 400},
			{"GET /planets/1/orbit", "", "", "", 422},
			{"GET /planets/1/orbit?year=0&around=sun", "", "", "", 422},
			{"GET /planets/export", "", "", "", 200},
			{"GET /planets/export?from=99", "application/x-ndjson", "", "", 200},
			{"GET /planets/export?from=67", "", "", "", 404},
			{"GET /planets/export?from=0", "", "", "", 422},
			{"GET /planets/export?from=x", "", "", "", 400},
			{"GET /planets/export", "application/ld+json", "", "", 406},
			{"GET /planets/export", "text/csv", "", "", 200},
			{"GET /planets/export.csv", "", "", "", 200},
			{"GET /planets/export.json", "", "", "", 404},
			{"GET /planets/export?from=65", "", "", "", 500},
			{"HEAD /planets/export?from=66", "", "", "", 200},
			{"POST /planets/export", "", "", "", 405},
			{"GET /stars", "", "", "", 200},
			{"GET /stars/SO", "", "", "", 200},
		} {
			method, path, _ := strings.Cut(test.request, " ")
			r := httptest.NewRequest(method, "/api"+path, strings.NewReader(test.body))
			set := func(name, value string) {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			set("Accept", test.accept)
			set("Content-Type", test.media)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code != test.status {
				t.Errorf("%s as %q: %d, want %d: %s", test.request, test.accept, w.Code, test.status, w.Body)
			}
			content := w.Body.Bytes()
			if method == http.MethodHead {
				content = nil // the server would not send it
			}
			x := contract.Exchange{Method: method, URL: "/api" + path, RequestHeader: r.Header, RequestBody: []byte(test.body), Status: w.Code, Header: w.Header(), Body: content}
			if err := checker.Check(&x); err != nil {
				t.Errorf("%s keys: %v\n%s", keys, err, w.Body)
			}
		}
		if left := checker.Unanswered(); len(left) > 0 {
			t.Errorf("operations never answered: %v", left)
		}
	}
}

// TestStrangersKeepTheContract checks the answer to somebody who is not signed
// in.
func TestStrangersKeepTheContract(t *testing.T) {
	t.Parallel()
	api := newPlanets(t, Config{Authenticate: func(*http.Request) (*access.Caller, error) {
		return nil, fault.New(fault.Unauthorized, "Invalid JWT Token")
	}})
	document, err := api.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	checker, err := contract.New(document)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	api.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/planets", nil))
	x := contract.Exchange{Method: "GET", URL: "/planets", Status: w.Code, Header: w.Header(), Body: w.Body.Bytes()}
	if err := checker.Check(&x); err != nil || w.Code != http.StatusUnauthorized {
		t.Errorf("%d %v", w.Code, err)
	}
}

func asOwner(*http.Request) (*access.Caller, error) {
	return &access.Caller{User: ident.ID{1}, Operator: true, Organization: ident.ID{1}, Role: access.Owner}, nil
}
