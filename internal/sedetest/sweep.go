package sedetest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"sede/internal/access"
	"sede/internal/app"
	"sede/internal/db"
	"sede/internal/hydra"
)

// Samples are bodies for operations whose fields the OpenAPI document does not
// give away, by "POST /path".
type Samples map[string]string

// Trial is how an operation is tried by those who may, where any item and any
// body won't do. Trials come last, in their order, and can't take away what
// other operations are tried on.
type Trial struct {
	Operation string                    // "POST /path"
	On        string                    // what the demo calls the item in the path; empty: any
	Query     string                    // behind the path, with the demo's names in it: "?employee=/employees/<ana>"
	Body      func(in *Instance) string // makes the body; nil: the sample
	Key       func(in *Instance) string // makes what the operation is tried on; nil: On
}

// Sweep goes through every operation that is declared and tries what must not
// work: to come without a token or with one that is no good, with an API key that
// lacks the scope or with any where none will do, without the role, from another
// organization, with its ids in the path, in bodies and in filters, and without the
// module that was not bought. Each attempt
// must be refused as the rules say, no answer may give away an id of the other
// organization, and not one row may change. So that a refusal has the reason that
// it should have, each operation must succeed for those who may. A new operation
// is covered from the day of its declaration. change prepares the configuration.
func Sweep(t *testing.T, change func(*app.Config), samples Samples, trials ...Trial) {
	Each(t, func(t *testing.T, engine db.Engine) {
		w := newSweep(t, engine, change, samples)
		for _, op := range w.operations {
			narrow, wide := w.keysFor(op)
			before := w.in.Dump()
			w.strangers(op)
			w.keys(op, narrow, wide)
			w.roles(op)
			w.foreignPath(op)
			w.foreignBody(op)
			w.foreignFilters(op)
			w.in.Unchanged(before, op.Method+" "+op.Path)
		}
		w.modules()
		w.allAllowed(trials)
	})
}

// sweep is what the attempts need: organization demo is attacked, the owner of
// organization other attacks.
type sweep struct {
	*testing.T
	in         *Instance
	operations []hydra.OperationInfo
	bodies     map[string]string   // a good body by "POST /path"
	theirs     map[string][]string // IRIs that belong to demo, by resource
	own        map[string]string   // an IRI that belongs to other
	shared     map[string][]string // IRIs that everybody sees, by resource
	secret     []string            // ids that other must never see
	attacker   *Client
	bad        []badToken
	scopes     []string          // that there are
	made       map[string]string // API keys by their scopes
}

// badToken is a token that is no good.
type badToken struct{ why, token, answer string }

// members maps the roles to the accounts of demo.
var members = map[access.Role]string{
	access.Guest: "guest@demo.example", access.Member: "member@demo.example", access.Billing: "billing@demo.example",
	access.Admin: "admin@demo.example", access.Owner: "owner@demo.example",
}

func newSweep(t *testing.T, engine db.Engine, change func(*app.Config), samples Samples) *sweep {
	t.Helper()
	w := &sweep{T: t, in: NewWith(t, engine, change), theirs: map[string][]string{}, own: map[string]string{}, shared: map[string][]string{}, made: map[string]string{}}
	w.operations = w.in.App.API().Operations()
	w.bodies = sampleBodies(t, w.in, samples)
	for _, username := range Accounts {
		w.in.Token(username)
	}
	w.attacker = w.in.As("owner@other.example", "")
	gone := w.in.SignIn("owner@demo.example")
	w.in.With(gone.Token).Do(http.MethodPost, "/logout", "")
	w.scopes = w.in.App.API().Scopes()
	w.bad = []badToken{
		{"garbage", "garbage", "Invalid JWT Token"},
		{"a session that ended", gone.Token, "Invalid JWT Token"},
		{"a cut token", gone.Token[:len(gone.Token)-2], "Invalid JWT Token"},
		{"a made-up API key", "sede_garbage", "Invalid API key"},
	}
	w.badKeys()
	w.enqueue()
	invite(w.T, w.in, "Sweep")
	w.subscribe()
	w.match()
	w.drift()
	w.learn()
	return w
}

// InviteToOther has the guest of demo make an organization of that name, which
// invites the owner of demo, and returns the token that lets them in.
func InviteToOther(in *Instance, name string) (token string) { return invite(in.t, in, name) }

func invite(t testing.TB, in *Instance, name string) (token string) {
	t.Helper()
	var made struct{ Slug, Link string }
	in.As("guest@demo.example", "").Do(http.MethodPost, "/organizations", `{"name":"`+name+`"}`).JSON(t, &made)
	in.As("guest@demo.example", made.Slug).Do(http.MethodPost, "/organization-user-invitations",
		`{"email":"owner@demo.example","role":"guest","sendEmail":false}`).JSON(t, &made)
	_, token, _ = strings.Cut(made.Link, "token=")
	return token
}

