package organization

import (
	"context"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/page"
)

// mayCountSeats says who sees the people on the seats: those who pay for them.
var mayCountSeats = access.Within(access.Payers)

// SeatLimits tells how many seats the organizations may fill, by what they
// bought. One that it does not mention has the limit that operators set.
type SeatLimits func(tx *db.Tx, organizations []ident.ID) (map[ident.ID]null.Value[int64], error)

// SetSeatLimits sets where limits come from before what operators set.
func (s *Service) SetSeatLimits(limits SeatLimits) { s.limits = limits }

// seats returns the seats of the scope's organization as they are now, and
// whether the limit was bought. They stay so until the transaction ends if the
// members are locked.
func (s *Service) seats(tx *db.Tx, scope access.Scope) (seats Seats, bought bool, err error) {
	if seats, err = readSeats(tx, scope, tx.Now(scope)); err != nil || s.limits == nil {
		return seats, false, err
	}
	limits, err := s.limits(tx, []ident.ID{scope.Organization()})
	limit, bought := limits[scope.Organization()]
	if bought {
		seats.Limit = limit
	}
	return seats, bought, err
}

// fillSeats completes the organizations with their seats.
func (s *Service) fillSeats(tx *db.Tx, items []Organization) error {
	if err := seatsOf(tx, items, s.now.Now()); err != nil {
		return err
	}
	var bought map[ident.ID]null.Value[int64]
	if s.limits != nil {
		ids := make([]ident.ID, len(items))
		for i := range items {
			ids[i] = items[i].ID
		}
		var err error
		if bought, err = s.limits(tx, ids); err != nil {
			return err
		}
	}
	for i := range items {
		o := &items[i]
		if limit, ok := bought[o.ID]; ok {
			o.Seats.Limit = limit
		}
		o.OverSeat = o.Seats.over()
	}
	return nil
}

// RoomFor is a Conflict, with the numbers, when a limit would be below the seats
// that are taken. They are locked from here on.
func (s *Service) RoomFor(tx *db.Tx, scope access.Scope, limit null.Value[int64]) error {
	if err := lockMembers(tx, scope); err != nil {
		return err
	}
	seats, err := readSeats(tx, scope, tx.Now(scope))
	if err == nil {
		err = seats.shrinks(limit)
	}
	return err
}

// seatFree is a Conflict when the organization has no seat for one more. The
// members are locked.
func (s *Service) seatFree(tx *db.Tx, scope access.Scope) error {
	seats, _, err := s.seats(tx, scope)
	if err == nil {
		err = seats.room()
	}
	return err
}

// Seats returns a page of the seats that are taken in the caller's organization.
func (s *Service) Seats(ctx context.Context, who *access.Caller, q *page.Query) (r page.Result[Seat], err error) {
	if err := mayCountSeats.Check(who); err != nil {
		return r, err
	}
	err = s.db.Read(ctx, who.Scope(), func(tx *db.Tx) (err error) {
		r, err = listSeats(tx, who.Scope(), tx.Now(who.Scope()), q)
		return err
	})
	return r, err
}

// SeatUsage explains the seats of the organization with the id or slug; Missing
// for those who do not belong to it, Denied for those who do not pay for seats.
func (s *Service) SeatUsage(ctx context.Context, who *access.Caller, ref string, u *SeatUsage) error {
	if err := maySee.Check(who); err != nil {
		return err
	}
	return s.db.Read(ctx, access.Instance(), func(tx *db.Tx) error {
		var o Organization
		_, err := s.enterAs(tx, who, ref, access.Payers, &o)
		if err != nil {
			return err
		}
		scope := access.System(o.ID)
		*u = SeatUsage{Organization: o.ID}
		if u.Seats, u.Bought, err = s.seats(tx, scope); err != nil {
			return err
		}
		r, err := listSeats(tx, scope, tx.Now(scope), &page.Query{Number: 1, Size: shown})
		u.Holders = r.Items
		return err
	})
}

// Seat loads one seat by the id of its member or invitation.
func (s *Service) Seat(ctx context.Context, who *access.Caller, id ident.ID, seat *Seat) error {
	return s.db.Read(ctx, who.Scope(), func(tx *db.Tx) error { return findSeat(tx, who.Scope(), tx.Now(who.Scope()), id, seat) })
}

// LockMembers holds the members and seats of the organization until the
// transaction ends: what is done below relies on it.
func (s *Service) LockMembers(tx *db.Tx, scope access.Scope) error { return lockMembers(tx, scope) }

// ReserveSeat keeps a seat until the reservation expires, in place of one that
// is kept under the same id. It is a Conflict when none is free. Guests need
// none. The members are locked.
func (s *Service) ReserveSeat(tx *db.Tx, scope access.Scope, r Reservation) error {
	deleteReservation(tx, scope, r.ID, tx.Now(scope))
	if !TakesSeat(r.Role) {
		return nil
	}
	if err := s.seatFree(tx, scope); err != nil {
		return err
	}
	insertReservation(tx, scope, &r, tx.Now(scope).Truncate(time.Second))
	return nil
}

// ReleaseSeat gives up the seat that is kept under the id, if one is. The
// members are locked.
func (s *Service) ReleaseSeat(tx *db.Tx, scope access.Scope, id ident.ID) {
	deleteReservation(tx, scope, id, tx.Now(scope))
}
