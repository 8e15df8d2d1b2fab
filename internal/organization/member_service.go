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

// Who may do what with members.
var (
	mayManage   = access.Within(access.Admins).ToChange()
	mayLeave    = access.Within(access.Anyone).ToChange()
	mayTransfer = access.Within(access.Owners).ToChange()
)

// Members returns a page of the organization's members.
func (s *Service) Members(ctx context.Context, who *access.Caller, q *page.Query) (r page.Result[Member], err error) {
	if err := mayRead.Check(who); err != nil {
		return r, err
	}
	err = s.db.Read(ctx, who.Scope(), func(tx *db.Tx) (err error) {
		r, err = listMembers(tx, who.Scope(), q)
		return err
	})
	return r, err
}

// Member loads one member.
func (s *Service) Member(ctx context.Context, who *access.Caller, id ident.ID, m *Member) error {
	return s.db.Read(ctx, who.Scope(), func(tx *db.Tx) error { return findMember(tx, who.Scope(), id, m) })
}

// Rank returns the highest role that the caller may give and act on, as it is at
// this moment of the transaction. Who lost their place since the request began
// is Denied.
func (s *Service) Rank(tx *db.Tx, who *access.Caller) (access.Role, error) {
	if who.Operator {
		return access.Owner, nil
	}
	role, err := roleOf(tx, who.Organization, who.User)
	if err == nil && !access.Admins.Has(min(role, who.Role)) {
		err = fault.Denied()
	}
	return min(role, who.Role), err
}

// UpdateMember loads a member, lets apply change role and status, and stores
// what came of it. A role above the caller's own is a violation, acting on
// somebody above is Denied, and what leaves no owner or needs a seat that is not
// free is a Conflict.
func (s *Service) UpdateMember(ctx context.Context, who *access.Caller, id ident.ID, m *Member, apply func() error) error {
	scope := who.Scope()
	return s.db.Write(ctx, scope, func(tx *db.Tx) error {
		*m = Member{}
		if err := lockMembers(tx, scope); err != nil {
			return err
		}
		if err := findMember(tx, scope, id, m); err != nil {
			return err
		}
		before := *m
		if err := apply(); err != nil {
			return err
		}
		if err := mayManage.Check(who); err != nil {
			return err
		}
		rank, err := s.Rank(tx, who)
		switch {
		case err != nil:
			return err
		case !Reaches(rank, before.Role):
			return fault.Denied()
		case !Reaches(rank, m.Role):
			return fault.Broken(AboveOwn())
		case m.Role == before.Role && m.Status == before.Status:
			return nil
		}
		return s.changeMember(tx, who, "update", &before, m)
	})
}

// changeMember stores the member's new role and status, if the organization
// keeps an owner and has the seat. The members are locked.
func (s *Service) changeMember(tx *db.Tx, who *access.Caller, action string, before, m *Member) error {
	scope := tx.Scope()
	if before.owns() && !m.owns() {
		if err := keepsOwner(tx, scope, m.ID); err != nil {
			return err
		}
	}
	if !before.takesSeat() && m.takesSeat() {
		if err := s.seatFree(tx, scope); err != nil {
			return err
		}
	}
	m.Version, m.UpdatedAt = before.Version+1, s.now.Now().Truncate(time.Second)
	if err := updateMember(tx, scope, before, m); err != nil {
		return err
	}
	if err := s.membershipChanged(tx, m.User); err != nil {
		return err
	}
	return s.record(tx, scope, who, audit.Entry{Action: action, Resource: "OrganizationUser", Key: m.ID.String(),
		Before: hydra.JSON(memberFields, before), After: hydra.JSON(memberFields, m)})
}

// keepsOwner is a Conflict when nobody but the given member owns the
// organization.
func keepsOwner(tx *db.Tx, scope access.Scope, id ident.ID) error {
	other, err := otherOwner(tx, scope, id)
	if err == nil && !other {
		err = lastOwner()
	}
	return err
}

