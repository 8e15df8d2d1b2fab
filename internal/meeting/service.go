package meeting

import (
	"context"
	"io"
	"net/http"
	"slices"
	"time"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/employee"
	"sede/internal/fault"
	"sede/internal/holiday"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/location"
	"sede/internal/mail"
	"sede/internal/null"
	"sede/internal/page"
)

// Who may do what. Members reach their own meetings only, see reach.
var (
	mayRead  = access.Within(access.Readers).Of("meetings")
	mayWrite = access.Within(access.Readers).ToChange().Of("meetings")
	readsAll = access.Payers
	plansAll = access.Admins
)

// Service holds the use cases of meetings.
type Service struct {
	db        *db.DB
	audit     *audit.Log
	ids       *ident.Source
	now       clock.Clock
	employees *employee.Service
	locations *location.Service
	settings  Settings
	holidays  *holiday.Calendar
	zones     zones
	besides   Besides // nil: nothing
	mail      *mail.Post
	random    io.Reader
	baseURL   string
	problem   func(w http.ResponseWriter, r *http.Request, err error)
}

// reach is whose meetings a caller can reach: everybody's, or their own.
type reach struct {
	all bool
	own ident.ID // the employee they are linked to; zero: none
}

func (r reach) has(employee null.Value[ident.ID]) bool {
	return r.all || employee.Valid && !r.own.IsZero() && employee.V == r.own
}

// reachOf returns the caller's reach, where those who have one of the roles
// reach everything.
func (s *Service) reachOf(tx *db.Tx, who *access.Caller, everything access.Roles) (reach, error) {
	if who.Operator || everything.Has(who.Role) {
		return reach{all: true}, nil
	}
	own, err := s.employees.Linked(tx, who.Scope(), who.User)
	if fault.Is(err, fault.NotFound) {
		err = nil
	}
	return reach{own: own}, err
}

// List returns a page of the meetings that the caller reaches. Cancelled ones are
// left out unless the query asks for a status.
func (s *Service) List(ctx context.Context, who *access.Caller, q *page.Query) (r page.Result[Meeting], err error) {
	if err := mayRead.Check(who); err != nil {
		return r, err
	}
	wanted, rest := selectionOf(q)
	err = s.db.Read(ctx, who.Scope(), func(tx *db.Tx) error {
		reach, err := s.reachOf(tx, who, readsAll)
		if err != nil {
			return err
		}
		if !reach.all {
			wanted.employee = null.Of(reach.own)
		}
		if r, err = list(tx, who.Scope(), wanted, rest); err != nil {
			return err
		}
		return s.complete(tx, who.Scope(), r.Items)
	})
	return r, err
}

// selectionOf takes out of the query what needs a table of its own: the stretch
// of time, the one employee in it, and whether cancelled meetings count.
func selectionOf(q *page.Query) (wanted selection, rest *page.Query) {
	copied := *q
	copied.Filters = nil
	for _, f := range q.Filters {
		switch {
		case f.Field == between:
			wanted.span.V = orAlways(wanted.span)
			if at := f.Values[0].Time.Unix(); f.Op == page.StrictlyAfter {
				wanted.span.V.from = max(wanted.span.V.from, at)
			} else {
				wanted.span.V.to = min(wanted.span.V.to, at)
			}
			wanted.span.Valid = true
			continue
		case f.Field == "status":
			wanted.gone = true
		case f.Field == "employee" && f.Op == page.Equal && len(f.Values) == 1 && f.Values[0].Kind == page.ID:
			wanted.employee = null.Of(f.Values[0].ID)
		}
		copied.Filters = append(copied.Filters, f)
	}
	return wanted, &copied
}

func orAlways(s null.Value[stretch]) stretch { return s.Or(always) }

// Get loads one meeting; Missing when the caller reaches no such one.
func (s *Service) Get(ctx context.Context, who *access.Caller, id ident.ID, m *Meeting) error {
	return s.db.Read(ctx, who.Scope(), func(tx *db.Tx) error {
		if err := s.enter(tx, who, readsAll, id, m); err != nil {
			return err
		}
		return s.completeOne(tx, who.Scope(), m)
	})
}

