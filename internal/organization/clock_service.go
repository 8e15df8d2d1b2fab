package organization

import (
	"context"
	"time"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
)

// Clock tells what the organization's clock shows.
func (s *Service) Clock(ctx context.Context, who *access.Caller, ref string, c *Clock) error {
	if err := maySee.Check(who); err != nil {
		return err
	}
	return s.db.Read(ctx, access.Instance(), func(tx *db.Tx) error {
		var o Organization
		_, err := s.enter(tx, who, ref, &o)
		c.read(tx, &o)
		return err
	})
}

func (c *Clock) read(tx *db.Tx, o *Organization) {
	scope := access.System(o.ID)
	*c = Clock{Organization: o.ID, Now: tx.Now(scope).Truncate(time.Second), Ahead: int64(tx.AheadBy(scope).Round(time.Second).Seconds()), Adjustable: o.adjustable()}
}

// SetClock sets the organization's clock ahead, for its admins and for operators.
// What comes due on the way has happened when it returns, or nothing has.
func (s *Service) SetClock(ctx context.Context, who *access.Caller, ref string, in *ClockChange, c *Clock) error {
	if err := maySee.Check(who); err != nil {
		return err
	}
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		var o Organization
		if _, err := s.enterAs(tx, who, ref, access.Admins, &o); err != nil {
			return err
		}
		switch {
		case !o.adjustable():
			return fault.New(fault.Conflict, "Only the clocks of demo and sandbox organizations can be set.")
		case !o.ManualBilling:
			return fault.New(fault.Conflict, "Stripe bills this organization, and its clock can't be set.")
		case o.Status != Active:
			return access.Suspension(o.Status == Closing)
		}
		var before Clock
		before.read(tx, &o)
		scope := access.System(o.ID)
		to, err := in.target(tx.Now(scope), tx.AheadBy(scope))
		if err != nil {
			return err
		}
		if err := s.jobs.Advance(tx, o.ID, to); err != nil {
			return err
		}
		return s.clockChanged(tx, who, &o, &before, c)
	})
}

// clockChanged tells the members' processes and the audit log of a clock that was
// set.
func (s *Service) clockChanged(tx *db.Tx, who *access.Caller, o *Organization, before, c *Clock) error {
	c.read(tx, o)
	if err := s.membersChanged(tx, o.ID); err != nil {
		return err
	}
	return s.record(tx, access.System(o.ID), who, audit.Entry{Action: "update", Resource: "OrganizationClock", Key: o.ID.String(),
		Before: hydra.JSON(clockFields, before), After: hydra.JSON(clockFields, c)})
}

// putClockBack has the organization's clock show what the instance's does.
func (s *Service) putClockBack(ctx context.Context, id ident.ID) error {
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		var o Organization
		var before, after Clock
		if err := find(tx, id, &o); err != nil {
			return err
		}
		if before.read(tx, &o); before.Ahead == 0 {
			return nil
		}
		if err := s.jobs.PutBack(tx, id); err != nil {
			return err
		}
		return s.clockChanged(tx, nil, &o, &before, &after)
	})
}
