package contract

import (
	"net/http"
	"strings"
	"testing"
)

const document = `{
"openapi": "3.1.0", "info": {"title": "Stars", "version": "1"}, "servers": [{"url": "/api"}],
"paths": {
  "/stars": {
    "get": {"responses": {
      "200": {"description": "", "content": {"application/ld+json": {"schema": {"type": "object", "required": ["member"], "properties": {"member": {"type": "array", "items": {"$ref": "#/components/schemas/Star"}}}}}, "text/csv": {"schema": {"type": "string"}}}},
      "400": {"$ref": "#/components/responses/NotFound"},
      "default": {"$ref": "#/components/responses/Failure"}
    }},
    "post": {
      "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Star"}}}},
      "responses": {"201": {"description": "", "headers": {"Location": {"$ref": "#/components/headers/Location"}}, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Star"}}}}}
    }
  },
  "/stars/{id}": {
    "get": {"responses": {"200": {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Star"}}}}, "304": {"description": ""}}},
    "delete": {"responses": {"204": {"description": ""}}}
  },
  "/stars/brightest": {"get": {"responses": {"200": {"description": "", "content": {"application/json": {"schema": {"type": "integer"}}}}}}}
},
"components": {
  "headers": {"Location": {"required": true, "schema": {"type": "string", "pattern": "^/api/"}}},
  "responses": {
    "NotFound": {"description": "", "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Error"}}, "application/ld+json": {"schema": {"required": ["@id"]}}}},
    "Failure": {"description": "", "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
  },
  "schemas": {
    "Error": {"type": "object", "required": ["status"], "properties": {"status": {"type": "integer"}}},
    "Star": {"type": "object", "required": ["id", "name"], "properties": {"id": {"type": "string", "readOnly": true}, "name": {"type": "string"}, "found": {"type": ["string", "null"], "format": "date-time"}}}
  }
}}`

