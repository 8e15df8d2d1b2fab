package account

import (
	"context"
	"encoding/json"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/null"
	"sede/internal/secret"
)

// changeMail has the mail written with which a new address is confirmed.
var changeMail = jobs.Kind[changeArgs]{Name: "account.change-email"}

type changeArgs struct {
	User     ident.ID `json:"user"`
	Email    string   `json:"email"`
	Language string   `json:"language"`
}

// ChangeEmail has a link mailed to a new address of the caller, which counts once
// it is followed, and tells the old address. current is the caller's password.
// Whether somebody has the new address shows neither in the answer nor in the time
// it takes.
func (s *Service) ChangeEmail(ctx context.Context, who *access.Caller, current, address string) error {
	if err := mayEdit.Check(who); err != nil {
		return err
	}
	email, ok := NormalizeUsername(address)
	switch {
	case !ok:
		return fault.Broken(invalidEmail("email"))
	case email == who.Username:
		return fault.Broken(fault.Violation{Path: "email", Text: fault.Textf("This is your address already."), Code: fault.CodeEqual})
	}
	if _, err := s.checkOwnPassword(ctx, who, current); err != nil {
		return err
	}
	after, err := json.Marshal(map[string]string{"email": email})
	if err != nil {
		return err
	}
	_, language := s.sender(ctx)
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		var u User
		if err := findUser(tx, who.User, &u); err != nil {
			return err
		}
		changeMail.Enqueue(tx, s.jobs, access.Instance(), changeArgs{u.ID, email, language}, jobs.Options{Sealed: true})
		s.mail.Send(tx, access.Instance(), letterChangeAsked(&u, language, email))
		return s.record(tx, who, "change-email", "User", u.ID.String(), nil, after)
	})
}

// writeChange sends the link to the new address, or tells who has it already.
func (s *Service) writeChange(ctx context.Context, job *jobs.Job[changeArgs]) error {
	a := job.Args
	plain, hash, err := secret.NewToken(s.random)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		var u, other User
		if err := findUser(tx, a.User, &u); err != nil {
			return err
		}
		sent, err := s.insertLink(tx, toChangeEmail, u.ID, a.Email, hash, changeLife)
		if err != nil {
			return err
		}
		if !sent {
			return job.Complete(tx)
		}
		switch err := findUsername(tx, a.Email, &other); {
		case err == nil:
			s.mail.Send(tx, access.Instance(), letterTaken(&other, a.Language))
		case fault.Is(err, fault.NotFound):
			s.mail.Send(tx, access.Instance(), letterChange(&u, a.Language, a.Email, s.link("/verify", plain)))
		default:
			return err
		}
		return job.Complete(tx)
	})
}

// confirmChange makes the address that the token was mailed to the user's.
func (s *Service) confirmChange(tx *db.Tx, from Origin, t *mailedToken, now time.Time) error {
	_, taken, err := s.FindByEmail(tx, t.email)
	if err != nil {
		return err
	}
	var u User
	if err := findUser(tx, t.user, &u); err != nil {
		return err
	}
	switch {
	case t.used && u.Username == t.email:
		return nil
	case t.used:
		return deadLink()
	case taken:
		return fault.New(fault.Conflict, "Another account has this address by now.")
	}
	before := u
	u.Username, u.VerifiedAt = t.email, null.Of(now)
	who := from.callerOf(&before)
	if err := s.store(tx, who, &before, &u); err != nil {
		return err
	}
	useMailedToken(tx, t.hash, now)
	deleteMailedTokens(tx, u.ID, toReset)
	deleteMailedTokens(tx, u.ID, toVerify)
	s.mail.Send(tx, access.Instance(), letterChanged(&before, u.Username))
	return s.Changed(tx, u.ID)
}
