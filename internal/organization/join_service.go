package organization

import (
	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
)

// Brief is what people see of an organization who are not in it yet.
type Brief struct{ Name, Slug string }

// Briefs returns what strangers see of the organizations.
func (s *Service) Briefs(tx *db.Tx, organizations []ident.ID) (map[ident.ID]Brief, error) {
	return briefs(tx, organizations)
}

// SetInvitations sets where the first pending invitations of organizations come
// from, up to a number of each.
func (s *Service) SetInvitations(first func(tx *db.Tx, organizations []ident.ID, most int) (map[ident.ID][]ident.ID, error)) {
	s.invitations = first
}

// fillInvitations completes the organizations with their invitations.
func (s *Service) fillInvitations(tx *db.Tx, items []Organization) error {
	if s.invitations == nil {
		return nil
	}
	ids := make([]ident.ID, len(items))
	for i := range items {
		ids[i] = items[i].ID
	}
	first, err := s.invitations(tx, ids, shown)
	for i := range items {
		items[i].Invitations = first[items[i].ID]
	}
	return err
}

// HasEmail reports whether a member has the e-mail address, which is in its
// normal form.
func (s *Service) HasEmail(tx *db.Tx, scope access.Scope, email string) (bool, error) {
	return hasEmail(tx, scope, email)
}

// MemberOf loads what a user is in the organization; Missing when the user is no
// member.
func (s *Service) MemberOf(tx *db.Tx, scope access.Scope, user ident.ID, m *Member) error {
	return findMemberOf(tx, scope, user, m)
}

// Join makes a user a member, on the seat that is reserved under the id. who is
// in the audit log as the one who did it. It is a Conflict when the user is a
// member already, and when there are fewer seats by now than are taken, and
// while the organization can be read only. The members are locked.
func (s *Service) Join(tx *db.Tx, who *access.Caller, scope access.Scope, user ident.ID, role string, reservation ident.ID) (m Member, err error) {
	var o Organization
	if err := find(tx, scope.Organization(), &o); err != nil {
		return m, err
	}
	if o.Status != Active {
		return m, fault.New(fault.Conflict, "This organization is suspended. It can be read only.")
	}
	if err := findMemberOf(tx, scope, user, &m); !fault.Is(err, fault.NotFound) {
		if err == nil {
			err = fault.New(fault.Conflict, "You are a member of this organization already.")
		}
		return m, err
	}
	deleteReservation(tx, scope, reservation, tx.Now(scope))
	if TakesSeat(role) {
		seats, _, err := s.seats(tx, scope)
		if err == nil && seats.full() {
			err = fault.New(fault.Conflict, "The organization has no seat left. Ask those who invited you.")
		}
		if err != nil {
			return m, err
		}
	}
	if m, err = s.addMember(tx, scope, user, role); err != nil {
		return m, err
	}
	if err := s.membershipChanged(tx, user); err != nil {
		return m, err
	}
	return m, s.record(tx, scope, who, audit.Entry{Action: "create", Resource: "OrganizationUser", Key: m.ID.String(), After: hydra.JSON(memberFields, &m)})
}
