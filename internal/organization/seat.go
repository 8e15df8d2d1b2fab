package organization

import (
	"time"

	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
)

// Seats says how many people the organization has room for.
type Seats struct {
	Used     int64             // active members who are no guests
	Reserved int64             // people with a pending invitation
	Limit    null.Value[int64] // null: unlimited
}

// over reports whether more seats are taken than there are, which happens when
// the limit shrinks.
func (s Seats) over() bool { return s.Limit.Valid && s.Used+s.Reserved > s.Limit.V }

// full reports whether no further seat is free.
func (s Seats) full() bool { return s.Limit.Valid && s.Used+s.Reserved >= s.Limit.V }

// room is a Conflict, with the numbers, when no further seat is free.
func (s Seats) room() error {
	if !s.full() {
		return nil
	}
	return fault.New(fault.Conflict, "No seat is free: %d are used, %d reserved, of %d.", s.Used, s.Reserved, s.Limit.V)
}

// free is how many more people there is room for; null: any number.
func (s Seats) free() null.Value[int64] {
	return null.Value[int64]{V: max(0, s.Limit.V-s.Used-s.Reserved), Valid: s.Limit.Valid}
}

// shrinks is a Conflict, with the numbers, when limit is below the seats that
// are taken.
func (s Seats) shrinks(limit null.Value[int64]) error {
	if s.Limit = limit; !s.over() {
		return nil
	}
	return fault.New(fault.Conflict, "The limit can't be below the seats that are taken: %d are used, %d reserved.", s.Used, s.Reserved)
}

// maxSeatLimit is the largest limit that can be set.
const maxSeatLimit = 10_000_000

// The states of seats.
const (
	SeatUsed     = "used"
	SeatReserved = "reserved"
)

// Seat is one seat that is taken, by a member or for somebody who is invited.
type Seat struct {
	ID           ident.ID // of the member or the invitation
	Organization ident.ID
	State        string
	Name         string // the member's; empty for who is invited
	Email        string
	Role         string
	Since        time.Time             // when the member joined, or was invited last
	Until        null.Value[time.Time] // when the invitation expires
}

// member is the member who uses the seat.
func (s *Seat) member() null.Value[ident.ID] {
	return null.Value[ident.ID]{V: s.ID, Valid: s.State == SeatUsed}
}

// invitation is what the seat is kept for.
func (s *Seat) invitation() null.Value[ident.ID] {
	return null.Value[ident.ID]{V: s.ID, Valid: s.State == SeatReserved}
}

// reason says why the seat is taken.
func (s *Seat) reason() fault.Text {
	if s.State == SeatReserved {
		return fault.Textf("A pending invitation keeps a seat until it is accepted, revoked or expired.")
	}
	return fault.Textf("An active member who is no guest takes a seat.")
}

// SeatUsage explains the seats of an organization.
type SeatUsage struct {
	Seats
	Organization ident.ID
	Bought       bool   // the limit is that of the subscription, not of operators
	Holders      []Seat // the first of those that are taken
}

// What limits come from.
const (
	limitOfSubscription = "subscription"
	limitOfOperator     = "operator"
)

// limitedBy says what the limit comes from; null when there is none.
func (u *SeatUsage) limitedBy() null.Value[string] {
	switch {
	case !u.Limit.Valid:
		return null.Value[string]{}
	case u.Bought:
		return null.Of(limitOfSubscription)
	}
	return null.Of(limitOfOperator)
}

// Reservation is a seat that is kept for somebody who is invited.
type Reservation struct {
	ID        ident.ID // the invitation's
	Email     string
	Role      string
	ExpiresAt time.Time
}
