package sedetest

import (
	"fmt"
	"strings"
)

// mostSteps is how many steps of the database one request may take.
const mostSteps = 200

// tryFaults sends a request with the first step of the database failing, then
// with the second, until no more step is left to fail. The answer of that last
// request is returned. Before that each answer must be a 5xx problem and no row
// may have changed; what is not so is reported. A request that changes nothing
// may do without the step and give its answer all the same.
func (in *Instance) tryFaults(send func() *Answer, report func(problem string)) *Answer {
	in.t.Helper()
	before := in.Dump()
	absorbed := map[int]*Answer{}
	for k := 1; k <= mostSteps; k++ {
		in.FailAt(k)
		a := send()
		if !in.Fired() {
			in.compareAbsorbed(before, absorbed, a, report)
			return a
		}
		if changes := before.Changes(in.Dump()); len(changes) > 0 {
			report(fmt.Sprintf("with step %d of the database failing (answer %d): rows have changed:\n%s", k, a.Status, strings.Join(changes, "\n")))
			before = in.Dump()
		}
		if a.Status < 500 || !isProblem(a) {
			absorbed[k] = a
		}
	}
	report(fmt.Sprintf("takes more than %d steps of the database", mostSteps))
	return send()
}

// compareAbsorbed reports the answers that are no problems, unless the request
// changed nothing and got the right answer.
func (in *Instance) compareAbsorbed(before Dump, absorbed map[int]*Answer, right *Answer, report func(problem string)) {
	if len(absorbed) == 0 {
		return
	}
	reads := len(before.Changes(in.Dump())) == 0
	for k, a := range absorbed {
		if !reads || a.Status != right.Status || a.Body != right.Body {
			report(fmt.Sprintf("with step %d of the database failing: no 5xx problem but %d %s", k, a.Status, a.Body))
		}
	}
}

// isProblem reports whether the answer is a document that says that it failed,
// and nothing about why.
func isProblem(a *Answer) bool {
	media, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	switch media {
	case "application/problem+json", "application/vnd.api+json", "text/html":
	case "application/json": // sign-in
		return strings.HasPrefix(a.Body, fmt.Sprintf(`{"code":%d,`, a.Status))
	default:
		return false
	}
	return !strings.Contains(a.Body, errInjected.Error())
}
