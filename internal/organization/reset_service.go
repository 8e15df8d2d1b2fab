package organization

import (
	"context"
	"slices"
	"time"

	"sede/internal/access"
	"sede/internal/archive"
	"sede/internal/audit"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/jobs"
)

// Organizations of type demo are filled with a sample company when they are
// created, and emptied and filled again when somebody asks for it, or every day.
// People, settings, branding and money stay as they are; the clock is put back.

// resetting is the job that empties a demo organization and fills it.
var resetting = jobs.Kind[resetArgs]{Name: "organization.reset", Timeout: 10 * time.Minute}

type resetArgs struct {
	OnlyEmpty bool // what is there stays
}

const resetEvery = 24 * time.Hour

// SetSample sets what fills an empty organization with a sample company, and
// whether that happens to demo organizations anew every day.
func (s *Service) SetSample(fill func(ctx context.Context, organization ident.ID) error, daily bool) {
	s.sample, s.resetDaily = fill, daily
}

// OnReset adds work to the transaction that begins to empty an organization: what
// must end elsewhere.
func (s *Service) OnReset(do func(tx *db.Tx, scope access.Scope) error) {
	s.onReset = append(s.onReset, do)
}

// Reset has a demo organization emptied and filled with the sample company, for
// its owners and for operators.
func (s *Service) Reset(ctx context.Context, who *access.Caller, ref string, _ *hydra.None, o *Organization) error {
	if err := mayClose.Check(who); err != nil {
		return err
	}
	store, err := s.store(ctx)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		*o = Organization{}
		role, err := s.enterAs(tx, who, ref, access.Owners, o)
		switch {
		case err != nil:
			return err
		case o.Type != Demo:
			return fault.New(fault.Conflict, "Only demo organizations can be reset.")
		case o.Status != Active:
			return access.Suspension(o.Status == Closing)
		}
		scope := access.System(o.ID)
		resetting.Enqueue(tx, s.jobs, scope, resetArgs{}, jobs.Options{Unique: "reset"})
		if err := s.record(tx, scope, who, audit.Entry{Action: "reset", Resource: "Organization", Key: o.ID.String()}); err != nil {
			return err
		}
		return s.completeOne(tx, who, store, o, role)
	})
}

// resetAll has all demo organizations reset.
func (s *Service) resetAll(ctx context.Context) error {
	if !s.resetDaily {
		return nil
	}
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		list, err := demos(tx)
		for _, id := range list {
			resetting.Enqueue(tx, s.jobs, access.System(id), resetArgs{}, jobs.Options{Unique: "reset"})
		}
		return err
	})
}

// reset empties a demo organization and fills it. It can be repeated.
func (s *Service) reset(ctx context.Context, job *jobs.Job[resetArgs]) error {
	working, goes := archive.OfRole(archive.Working), false
	err := s.db.Write(ctx, job.Scope, func(tx *db.Tx) error {
		var o Organization
		if err := find(tx, job.Scope.Organization(), &o); fault.Is(err, fault.NotFound) || err == nil && (o.Type != Demo || o.Status != Active) {
			return nil // not any more
		} else if err != nil {
			return err
		}
		some, err := archive.Any(tx, working, o.ID)
		if goes = err == nil && (!some || !job.Args.OnlyEmpty || job.Attempt > 1); !goes || !some {
			return err
		}
		for _, do := range s.onReset {
			if err := do(tx, job.Scope); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && goes && !job.Args.OnlyEmpty {
		err = s.putClockBack(ctx, job.Scope.Organization())
	}
	if err == nil && goes {
		if err = s.empty(ctx, job.Scope, working); err == nil {
			err = s.sample(ctx, job.Scope.Organization())
		}
	}
	return err
}

// empty removes all rows of the organization in the tables, most of them in short
// transactions, and what is left together with what was counted.
func (s *Service) empty(ctx context.Context, scope access.Scope, tables []archive.Table) error {
	if err := s.removeRows(ctx, scope, tables); err != nil {
		return err
	}
	return s.db.Write(ctx, scope, func(tx *db.Tx) error {
		for _, t := range slices.Backward(tables) {
			r := archive.NewRemover(t, scope.Organization(), s.db.Engine(), s.now.Now)
			for n := int64(-1); n != 0; {
				var err error
				if n, err = r.Turn(tx); err != nil {
					return err
				}
			}
		}
		archive.ForgetCounts(tx, tables, scope.Organization())
		return nil
	})
}
