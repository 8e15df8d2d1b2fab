package account

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"sede/internal/access"
	"sede/internal/hydra"
)

// server serves everything that the feature does over HTTP.
func (e *env) server() http.Handler {
	e.t.Helper()
	type thing struct{ User }
	stub := hydra.Resource[thing]{Name: "Organization", Path: "/organizations", Fields: []hydra.Field[thing]{
		hydra.Key(func(t *thing) *string { return &t.Name }),
	}}
	module := e.Module()
	api, err := hydra.New(hydra.Config{BaseURL: "https://sede.example", Clock: e.clock, Authenticate: e.Authenticate, Secret: e.box}, append(module.Resources, stub))
	must(e.t, err)
	return api.Handler(module.Routes...)
}

// call sends a request and returns the answer and its body as JSON.
func call(h http.Handler, method, path, body string, header ...string) (*http.Response, map[string]any) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var doc map[string]any
	_ = json.Unmarshal(w.Body.Bytes(), &doc)
	return w.Result(), doc
}

const asJSON = "application/json"

func login(username, secret string) string {
	b, _ := json.Marshal(map[string]string{"username": username, "password": secret})
	return string(b)
}

func TestLoginOverHTTP(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		h := e.server()
		e.user("ana@acme.example")
		res, doc := call(h, "POST", "/login", login("Ana@acme.example", password), "Content-Type", "application/json; charset=utf-8")
		if res.StatusCode != 200 || res.Header.Get("Content-Type") != asJSON || res.Header.Get("Cache-Control") != "no-store" {
			t.Fatalf("login: %d %v", res.StatusCode, res.Header)
		}
		if len(doc) != 3 || doc["refresh_token_expiration"] != float64(e.clock.Now().Add(refreshLife).Unix()) {
			t.Errorf("login: %v", doc)
		}
		token, _ := doc["token"].(string)
		res, me := call(h, "GET", "/users/me", "", "Authorization", "Bearer "+token)
		if res.StatusCode != 200 || me["username"] != "ana@acme.example" {
			t.Errorf("me: %d %v", res.StatusCode, me)
		}
		res, next := call(h, "POST", "/token/refresh", `{"refresh_token":"`+doc["refresh_token"].(string)+`"}`, "Content-Type", asJSON)
		if res.StatusCode != 200 || next["token"] == nil || next["refresh_token"] == doc["refresh_token"] {
			t.Fatalf("refresh: %d %v", res.StatusCode, next)
		}
		res, next = call(h, "POST", "/token/refresh", "refresh_token="+next["refresh_token"].(string), "Content-Type", "application/x-www-form-urlencoded")
		if res.StatusCode != 200 {
			t.Fatalf("refresh by a form: %d %v", res.StatusCode, next)
		}
		token = next["token"].(string)
		res, _ = call(h, "POST", "/logout", "", "Authorization", "Bearer "+token, "X-Organization", "gone")
		if res.StatusCode != 204 {
			t.Errorf("logout: %d", res.StatusCode)
		}
		res, doc = call(h, "GET", "/users/me", "", "Authorization", "Bearer "+token)
		if res.StatusCode != 401 || doc["message"] != "Invalid JWT Token" {
			t.Errorf("after logout: %d %v", res.StatusCode, doc)
		}
	})
}

