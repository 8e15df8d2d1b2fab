package invitation

import (
	"context"
	"errors"
	"strings"
	"time"

	"sede/internal/access"
	"sede/internal/account"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/organization"
	"sede/internal/page"
	"sede/internal/secret"
)

// Waiting returns a page of the pending invitations of all organizations to the
// caller's address. Nothing waits for an address that is not verified.
func (s *Service) Waiting(ctx context.Context, who *access.Caller, q *page.Query) (r page.Result[Received], err error) {
	if err := mayAsk.Check(who); err != nil {
		return r, err
	}
	err = s.db.Read(ctx, access.Instance(), func(tx *db.Tx) error {
		found, err := listFor(tx, verified(who), q, s.now.Now())
		if err != nil {
			return err
		}
		r.Total, r.More = found.Total, found.More
		r.Items, err = s.shown(tx, found.Items)
		return err
	})
	return r, err
}

// verified is the caller's address, empty when it is not verified.
func verified(who *access.Caller) string {
	if who == nil || !who.Verified {
		return ""
	}
	return who.Username
}

// shown completes invitations with the names of their organizations.
func (s *Service) shown(tx *db.Tx, items []Invitation) ([]Received, error) {
	ids := make([]ident.ID, len(items))
	for n := range items {
		ids[n] = items[n].Organization
	}
	names, err := s.organizations.Briefs(tx, ids)
	if err != nil {
		return nil, err
	}
	list := make([]Received, len(items))
	for n, i := range items {
		of := names[i.Organization]
		list[n] = Received{ID: i.ID, Organization: of.Name, Slug: of.Slug, Email: i.Email, Role: i.Role, InvitedBy: i.InvitedBy,
			ExpiresAt: i.ExpiresAt, CreatedAt: i.CreatedAt}
	}
	return list, nil
}

// Ask loads an invitation to the caller's verified address, pending or accepted
// by the caller; others are Missing.
func (s *Service) Ask(ctx context.Context, who *access.Caller, id ident.ID, r *Received) error {
	if err := mayAsk.Check(who); err != nil {
		return err
	}
	return s.db.Read(ctx, access.Instance(), func(tx *db.Tx) error {
		var i Invitation
		if err := findFor(tx, id, verified(who), who.User, &i); err != nil {
			return err
		}
		list, err := s.shown(tx, []Invitation{i})
		if err == nil {
			*r = list[0]
		}
		return err
	})
}

// Look returns what the token invites to, and how the one who shows it can come
// in. Dead tokens are Gone.
func (s *Service) Look(ctx context.Context, token string) (r Received, how Comer, err error) {
	var i Invitation
	err = s.db.Read(ctx, access.Instance(), func(tx *db.Tx) error {
		if err := findToken(tx, secret.HashToken(token), &i); err != nil || i.Status != Pending {
			return orGone(err)
		}
		list, err := s.shown(tx, []Invitation{i})
		if err == nil {
			r = list[0]
		}
		return err
	})
	if err != nil {
		return r, how, err
	}
	user, err := s.accounts.FindByUsername(ctx, i.Email)
	if fault.Is(err, fault.NotFound) {
		return r, Newcomer, nil
	}
	return r, comerOf(&i, &user), err
}

// orGone makes of what is not there, or not any more, the one answer for it.
func orGone(err error) error {
	if err == nil || fault.Is(err, fault.NotFound) {
		return gone()
	}
	return err
}

// attempts bounds how often Accept begins anew because something changed.
const attempts = 10

// Accept makes somebody a member: the caller, or the user with the invited
// address, or a new user with that address, a name and a password. A link that
// did not come by mail proves nothing of who shows it, so a user with the address
// shows the password too. What can't be accepted is Gone, unless the same person
// accepted it before and still is the member. It is a Conflict when the person is
// a member already, when there are fewer seats by now than are taken, and while
// the organization can be read only.
func (s *Service) Accept(ctx context.Context, who *access.Caller, in *Acceptance, m *organization.Member) error {
	if who != nil && !who.Key.IsZero() {
		return fault.New(fault.Invalid, "API keys can't do this. Sign in.")
	}
	for range attempts {
		i, err := s.find(ctx, who, in)
		if err != nil {
			return err
		}
		comer, err := s.identify(ctx, who, &i, in)
		if err != nil {
			return err
		}
		err = s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
			*m = organization.Member{}
			return s.accept(ctx, tx, &i, comer, m)
		})
		if !errors.Is(err, errOtherwise) {
			return err
		}
	}
	return gone()
}

// errOtherwise says that who comes in was found out from what is not so any more.
var errOtherwise = errors.New("invitation: changed in the meantime, or the address was registered")

// find loads the invitation that is to be accepted, as it is now. Dead tokens are
// Gone, and what does not wait for the caller is Missing.
func (s *Service) find(ctx context.Context, who *access.Caller, in *Acceptance) (i Invitation, err error) {
	err = s.db.Read(ctx, access.Instance(), func(tx *db.Tx) error {
		if in.Token != "" {
			return findToken(tx, secret.HashToken(in.Token), &i)
		}
		return findFor(tx, in.ID, verified(who), caller(who), &i)
	})
	if in.Token == "" && err != nil {
		return i, err
	}
	if err != nil || i.Status != Pending && i.Status != Accepted {
		return i, orGone(err)
	}
	i.Mailed = i.Mailed && in.Token != "" // else nothing that came by mail was shown
	return i, nil
}

