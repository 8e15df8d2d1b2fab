// Package console is the shell around the pages that people see in a browser:
// small ones that links in mail lead to. A page says in sentences what it shows
// and asks; the shell lays it out in the reader's language, reads the form, and
// puts what is wrong beside the fields. Features declare pages, which call the
// same use cases as the API.
//
// Pages work without JavaScript and load nothing but sede's own style sheet. They
// use no cookies: what a form may do is decided by the token that it carries.
package console

import (
	"net/http"
	"net/url"

	"sede/internal/fault"
	"sede/internal/throttle"
)

// Page is one page. Following a link changes nothing, since programs that look
// through mail follow links too; what changes something is a form that a person
// sends.
type Page struct {
	Path  string         // below /console, e.g. "/verify"
	Class throttle.Class // whose limits hold for what is sent; ByMethod: those of writing

	// Show returns what the page shows for the query.
	Show func(r *http.Request, query url.Values) (View, error)
	// Submit does what the form asks for and returns what is shown then. For an
	// Unprocessable error the form is shown again, with what was typed and what is
	// wrong with it. Nil: the page has no form.
	Submit func(r *http.Request, form url.Values) (View, error)
}

// View is what a page shows.
type View struct {
	Title      fault.Text
	Paragraphs []fault.Text
	Form       Form
}

// Form is what a page asks.
type Form struct {
	Hidden []Hidden
	Inputs []Input
	Button fault.Text // zero: there is no form
}

// Hidden is a value that a form carries along.
type Hidden struct{ Name, Value string }

// Input is a field of a form. Its name is that of the field in the API, under
// which violations come.
type Input struct {
	Name         string
	Label        fault.Text
	Hint         fault.Text // below the label; zero: none
	Kind         string     // "text", "email" or "password"
	Autocomplete string     // as in HTML, e.g. "new-password"
	Value        string
	Optional     bool
	Min, Max     int // characters; 0: no bound
}
