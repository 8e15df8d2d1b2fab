package invitation

import (
	"context"
	"io"
	"time"

	"sede/internal/access"
	"sede/internal/account"
	"sede/internal/audit"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/mail"
	"sede/internal/null"
	"sede/internal/organization"
	"sede/internal/page"
	"sede/internal/secret"
)

// Who may do what.
var (
	mayRead   = access.Within(access.Payers)
	mayInvite = access.Within(access.Admins).ToChange()
	mayAsk    = access.SignedIn().InPerson() // an API key is not the person who was invited
)

// Service holds the use cases of invitations.
type Service struct {
	db            *db.DB
	audit         *audit.Log
	ids           *ident.Source
	now           clock.Clock
	random        io.Reader
	mail          *mail.Post
	baseURL       string
	accounts      *account.Service
	organizations *organization.Service
}

// List returns a page of the organization's invitations.
func (s *Service) List(ctx context.Context, who *access.Caller, q *page.Query) (r page.Result[Invitation], err error) {
	if err := mayRead.Check(who); err != nil {
		return r, err
	}
	err = s.db.Read(ctx, who.Scope(), func(tx *db.Tx) (err error) {
		r, err = list(tx, who.Scope(), q, tx.Now(who.Scope()))
		return err
	})
	return r, err
}

// Get loads one invitation; Missing when the organization has no such one.
func (s *Service) Get(ctx context.Context, who *access.Caller, id ident.ID, i *Invitation) error {
	return s.db.Read(ctx, who.Scope(), func(tx *db.Tx) error { return find(tx, who.Scope(), id, i) })
}

// First returns the ids of the first pending invitations of each organization, up
// to a number. The transaction's scope is the instance.
func (s *Service) First(tx *db.Tx, organizations []ident.ID, most int) (map[ident.ID][]ident.ID, error) {
	return firstWaiting(tx, organizations, most, s.now.Now())
}

// Invite makes an invitation and sends it, or, when it is not Mailed, sets its
// Link. One that waits for the same address is sent again instead, with the new
// role. Inviting a member and giving a role above one's own are violations; a
// Conflict says that no seat is free.
func (s *Service) Invite(ctx context.Context, who *access.Caller, i *Invitation) error {
	if err := mayInvite.Check(who); err != nil {
		return err
	}
	i.normalize()
	given := *i
	token, language, err := s.prepare(ctx, i.Email)
	if err != nil {
		return err
	}
	scope := who.Scope()
	return s.db.Write(ctx, scope, func(tx *db.Tx) error {
		*i = Invitation{}
		rank, err := s.enter(tx, who)
		if err != nil {
			return err
		}
		if err := s.checkInvited(tx, scope, rank, &given); err != nil {
			return err
		}
		now := tx.Now(scope).Truncate(time.Second)
		switch err := findWaiting(tx, scope, given.Email, i); {
		case fault.Is(err, fault.NotFound):
			*i = Invitation{ID: s.ids.New(), Organization: scope.Organization(), Email: given.Email, CreatedAt: now}
		case err != nil:
			return err
		case !organization.Reaches(rank, i.Role):
			return fault.Denied()
		}
		before := *i
		i.Role, i.Language, i.Mailed = given.Role, given.Language, given.Mailed
		return s.send(tx, who, &before, i, token, language)
	})
}

// prepare makes a token for an invitation, and finds the language of the user
// with the address, if there is one.
func (s *Service) prepare(ctx context.Context, email string) (token string, language null.Value[string], err error) {
	if token, _, err = secret.NewToken(s.random); err != nil {
		return "", language, err
	}
	user, err := s.accounts.FindByUsername(ctx, email)
	if fault.Is(err, fault.NotFound) {
		err = nil
	}
	return token, user.Language, err
}

// enter locks the members of the caller's organization and returns the caller's
// rank there.
func (s *Service) enter(tx *db.Tx, who *access.Caller) (access.Role, error) {
	if err := s.organizations.LockMembers(tx, who.Scope()); err != nil {
		return access.None, err
	}
	return s.organizations.Rank(tx, who)
}

// checkInvited says what is wrong with inviting somebody. The members are locked.
func (s *Service) checkInvited(tx *db.Tx, scope access.Scope, rank access.Role, i *Invitation) error {
	var list []fault.Violation
	member, err := s.organizations.HasEmail(tx, scope, i.Email)
	if err != nil {
		return err
	}
	if member {
		list = append(list, fault.Violation{Path: "email", Code: fault.CodeUnique, Text: fault.Textf("This person is a member already.")})
	}
	if !organization.Reaches(rank, i.Role) {
		list = append(list, organization.AboveOwn())
	}
	return fault.Broken(list...)
}