// enter loads a meeting that the caller reaches; Missing for others, Forbidden
// for those whose role reaches no meetings at all.
func (s *Service) enter(tx *db.Tx, who *access.Caller, everything access.Roles, id ident.ID, m *Meeting) error {
	if err := find(tx, who.Scope(), id, m); err != nil {
		return err
	}
	if err := mayRead.Check(who); err != nil {
		return err
	}
	reach, err := s.reachOf(tx, who, everything)
	if err == nil && !reach.has(m.Employee) {
		err = fault.Missing()
	}
	return err
}

// Create stores a new meeting. Without a location it gets the employee's.
func (s *Service) Create(ctx context.Context, who *access.Caller, m *Meeting) error {
	return s.create(ctx, who, m, s.tell)
}

// seedBatch is how many meetings of sample data are stored in one transaction.
const seedBatch = 100

// Seed stores sample data: nobody is told.
func (s *Service) Seed(ctx context.Context, who *access.Caller, list []Meeting) error {
	if err := mayWrite.Check(who); err != nil {
		return err
	}
	for batch := range slices.Chunk(list, seedBatch) {
		err := s.db.Write(ctx, who.Scope(), func(tx *db.Tx) error {
			for _, m := range batch {
				if err := s.add(tx, who, &m); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return orOverlap(err)
		}
	}
	return nil
}

func (s *Service) create(ctx context.Context, who *access.Caller, m *Meeting, tell func(tx *db.Tx, who *access.Caller, before, m *Meeting) error) error {
	if err := mayWrite.Check(who); err != nil {
		return err
	}
	given := *m
	return orOverlap(s.db.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		*m = given
		if err := s.add(tx, who, m); err != nil {
			return err
		}
		if err := tell(tx, who, nil, m); err != nil {
			return err
		}
		return s.completeOne(tx, who.Scope(), m)
	}))
}

// add stores a new meeting.
func (s *Service) add(tx *db.Tx, who *access.Caller, m *Meeting) error {
	if err := s.mayPlan(tx, who, m); err != nil {
		return err
	}
	m.ID = s.ids.New()
	if err := s.admit(tx, who.Scope(), m, &Terms{}); err != nil {
		return err
	}
	m.Version, m.CreatedAt = 1, s.now.Now().Truncate(time.Second)
	m.UpdatedAt = m.CreatedAt
	if err := insert(tx, who.Scope(), m); err != nil {
		return err
	}
	return s.record(tx, who, "create", nil, m)
}

// Update loads the meeting, lets apply change it, and stores what came of it.
func (s *Service) Update(ctx context.Context, who *access.Caller, id ident.ID, m *Meeting, apply func() error) error {
	return orOverlap(s.db.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		if err := s.enter(tx, who, readsAll, id, m); err != nil {
			return err
		}
		if err := mayWrite.Check(who); err != nil {
			return err
		}
		if err := s.mayPlan(tx, who, m); err != nil {
			return err
		}
		before := *m
		if err := apply(); err != nil {
			return err
		}
		if m.CancelledAt.Valid {
			return fault.New(fault.Conflict, "This meeting is cancelled.")
		}
		if err := s.mayPlan(tx, who, m); err != nil {
			return err
		}
		if err := s.change(tx, who, &before, m); err != nil {
			return err
		}
		if m.Sequence != before.Sequence {
			if err := s.tell(tx, who, &before, m); err != nil {
				return err
			}
		}
		return s.completeOne(tx, who.Scope(), m)
	}))
}

// change stores a meeting whose terms may differ from those before.
func (s *Service) change(tx *db.Tx, who *access.Caller, before, m *Meeting) error {
	if !m.Location.Valid || m.claims(&before.Terms) || m.Employee != before.Employee {
		if err := s.admit(tx, who.Scope(), m, &before.Terms); err != nil {
			return err
		}
	}
	if m.Terms == before.Terms {
		return nil
	}
	if m.moved(&before.Terms) {
		m.Sequence++
	}
	return s.store(tx, who, before, m)
}

// store writes the next version of a meeting.
func (s *Service) store(tx *db.Tx, who *access.Caller, before, m *Meeting) error {
	m.Version, m.UpdatedAt = m.Version+1, s.now.Now().Truncate(time.Second)
	if err := update(tx, who.Scope(), m); err != nil {
		return err
	}
	return s.record(tx, who, "update", before, m)
}