// learn finds out what there is: in demo by its owner, in other by its owner.
// What other lacks is made.
func (w *sweep) learn() {
	for _, op := range w.operations {
		if !op.Collection || strings.Contains(op.Path, "{") {
			continue
		}
		if op.Rule.IsPublic() {
			w.shared[op.Resource] = w.list(w.attacker, op.Path)
			continue
		}
		reader := w.in.As("owner@demo.example", "demo")
		if op.Rule.OperatorsOnly() {
			reader = w.in.As("operator@demo.example", "")
		}
		for _, iri := range w.list(reader, op.Path) {
			if !w.isOthers(iri) {
				w.theirs[op.Resource] = append(w.theirs[op.Resource], iri)
				w.secret = append(w.secret, lastSegment(iri))
			}
		}
		if len(w.theirs[op.Resource]) == 0 && (op.Rule.NeedsOrganization() || op.Rule.OperatorsOnly()) {
			w.Errorf("organization demo has no %s: put one into the demo data, so that others can be kept from it", op.Resource)
		}
		if op.Rule.OperatorsOnly() {
			continue
		}
		found := w.list(w.attacker, op.Path)
		if len(found) == 0 {
			found = w.make(op)
		}
		if len(found) > 0 {
			w.own[op.Resource] = found[0]
		}
	}
	w.own["User"] = "/users/" + w.in.Names["other-owner"]
}

// isOthers reports whether what an operator sees is other's, or nobody's.
func (w *sweep) isOthers(iri string) bool {
	return strings.HasSuffix(iri, w.in.Names["other-owner"]) || strings.HasSuffix(iri, w.in.Names["operator"]) ||
		strings.HasSuffix(iri, w.in.Names["other"])
}

// list returns the IRIs of the first members of a collection.
func (w *sweep) list(c *Client, path string) (iris []string) {
	w.Helper()
	a := c.Do(http.MethodGet, path+"?itemsPerPage=100", "")
	if a.Status != http.StatusOK {
		w.Fatalf("GET %s: %d %s", path, a.Status, a.Body)
	}
	for _, m := range membersOf(w.T, a) {
		var item struct {
			IRI string `json:"@id"`
		}
		if err := json.Unmarshal(m, &item); err != nil {
			w.Fatal(err)
		}
		iris = append(iris, item.IRI)
	}
	return iris
}

// lastSegment is the id at the end of an IRI.
func lastSegment(iri string) string { return iri[strings.LastIndexByte(iri, '/')+1:] }

func membersOf(t testing.TB, a *Answer) []json.RawMessage {
	t.Helper()
	var page struct {
		Members []json.RawMessage `json:"hydra:member"`
	}
	a.JSON(t, &page)
	return page.Members
}

// make creates an item for other in the collection, if that can be done.
func (w *sweep) make(list hydra.OperationInfo) []string {
	body, can := w.bodies["POST "+list.Path]
	byOperators := slices.ContainsFunc(w.operations, func(op hydra.OperationInfo) bool {
		return op.Method == http.MethodPost && op.Path == list.Path && op.Rule.ByOperators()
	})
	if !can || byOperators {
		return nil
	}
	a := w.attacker.Do(http.MethodPost, list.Path, body)
	if a.Status != http.StatusCreated {
		w.Fatalf("POST %s for other: %d %s", list.Path, a.Status, a.Body)
	}
	return []string{a.Header.Get("Location")}
}

// attempt sends the operation and checks the status, and that nothing of demo
// stands in the answer but what was sent.
func (w *sweep) attempt(c *Client, op hydra.OperationInfo, path, body, why string, statuses ...int) *Answer {
	w.Helper()
	a := c.Do(op.Method, path, body)
	if !slices.Contains(statuses, a.Status) {
		w.Errorf("%s %s %s: %d, want %v: %s", op.Method, path, why, a.Status, statuses, a.Body)
	}
	sent, err := url.PathUnescape(path + body)
	if err != nil {
		w.Fatal(err)
	}
	for _, id := range w.secret {
		if strings.Contains(a.Body, id) && !strings.Contains(sent, id) {
			w.Errorf("%s %s %s: the answer gives away %s: %s", op.Method, path, why, id, a.Body)
		}
	}
	return a
}

// at is the path of the operation on an item of demo, or of nobody.
func (w *sweep) at(op hydra.OperationInfo) string {
	id := "018cc6e0-0000-7000-8000-000000000001"
	known := w.theirs[w.subject(op)]
	if len(known) == 0 {
		known = w.shared[w.subject(op)]
	}
	if len(known) > 0 {
		id = lastSegment(known[0])
	}
	return strings.Replace(op.Path, "{id}", id, 1)
}