func TestCheck(t *testing.T) {
	t.Parallel()
	const sol = `{"id":"1","name":"Sol","found":null}`
	for _, test := range []struct {
		name     string
		method   string
		url      string
		request  string // its type and body
		status   int
		header   string // Name: value, separated by semicolons
		body     string
		complain string // part of the error; empty: none
	}{
		{name: "item", method: "GET", url: "/api/stars/1", status: 200, header: "Content-Type: application/json", body: sol},
		{name: "charset", method: "GET", url: "/api/stars/1", status: 200, header: "Content-Type: application/json, charset", body: sol, complain: "mime"},
		{name: "wrong type", method: "GET", url: "/api/stars/1", status: 200, header: "Content-Type: application/json", body: `{"id":"1","name":7}`, complain: "at '/name': got number, want string"},
		{name: "wrong format", method: "GET", url: "/api/stars/1", status: 200, header: "Content-Type: application/json", body: `{"id":"1","name":"Sol","found":"now"}`, complain: "/found"},
		{name: "missing", method: "GET", url: "/api/stars/1", status: 200, header: "Content-Type: application/json", body: `{"name":"Sol"}`, complain: "id"},
		{name: "sparse", method: "GET", url: "/api/stars/1?properties%5B%5D=name", status: 200, header: "Content-Type: application/json", body: `{"name":"Sol"}`},
		{name: "no JSON", method: "GET", url: "/api/stars/1", status: 200, header: "Content-Type: application/json", body: `{`, complain: "no JSON"},
		{name: "suffix", method: "GET", url: "/api/stars.csv", status: 200, header: "Content-Type: text/csv", body: "id\r\n"},
		{name: "member", method: "GET", url: "/api/stars", status: 200, header: "Content-Type: application/ld+json", body: `{"member":[{"id":"1"}]}`, complain: "/member/0"},
		{name: "unknown type", method: "GET", url: "/api/stars", status: 200, header: "Content-Type: text/plain", body: "x", complain: "text/plain"},
		{name: "no type", method: "GET", url: "/api/stars", status: 200, body: "x", complain: "without a Content-Type"},
		{name: "unknown status", method: "GET", url: "/api/stars", status: 206, complain: "it has 200, 400, default"},
		{name: "default is for failures only", method: "GET", url: "/api/stars", status: 418, complain: "status"},
		{name: "failure", method: "GET", url: "/api/stars", status: 500, header: "Content-Type: application/problem+json", body: `{"status":500}`},
		{name: "error with a context", method: "GET", url: "/api/stars", status: 400, header: "Content-Type: application/problem+json", body: `{"@context":"/c","status":400}`, complain: "@id"},
		{name: "unknown path", method: "GET", url: "/api/moons", status: 200, complain: "path"},
		{name: "outside of the prefix", method: "GET", url: "/stars", status: 200, complain: "path"},
		{name: "refused path", method: "GET", url: "/api/moons", status: 404, header: "Content-Type: application/problem+json", body: `{"status":404}`},
		{name: "badly refused path", method: "GET", url: "/api/moons", status: 404, header: "Content-Type: application/problem+json", body: `{}`, complain: "status"},
		{name: "left out", method: "GET", url: "/api/docs/x.css", status: 200, header: "Content-Type: text/css", body: "x"},
		{name: "unknown method", method: "PUT", url: "/api/stars", status: 200, complain: "method"},
		{name: "refused method", method: "PUT", url: "/api/stars", status: 405, header: "Content-Type: application/problem+json", body: `{"status":405}`},
		{name: "options", method: "OPTIONS", url: "/api/stars", status: 204},
		{name: "head", method: "HEAD", url: "/api/stars/1", status: 200, header: "Content-Type: application/json"},
		{name: "head with body", method: "HEAD", url: "/api/stars/1", status: 200, header: "Content-Type: application/json", body: sol, complain: "with a body"},
		{name: "unchanged", method: "GET", url: "/api/stars/1", status: 304},
		{name: "static before parameter", method: "GET", url: "/api/stars/brightest", status: 200, header: "Content-Type: application/json", body: "7"},
		{name: "nothing", method: "DELETE", url: "/api/stars/1", status: 204},
		{name: "something instead of nothing", method: "DELETE", url: "/api/stars/1", status: 204, body: "x", complain: "with a body"},
		{name: "create", method: "POST", url: "/api/stars", request: `application/json {"id":7,"name":"Sol"}`, status: 201, header: "Content-Type: application/json;Location: /api/stars/1", body: sol},
		{name: "create without what is said to be required", method: "POST", url: "/api/stars", request: `application/json {}`, status: 201, header: "Content-Type: application/json;Location: /api/stars/1", body: sol, complain: "to a body"},
		{name: "create from an unknown type", method: "POST", url: "/api/stars", request: `text/plain x`, status: 201, header: "Content-Type: application/json;Location: /api/stars/1", body: sol, complain: "to a body of type text/plain"},
		{name: "without a header", method: "POST", url: "/api/stars", request: `application/json {"name":"Sol"}`, status: 201, header: "Content-Type: application/json", body: sol, complain: "Location"},
		{name: "with a bad header", method: "POST", url: "/api/stars", request: `application/json {"name":"Sol"}`, status: 201, header: "Content-Type: application/json;Location: /stars/1", body: sol, complain: "Location"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			checker, err := New([]byte(document), "/api/docs/*")
			if err != nil {
				t.Fatal(err)
			}
			x := &Exchange{Method: test.method, URL: test.url, Status: test.status, Header: http.Header{}, RequestHeader: http.Header{}, Body: []byte(test.body)}
			for line := range strings.SplitSeq(test.header, ";") {
				if name, value, ok := strings.Cut(line, ": "); ok {
					x.Header.Set(name, value)
				}
			}
			if media, body, ok := strings.Cut(test.request, " "); ok {
				x.RequestHeader.Set("Content-Type", media)
				x.RequestBody = []byte(body)
			}
			switch err := checker.Check(x); {
			case err == nil && test.complain != "":
				t.Errorf("accepted, should complain about %q", test.complain)
			case err != nil && (test.complain == "" || !strings.Contains(err.Error(), test.complain)):
				t.Errorf("%v, want %q", err, test.complain)
			}
		})
	}
}

func TestUnanswered(t *testing.T) {
	t.Parallel()
	checker, err := New([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	if err := checker.Check(&Exchange{Method: "DELETE", URL: "/api/stars/1", Status: 204}); err != nil {
		t.Fatal(err)
	}
	want := "/stars GET, /stars POST, /stars/brightest GET, /stars/{id} GET"
	if got := strings.Join(checker.Unanswered(), ", "); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
