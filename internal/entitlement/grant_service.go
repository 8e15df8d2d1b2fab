package entitlement

import (
	"context"
	"slices"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/organization"
)

// own are the modules that sede itself has. Products may grant others, which
// whoever sells them asks for.
var own = []string{"bank", "employees", "meetings"}

// every returns the codes of all modules that there are.
func (s *Service) every(tx *db.Tx) ([]string, error) {
	codes, err := s.products.Modules(tx)
	codes = append(codes, own...)
	slices.Sort(codes)
	return slices.Compact(codes), err
}

// Begin gives a new organization what it starts with, in the transaction that
// creates it: a trial of all modules, or all of them for good if it is there to
// show the product or belongs to those who run it.
func (s *Service) Begin(tx *db.Tx, _ *access.Caller, o *organization.Organization) error {
	codes, err := s.every(tx)
	if err != nil {
		return err
	}
	for _, code := range codes {
		e := Entitlement{Module: code}
		switch {
		case o.Type == organization.Demo || o.Type == organization.Internal:
			e.decided = null.Of(true)
		case s.trialDays > 0:
			e.trialUntil = null.Of(o.CreatedAt.AddDate(0, 0, s.trialDays))
		default:
			continue
		}
		s.add(tx, access.System(o.ID), &e)
	}
	return nil
}

// Bought notes what the organization's subscription grants from now on: the
// modules, and all there are until a trial ends. What was granted before can be
// read from now on.
func (s *Service) Bought(tx *db.Tx, scope access.Scope, modules []string, trialEndsAt null.Value[time.Time]) error {
	if err := lock(tx, scope); err != nil {
		return err
	}
	held, err := heldBy(tx, []ident.ID{scope.Organization()})
	if err != nil {
		return err
	}
	tried := []string{}
	if trialEndsAt.Valid {
		if tried, err = s.every(tx); err != nil {
			return err
		}
	}
	changed := false
	for _, code := range codesOf(held, modules, tried) {
		did, err := s.boughtOne(tx, scope, held, code, slices.Contains(modules, code), slices.Contains(tried, code), trialEndsAt)
		if err != nil {
			return err
		}
		changed = changed || did
	}
	if !changed {
		return nil
	}
	return s.organizations.MembersChanged(tx, scope)
}

// codesOf are all modules that are held, bought or tried, in order.
func codesOf(held []Entitlement, more ...[]string) (codes []string) {
	for _, h := range held {
		codes = append(codes, h.Module)
	}
	codes = append(codes, slices.Concat(more...)...)
	slices.Sort(codes)
	return slices.Compact(codes)
}

// boughtOne notes what a subscription says of one module. It reports whether that
// is news.
func (s *Service) boughtOne(tx *db.Tx, scope access.Scope, held []Entitlement, code string, bought, tried bool, trialEndsAt null.Value[time.Time]) (bool, error) {
	e := Entitlement{Module: code}
	if i := slices.IndexFunc(held, func(h Entitlement) bool { return h.Module == code }); i >= 0 {
		e = held[i]
		e.derive(tx.Now(scope))
	}
	before := e
	switch {
	case bought:
		e.bought = null.Of(boughtNow)
	case e.bought.Valid:
		e.bought = null.Of(boughtBefore)
	}
	if tried && trialEndsAt.V.After(e.trialUntil.V) {
		e.trialUntil = trialEndsAt
	}
	e.derive(tx.Now(scope))
	switch {
	case e == before:
		return false, nil
	case before.ID.IsZero():
		s.add(tx, scope, &e)
		return true, s.record(tx, nil, scope, "create", nil, &e)
	}
	return true, s.store(tx, nil, scope, &before, &e)
}

// Of returns what the organizations have, as requests go by it, with times by the
// instance's clock.
func (s *Service) Of(ctx context.Context, organizations []ident.ID) (map[ident.ID][]access.Module, error) {
	modules := map[ident.ID][]access.Module{}
	if len(organizations) == 0 {
		return modules, nil
	}
	err := s.db.Read(ctx, access.Instance(), func(tx *db.Tx) error {
		held, err := allOf(tx, byInstance, organizations)
		for i := range held {
			modules[held[i].Organization] = append(modules[held[i].Organization], held[i].module())
		}
		return err
	})
	return modules, err
}

// Use returns how far the organization can use the module, within a transaction.
func (s *Service) Use(tx *db.Tx, scope access.Scope, module string) (access.Use, error) {
	held, err := heldBy(tx, []ident.ID{scope.Organization()})
	list := make([]access.Module, len(held))
	for i := range held {
		list[i] = held[i].module()
	}
	return access.ModulesAt(list, tx.Now(scope)).Use(module), err
}

// Fill completes organizations with their entries and the end of their trial.
func (s *Service) Fill(tx *db.Tx, items []organization.Organization) error {
	ids, place := make([]ident.ID, len(items)), map[ident.ID]*organization.Organization{}
	for i := range items {
		ids[i], place[items[i].ID] = items[i].ID, &items[i]
	}
	held, err := heldBy(tx, ids)
	for _, e := range held {
		o := place[e.Organization]
		o.Modules = append(o.Modules, e.ID)
		if e.trialUntil.V.After(o.TrialEndsAt.V) {
			o.TrialEndsAt = e.trialUntil
		}
	}
	return err
}
