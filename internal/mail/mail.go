// Package mail sends mail: what a feature says in sentences becomes a message
// with an HTML and a text twin, in the reader's language, and is delivered by a
// durable job.
//
// Without a server for mail nothing leaves the machine: messages land in the
// development mailbox, which can be read at /dev/mailbox.
package mail

import (
	"sede/internal/fault"
)

// Message is one mail to one person. Its sentences are translated when it is
// sent; values in them, such as names, stand as they are.
type Message struct {
	To         Address
	ReplyTo    Address      // empty: none
	Language   string       // of the reader, as in Accept-Language; empty: English
	Subject    fault.Text   // one line
	Paragraphs []fault.Text // what comes first
	Action     Action       // a button below; empty: none
	After      []fault.Text // what comes below the button
	Calendar   *Calendar    // an appointment that calendars understand; nil: none
}

// Address is a person's mail address.
type Address struct {
	Name  string `json:"name,omitempty"` // may be empty
	Email string `json:"email"`
}

// IsZero reports whether there is no address.
func (a Address) IsZero() bool { return a.Email == "" }

// Action is what the reader is asked to do: a button with a link.
type Action struct {
	Label fault.Text
	URL   string // absolute, http or https
}

// Calendar is an iCalendar part, as in iMIP (RFC 6047).
type Calendar struct {
	Method  string `json:"method"`  // e.g. REQUEST or CANCEL
	Content []byte `json:"content"` // the VCALENDAR
}
