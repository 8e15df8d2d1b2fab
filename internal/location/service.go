package location

import (
	"context"
	"time"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/page"
)

// Who may do what.
var (
	mayRead  = access.Within(access.Readers)
	mayWrite = access.Within(access.Admins).ToChange()
)

// Service holds the use cases of locations.
type Service struct {
	db    *db.DB
	audit *audit.Log
	ids   *ident.Source
	now   clock.Clock
	zone  func(tx *db.Tx, scope access.Scope) (string, error)
}

// List returns a page of the organization's locations.
func (s *Service) List(ctx context.Context, who *access.Caller, q *page.Query) (r page.Result[Location], err error) {
	if err := mayRead.Check(who); err != nil {
		return r, err
	}
	err = s.db.Read(ctx, who.Scope(), func(tx *db.Tx) (err error) {
		r, err = list(tx, who.Scope(), q)
		return err
	})
	return r, err
}

// Get loads one location; Missing when the organization has no such one.
func (s *Service) Get(ctx context.Context, who *access.Caller, id ident.ID, l *Location) error {
	return s.db.Read(ctx, who.Scope(), func(tx *db.Tx) error { return find(tx, who.Scope(), id, l) })
}

// Some loads those of the locations that the organization has, within a
// transaction, in any order.
func (s *Service) Some(tx *db.Tx, scope access.Scope, ids []ident.ID) ([]Location, error) {
	return some(tx, scope, ids)
}

// Create stores a new location. Without a time zone it gets the organization's.
func (s *Service) Create(ctx context.Context, who *access.Caller, l *Location) error {
	if err := mayWrite.Check(who); err != nil {
		return err
	}
	given := *l
	return s.db.Write(ctx, who.Scope(), func(tx *db.Tx) (err error) {
		*l = given
		if l.TimeZone == "" {
			if l.TimeZone, err = s.zone(tx, who.Scope()); err != nil {
				return err
			}
		}
		l.ID, l.Version = s.ids.New(), 1
		l.CreatedAt = s.now.Now().Truncate(time.Second)
		l.UpdatedAt = l.CreatedAt
		insert(tx, who.Scope(), l)
		return s.audit.Append(tx, who, audit.Entry{Action: "create", Resource: "Location", Key: l.ID.String(), After: hydra.JSON(fields, l)})
	})
}

// Update loads the location, lets apply change it, and stores what came of it.
func (s *Service) Update(ctx context.Context, who *access.Caller, id ident.ID, l *Location, apply func() error) error {
	return s.db.Write(ctx, who.Scope(), func(tx *db.Tx) (err error) {
		if err := find(tx, who.Scope(), id, l); err != nil {
			return err
		}
		before := *l
		if err := apply(); err != nil {
			return err
		}
		if err := mayWrite.Check(who); err != nil {
			return err
		}
		if l.TimeZone == "" {
			if l.TimeZone, err = s.zone(tx, who.Scope()); err != nil {
				return err
			}
		}
		if *l == before {
			return nil
		}
		l.Version, l.UpdatedAt = l.Version+1, s.now.Now().Truncate(time.Second)
		if err := update(tx, who.Scope(), &before, l); err != nil {
			return err
		}
		return s.audit.Append(tx, who, audit.Entry{Action: "update", Resource: "Location", Key: id.String(),
			Before: hydra.JSON(fields, &before), After: hydra.JSON(fields, l)})
	})
}
