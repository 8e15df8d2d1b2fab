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
	"sede/internal/page"
)

// mayAddress says who writes addresses.
var mayAddress = access.Within(access.Payers).ToChange()

// Addresses returns a page of the organization's addresses.
func (s *Service) Addresses(ctx context.Context, who *access.Caller, q *page.Query) (r page.Result[Address], err error) {
	if err := mayRead.Check(who); err != nil {
		return r, err
	}
	err = s.db.Read(ctx, who.Scope(), func(tx *db.Tx) (err error) {
		r, err = listAddresses(tx, who.Scope(), q)
		return err
	})
	return r, err
}

// Address loads one address.
func (s *Service) Address(ctx context.Context, who *access.Caller, id ident.ID, a *Address) error {
	return s.db.Read(ctx, who.Scope(), func(tx *db.Tx) error { return findAddress(tx, who.Scope(), id, a) })
}

// FindAddress loads one of the scope's addresses within a transaction; Missing
// when it has no such one.
func (s *Service) FindAddress(tx *db.Tx, scope access.Scope, id ident.ID) (a Address, err error) {
	err = findAddress(tx, scope, id, &a)
	return a, err
}

// AddressAhead is FindAddress, but on PostgreSQL it travels with the next statement.
func (s *Service) AddressAhead(tx *db.Tx, scope access.Scope, id ident.ID) func() (Address, error) {
	return addressAhead(tx, scope, id)
}

// FirstAddress returns the scope's oldest address; Missing when it has none.
func (s *Service) FirstAddress(tx *db.Tx, scope access.Scope) (ident.ID, error) {
	return firstAddress(tx, scope)
}

// CreateAddress stores a new address, with its codes and numbers spelled the one
// way in which they are kept.
func (s *Service) CreateAddress(ctx context.Context, who *access.Caller, a *Address) error {
	if err := mayAddress.Check(who); err != nil {
		return err
	}
	if err := fault.Broken(a.normalize()...); err != nil {
		return err
	}
	given := *a
	return s.db.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		*a = given
		a.ID, a.Organization, a.Version = s.ids.New(), who.Organization, 1
		a.CreatedAt = s.now.Now().Truncate(time.Second)
		a.UpdatedAt = a.CreatedAt
		insertAddress(tx, who.Scope(), a)
		return s.audit.Append(tx, who, audit.Entry{Action: "create", Resource: "OrganizationAddress", Key: a.ID.String(), After: hydra.JSON(addressFields, a)})
	})
}

// OnAddress adds work to the transaction that changes an address.
func (s *Service) OnAddress(do func(tx *db.Tx, scope access.Scope) error) {
	s.onAddress = append(s.onAddress, do)
}

// UpdateAddress changes an address. What its country demands holds afterwards.
func (s *Service) UpdateAddress(ctx context.Context, who *access.Caller, id ident.ID, a *Address, apply func() error) error {
	return s.db.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		if err := findAddress(tx, who.Scope(), id, a); err != nil {
			return err
		}
		before := *a
		if err := apply(); err != nil {
			return err
		}
		if err := mayAddress.Check(who); err != nil {
			return err
		}
		if err := fault.Broken(a.normalize()...); err != nil {
			return err
		}
		if *a == before {
			return nil
		}
		a.Version, a.UpdatedAt = a.Version+1, s.now.Now().Truncate(time.Second)
		if err := updateAddress(tx, who.Scope(), a); err != nil {
			return err
		}
		for _, do := range s.onAddress {
			if err := do(tx, who.Scope()); err != nil {
				return err
			}
		}
		return s.audit.Append(tx, who, audit.Entry{Action: "update", Resource: "OrganizationAddress", Key: id.String(),
			Before: hydra.JSON(addressFields, &before), After: hydra.JSON(addressFields, a)})
	})
}

// DeleteAddress removes an address; the audit log keeps what it was. It is a
// Conflict while invoices are made out to it.
func (s *Service) DeleteAddress(ctx context.Context, who *access.Caller, id ident.ID) error {
	err := s.db.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		var a Address
		if err := findAddress(tx, who.Scope(), id, &a); err != nil {
			return err
		}
		if err := mayAddress.Check(who); err != nil {
			return err
		}
		if err := deleteAddress(tx, who.Scope(), id); err != nil {
			return err
		}
		return s.audit.Append(tx, who, audit.Entry{Action: "delete", Resource: "OrganizationAddress", Key: id.String(), Before: hydra.JSON(addressFields, &a)})
	})
	if db.IsForeignKey(err) {
		return fault.Wrap(err, fault.Conflict, "This address is in use.")
	}
	return err
}
