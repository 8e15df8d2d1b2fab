// Package webhook tells other programs what happens in an organization: each event
// is posted as JSON to the webhook endpoints that want events of its type, signed as
// Standard Webhooks says (standardwebhooks.com).
//
// Every change of a resource that a feature declares is an event, told with its entry
// in the audit log. What else happens, such as that a consent is about to end, a
// feature tells itself.
//
// A feature sends an Event in the transaction of the change. Each endpoint then gets
// it by a durable job, which repeats it for days until the endpoint answers 2xx. So
// an event comes at least once, in any order, and its id tells repetitions apart. An
// endpoint that refuses everything for some days is switched off.
//
// Addresses are of the internet only, unless sede is told that those of its own
// machine are fine, too.
package webhook

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/outbound"
)

// Type is one type of events, which a feature declares.
type Type struct {
	Name     string // e.g. "integration.expiring"; never changed
	Doc      string // what happened, as the end of a sentence
	Resource string // the resource whose changes in the audit log the events are; empty: none
}

// Changes is a type of events for each of the resources: that one was created,
// changed or removed.
func Changes(resources ...string) (list []Type) {
	for _, name := range resources {
		list = append(list, Type{Name: kebab(name) + ".changed", Doc: "an entry of the audit log about " + name, Resource: name})
	}
	return list
}

// kebab writes the name of a resource in small letters: organization-user.
func kebab(name string) string {
	var b strings.Builder
	for i, letter := range name {
		if unicode.IsUpper(letter) && i > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(letter))
	}
	return b.String()
}

// Event is something that happened in an organization.
type Event struct {
	Type string
	Data []byte // JSON: what it happened to
}

// Ping is the type of the event that people send to try an endpoint.
const Ping = "ping"

// All stands for the events of all types.
const All = "*"

// Endpoint is an address that gets events.
type Endpoint struct {
	ID           ident.ID
	URL          string
	Description  string
	Events       []string // their types, sorted
	Enabled      bool
	Secret       null.Value[string]    // that signs, in the answers that make one only
	DeliveredAt  null.Value[time.Time] // when an event arrived last
	FailedAt     null.Value[time.Time] // when one did not, last
	FailingSince null.Value[time.Time] // none has arrived since
	RetryAt      null.Value[time.Time] // nothing is sent before, because deliveries fail
	Error        null.Value[string]    // what went wrong last
	Version      int64
	CreatedAt    time.Time
	UpdatedAt    time.Time

	secret      null.Value[[]byte] // sealed
	former      null.Value[[]byte] // the one before, sealed
	formerUntil null.Value[time.Time]
}

const (
	maxURL       = 2000
	maxEndpoints = 20                 // of an organization
	formerTime   = 24 * time.Hour     // how long a secret that was replaced signs as well
	patience     = 5 * 24 * time.Hour // how long an endpoint may refuse everything
	longestPause = time.Hour          // between deliveries to an endpoint that fails
)

// What can go wrong with a delivery.
const (
	unknownHost = "unknown-host"
	unreachable = "unreachable" // no connection
	certificate = "certificate" // which is not the host's, has run out or is trusted by nobody
	timeout     = "timeout"     // no answer in time
	outOfReach  = "out-of-reach"
	refused     = "refused" // an answer other than 2xx
	gone        = "gone"    // 410: the other side wants no more
	silent      = "silent"
)

func failures() []string {
	return []string{unknownHost, unreachable, certificate, timeout, outOfReach, refused, gone, silent}
}

// sentence says what went wrong, to people.
func sentence(code string) fault.Text {
	switch code {
	case unknownHost:
		return fault.Textf("There is no host of this name.")
	case unreachable:
		return fault.Textf("No connection could be made.")
	case certificate:
		return fault.Textf("The certificate is not valid for this address.")
	case timeout:
		return fault.Textf("There was no answer in time.")
	case outOfReach:
		return fault.Textf("The address is not on the internet.")
	case refused:
		return fault.Textf("The answer was not 2xx.")
	case gone:
		return fault.Textf("The answer was 410: nothing is wanted there any more.")
	case silent:
		return fault.Textf("Organizations of type demo send nothing out.")
	}
	return fault.Text{}
}

// wants reports whether the endpoint gets events of the type.
func (e *Endpoint) wants(kind string) bool {
	return slices.Contains(e.Events, kind) || slices.Contains(e.Events, All)
}

// recover forgets that deliveries failed.
func (e *Endpoint) recover() {
	e.FailingSince, e.RetryAt, e.Error = null.Value[time.Time]{}, null.Value[time.Time]{}, null.Value[string]{}
}

// fail notes that a delivery failed. The next one, of whatever event, waits as long as
// deliveries have failed until now.
func (e *Endpoint) fail(why string, now time.Time) {
	e.FailedAt, e.Error = null.Of(now), null.Of(why)
	if !e.FailingSince.Valid {
		e.FailingSince = null.Of(now)
	}
	e.RetryAt = null.Value[time.Time]{}
	if why != silent {
		e.RetryAt = null.Of(now.Add(min(max(now.Sub(e.FailingSince.V), time.Second), longestPause)))
	}
}

// check says what is wrong with an endpoint. local allows addresses of this machine.
func (e *Endpoint) check(types []Type, local bool) (list []fault.Violation) {
	if text := outbound.CheckAddress(e.URL, local); !text.IsZero() {
		list = append(list, fault.Violation{Path: "url", Text: text})
	} else if outbound.IsInside(e.URL, local) {
		list = append(list, fault.Violation{Path: "url", Text: fault.Textf("The address is not on the internet.")})
	}
	if len(e.Events) == 0 {
		list = append(list, fault.Violation{Path: "events", Text: fault.Textf("This collection should contain 1 element or more.")})
	}
	for _, name := range e.Events {
		known := name == All || slices.ContainsFunc(types, func(t Type) bool { return t.Name == name })
		if !known {
			list = append(list, fault.Violation{Path: "events", Code: fault.CodeChoice, Text: fault.Textf("There are no events of type %q.", shorten(name))})
			break
		}
	}
	return list
}

// shorten keeps what callers write short in an answer.
func shorten(name string) string {
	const most = 60
	if len(name) > most {
		return strings.ToValidUTF8(name[:most], "") + "…"
	}
	return name
}
