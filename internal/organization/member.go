package organization

import (
	"time"

	"sede/internal/access"
	"sede/internal/fault"
	"sede/internal/ident"
)

// The states of members.
const (
	MemberActive    = "active"
	MemberSuspended = "suspended" // keeps the place in the list, may do nothing
)

// Member is a user in an organization.
type Member struct {
	ID           ident.ID
	Organization ident.ID
	User         ident.ID
	Name         string // the user's
	Email        string // the user's username
	Role         string
	Status       string
	JoinedAt     time.Time
	Version      int64
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// owns reports whether the member is one of those without whom the organization
// would have no owner.
func (m *Member) owns() bool { return m.Status == MemberActive && m.Role == access.Owner.String() }

// takesSeat reports whether the member counts against the limit of seats.
func (m *Member) takesSeat() bool { return m.Status == MemberActive && TakesSeat(m.Role) }

// TakesSeat reports whether an active member with the role needs a seat: all do
// but guests.
func TakesSeat(role string) bool { return role != access.Guest.String() }

// Reaches reports whether somebody whose own role is rank may give the role and
// act on those who have it: nobody reaches above their own.
func Reaches(rank access.Role, role string) bool {
	named, ok := access.ParseRole(role)
	return ok && named <= rank
}

// AboveOwn is the violation of giving a role above one's own.
func AboveOwn() fault.Violation {
	return fault.Violation{Path: "role", Code: fault.CodeChoice, Text: fault.Textf("You can't give a role above your own.")}
}

// lastOwner is the answer to what would leave the organization without an owner.
func lastOwner() error {
	return fault.New(fault.Conflict, "An organization always has an owner. Make somebody else an owner first.")
}
