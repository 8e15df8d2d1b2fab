package organization

import (
	"context"
	"time"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/jobs"
)

// Create makes an organization with the caller as its owner, and gives it its
// settings. The slug is derived from the name unless one is given, which must
// be free then.
func (s *Service) Create(ctx context.Context, who *access.Caller, o *Organization) error {
	if err := mayCreate.Check(who); err != nil {
		return err
	}
	o.Production = o.ProductionLike
	if err := fault.Broken(o.reserved(who)...); err != nil {
		return err
	}
	store, err := s.store(ctx)
	if err != nil {
		return err
	}
	given := *o
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		*o = given
		if err := s.create(tx, who, o); err != nil {
			return err
		}
		return s.completeOne(tx, who, store, o, access.Owner)
	})
}

func (s *Service) create(tx *db.Tx, who *access.Caller, o *Organization) error {
	if err := s.chooseSlug(tx, o); err != nil {
		return err
	}
	now := s.now.Now().Truncate(time.Second)
	o.ID, o.Version, o.Status, o.ManualBilling, o.CreatedAt, o.UpdatedAt = s.ids.New(), 1, Active, o.ManualBilling || !s.stripe || o.Type == Demo, now, now
	o.derive()
	if err := insert(tx, o); err != nil {
		if db.IsUnique(err, "organization_slug") {
			return slugTaken()
		}
		return err
	}
	scope := access.System(o.ID)
	if _, err := s.addMember(tx, scope, who.User, access.Owner.String()); err != nil {
		return err
	}
	for _, c := range initial(o.Name) {
		c.ID, c.Version, c.CreatedAt, c.UpdatedAt = s.ids.New(), 1, now, now
		insertConfig(tx, scope, &c)
	}
	if o.Type == Demo && !o.Filled {
		resetting.Enqueue(tx, s.jobs, scope, resetArgs{OnlyEmpty: true}, jobs.Options{Unique: "reset"})
	}
	for _, do := range s.onCreate {
		if err := do(tx, who, o); err != nil {
			return err
		}
	}
	if err := s.record(tx, scope, who, audit.Entry{Action: "create", Resource: "Organization", Key: o.ID.String(), After: hydra.JSON(fields, o)}); err != nil {
		return err
	}
	return s.membershipChanged(tx, who.User)
}

func slugTaken() error {
	return fault.Broken(fault.Violation{Path: "slug", Code: fault.CodeUnique, Text: fault.Textf("This slug is taken.")})
}

// chooseSlug finds a free slug when none was given.
func (s *Service) chooseSlug(tx *db.Tx, o *Organization) error {
	if o.Slug != "" {
		if _, err := idOf(tx, o.Slug); !fault.Is(err, fault.NotFound) {
			if err == nil {
				err = slugTaken()
			}
			return err
		}
		return nil
	}
	return s.freeSlug(tx, o, slugOf(o.Name))
}
