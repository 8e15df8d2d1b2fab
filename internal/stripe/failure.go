package stripe

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	api "github.com/stripe/stripe-go/v85"
)

// Kind is what to do about a call that failed.
type Kind uint8

const (
	// Retry later with the same idempotency key: the network or Stripe is down,
	// busy, or something else has the lock.
	Retry Kind = iota
	// Refused means that the card or account of the customer did not pay.
	Refused
	// Misconfigured means that the key, its rights or the request is wrong; an
	// operator must see it, and repeating changes nothing.
	Misconfigured
	// Gone means that what the call is about is not there (any more).
	Gone
	// KeyUsed means that the idempotency key was used for something else: look at
	// what is there, then call with another key.
	KeyUsed
)

// Error is a call that failed. Its text names codes and the request only, never
// the key or what Stripe wrote for people.
type Error struct {
	Kind     Kind
	Status   int    // of HTTP; 0 when there was no answer
	Code     string // Stripe's, e.g. resource_missing
	Decline  string // why a card was refused, e.g. insufficient_funds
	Param    string // which parameter it is about
	Request  string // Stripe's id of the request
	ForHuman string // Stripe's sentence; text from outside and not for a log
	Err      error  // what lies beneath where there was no answer
	// After is how long Stripe wants to be left alone; 0: it did not say.
	After time.Duration
}

// Error returns the log's view.
func (e *Error) Error() string {
	text := "stripe:"
	for _, word := range []string{e.Code, e.Decline, e.Param, e.Request} {
		if word != "" {
			text += " " + word
		}
	}
	if e.Status != 0 {
		text += " (HTTP " + strconv.Itoa(e.Status) + ")"
	}
	if e.Err != nil {
		text += " " + e.Err.Error()
	}
	return text
}

// Unwrap returns what lies beneath.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether err is a failure of that kind.
func Is(err error, kind Kind) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Kind == kind
}

// IsCode reports whether err has that code of Stripe's.
func IsCode(err error, code string) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == code
}

// failure makes the library's error one of this package.
func failure(err error) error {
	if err == nil {
		return nil
	}
	s, ok := errors.AsType[*api.Error](err)
	if !ok {
		return &Error{Kind: Retry, Err: err}
	}
	e := &Error{Status: s.HTTPStatusCode, Code: word(string(s.Code)), Decline: word(string(s.DeclineCode)), Param: word(s.Param),
		Request: word(s.RequestID), ForHuman: s.Msg}
	e.Kind = kindOf(s)
	if s.LastResponse != nil {
		e.After = pause(s.LastResponse.Header.Get("Retry-After"))
	}
	return e
}

// mostPause bounds what Stripe can put off.
const mostPause = time.Hour

// pause reads Retry-After in seconds.
func pause(header string) time.Duration {
	seconds, err := strconv.ParseInt(header, 10, 32)
	if err != nil || seconds <= 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, mostPause)
}

// StatusOf is the status of HTTP that a call failed with; 0: there was no answer.
func StatusOf(err error) int {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Status
	}
	return 0
}

// After is how long Stripe wants to be left alone after a call that failed; 0: it did
// not say.
func After(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok && e.Kind == Retry {
		return e.After
	}
	return 0
}

func kindOf(e *api.Error) Kind {
	switch status := e.HTTPStatusCode; {
	case e.Type == api.ErrorTypeIdempotency:
		if status == http.StatusConflict {
			return Retry // the same call is on its way
		}
		return KeyUsed
	case e.Type == api.ErrorTypeCard, status == http.StatusPaymentRequired:
		return Refused
	case e.Code == api.ErrorCodeResourceMissing, status == http.StatusNotFound, status == http.StatusGone:
		return Gone
	case e.Code == api.ErrorCodeLockTimeout, e.Code == api.ErrorCodeRateLimit, e.Code == api.ErrorCodeIdempotencyKeyInUse:
		return Retry
	case status == http.StatusRequestTimeout, status == http.StatusConflict, status == http.StatusTooEarly, status == http.StatusTooManyRequests:
		return Retry
	case status >= 400 && status < 500, status >= 300 && status < 400:
		return Misconfigured
	}
	return Retry
}

// word returns s if it is as codes and ids are, so that nothing strange gets into
// a log.
func word(s string) string {
	if len(s) > 120 {
		return "unreadable"
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '[' && c != ']' && c != '-' {
			return "unreadable"
		}
	}
	return s
}
