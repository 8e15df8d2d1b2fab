// Package fault says what went wrong: once for the person who asked and once
// for the log. An Error has a public face (its Kind, Text and Violations, shown
// to anybody) and a log face (what it wraps, shown to nobody outside). Any other
// error is a defect and is answered as a plain internal error.
package fault

import (
	"errors"
	"strings"
	"time"
)

// Kind is the class of a failure; each has one HTTP status.
type Kind uint8

// The kinds of failure.
const (
	Internal             Kind = iota // 500: ours; the text is hidden
	Invalid                          // 400: the request can't be read
	Unauthorized                     // 401: nobody, or nobody we know
	PaymentRequired                  // 402: not part of what was bought
	Forbidden                        // 403: known, but may not
	NotFound                         // 404: not there, or not theirs
	MethodNotAllowed                 // 405
	NotAcceptable                    // 406: no format in common
	Conflict                         // 409: contradicts what is there
	Gone                             // 410: was there once
	PreconditionFailed               // 412: somebody else was faster
	TooLarge                         // 413
	UnsupportedMediaType             // 415
	Unprocessable                    // 422: read, but breaks rules
	TooManyRequests                  // 429: slow down
	Unavailable                      // 503: try again later
)

var statuses = [...]int{500, 400, 401, 402, 403, 404, 405, 406, 409, 410, 412, 413, 415, 422, 429, 503}

// Status returns the HTTP status of the kind.
func (k Kind) Status() int { return statuses[k] }

// Text is a sentence for people: an English format in the manner of fmt and its
// arguments. The English format is also the key under which package phrase
// keeps the translations.
type Text struct {
	Format string
	Args   []any
}

// Textf returns the sentence.
func Textf(format string, args ...any) Text { return Text{Format: format, Args: args} }

// IsZero reports whether there is no sentence.
func (t Text) IsZero() bool { return t.Format == "" }

// Violation is one broken rule of one field.
type Violation struct {
	Path string // the field as it is spelled in the body, e.g. "officeOpenHour" or "products[0].quantity"
	Text Text   // what is wrong
	Code string // the rule's id, one of the Code constants, or empty
	Hint string // more for developers, e.g. a parser's message; never translated
}

// The codes that API Platform clients know, one for each rule (they are the
// constraint constants of the Symfony validator).
const (
	CodeBlank    = "c1051bb4-d103-4f74-8988-acbcafc7fdc3"
	CodeNull     = "ad32d13f-c3d4-423b-909a-857b961eb720"
	CodeType     = "ba785a8c-82cb-4283-967c-3cf342181b40"
	CodeRange    = "04b91c99-a946-4221-afc5-e65ebac401eb"
	CodeTooLow   = "76454e69-502c-46c5-9643-f447d837c4d5"
	CodeTooHigh  = "2d28afcb-e32e-45fb-a815-01c431a86a69"
	CodeTooShort = "9ff3fdc4-b214-49db-8718-39c315e33d45"
	CodeTooLong  = "d94b19cc-114f-4f44-9cc4-4138e80a87b9"
	CodeChoice   = "8e179f1b-97aa-4560-a02f-2a8b42e49df7"
	CodeRegex    = "de1e3db3-5ed4-4941-aae4-59f3667cc3a3"
	CodeUnique   = "23bd9dbf-6b9b-41cd-a99e-4844bcf3077f"
	CodeEqual    = "aa2e33da-25c8-4d76-8c6c-812f02ea89dd"
	CodeEmail    = "bd79c0ab-ddba-46cc-a703-a7a4b08de310"
	CodeTimezone = "5ce113e6-5e64-4ea2-90fe-d2233956db13"
	CodeLanguage = "ee65fec4-9a20-4202-9f39-ca558cd7bdf7"
	CodeCurrency = "69945ac1-2db4-405f-bec7-d2772f73df52"
	CodeDate     = "69819696-02ac-4a99-9ff0-14e127c4d1bc"
	CodeURL      = "57c2f299-1154-4870-89bb-ef3b1f5ad229"
	CodeFileType = "744f00bc-4389-4c74-92de-9a43cde55534"
	CodeImage    = "5d4163f3-648f-4e39-87fd-cc5ea7aad2d1"
	CodeArchive  = "0c7c1a52-6a1e-4a4f-9d0e-8f2b6f0d9b13" // sede's own
)

// Item is an item of the API that an Error is about. In a Text it may be an
// argument, and is told by its IRI.
type Item struct {
	Resource string // "Location": its resource's name
	Key      string
	Note     string // what the sentence says of it, in brackets; not translated
}

// Items are several of them, told one after the other.
type Items []Item

// Error is a failure with both faces.
type Error struct {
	Kind       Kind
	Text       Text          // for people; empty: the kind's own sentence
	Violations []Violation   // for Invalid and Unprocessable
	Conflicts  Items         // for Conflict: what is in the way
	Modules    []string      // for PaymentRequired: one of these modules is needed
	RetryAfter time.Duration // for TooManyRequests and Unavailable; 0: not said
	Err        error         // for the log; may be nil
}

// New returns an Error of a kind with a sentence for people.
func New(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Text: Textf(format, args...)}
}

// Wrap returns an Error that says the sentence to people and err to the log.
func Wrap(err error, kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Text: Textf(format, args...), Err: err}
}

// Missing is the answer for what is not there and for what belongs to others:
// the two must not be told apart.
func Missing() *Error { return New(NotFound, "Not Found") }

// Denied is the answer for who is known but may not.
func Denied() *Error { return New(Forbidden, "Access Denied.") }

// Broken returns the Unprocessable error for the violations, or nil when there
// are none.
func Broken(violations ...Violation) error {
	if len(violations) == 0 {
		return nil
	}
	return &Error{Kind: Unprocessable, Violations: violations}
}

// Error returns the log face.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Text.Format)
	for _, v := range e.Violations {
		b.WriteString(" " + v.Path + ": " + v.Text.Format)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns what the log should know.
func (e *Error) Unwrap() error { return e.Err }

// As returns the Error inside err, or an Internal one that wraps err.
func As(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Kind: Internal, Text: Textf("Internal Server Error"), Err: err}
}

// Is reports whether err is an Error of the kind.
func Is(err error, kind Kind) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Kind == kind
}
