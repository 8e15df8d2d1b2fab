package organization

import (
	"context"
	"slices"
	"strconv"
	"time"

	"sede/internal/access"
	"sede/internal/archive"
	"sede/internal/audit"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
)

// An organization that is imported is hidden while its rows come in, as one that
// is being removed. Await makes room for it; then either Arrive shows it, or
// Withdraw and Vanish leave nothing of it.

// awaited is why an organization that comes in is held: the database lets go of
// what stays for good while it is so.
const awaited = "importing"

// Await makes a hidden organization, which nobody writes into but those under
// db.ThroughHold. The transaction is one of the instance.
func (s *Service) Await(tx *db.Tx, id ident.ID, kind string) error {
	now := s.now.Now().Truncate(time.Second)
	if err := insertHidden(tx, id, kind, now); err != nil {
		return err
	}
	return db.Hold(tx, id, awaited, now)
}

// Known reports whether an organization with the id is here, or on its way in, and
// whether there is a trace of one that was removed for good.
func (s *Service) Known(tx *db.Tx, id ident.ID) (here, was bool, err error) {
	removed, err := removedAt(tx, id)
	switch {
	case fault.Is(err, fault.NotFound):
		return false, false, nil
	case err != nil:
		return false, false, err
	case !removed.Valid:
		return true, false, nil
	}
	err = db.CheckHold(tx, id)
	if db.IsHeld(err) {
		return true, false, nil
	}
	return false, err == nil, err
}

// Arrival is an organization that comes in.
type Arrival struct {
	Organization
	IconSet, LogoSet null.Value[string] // which images it shows
	// Owner becomes an owner; if Guest, only when it has none otherwise.
	Owner ident.ID
	Guest bool
	// Begin gives it what new organizations are given.
	Begin bool
	After []byte // what the audit log says of it
}

// Arrive shows the organization, under its slug or one like it. The transaction is
// one of the instance; members are there already.
func (s *Service) Arrive(tx *db.Tx, a *Arrival) error {
	o, scope := &a.Organization, access.System(a.ID)
	o.iconSet, o.logoSet = a.IconSet, a.LogoSet
	if err := s.freeSlug(tx, o, o.Slug); err != nil {
		return err
	}
	o.UpdatedAt = s.now.Now().Truncate(time.Second)
	o.ManualBilling = o.ManualBilling || !s.stripe || o.Type == Demo
	if err := show(tx, o); err != nil {
		return err
	}
	if err := s.own(tx, scope, a); err != nil {
		return err
	}
	if a.Begin {
		began := *o
		began.CreatedAt = o.UpdatedAt // a trial is counted from now
		for _, do := range s.onCreate {
			if err := do(tx, nil, &began); err != nil {
				return err
			}
		}
	}
	db.Release(tx, a.ID)
	if err := s.membersChanged(tx, a.ID); err != nil {
		return err
	}
	return s.record(tx, scope, nil, audit.Entry{Action: "import", Resource: "Organization", Key: a.ID.String(), After: a.After})
}

// own makes the owner of an arrival one.
func (s *Service) own(tx *db.Tx, scope access.Scope, a *Arrival) error {
	if err := lockMembers(tx, scope); err != nil {
		return err
	}
	if a.Guest {
		if has, err := otherOwner(tx, scope, ident.ID{}); err != nil || has {
			return err
		}
	}
	var m Member
	err := findMemberOf(tx, scope, a.Owner, &m)
	switch {
	case fault.Is(err, fault.NotFound):
		_, err = s.addMember(tx, scope, a.Owner, access.Owner.String())
	case err == nil && !m.owns():
		before := m
		m.Role, m.Status, m.Version, m.UpdatedAt = access.Owner.String(), MemberActive, m.Version+1, a.UpdatedAt
		err = updateMember(tx, scope, &before, &m)
	}
	return err
}

// AddArrived stores a member who comes in with the organization, and counts nothing.
func (s *Service) AddArrived(tx *db.Tx, scope access.Scope, m *Member) error {
	return insertArrived(tx, scope, m)
}

// Withdraw removes the rows and files of an organization that did not come in as a
// whole. It can be repeated.
func (s *Service) Withdraw(ctx context.Context, scope access.Scope) error {
	if err := s.purgeImages(ctx, scope); err != nil {
		return err
	}
	var tables []archive.Table
	for _, t := range slices.Concat(archive.OfRole(archive.Kept), archive.Cleared()) {
		if t.Name != "organization" {
			tables = append(tables, t.Whole())
		}
	}
	return s.removeRows(db.ThroughHold(ctx), scope, tables)
}

// Vanish removes what is left after Withdraw. The transaction is one of the
// instance.
func (s *Service) Vanish(tx *db.Tx, id ident.ID) {
	db.Release(tx, id)
	deleteHidden(tx, id)
}

// freeSlug finds a free slug like the one that is wanted.
func (s *Service) freeSlug(tx *db.Tx, o *Organization, base string) error {
	if err := tx.Lock("organization/slug/" + base); err != nil { // others of that name wait for the commit
		return err
	}
	for n := 1; ; n++ {
		o.Slug = base
		if n > 1 {
			end := "-" + strconv.Itoa(n)
			o.Slug = base[:min(len(base), maxSlug-len(end))] + end
		}
		if n > createRetry { // many of that name: the id's random end settles it
			id := s.ids.New().String()
			o.Slug = base[:min(len(base), maxSlug-9)] + "-" + id[len(id)-8:]
			return nil
		}
		if _, err := idOf(tx, o.Slug); fault.Is(err, fault.NotFound) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
