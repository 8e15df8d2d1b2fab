package organization

import (
	"context"
	"strings"
	"time"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
)

// Update changes name and slug, and for operators type, status and whether real
// work depends on the organization.
func (s *Service) Update(ctx context.Context, who *access.Caller, ref string, o *Organization, apply func() error) error {
	if err := maySee.Check(who); err != nil {
		return err
	}
	store, err := s.store(ctx)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		*o = Organization{}
		role, err := s.enterAs(tx, who, ref, mayRename, o)
		if err != nil {
			return err
		}
		if !who.Operator && o.Status != Active {
			return access.Suspension(o.Status == Closing)
		}
		before := *o
		if err := s.applyChange(tx, who, &before, o, apply); err != nil {
			return err
		}
		if !o.same(&before) {
			if err := s.storeChange(tx, who, &before, o); err != nil {
				return err
			}
		}
		return s.completeOne(tx, who, store, o, role)
	})
}

// applyChange makes the organization what the caller wants it to be, if they may.
func (s *Service) applyChange(tx *db.Tx, who *access.Caller, before, o *Organization, apply func() error) error {
	o.StatusReason = null.Value[string]{}
	if err := apply(); err != nil {
		return err
	}
	if o.Status == before.Status && !o.StatusReason.Valid {
		o.StatusReason = before.StatusReason
	}
	if o.ProductionLike != before.ProductionLike {
		o.Production = o.ProductionLike
	}
	o.derive()
	return s.checkChange(tx, who, before, o)
}

// storeChange stores what was changed, with what comes of it.
func (s *Service) storeChange(tx *db.Tx, who *access.Caller, before, o *Organization) error {
	if err := s.enterStatus(tx, who, before, o); err != nil {
		return err
	}
	o.Version, o.UpdatedAt = o.Version+1, s.now.Now().Truncate(time.Second)
	if err := update(tx, o); err != nil {
		if db.IsUnique(err, "organization_slug") {
			return slugTaken()
		}
		return err
	}
	if o.Status != before.Status || o.Slug != before.Slug { // every member's requests go by these
		if err := s.membershipChanged(tx, ident.ID{}); err != nil {
			return err
		}
	}
	entry := audit.Entry{Action: "update", Resource: "Organization", Key: o.ID.String(), Before: hydra.JSON(fields, before), After: hydra.JSON(fields, o)}
	if err := s.record(tx, access.System(o.ID), who, entry); err != nil {
		return err
	}
	if o.Slug != before.Slug { // members choose the organization by it
		return s.membersChanged(tx, o.ID)
	}
	return nil
}

// same reports whether nothing that an update stores differs.
func (o *Organization) same(other *Organization) bool {
	return o.Type == other.Type && o.Status == other.Status && o.Name == other.Name && o.Slug == other.Slug &&
		o.StatusReason == other.StatusReason && o.Production == other.Production && o.SeatLimit == other.SeatLimit &&
		o.ManualBilling == other.ManualBilling
}

// checkChange refuses what the caller may not change.
func (s *Service) checkChange(tx *db.Tx, who *access.Caller, before, o *Organization) error {
	var list []fault.Violation
	reserve := func(path string, changed bool) {
		if changed && !who.Operator {
			list = append(list, onlyOperators(path))
		}
	}
	reserve("type", o.Type != before.Type)
	reserve("status", o.Status != before.Status)
	reserve("statusReason", o.StatusReason != before.StatusReason && o.Status == before.Status)
	reserve("productionLike", o.Production != before.Production)
	reserve("seatLimit", o.SeatLimit != before.SeatLimit)
	reserve("manualBilling", o.ManualBilling != before.ManualBilling)
	if o.Status != before.Status && who.Operator && strings.TrimSpace(o.StatusReason.V) == "" {
		list = append(list, fault.Violation{Path: "statusReason", Code: fault.CodeBlank, Text: fault.Textf("Say why the status changes.")})
	}
	if o.Slug == "" {
		list = append(list, fault.Violation{Path: "slug", Code: fault.CodeBlank, Text: fault.Textf("This value should not be blank.")})
	}
	if err := fault.Broken(list...); err != nil {
		return err
	}
	if tx.AheadBy(access.System(o.ID)) > 0 && (!o.adjustable() || !o.ManualBilling) {
		return fault.New(fault.Conflict, "The clock of this organization is ahead, so it stays one for trying things out.")
	}
	if o.ManualBilling != before.ManualBilling {
		if err := s.checkBilling(tx, o); err != nil {
			return err
		}
	}
	if o.SeatLimit != before.SeatLimit {
		if err := s.RoomFor(tx, access.System(o.ID), o.SeatLimit); err != nil {
			return err
		}
	}
	if o.Slug != before.Slug {
		if _, err := idOf(tx, o.Slug); err == nil {
			return slugTaken()
		} else if !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	return nil
}
