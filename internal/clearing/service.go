package clearing

import (
	"context"
	"log/slog"
	"time"

	"sede/internal/access"
	"sede/internal/archive"
	"sede/internal/audit"
	"sede/internal/blob"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/null"
	"sede/internal/organization"
)

// Who may do what. Operators may not clear: they let the owner.
var (
	mayClear = access.Within(access.Owners).ToChange().InPerson()
	mayOpen  = access.Operators().InPerson()
)

// Service holds the use cases of clearing.
type Service struct {
	db            *db.DB
	audit         *audit.Log
	jobs          *jobs.Queue
	ids           *ident.Source
	clock         clock.Clock
	blobs         blob.Store
	log           *slog.Logger
	organizations *organization.Service
	key           func(tx *db.Tx) (*archive.Key, error)
	schema        func() (map[string]*db.Table, error)
	// ended hears that the connections of an organization are to end, before they
	// are removed and after they were brought back.
	ended []func(tx *db.Tx, scope access.Scope) error
}

// OnEnd adds what must end at others before the data of an organization is removed,
// and after it was brought back without its secrets.
func (s *Service) OnEnd(do func(tx *db.Tx, scope access.Scope) error) { s.ended = append(s.ended, do) }

// moment is the time in whole seconds.
func (s *Service) moment() time.Time { return s.clock.Now().Truncate(time.Second) }

// owns checks that the caller is the owner in person.
func owns(who *access.Caller) error {
	if err := mayClear.Check(who); err != nil {
		return err
	}
	if who.Role != access.Owner {
		return fault.Denied()
	}
	return nil
}

// Clear has the working data of the caller's organization removed. The answer shows
// the clearing as it stands after a moment: small ones are done. A dry run only
// counts.
func (s *Service) Clear(ctx context.Context, who *access.Caller, in *Request, o *organization.Organization) error {
	if err := owns(who); err != nil {
		return err
	}
	load, err := s.organizations.Loader(ctx)
	if err != nil {
		return err
	}
	org := who.Organization
	if in.DryRun {
		return s.db.Read(ctx, access.Instance(), func(tx *db.Tx) error {
			if err := s.confirm(tx, load, who, in, o); err != nil {
				return err
			}
			list, err := archive.Counts(tx, archive.OfRole(archive.Working), org)
			o.Clearing = &organization.Clearing{State: organization.ClearingPlanned, Rows: rowsOf(list), CreatedAt: s.moment()}
			return err
		})
	}
	err = s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		if err := s.confirm(tx, load, who, in, o); err != nil {
			return err
		}
		if o.ProductionLike && !o.ClearableUntil.Valid {
			return fault.New(fault.Conflict, "Real work depends on this organization. An operator must let you clear it first.")
		}
		if done, err := s.isCleared(tx, org); done || err != nil {
			return err
		}
		now := s.moment()
		if err := db.Hold(tx, org, "clearing", now); err != nil {
			return err
		}
		r := record{organization: org, id: s.ids.New(), state: archiving, createdAt: now}
		if err := insert(tx, &r); err != nil {
			return err
		}
		closeWindow(tx, org)
		if err := s.record(tx, who, "clear", nil, &r); err != nil {
			return err
		}
		doClear.Enqueue(tx, s.jobs, access.System(org), workArgs{Clearing: r.id}, jobs.Options{Unique: r.id.String()})
		return load(tx, who, org.String(), o)
	})
	if err != nil {
		return err
	}
	return s.await(ctx, who, o)
}

// isCleared reports whether there is nothing to clear since the last clearing, which
// then stays the one that is brought back.
func (s *Service) isCleared(tx *db.Tx, org ident.ID) (bool, error) {
	var r record
	if err := s.choose(tx, org, &Choice{}, &r); err != nil {
		if fault.Is(err, fault.Conflict) {
			err = nil
		}
		return false, err
	}
	some, err := archive.Any(tx, archive.OfRole(archive.Working), org)
	return !some, err
}

// confirm loads the organization and checks that its slug was given.
func (s *Service) confirm(tx *db.Tx, load loader, who *access.Caller, in *Request, o *organization.Organization) error {
	if err := load(tx, who, who.Organization.String(), o); err != nil {
		return err
	}
	if in.Confirm != o.Slug {
		return fault.Broken(fault.Violation{Path: "confirm", Code: fault.CodeEqual, Text: fault.Textf("This value should be the organization's slug.")})
	}
	return nil
}

type loader = func(tx *db.Tx, who *access.Caller, ref string, o *organization.Organization) error

func rowsOf(list []archive.Count) []organization.Rows {
	rows := make([]organization.Rows, len(list))
	for i, c := range list {
		rows[i] = organization.Rows{Resource: c.Table, Count: c.Rows}
	}
	return rows
}