// comer is who comes in: a user, or one who is to be made.
type comer struct {
	who *access.Caller   // the user as the audit log shows them; nil: new
	new account.Prepared // when who is nil
}

// identify finds out who comes in. It takes as long as hashing a password does,
// so it is no part of the transaction.
func (s *Service) identify(ctx context.Context, who *access.Caller, i *Invitation, in *Acceptance) (c comer, err error) {
	switch {
	case who != nil:
		return comer{who: who}, nil
	case i.Status == Accepted:
		return s.identifyAgain(ctx, i, in)
	}
	user, err := s.accounts.FindByUsername(ctx, i.Email)
	switch {
	case fault.Is(err, fault.NotFound):
		c.new, err = s.accounts.Prepare(ctx, account.NewUser{Username: i.Email, Name: in.Name, Password: in.Password, Verified: i.Mailed})
		if err == nil || fault.Is(err, fault.Unprocessable) {
			err = in.checkNewcomer(err)
		}
		return c, err
	case err != nil:
		return c, err
	case comerOf(i, &user) == Known:
		return comer{who: s.accounts.Acting(ctx, &user)}, nil
	case strings.TrimSpace(in.Password) == "":
		return c, fault.Broken(fault.Violation{Path: "password", Code: fault.CodeBlank,
			Text: fault.Textf("There is an account with this address. Sign in, or give its password.")})
	}
	_, err = s.accounts.CheckPassword(ctx, i.Email, in.Password)
	if fault.Is(err, fault.Unauthorized) {
		err = fault.Broken(fault.Violation{Path: "password", Text: fault.Textf("Invalid credentials.")})
	}
	return comer{who: s.accounts.Acting(ctx, &user)}, err
}

// identifyAgain finds out by the password who shows the token of an invitation
// that is accepted. Others learn nothing of it: Gone.
func (s *Service) identifyAgain(ctx context.Context, i *Invitation, in *Acceptance) (c comer, err error) {
	if in.Password == "" {
		return c, gone()
	}
	if _, err := s.accounts.CheckPassword(ctx, i.Email, in.Password); err != nil {
		if fault.Is(err, fault.Unauthorized) {
			err = gone()
		}
		return c, err
	}
	user, err := s.accounts.FindByUsername(ctx, i.Email)
	return comer{who: s.accounts.Acting(ctx, &user)}, err
}

// accept makes who comes in a member, if the invitation is what was seen.
func (s *Service) accept(ctx context.Context, tx *db.Tx, seen *Invitation, c comer, m *organization.Member) error {
	scope := access.System(seen.Organization)
	if err := s.organizations.LockMembers(tx, scope); err != nil {
		return err
	}
	var i Invitation
	switch err := find(tx, scope, seen.ID, &i); {
	case err != nil:
		return orGone(err)
	case i.Version != seen.Version:
		return errOtherwise
	case i.Status == Accepted:
		return s.acceptAgain(tx, scope, &i, c, m)
	case i.Status != Pending:
		return gone()
	}
	who, err := s.enroll(ctx, tx, seen, c)
	if err != nil {
		return err
	}
	if *m, err = s.organizations.Join(tx, who, scope, who.User, i.Role, i.ID); err != nil {
		return err
	}
	before := i
	i.Status, i.AcceptedBy, i.AcceptedAt = Accepted, null.Of(who.User), null.Of(tx.Now(scope).Truncate(time.Second))
	s.renew(tx, &i)
	update(tx, scope, &i)
	return s.record(tx, who, "accept", &before, &i)
}

// acceptAgain gives the same person the same answer.
func (s *Service) acceptAgain(tx *db.Tx, scope access.Scope, i *Invitation, c comer, m *organization.Member) error {
	if c.who == nil || i.AcceptedBy != null.Of(c.who.User) {
		return gone()
	}
	err := s.organizations.MemberOf(tx, scope, c.who.User, m)
	if err != nil {
		err = orGone(err)
	}
	return err
}

// enroll returns who comes in, who is a user from now on. Showing a token that was
// mailed to the user's address verifies it.
func (s *Service) enroll(ctx context.Context, tx *db.Tx, i *Invitation, c comer) (*access.Caller, error) {
	if c.who != nil {
		if !i.Mailed {
			return c.who, nil
		}
		return c.who, s.accounts.Verify(tx, c.who, c.who.User, i.Email)
	}
	if _, taken, err := s.accounts.FindByEmail(tx, i.Email); taken || err != nil {
		if err == nil {
			err = errOtherwise
		}
		return nil, err
	}
	user, err := s.accounts.Register(tx, s.accounts.Visitor(ctx), c.new)
	return s.accounts.Acting(ctx, &user), err
}