// subject is the resource that the {id} in the operation's path names an item
// of: mostly its own.
func (w *sweep) subject(op hydra.OperationInfo) string {
	parent, _, _ := strings.Cut(op.Path, "/{id}")
	for _, other := range w.operations {
		if other.Path == parent && other.Collection {
			return other.Resource
		}
	}
	return op.Resource
}

// strangers tries to get by without a good token.
func (w *sweep) strangers(op hydra.OperationInfo) {
	if op.Rule.IsPublic() {
		return
	}
	body := w.bodies[op.Method+" "+op.Path]
	a := w.attempt(w.in.With(""), op, w.at(op), body, "as nobody", http.StatusUnauthorized)
	if a.Body != `{"code":401,"message":"JWT Token not found"}` {
		w.Errorf("%s %s as nobody: %s", op.Method, op.Path, a.Body)
	}
	for _, bad := range w.bad {
		a := w.attempt(w.in.With(bad.token), op, w.at(op), body, "with "+bad.why, http.StatusUnauthorized)
		if a.Body != `{"code":401,"message":"`+bad.answer+`"}` {
			w.Errorf("%s %s with %s: %s", op.Method, op.Path, bad.why, a.Body)
		}
	}
	w.attempt(w.attacker.In("demo"), op, w.at(op), body, "naming another's organization", http.StatusNotFound)
	w.attempt(w.attacker.In(w.in.Names["demo"]), op, w.at(op), body, "naming another's organization", http.StatusNotFound)
}

// roles tries the operation as those of demo whose role does not allow it.
func (w *sweep) roles(op hydra.OperationInfo) {
	body := w.bodies[op.Method+" "+op.Path]
	for role, username := range members {
		if op.Rule.ByOperators() || op.Rule.NeedsOrganization() && !op.Rule.Roles().Has(role) {
			c := w.in.As(username, "demo")
			if a := c.Do(op.Method, w.at(op), body); a.Status != http.StatusForbidden {
				w.Errorf("%s %s as %s: %d, want 403: %s", op.Method, w.at(op), role, a.Status, a.Body)
			}
		}
	}
	operator := w.in.As("operator@demo.example", "")
	switch {
	case op.Rule.ReachesInstance():
		if a := operator.Do(op.Method, w.at(op), body); a.Status >= http.StatusBadRequest && a.Status != http.StatusNotFound {
			w.Errorf("%s %s as an operator without an organization: %d %s", op.Method, w.at(op), a.Status, a.Body)
		}
	case op.Rule.NeedsOrganization():
		w.attempt(operator, op, w.at(op), body, "without an organization", http.StatusBadRequest, http.StatusNotFound)
	}
}

// foreignPath tries ids of demo in the path: the answer must be the one for an
// id that nobody has.
func (w *sweep) foreignPath(op hydra.OperationInfo) {
	if !strings.Contains(op.Path, "{id}") || op.Rule.IsPublic() {
		return
	}
	const nobodys = "018cc6e0-0000-7000-8000-000000000001"
	body := w.bodies[op.Method+" "+op.Path]
	want := http.StatusNotFound
	if op.Rule.OperatorsOnly() {
		want = http.StatusForbidden
	}
	if op.Rule.ByOperators() && op.Method == http.MethodDelete {
		want = http.StatusForbidden
	}
	absent := w.attempt(w.attacker, op, strings.Replace(op.Path, "{id}", nobodys, 1), body, "on nothing", http.StatusNotFound, want)
	theirs := w.theirs[w.subject(op)]
	for _, iri := range theirs[:min(len(theirs), 3)] {
		id := lastSegment(iri)
		a := w.attempt(w.attacker, op, strings.Replace(op.Path, "{id}", id, 1), body, "on another's", want)
		if strings.ReplaceAll(a.Body, id, nobodys) != absent.Body {
			w.Errorf("%s %s tells what is another's from what is not there:\n%s\n%s", op.Method, op.Path, a.Body, absent.Body)
		}
	}
}

// foreignBody points at items of demo from bodies.
func (w *sweep) foreignBody(op hydra.OperationInfo) {
	for _, field := range op.Inputs {
		targets := w.theirs[field.Target]
		if len(targets) == 0 || op.Rule.ByOperators() {
			continue
		}
		path := op.Path
		if strings.Contains(path, "{id}") {
			own, ok := w.own[w.subject(op)]
			if !ok {
				w.Errorf("%s %s: other has no %s to try it on", op.Method, op.Path, w.subject(op))
				continue
			}
			path = strings.Replace(path, "{id}", lastSegment(own), 1)
		}
		body := withMember(w.T, w.bodies[op.Method+" "+op.Path], field.Name, targets[0])
		a := w.attempt(w.attacker, op, path, body, "pointing at another's "+field.Target, http.StatusBadRequest)
		if !strings.Contains(a.Body, "Item not found for") {
			w.Errorf("%s %s pointing at another's %s: %s", op.Method, path, field.Target, a.Body)
		}
	}
}