// Resend gives an invitation that waits a new token and seven more days, and
// sends it as it was sent before. The old token is dead. It is a Conflict when
// the invitation is accepted or revoked, and when no seat is free.
func (s *Service) Resend(ctx context.Context, who *access.Caller, id ident.ID, i *Invitation) error {
	if err := s.Get(ctx, who, id, i); err != nil {
		return err
	}
	if err := mayInvite.Check(who); err != nil {
		return err
	}
	token, language, err := s.prepare(ctx, i.Email)
	if err != nil {
		return err
	}
	return s.change(ctx, who, id, i, func(tx *db.Tx, before *Invitation) error {
		if !before.waits() {
			return over()
		}
		member, err := s.organizations.HasEmail(tx, tx.Scope(), i.Email)
		if err != nil {
			return err
		}
		if member {
			return fault.New(fault.Conflict, "This person is a member already.")
		}
		return s.send(tx, who, before, i, token, language)
	})
}

// Revoke ends an invitation that waits: its token is dead and its seat is free.
// It is a Conflict when it is accepted. Revoking twice is fine.
func (s *Service) Revoke(ctx context.Context, who *access.Caller, id ident.ID) error {
	var i Invitation
	return s.change(ctx, who, id, &i, func(tx *db.Tx, before *Invitation) error {
		switch {
		case i.Status == Revoked:
			return nil
		case !i.waits():
			return over()
		}
		s.organizations.ReleaseSeat(tx, tx.Scope(), i.ID)
		i.Status = Revoked
		s.renew(tx, &i)
		update(tx, tx.Scope(), &i)
		return s.record(tx, who, "revoke", before, &i)
	})
}

// change loads an invitation that the caller may act on and has do change it. The
// members are locked.
func (s *Service) change(ctx context.Context, who *access.Caller, id ident.ID, i *Invitation, do func(tx *db.Tx, before *Invitation) error) error {
	scope := who.Scope()
	return s.db.Write(ctx, scope, func(tx *db.Tx) error {
		*i = Invitation{}
		if err := s.organizations.LockMembers(tx, scope); err != nil {
			return err
		}
		if err := find(tx, scope, id, i); err != nil {
			return err
		}
		if err := mayInvite.Check(who); err != nil {
			return err
		}
		rank, err := s.organizations.Rank(tx, who)
		switch {
		case err != nil:
			return err
		case !organization.Reaches(rank, i.Role):
			return fault.Denied()
		}
		before := *i
		return do(tx, &before)
	})
}

// send reserves the seat, stores the invitation with its new token, and sends it
// or sets its link. The members are locked.
func (s *Service) send(tx *db.Tx, who *access.Caller, before, i *Invitation, token string, language null.Value[string]) (err error) {
	scope, fresh := tx.Scope(), before.Version == 0
	now := tx.Now(scope).Truncate(time.Second)
	i.Status, i.SentAt, i.ExpiresAt, i.tokenHash = Pending, now, now.Add(life), secret.HashToken(token)
	if i.InvitedBy, _, err = s.accounts.Person(tx, who.User); err != nil {
		return err
	}
	err = s.organizations.ReserveSeat(tx, scope, organization.Reservation{ID: i.ID, Email: i.Email, Role: i.Role, ExpiresAt: i.ExpiresAt})
	if err != nil {
		return err
	}
	s.renew(tx, i)
	action := "resend"
	if fresh {
		action = "create"
		insert(tx, scope, i)
	} else {
		update(tx, scope, i)
	}
	if err := s.record(tx, who, action, before, i); err != nil {
		return err
	}
	if !i.Mailed {
		i.Link = null.Of(s.link(token))
		return nil
	}
	return s.post(tx, i, s.link(token), language)
}

// post mails the link, in the language that the user chose, else in that of the
// invitation, else in the organization's.
func (s *Service) post(tx *db.Tx, i *Invitation, link string, language null.Value[string]) error {
	scope := tx.Scope()
	if !language.Valid {
		language = i.Language
	}
	if !language.Valid {
		own, err := s.organizations.Language(tx, scope)
		if err != nil {
			return err
		}
		language = null.Of(own)
	}
	names, err := s.organizations.Briefs(tx, []ident.ID{i.Organization})
	if err != nil {
		return err
	}
	s.mail.Send(tx, scope, letter(i, names[i.Organization].Name, language.V, link))
	return nil
}

// renew makes what is changed the next version.
func (s *Service) renew(tx *db.Tx, i *Invitation) {
	i.Version, i.UpdatedAt = i.Version+1, tx.Now(access.System(i.Organization)).Truncate(time.Second)
}

// record writes into the organization's audit log what became of the invitation.
func (s *Service) record(tx *db.Tx, who *access.Caller, action string, before, after *Invitation) error {
	e := audit.Entry{Scope: access.System(after.Organization), Action: action, Resource: "OrganizationUserInvitation",
		Key: after.ID.String(), After: hydra.JSON(fields, after)}
	if before.Version > 0 {
		e.Before = hydra.JSON(fields, before)
	}
	return s.audit.Append(tx, who, e)
}
