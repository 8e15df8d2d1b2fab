package sedetest

import (
	"net/http"
	"strings"
	"time"
)

// modules tries every operation in an organization that lost the modules: those
// that are part of one are refused with what to buy, what ended can be read, and
// all others do not ask for money.
func (w *sweep) modules() {
	owner := w.in.As("owner@demo.example", "demo")
	w.decide(`{"enabled":false}`)
	before := w.in.Dump()
	for _, op := range w.operations {
		if op.Rule.ByOperators() || op.Rule.IsPublic() {
			continue
		}
		if part := len(op.Rule.Modules()) > 0; part || op.Method == http.MethodGet {
			w.paid(owner, op.Method, w.at(op), w.bodies[op.Method+" "+op.Path], !part)
		}
	}
	w.in.Unchanged(before, "without modules")
	soon := w.in.Clock.Now().Add(time.Second)
	w.decide(`{"enabled":true,"endsAt":"` + soon.Format(time.RFC3339) + `"}`)
	w.in.Clock.Advance(time.Second)
	before = w.in.Dump()
	for _, op := range w.operations {
		if modules := op.Rule.Modules(); len(modules) > 0 && modules[0] != "bank" { // which demo has bought
			w.paid(owner, op.Method, w.at(op), w.bodies[op.Method+" "+op.Path], op.Method == http.MethodGet)
		}
	}
	w.in.Unchanged(before, "after modules ended")
	w.decide(`{"enabled":false,"endsAt":null}`)
	w.decide(`{"enabled":true}`)
}

// paid sends a request and checks whether money is asked for.
func (w *sweep) paid(c *Client, method, path, body string, paid bool) {
	w.Helper()
	a := c.Do(method, path, body)
	if paid != (a.Status != http.StatusPaymentRequired) || a.Status >= 500 {
		w.Errorf("%s %s, paid for: %v: %d %s", method, path, paid, a.Status, a.Body)
	}
	if !paid && !strings.Contains(a.Body, `"products":["/products/`) {
		w.Errorf("%s %s does not say what to buy: %s", method, path, a.Body)
	}
}

// decide has an operator say something of all modules of demo.
func (w *sweep) decide(body string) {
	w.Helper()
	operator := w.in.As("operator@demo.example", "demo")
	for _, iri := range w.list(operator, "/organization-modules") {
		if a := operator.Do(http.MethodPatch, iri, body); a.Status != http.StatusOK {
			w.Fatalf("PATCH %s: %d %s", iri, a.Status, a.Body)
		}
	}
}