// Cancel makes the meeting one that takes place no more. It does nothing when
// the meeting is cancelled already.
func (s *Service) Cancel(ctx context.Context, who *access.Caller, id ident.ID) error {
	if err := mayWrite.Check(who); err != nil {
		return err
	}
	return s.db.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		var m Meeting
		if err := s.enter(tx, who, readsAll, id, &m); err != nil {
			return err
		}
		if err := s.mayPlan(tx, who, &m); err != nil {
			return err
		}
		if m.CancelledAt.Valid {
			return nil
		}
		before := m
		if err := s.cancelNow(tx, who, &m); err != nil {
			return err
		}
		return s.tell(tx, who, &before, &m)
	})
}

// cancelNow cancels a meeting that is not.
func (s *Service) cancelNow(tx *db.Tx, who *access.Caller, m *Meeting) error {
	before := *m
	m.CancelledAt = null.Of(s.now.Now().Truncate(time.Second))
	m.Sequence++
	if err := s.store(tx, who, &before, m); err != nil {
		return err
	}
	db.Count(tx, who.Scope(), "meeting", -1)
	return nil
}

// mayPlan refuses meetings that are not the caller's to plan.
func (s *Service) mayPlan(tx *db.Tx, who *access.Caller, m *Meeting) error {
	reach, err := s.reachOf(tx, who, plansAll)
	if err == nil && !reach.has(m.Employee) {
		err = fault.New(fault.Forbidden, "You may plan your own meetings only.")
	}
	return err
}

// admit checks the terms against what else there is: the employee, who must be
// active to get a meeting, and their other meetings. It fills the location.
func (s *Service) admit(tx *db.Tx, scope access.Scope, m *Meeting, before *Terms) error {
	if !m.Employee.Valid {
		return nil
	}
	e, err := s.employees.Find(tx, scope, m.Employee.V)
	if err != nil {
		return err
	}
	if !e.Active && m.Employee != before.Employee {
		return fault.Broken(fault.Violation{Path: "employee", Text: fault.Textf("This employee is not active.")})
	}
	if !m.Location.Valid {
		m.Location = e.Location
	}
	if !m.claims(before) {
		return nil
	}
	return s.refuseOverlap(tx, scope, m)
}

// refuseOverlap fails with Conflict when the employee has other meetings at the
// time. Who changes an employee's meetings takes turns.
func (s *Service) refuseOverlap(tx *db.Tx, scope access.Scope, m *Meeting) error {
	if err := tx.Lock("meeting/" + m.Employee.V.String()); err != nil {
		return err
	}
	from, to, _ := m.occupied()
	others, err := overlapping(tx, scope, m.Employee.V, m.ID, stretchOf(from, to), maxNamed)
	if err != nil || len(others) == 0 {
		return err
	}
	return inTheWay(others)
}

// inTheWay is the refusal that names the meetings.
func inTheWay(others []taken) error {
	var items fault.Items
	for _, other := range others {
		items = append(items, fault.Item{Resource: "Meeting", Key: other.id.String(), Note: other.from.Format(wireTime) + "/" + other.to.Format(wireTime)})
	}
	return &fault.Error{Kind: fault.Conflict, Conflicts: items,
		Text: fault.Textf("The employee has other meetings at that time: %s. Allow the overlap if it is meant.", items)}
}

// wireTime is how the API writes times.
const wireTime = "2006-01-02T15:04:05-07:00"

// orOverlap is the answer when the database refuses an overlap that nobody saw:
// somebody who holds no lock was faster.
func orOverlap(err error) error {
	if db.IsExclusion(err, "meeting_overlap") {
		return fault.Wrap(err, fault.Conflict, "The employee has another meeting at that time.")
	}
	return err
}

// record appends to the audit log.
func (s *Service) record(tx *db.Tx, who *access.Caller, action string, before, after *Meeting) error {
	e := audit.Entry{Action: action, Resource: "Meeting", Key: after.ID.String(), After: hydra.JSON(fields, after)}
	if before != nil {
		e.Before = hydra.JSON(fields, before)
	}
	return s.audit.Append(tx, who, e)
}