func TestBadSignInsOverHTTP(t *testing.T) {
	t.Parallel()
	e := newEnv(t, openSQLite(t))
	h := e.server()
	e.user("ana@acme.example")
	good := login("ana@acme.example", password)
	for _, c := range []struct {
		name, path, body, media string
		status                  int
		message                 string
	}{
		{"wrong password", "/login", login("ana@acme.example", "x"), asJSON, 401, "Invalid credentials."},
		{"unknown user", "/login", login("bob@acme.example", "x"), asJSON, 401, "Invalid credentials."},
		{"no e-mail", "/login", login("bob\x00", "x"), asJSON, 401, "Invalid credentials."},
		{"syntax", "/login", `{"username":`, asJSON, 400, "Syntax error"},
		{"empty", "/login", "", asJSON, 400, "Syntax error"},
		{"trailing", "/login", good + "x", asJSON, 400, "Syntax error"},
		{"not UTF-8", "/login", "{\"username\":\"\xff\"}", asJSON, 400, "Syntax error"},
		{"twice", "/login", `{"username":"a","username":"b"}`, asJSON, 400, "Syntax error"},
		{"list", "/login", `[]`, asJSON, 400, "The body must be a JSON object."},
		{"no username", "/login", `{"password":"x"}`, asJSON, 400, `The key "username" must be provided.`},
		{"no password", "/login", `{"username":"x"}`, asJSON, 400, `The key "password" must be provided.`},
		{"null", "/login", `{"username":null,"password":"x"}`, asJSON, 400, `The key "username" must be a string.`},
		{"number", "/login", `{"username":"x","password":1}`, asJSON, 400, `The key "password" must be a string.`},
		{"blank", "/login", `{"username":"","password":"x"}`, asJSON, 400, `The key "username" must be a non-empty string.`},
		{"organization", "/login", `{"username":"x","password":"x","organization":{}}`, asJSON, 400, `The key "organization" must be a string.`},
		{"foreign organization", "/login", `{"username":"ana@acme.example","password":"` + password + `","organization":"x"}`, asJSON, 404, `The organization in "organization" was not found.`},
		{"too large", "/login", `{"username":"` + strings.Repeat("a", maxSignIn) + `"}`, asJSON, 413, "The body is too large. It may have up to 16384 bytes."},
		{"no type", "/login", good, "", 415, `The "Content-Type" header must exist.`},
		{"a form", "/login", good, "application/x-www-form-urlencoded", 415, `The content-type "application/x-www-form-urlencoded" is not supported. Supported MIME types are "application/json".`},
		{"no refresh token", "/token/refresh", `{}`, asJSON, 401, "Missing JWT Refresh Token"},
		{"a number", "/token/refresh", `{"refresh_token":1}`, asJSON, 401, "Missing JWT Refresh Token"},
		{"an empty form", "/token/refresh", ``, "application/x-www-form-urlencoded", 401, "Missing JWT Refresh Token"},
		{"unknown refresh token", "/token/refresh", `{"refresh_token":"x"}`, asJSON, 401, "JWT Refresh Token Not Found"},
		{"syntax of refresh", "/token/refresh", `{`, asJSON, 400, "Syntax error"},
		{"type of refresh", "/token/refresh", `x`, "text/plain", 415, `The content-type "text/plain" is not supported. Supported MIME types are "application/json", "application/x-www-form-urlencoded".`},
		{"logout of nobody", "/logout", "", "", 401, "JWT Token not found"},
	} {
		header := []string{}
		if c.media != "" {
			header = []string{"Content-Type", c.media}
		}
		res, doc := call(h, "POST", c.path, c.body, header...)
		if res.StatusCode != c.status || doc["message"] != c.message || doc["code"] != float64(c.status) || len(doc) != 2 {
			t.Errorf("%s: %d %v", c.name, res.StatusCode, doc)
		}
		if got := res.Header.Get("WWW-Authenticate"); (got == "Bearer") != (c.status == 401) {
			t.Errorf("%s: WWW-Authenticate %q", c.name, got)
		}
		if res.Header.Get("Content-Type") != asJSON || res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", c.name, res.Header)
		}
	}
	if n := e.rows("user_session"); n != 0 {
		t.Errorf("%d sessions", n)
	}
}

func TestTooManyFailuresOverHTTP(t *testing.T) {
	t.Parallel()
	e := newEnv(t, openSQLite(t))
	h := e.server()
	for range limitFree + 1 {
		call(h, "POST", "/login", login("ana@acme.example", "x"), "Content-Type", asJSON)
	}
	res, doc := call(h, "POST", "/login", login("ana@acme.example", "x"), "Content-Type", asJSON)
	if res.StatusCode != 429 || res.Header.Get("Retry-After") != "1" || doc["code"] != 429.0 ||
		doc["message"] != "Too many failed login attempts. Please try again in 1 s." {
		t.Errorf("%d %v %v", res.StatusCode, res.Header, doc)
	}
}

