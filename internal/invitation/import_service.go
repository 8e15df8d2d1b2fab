package invitation

import (
	"time"

	"sede/internal/access"
	"sede/internal/account"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/organization"
	"sede/internal/secret"
)

// Named keeps an invitation for each of the active members of an organization that was
// brought in by somebody who may not make them members. Nothing is sent and no seat is
// kept: the invitations are expired until the owner sends them.
func (s *Service) Named(tx *db.Tx, scope access.Scope, by ident.ID, people []organization.Member) error {
	inviter, _, err := s.accounts.Person(tx, by)
	if err != nil {
		return err
	}
	now := tx.Now(scope).Truncate(time.Second)
	seen := map[string]bool{}
	for n := range people {
		email, ok := account.NormalizeUsername(people[n].Email)
		if !ok || seen[email] || people[n].Status != organization.MemberActive {
			continue
		}
		seen[email] = true
		token, _, err := secret.NewToken(s.random) // nobody gets it
		if err != nil {
			return err
		}
		insert(tx, scope, &Invitation{ID: s.ids.New(), Organization: scope.Organization(), Email: email, Role: people[n].Role, Status: Pending,
			InvitedBy: inviter, Mailed: true, SentAt: now, ExpiresAt: now, Version: 1, CreatedAt: now, UpdatedAt: now,
			tokenHash: secret.HashToken(token)})
	}
	return nil
}
