// Package employee keeps the people of an organization whom meetings are about,
// whether or not they can sign in.
//
// An employee may work at a location and may be linked to a user who is a
// member of the organization; a user is linked to at most one employee there.
// Who leaves is made inactive and stays, since past meetings point at them.
package employee

import (
	"net/mail"
	"strings"
	"time"

	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
)

// Employee is one person.
type Employee struct {
	ID        ident.ID
	FirstName string
	LastName  string
	Email     null.Value[string]
	Location  null.Value[ident.ID]
	User      null.Value[ident.ID] // the member of the organization who they are
	Active    bool
	Version   int64
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Name returns the whole name, the first name first.
func (e *Employee) Name() string { return strings.TrimSpace(e.FirstName + " " + e.LastName) }

// maxEmail is the longest address that mail can be sent to, in octets (RFC 5321,
// 4.5.3.1.3, without the angle brackets).
const maxEmail = 254

// checkEmail says what is wrong with an address. It must be one plain address
// (RFC 5322, addr-spec) without a name beside it.
func checkEmail(address string) fault.Text {
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || parsed.Name != "" || len(address) > maxEmail {
		return fault.Textf("This value is not a valid email address.")
	}
	return fault.Text{}
}
