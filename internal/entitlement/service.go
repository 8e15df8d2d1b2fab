package entitlement

import (
	"context"
	"slices"
	"time"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/organization"
	"sede/internal/page"
	"sede/internal/product"
)

// Who may do what.
var (
	mayRead   = access.Within(access.Readers)
	mayDecide = access.OperatorsWithin()
)

// Service holds the use cases of entitlements.
type Service struct {
	db            *db.DB
	audit         *audit.Log
	ids           *ident.Source
	products      *product.Service
	organizations *organization.Service
	trialDays     int
}

// List returns a page of what the organization has of the modules.
func (s *Service) List(ctx context.Context, who *access.Caller, q *page.Query) (r page.Result[Entitlement], err error) {
	if err := mayRead.Check(who); err != nil {
		return r, err
	}
	err = s.db.Read(ctx, who.Scope(), func(tx *db.Tx) (err error) {
		r, err = list(tx, who.Scope(), q)
		now := tx.Now(who.Scope())
		for i := range r.Items {
			r.Items[i].derive(now)
		}
		return err
	})
	return r, err
}

// Get loads what the organization has of one module; Missing when there is no
// such entry.
func (s *Service) Get(ctx context.Context, who *access.Caller, id ident.ID, e *Entitlement) error {
	return s.db.Read(ctx, who.Scope(), func(tx *db.Tx) error { return s.load(tx, who.Scope(), id, e) })
}

func (s *Service) load(tx *db.Tx, scope access.Scope, id ident.ID, e *Entitlement) error {
	if err := find(tx, scope, id, e); err != nil {
		return err
	}
	e.derive(tx.Now(scope))
	return nil
}

// Create gives the organization a module that it has no entry for, or keeps it
// from it.
func (s *Service) Create(ctx context.Context, who *access.Caller, e *Entitlement) error {
	if err := mayDecide.Check(who); err != nil {
		return err
	}
	given := *e
	return s.db.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		*e = given
		if err := lock(tx, who.Scope()); err != nil {
			return err
		}
		held, err := heldBy(tx, []ident.ID{who.Organization})
		if err != nil {
			return err
		}
		if slices.ContainsFunc(held, func(h Entitlement) bool { return h.Module == e.Module }) {
			return fault.Broken(fault.Violation{Path: "module", Code: fault.CodeUnique, Text: fault.Textf("This value is already used.")})
		}
		e.decide(tx.Now(who.Scope()))
		s.add(tx, who.Scope(), e)
		if err := s.organizations.MembersChanged(tx, who.Scope()); err != nil {
			return err
		}
		return s.record(tx, who, who.Scope(), "create", nil, e)
	})
}

// Update makes what operators set their word, which goes before what was bought.
func (s *Service) Update(ctx context.Context, who *access.Caller, id ident.ID, e *Entitlement, apply func() error) error {
	return s.db.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		if err := s.load(tx, who.Scope(), id, e); err != nil {
			return err
		}
		before := *e
		if err := apply(); err != nil {
			return err
		}
		if err := mayDecide.Check(who); err != nil {
			return err
		}
		if *e == before {
			return nil
		}
		e.decide(tx.Now(who.Scope()))
		if err := s.store(tx, who, who.Scope(), &before, e); err != nil {
			return err
		}
		return s.organizations.MembersChanged(tx, who.Scope())
	})
}

// Delete takes the operators' word back. If a trial or a subscription says
// something of the module, a new entry says that. It is a Conflict where
// operators have said nothing.
func (s *Service) Delete(ctx context.Context, who *access.Caller, id ident.ID) error {
	return s.db.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		var e Entitlement
		if err := s.load(tx, who.Scope(), id, &e); err != nil {
			return err
		}
		if err := mayDecide.Check(who); err != nil {
			return err
		}
		if !e.decided.Valid {
			return fault.New(fault.Conflict, "This comes from a trial or a subscription. Switch it off instead.")
		}
		remove(tx, who.Scope(), id)
		if err := s.record(tx, who, who.Scope(), "delete", &e, nil); err != nil {
			return err
		}
		if e.trialUntil.Valid || e.bought.Valid {
			e.decided, e.decidedUntil = null.Value[bool]{}, null.Value[time.Time]{}
			s.add(tx, who.Scope(), &e)
			if err := s.record(tx, who, who.Scope(), "create", nil, &e); err != nil {
				return err
			}
		}
		return s.organizations.MembersChanged(tx, who.Scope())
	})
}

// add stores a new entry.
func (s *Service) add(tx *db.Tx, scope access.Scope, e *Entitlement) {
	now := tx.Now(scope)
	e.ID, e.Organization, e.Version = s.ids.New(), scope.Organization(), 1
	e.CreatedAt = now.Truncate(time.Second)
	e.UpdatedAt = e.CreatedAt
	e.derive(now)
	insert(tx, scope, e)
}

// store writes the next version of an entry.
func (s *Service) store(tx *db.Tx, who *access.Caller, scope access.Scope, before, e *Entitlement) error {
	e.Version, e.UpdatedAt = before.Version+1, tx.Now(scope).Truncate(time.Second)
	if err := update(tx, scope, e); err != nil {
		return err
	}
	return s.record(tx, who, scope, "update", before, e)
}

// record appends to the organization's audit log.
func (s *Service) record(tx *db.Tx, who *access.Caller, scope access.Scope, action string, before, after *Entitlement) error {
	entry := audit.Entry{Scope: scope, Action: action, Resource: "OrganizationModule"}
	if before != nil {
		entry.Key, entry.Before = before.ID.String(), hydra.JSON(fields, before)
	}
	if after != nil {
		entry.Key, entry.After = after.ID.String(), hydra.JSON(fields, after)
	}
	return s.audit.Append(tx, who, entry)
}
