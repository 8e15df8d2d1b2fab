package organization

import (
	"time"

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
	Role         string
	Status       string
	JoinedAt     time.Time
	Version      int64
	CreatedAt    time.Time
	UpdatedAt    time.Time
}