// RemoveMember takes a member out of the organization. Everybody may leave;
// others are removed by those who run the organization, and nobody above their
// own role. The last owner stays: Conflict.
func (s *Service) RemoveMember(ctx context.Context, who *access.Caller, id ident.ID) error {
	scope := who.Scope()
	return s.db.Write(ctx, scope, func(tx *db.Tx) error {
		if err := lockMembers(tx, scope); err != nil {
			return err
		}
		var m Member
		if err := findMember(tx, scope, id, &m); err != nil {
			return err
		}
		if err := s.mayRemove(tx, who, &m); err != nil {
			return err
		}
		if m.owns() {
			if err := keepsOwner(tx, scope, m.ID); err != nil {
				return err
			}
		}
		deleteMember(tx, scope, &m)
		if s.left != nil {
			if err := s.left(tx, scope, who, m.User); err != nil {
				return err
			}
		}
		if err := s.membershipChanged(tx, m.User); err != nil {
			return err
		}
		return s.record(tx, scope, who, audit.Entry{Action: "delete", Resource: "OrganizationUser", Key: m.ID.String(),
			Before: hydra.JSON(memberFields, &m)})
	})
}

func (s *Service) mayRemove(tx *db.Tx, who *access.Caller, m *Member) error {
	if m.User == who.User {
		return mayLeave.Check(who)
	}
	if err := mayManage.Check(who); err != nil {
		return err
	}
	rank, err := s.Rank(tx, who)
	if err == nil && !Reaches(rank, m.Role) {
		err = fault.Denied()
	}
	return err
}

// TransferOwnership makes the member an owner and the caller, who must be one,
// an admin, both or none.
func (s *Service) TransferOwnership(ctx context.Context, who *access.Caller, id ident.ID, m *Member) error {
	scope := who.Scope()
	return s.db.Write(ctx, scope, func(tx *db.Tx) error {
		*m = Member{}
		if err := lockMembers(tx, scope); err != nil {
			return err
		}
		if err := findMember(tx, scope, id, m); err != nil {
			return err
		}
		if err := mayTransfer.Check(who); err != nil {
			return err
		}
		var own Member
		if err := findMemberOf(tx, scope, who.User, &own); err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		switch {
		case !own.owns():
			return fault.New(fault.Forbidden, "Only an owner hands the ownership over.")
		case own.ID == m.ID:
			return fault.New(fault.Conflict, "The ownership is yours already. Name the member who gets it.")
		case m.Status != MemberActive:
			return fault.New(fault.Conflict, "This member is suspended and can't become an owner.")
		}
		return s.handOver(tx, who, &own, m)
	})
}

// handOver makes to an owner first, so that there is one at every moment.
func (s *Service) handOver(tx *db.Tx, who *access.Caller, from, to *Member) error {
	const action = "transfer-ownership"
	before := *to
	if to.Role = access.Owner.String(); before.Role != to.Role {
		if err := s.changeMember(tx, who, action, &before, to); err != nil {
			return err
		}
	}
	before = *from
	from.Role = access.Admin.String()
	return s.changeMember(tx, who, action, &before, from)
}

// AddMember makes a user a member; for set-up, not for callers. It does nothing
// when the user is one already, and looks at no limit of seats.
func (s *Service) AddMember(ctx context.Context, organization, user ident.ID, role access.Role) error {
	scope := access.System(organization)
	return s.db.Write(ctx, scope, func(tx *db.Tx) error {
		if err := lockMembers(tx, scope); err != nil {
			return err
		}
		if err := findMemberOf(tx, scope, user, new(Member)); !fault.Is(err, fault.NotFound) {
			return err
		}
		m, err := s.addMember(tx, scope, user, role.String())
		if err != nil {
			return err
		}
		if err := s.membershipChanged(tx, user); err != nil {
			return err
		}
		return s.record(tx, scope, nil, audit.Entry{Action: "create", Resource: "OrganizationUser", Key: m.ID.String(), After: hydra.JSON(memberFields, &m)})
	})
}

// addMember stores a new active member.
func (s *Service) addMember(tx *db.Tx, scope access.Scope, user ident.ID, role string) (m Member, err error) {
	now := s.now.Now().Truncate(time.Second)
	m = Member{ID: s.ids.New(), Organization: scope.Organization(), User: user, Role: role, Status: MemberActive,
		JoinedAt: now, Version: 1, CreatedAt: now, UpdatedAt: now}
	if s.person != nil {
		if m.Name, m.Email, err = s.person(tx, user); err != nil {
			return m, err
		}
	}
	return m, insertMember(tx, scope, &m)
}

// Renamed notes the new name or e-mail address of a user in all their
// memberships. The transaction's scope is the instance.
func (s *Service) Renamed(tx *db.Tx, user ident.ID, name, email string) error {
	renameMembers(tx, user, name, email)
	return nil
}