// Restore brings back what a clearing removed, if there is no new working data in
// its place.
func (s *Service) Restore(ctx context.Context, who *access.Caller, in *Choice, o *organization.Organization) error {
	if err := owns(who); err != nil {
		return err
	}
	load, err := s.organizations.Loader(ctx)
	if err != nil {
		return err
	}
	org := who.Organization
	err = s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		now := s.moment()
		if err := db.Hold(tx, org, "restoring", now); err != nil {
			return err
		}
		var r record
		if err := s.choose(tx, org, in, &r); err != nil {
			return err
		}
		if some, err := archive.Any(tx, archive.OfRole(archive.Working), org); err != nil {
			return err
		} else if some {
			return fault.New(fault.Conflict, "There is new data in this organization. What was cleared can be brought back only in its place: clear the organization, and then restore clearing %s.", r.id)
		}
		before := r
		r.state, r.err = restoring, null.Value[string]{}
		if err := update(tx, &r, cleared); err != nil {
			return err
		}
		if err := s.record(tx, who, "restore", &before, &r); err != nil {
			return err
		}
		doRestore.Enqueue(tx, s.jobs, access.System(org), workArgs{Clearing: r.id}, jobs.Options{Unique: r.id.String()})
		return load(tx, who, org.String(), o)
	})
	if err != nil {
		return err
	}
	return s.await(ctx, who, o)
}

// choose loads the clearing that is to be brought back; Conflict when it can't be.
func (s *Service) choose(tx *db.Tx, org ident.ID, in *Choice, r *record) error {
	var err error = fault.Missing()
	if !in.Clearing.Valid {
		err = latest(tx, org, cleared, r)
	} else if id, wrong := ident.Parse(in.Clearing.V); wrong == nil {
		err = find(tx, org, id, r)
	}
	if fault.Is(err, fault.NotFound) || err == nil && (r.state != cleared || !r.blob.Valid || !r.restorableUntil.V.After(s.moment())) {
		return fault.New(fault.Conflict, "There is nothing that could be brought back.")
	}
	return err
}

// record writes down what becomes of a clearing. Nobody is who when sede goes on by
// itself.
func (s *Service) record(tx *db.Tx, who *access.Caller, action string, before, r *record) error {
	e := audit.Entry{Scope: access.System(r.organization), Action: action, Resource: "Organization", Key: r.organization.String(),
		After: hydra.JSON(organization.ClearingFields, r.public())}
	if before != nil {
		e.Before = hydra.JSON(organization.ClearingFields, before.public())
	}
	return s.audit.Append(tx, who, e)
}

// How long an answer waits for work that has begun, and how often it looks.
const (
	patience  = 5 * time.Second
	firstLook = 10 * time.Millisecond
)

// await gives the work a moment, if this process does it and the answer can still
// show how it stands then.
func (s *Service) await(ctx context.Context, who *access.Caller, o *organization.Organization) error {
	if !s.jobs.Started() || hydra.AnswerStored(ctx) {
		return nil
	}
	for pause, waited := firstLook, time.Duration(0); o.Clearing != nil && o.Clearing.Runs() && waited < patience; pause += pause / 2 {
		select {
		case <-time.After(pause):
			waited += pause
		case <-ctx.Done():
			return nil // the work goes on
		}
		var now organization.Organization
		if err := s.organizations.Get(ctx, who, o.ID.String(), &now); err != nil {
			return nil //nolint:nilerr // the work was begun, which is what was asked for
		}
		*o = now
	}
	return nil
}

// OpenWindow lets the owner clear an organization for some minutes although real
// work depends on it, once.
func (s *Service) OpenWindow(ctx context.Context, who *access.Caller, ref string, in *Window, o *organization.Organization) error {
	return s.window(ctx, who, ref, o, func(tx *db.Tx) string {
		setWindow(tx, o.ID, s.moment().Add(time.Duration(in.Minutes)*time.Minute))
		return "open-clear-window"
	})
}

// CloseWindow takes that back.
func (s *Service) CloseWindow(ctx context.Context, who *access.Caller, ref string) error {
	var o organization.Organization
	return s.window(ctx, who, ref, &o, func(tx *db.Tx) string {
		closeWindow(tx, o.ID)
		return "close-clear-window"
	})
}

// window changes the window of an organization and writes it down.
func (s *Service) window(ctx context.Context, who *access.Caller, ref string, o *organization.Organization, change func(tx *db.Tx) (action string)) error {
	if err := mayOpen.Check(who); err != nil {
		return err
	}
	load, err := s.organizations.Loader(ctx)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		if err := load(tx, who, ref, o); err != nil {
			return err
		}
		e := audit.Entry{Scope: access.System(o.ID), Resource: "Organization", Key: o.ID.String(), Before: windowJSON(o)}
		e.Action = change(tx)
		if err := load(tx, who, o.ID.String(), o); err != nil {
			return err
		}
		e.After = windowJSON(o)
		return s.audit.Append(tx, who, e)
	})
}
