package meeting

import (
	"context"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/location"
	"sede/internal/null"
)

// SlotQuery says which start times are looked for.
type SlotQuery struct {
	Step  int64 // minutes between two start times
	Limit int64 // how many at most
}

// Slots looks for start times of a meeting. It is Missing when the caller
// reaches no such one, and a Conflict when it is cancelled.
func (s *Service) Slots(ctx context.Context, who *access.Caller, id ident.ID, q *SlotQuery, slots *Slots) error {
	return s.db.Read(ctx, who.Scope(), func(tx *db.Tx) error {
		var m Meeting
		if err := s.enter(tx, who, readsAll, id, &m); err != nil {
			return err
		}
		if m.CancelledAt.Valid {
			return fault.New(fault.Conflict, "This meeting is cancelled.")
		}
		return s.findSlots(tx, who.Scope(), &m, q, slots)
	})
}

// findSlots looks for start times within the transaction, with a constant number
// of statements.
func (s *Service) findSlots(tx *db.Tx, scope access.Scope, m *Meeting, q *SlotQuery, slots *Slots) error {
	where, err := s.placeOf(tx, scope, m)
	if err != nil {
		return err
	}
	search := search{place: where, window: interval{m.DateFrom, m.DateTo}, length: time.Duration(m.Duration) * time.Minute,
		step: int(q.Step), limit: int(q.Limit), now: tx.Now(scope)}
	search.length = min(search.length, m.DateTo.Sub(m.DateFrom)) // what does not fit is cut, see occupied
	others, more, err := s.inWindow(tx, scope, m, &search.window)
	if err != nil {
		return err
	}
	*slots = Slots{Meeting: m.ID, TimeZone: where.zone.String(), Duration: int64(search.length / time.Minute), Step: q.Step, More: more}
	slots.List, slots.Days, more = search.run(others)
	slots.More = slots.More || more
	return nil
}

// maxTaken is how many meetings of the employee are looked at for one answer.
const maxTaken = 10_000

// inWindow returns the time that other meetings of the employee occupy in the
// window. When they are too many the window ends with the last of them, and more
// is true.
func (s *Service) inWindow(tx *db.Tx, scope access.Scope, m *Meeting, window *interval) (others []taken, more bool, err error) {
	if !m.Employee.Valid {
		return nil, false, nil
	}
	others, err = overlapping(tx, scope, m.Employee.V, m.ID, stretchOf(window.from, window.to), maxTaken+1)
	if len(others) > maxTaken {
		window.to, more = others[maxTaken].from, true
		others = others[:maxTaken]
	}
	return others, more, err
}

// placeOf is when people work where the meeting takes place. Without a location
// that is all of the organization's working days, on its clock.
func (s *Service) placeOf(tx *db.Tx, scope access.Scope, m *Meeting) (*place, error) {
	if m.Location.Valid {
		places, err := s.placesOf(tx, scope, []Meeting{*m}, func(*Meeting) bool { return true })
		return places[m.Location.V], err
	}
	zone, err := s.settings.TimeZone(tx, scope)
	if err != nil {
		return nil, err
	}
	workdays, err := s.workdays(tx, scope)
	return s.placeAt(&location.Location{TimeZone: zone, Country: null.Value[string]{}}, workdays), err
}