func TestKeysOverHTTP(t *testing.T) {
	t.Parallel()
	e := newEnv(t, openSQLite(t))
	res, doc := call(e.server(), "GET", "/.well-known/jwks.json", "")
	if res.StatusCode != 200 || res.Header.Get("Cache-Control") != "public, max-age=300" || res.Header.Get("Content-Type") != asJSON {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	keys, _ := doc["keys"].([]any)
	if len(keys) != 1 {
		t.Fatalf("%v", doc)
	}
	key := keys[0].(map[string]any)
	if len(key) != 6 || key["kty"] != "OKP" || key["crv"] != "Ed25519" || key["alg"] != "EdDSA" || key["use"] != "sig" || key["kid"] == "" || key["x"] == "" {
		t.Errorf("%v", key)
	}
}

func TestUsersOverHTTP(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		h := e.server()
		ana, bob, eve := e.user("ana@acme.example"), e.user("bob@acme.example"), e.user("eve@evil.example")
		acme := e.join(ana.ID, "acme", access.Owner)
		e.orgs.set(bob.ID, Membership{Organization: acme.Organization, Slug: "acme", Role: access.Guest})
		auth := func(username string) string { return "Bearer " + e.signIn(username).Token }
		token := auth("ana@acme.example")
		get := func(path, token string) (int, map[string]any) {
			res, doc := call(h, "GET", path, "", "Authorization", token)
			return res.StatusCode, doc
		}

		status, me := get("/users/me", token)
		if status != 200 || me["@id"] != "/users/"+ana.ID.String() || me["name"] != "ana" || me["language"] != nil || me["operator"] != false {
			t.Errorf("me: %d %v", status, me)
		}
		list, _ := json.Marshal(me["organizations"])
		if want := `[{"organization":"/organizations/` + acme.Organization.String() + `","role":"owner","slug":"acme"}]`; string(list) != want {
			t.Errorf("organizations %s, want %s", list, want)
		}
		for _, field := range []string{"id", "username", "name", "language", "timeZone", "operator", "createdAt", "updatedAt", "organizations"} {
			if _, ok := me[field]; !ok {
				t.Errorf("me lacks %s", field)
			}
		}
		if status, doc := get("/users/"+bob.ID.String(), token); status != 200 || doc["organizations"] != nil {
			t.Errorf("a colleague: %d %v", status, doc)
		}
		for _, id := range []string{eve.ID.String(), e.ids.New().String(), "x"} {
			if status, doc := get("/users/"+id, token); status != 404 || doc["detail"] != "Not Found" {
				t.Errorf("%s: %d %v", id, status, doc)
			}
		}
		if status, _ := get("/users", token); status != 403 {
			t.Errorf("list: %d", status)
		}
		if status, _ := get("/users/me", ""); status != 401 {
			t.Errorf("nobody: %d", status)
		}

		must(t, e.SetOperator(t.Context(), nil, eve.ID, true))
		operator := auth("eve@evil.example")
		if status, doc := get("/users/"+ana.ID.String(), operator); status != 200 || doc["organizations"] == nil {
			t.Errorf("an operator: %d %v", status, doc)
		}
		for query, want := range map[string]int{"": 3, "?username=ACME": 2, "?operator=true": 1, "?name=bo": 1, "?username=%5C": 0, "?itemsPerPage=1&page=2": 1} {
			status, doc := get("/users"+query, operator)
			if members, _ := doc["hydra:member"].([]any); status != 200 || len(members) != want {
				t.Errorf("list%s: %d, %d users, want %d", query, status, len(members), want)
			}
		}
		if _, doc := get("/users?order[username]=desc", operator); doc["hydra:totalItems"] != 3.0 ||
			doc["hydra:member"].([]any)[0].(map[string]any)["username"] != "eve@evil.example" {
			t.Errorf("ordered list: %v", doc)
		}
	})
}