// withMember sets a member of a JSON object.
func withMember(t testing.TB, body, name, value string) string {
	t.Helper()
	object := map[string]any{}
	if body != "" {
		if err := json.Unmarshal([]byte(body), &object); err != nil {
			t.Fatal(err)
		}
	}
	object[name] = value
	changed, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return string(changed)
}

// foreignFilters looks for items of demo with every filter of the collection.
func (w *sweep) foreignFilters(op hydra.OperationInfo) {
	if !op.Collection || op.Rule.IsPublic() || op.Rule.OperatorsOnly() || strings.Contains(op.Path, "{") {
		return
	}
	seen := map[string]bool{}
	try := func(query string) {
		a := w.attacker.Do(http.MethodGet, op.Path+query, "")
		if a.Status != http.StatusOK {
			w.Errorf("GET %s%s: %d %s", op.Path, query, a.Status, a.Body)
			return
		}
		for _, m := range membersOf(w.T, a) { // the rest of the answer repeats what was asked
			for _, id := range w.secret {
				if strings.Contains(string(m), id) {
					w.Errorf("GET %s%s gives away %s: %s", op.Path, query, id, m)
				}
			}
			seen[string(m)] = true
		}
	}
	try("")
	try("?itemsPerPage=100&page=2")
	values := []string{"a", "true", "false", "1", "..", "demo", "2030-01-01", "2031-01-01", "asc", "desc"}
	if theirs := w.theirs[op.Resource]; len(theirs) > 0 {
		values = append(values, theirs[0], lastSegment(theirs[0]))
	}
	for _, filter := range op.Filters {
		name := url.QueryEscape(filter)
		if !strings.HasSuffix(filter, "[]") {
			for _, value := range values {
				try("?" + name + "=" + url.QueryEscape(value))
			}
			continue
		}
		iris, ids := "?", "?" // of every resource: one that is found is enough
		for _, theirs := range w.theirs {
			iris += name + "=" + url.QueryEscape(theirs[0]) + "&"
			ids += name + "=" + lastSegment(theirs[0]) + "&"
		}
		try(iris)
		try(ids)
	}
}

// allAllowed does every operation as those who may: it must succeed, else the
// refusals mean nothing. What removes something comes late.
func (w *sweep) allAllowed(trials []Trial) {
	var removals []hydra.OperationInfo
	for _, op := range w.operations {
		switch {
		case slices.ContainsFunc(trials, func(t Trial) bool { return t.Operation == op.Method+" "+op.Path }):
		case op.Method == http.MethodDelete:
			removals = append(removals, op)
		default:
			w.allowed(op, w.at(op), w.bodies[op.Method+" "+op.Path])
		}
	}
	for _, op := range removals {
		w.allowed(op, w.at(op), "")
	}
	for _, t := range trials {
		i := slices.IndexFunc(w.operations, func(op hydra.OperationInfo) bool { return t.Operation == op.Method+" "+op.Path })
		if i < 0 {
			w.Errorf("%s is no operation", t.Operation)
			continue
		}
		op, path, body := w.operations[i], w.at(w.operations[i]), w.bodies[t.Operation]
		if t.On != "" {
			path = strings.Replace(op.Path, "{id}", w.in.Names[t.On], 1)
		}
		if t.Key != nil {
			path = strings.Replace(op.Path, "{id}", t.Key(w.in), 1)
		}
		if t.Body != nil {
			body = t.Body(w.in)
		}
		w.allowed(op, path+newNames(w.in.Names).fill(t.Query), body)
	}
}

// allowed does the operation as one who may.
func (w *sweep) allowed(op hydra.OperationInfo, path, body string) {
	c := w.in.As("owner@demo.example", "demo")
	switch {
	case op.Rule.OperatorsOnly():
		c = w.in.As("operator@demo.example", "")
	case op.Rule.ByOperators():
		c = w.in.As("operator@demo.example", "demo")
	}
	if op.Rule.IsPublic() && strings.Contains(op.Path, "{id}") {
		path = w.list(c, strings.TrimSuffix(op.Path, "/{id}"))[0]
	}
	if a := c.Do(op.Method, path, body); a.Status >= 300 {
		w.Errorf("%s %s by who may: %d %s", op.Method, path, a.Status, a.Body)
	}
}
