package employee

import (
	"context"
	"time"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/page"
)

// Who may do what.
var (
	mayRead  = access.Within(access.Readers).Of("employees", "meetings")
	mayWrite = access.Within(access.Admins).ToChange().Of("employees", "meetings")
)

// Service holds the use cases of employees.
type Service struct {
	db       *db.DB
	audit    *audit.Log
	ids      *ident.Source
	now      clock.Clock
	isMember func(tx *db.Tx, scope access.Scope, user ident.ID) (bool, error)
}

// List returns a page of the organization's employees.
func (s *Service) List(ctx context.Context, who *access.Caller, q *page.Query) (r page.Result[Employee], err error) {
	if err := mayRead.Check(who); err != nil {
		return r, err
	}
	err = s.db.Read(ctx, who.Scope(), func(tx *db.Tx) (err error) {
		r, err = list(tx, who.Scope(), q)
		return err
	})
	return r, err
}

// Get loads one employee; Missing when the organization has no such one.
func (s *Service) Get(ctx context.Context, who *access.Caller, id ident.ID, e *Employee) error {
	return s.db.Read(ctx, who.Scope(), func(tx *db.Tx) error { return find(tx, who.Scope(), id, e) })
}

// Create stores a new employee.
func (s *Service) Create(ctx context.Context, who *access.Caller, e *Employee) error {
	if err := mayWrite.Check(who); err != nil {
		return err
	}
	given := *e
	return s.db.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		*e = given
		if err := s.checkUser(tx, who.Scope(), e); err != nil {
			return err
		}
		e.ID, e.Version = s.ids.New(), 1
		e.CreatedAt = s.now.Now().Truncate(time.Second)
		e.UpdatedAt = e.CreatedAt
		if err := insert(tx, who.Scope(), e); err != nil {
			return orTaken(err)
		}
		return s.audit.Append(tx, who, audit.Entry{Action: "create", Resource: "Employee", Key: e.ID.String(), After: hydra.JSON(fields, e)})
	})
}

// Update loads the employee, lets apply change them, and stores what came of it.
func (s *Service) Update(ctx context.Context, who *access.Caller, id ident.ID, e *Employee, apply func() error) error {
	return s.db.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		if err := find(tx, who.Scope(), id, e); err != nil {
			return err
		}
		before := *e
		if err := apply(); err != nil {
			return err
		}
		if err := mayWrite.Check(who); err != nil {
			return err
		}
		if *e == before {
			return nil
		}
		if e.User != before.User {
			if err := s.checkUser(tx, who.Scope(), e); err != nil {
				return err
			}
		}
		e.Version, e.UpdatedAt = e.Version+1, s.now.Now().Truncate(time.Second)
		if err := update(tx, who.Scope(), e); err != nil {
			return orTaken(err)
		}
		return s.audit.Append(tx, who, audit.Entry{Action: "update", Resource: "Employee", Key: id.String(),
			Before: hydra.JSON(fields, &before), After: hydra.JSON(fields, e)})
	})
}

// checkUser refuses a link to a user who is no member of the organization, or
// is another employee already.
func (s *Service) checkUser(tx *db.Tx, scope access.Scope, e *Employee) error {
	if !e.User.Valid {
		return nil
	}
	is, err := s.isMember(tx, scope, e.User.V)
	if err != nil {
		return err
	}
	if !is {
		return fault.Broken(fault.Violation{Path: "user", Text: fault.Textf("This user is not a member of the organization.")})
	}
	other, err := linked(tx, scope, e.User.V)
	switch {
	case fault.Is(err, fault.NotFound):
		return nil
	case err == nil && other != e.ID:
		return userTaken()
	}
	return err
}

func userTaken() error {
	return fault.Broken(fault.Violation{Path: "user", Code: fault.CodeUnique, Text: fault.Textf("This user is linked to another employee.")})
}

// orTaken turns the loss of a race for a user into the answer for it.
func orTaken(err error) error {
	if db.IsUnique(err, "employee_user_id") {
		return userTaken()
	}
	return err
}

// Find loads one employee within a transaction; Missing when the organization
// has no such one.
func (s *Service) Find(tx *db.Tx, scope access.Scope, id ident.ID) (e Employee, err error) {
	err = find(tx, scope, id, &e)
	return e, err
}

// Some loads those of the employees that the organization has, in no order,
// within a transaction.
func (s *Service) Some(tx *db.Tx, scope access.Scope, ids []ident.ID) ([]Employee, error) {
	return some(tx, scope, ids)
}

// Linked returns the employee that the user is linked to, within a transaction;
// Missing when there is none.
func (s *Service) Linked(tx *db.Tx, scope access.Scope, user ident.ID) (ident.ID, error) {
	return linked(tx, scope, user)
}