func TestPatchMeOverHTTP(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		h := e.server()
		e.user("ana@acme.example")
		token := "Bearer " + e.signIn("ana@acme.example").Token
		patch := func(body string, header ...string) (*http.Response, map[string]any) {
			return call(h, "PATCH", "/users/me", body, append(header, "Authorization", token, "Content-Type", "application/merge-patch+json")...)
		}
		res, doc := patch(`{"name":"Ana Silva","language":"PT-pt","timeZone":"Europe/Lisbon","operator":true,"username":"root@acme.example"}`)
		if res.StatusCode != 200 || doc["name"] != "Ana Silva" || doc["language"] != "pt-PT" || doc["timeZone"] != "Europe/Lisbon" ||
			doc["operator"] != false || doc["username"] != "ana@acme.example" || doc["organizations"] == nil {
			t.Errorf("%d %v", res.StatusCode, doc)
		}
		tag := res.Header.Get("ETag")
		for body, fields := range map[string]string{
			`{"name":""}`:           "name",
			`{"name":" "}`:          "name",
			`{"language":"no way"}`: "language",
			`{"timeZone":"Mars"}`:   "timeZone",
			`{"name":"","language":"?","timeZone":"` + strings.Repeat("x", 300) + `"}`: "name language timeZone",
		} {
			res, doc := patch(body)
			var paths []string
			violations, _ := doc["violations"].([]any)
			for _, v := range violations {
				paths = append(paths, v.(map[string]any)["propertyPath"].(string))
			}
			if res.StatusCode != 422 || strings.Join(paths, " ") != fields {
				t.Errorf("%s: %d %v", body, res.StatusCode, doc)
			}
		}
		res, _ = patch(`{"language":null}`, "If-Match", tag)
		if res.StatusCode != 200 {
			t.Errorf("with the current version: %d", res.StatusCode)
		}
		res, _ = patch(`{"name":"Late"}`, "If-Match", tag)
		if res.StatusCode != 412 {
			t.Errorf("with an old version: %d", res.StatusCode)
		}
		before := len(e.actions())
		if res, _ = patch(`{}`); res.StatusCode != 200 || len(e.actions()) != before {
			t.Errorf("no change: %d, %d entries", res.StatusCode, len(e.actions())-before)
		}

		res, doc = call(h, "POST", "/users/me/password", `{"currentPassword":"`+password+`","password":"another password"}`, "Authorization", token, "Content-Type", asJSON)
		if res.StatusCode != 204 {
			t.Errorf("password: %d %v", res.StatusCode, doc)
		}
		res, doc = call(h, "POST", "/users/me/password", `{"currentPassword":"wrong","password":"yet another password"}`, "Authorization", token, "Content-Type", asJSON)
		if res.StatusCode != 422 {
			t.Errorf("wrong current password: %d %v", res.StatusCode, doc)
		}
	})
}

func TestCreateUserRefusesWhatIsTaken(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		u := e.user("ana@acme.example")
		_, err := e.CreateUser(t.Context(), NewUser{Username: " ANA@acme.example", Password: password})
		refusedField(t, err, "username")
		found, err := e.FindByUsername(t.Context(), "Ana@ACME.example")
		must(t, err)
		if found.ID != u.ID || found.Name != "ana" || found.CreatedAt.Unix() != e.clock.Now().Unix() {
			t.Errorf("found %+v", found)
		}
		for _, username := range []string{"bob@acme.example", "x", ""} {
			if _, err := e.FindByUsername(t.Context(), username); err == nil {
				t.Errorf("found %q", username)
			}
		}
		if n := e.rows("app_user"); n != 1 {
			t.Error(strconv.Itoa(n) + " users")
		}
	})
}
