package meeting

import (
	"strings"

	"sede/internal/access"
	"sede/internal/fault"
	"sede/internal/ident"
)

// invitation is what an employee was told of a meeting by mail.
type invitation struct {
	employee  ident.ID
	name      string
	email     string
	organizer string // the address of who planned it first
	sequence  int64  // of the meeting when they were told last
}

// noOrganizer stands for who plans a meeting and has no address.
const noOrganizer = "noreply@localhost"

// organizerOf is the address that answers go to.
func organizerOf(who *access.Caller) string {
	if strings.Contains(who.Username, "@") {
		return who.Username
	}
	return noOrganizer
}

// The first sentence of a mail, by what is to be told.
type news uint8

const (
	newsInvited news = iota
	newsMoved
	newsDropped
)

// subject is the title of the mail.
func (n news) subject(title, when string) fault.Text {
	switch n {
	case newsMoved:
		return fault.Textf("Changed: %s, %s", title, when)
	case newsDropped:
		return fault.Textf("Cancelled: %s, %s", title, when)
	}
	return fault.Textf("Invitation: %s, %s", title, when)
}

// sentence is what has happened.
func (n news) sentence() fault.Text {
	switch n {
	case newsMoved:
		return fault.Textf("A meeting of yours has changed.")
	case newsDropped:
		return fault.Textf("A meeting of yours does not take place.")
	}
	return fault.Textf("A meeting was planned with you.")
}
