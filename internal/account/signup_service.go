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
	"sede/internal/secret"
)

// signUpMail has the mail written that follows a sign-up.
var signUpMail = jobs.Kind[signUpArgs]{Name: "account.sign-up"}

type signUpArgs struct {
	Email    string `json:"email"`
	Token    string `json:"token"`
	Language string `json:"language"`
}

// SignUp has a mail sent to the address, whose link makes the account. Whether
// there is an account with the address already shows neither in the answer nor in
// the time it takes: that is looked up by the job that writes the mail. It fails
// with an Unprocessable error that names all broken rules, and Forbidden where
// sign-up is switched off.
func (s *Service) SignUp(ctx context.Context, n NewUser) error {
	if !s.signUp {
		return noSignUp()
	}
	p, err := s.Prepare(ctx, n)
	if err != nil {
		return err
	}
	plain, hash, err := secret.NewToken(s.random)
	if err != nil {
		return err
	}
	from, language := s.sender(ctx)
	row := signUp{hash: hash, email: p.user.Username, name: p.user.Name, password: p.hash, language: p.user.Language, timeZone: p.user.TimeZone,
		createdAt: p.user.CreatedAt, expiresAt: p.user.CreatedAt.Add(signUpLife)}
	if row.language.Valid {
		language = row.language.V
	}
	after, err := json.Marshal(map[string]string{"username": row.email})
	if err != nil {
		return err
	}
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		insertSignUp(tx, &row)
		signUpMail.Enqueue(tx, s.jobs, access.Instance(), signUpArgs{row.email, plain, language}, jobs.Options{Sealed: true})
		return s.record(tx, from.caller(), "sign-up", "User", "", nil, after)
	})
}

// writeSignUp sends the mail for a sign-up: the link, or that there is an account
// already.
func (s *Service) writeSignUp(ctx context.Context, job *jobs.Job[signUpArgs]) error {
	a := job.Args
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		var u User
		err := findUsername(tx, a.Email, &u)
		switch {
		case err == nil:
			deleteSignUp(tx, secret.HashToken(a.Token))
			s.mail.Send(tx, access.Instance(), letterKnown(&u, a.Language))
		case !fault.Is(err, fault.NotFound):
			return err
		default:
			n, err := countSignUps(tx, a.Email, s.now.Now().Add(-time.Hour))
			if err != nil {
				return err
			}
			if n <= mailsPerHour {
				s.mail.Send(tx, access.Instance(), letterSignUp(a.Email, a.Language, s.link("/verify", a.Token)))
			}
		}
		return job.Complete(tx)
	})
}

// Confirm does what a link to /console/verify stands for: it makes the account
// that was signed up for, notes that the user's address is theirs, or makes a new
// address theirs. Following a link twice changes nothing more. A token that is no
// good is NotFound, and a new address that somebody else took meanwhile a
// Conflict.
func (s *Service) Confirm(ctx context.Context, token string) error {
	from, _ := s.sender(ctx)
	hash, now := secret.HashToken(token), s.now.Now().Truncate(time.Second)
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		asked, found, err := findSignUp(tx, hash, now)
		if err != nil {
			return err
		}
		if found {
			return s.confirmSignUp(tx, from, &asked, now)
		}
		t, err := findMailedToken(tx, hash, now)
		switch {
		case err != nil:
			return err
		case t.purpose == toVerify:
			return s.confirmAddress(tx, from, &t, now)
		case t.purpose == toChangeEmail:
			return s.confirmChange(tx, from, &t, now)
		}
		return deadLink()
	})
}

func (s *Service) confirmSignUp(tx *db.Tx, from Origin, asked *signUp, now time.Time) error {
	u, taken, err := s.FindByEmail(tx, asked.email)
	switch {
	case err != nil:
		return err
	case asked.used && taken:
		return nil
	case taken || asked.used:
		return deadLink()
	}
	if u, err = s.Register(tx, from.caller(), asked.prepared(now)); err != nil {
		return err
	}
	useSignUp(tx, asked.hash, now)
	deleteOtherSignUps(tx, u.Username, asked.hash)
	return nil
}

func (s *Service) confirmAddress(tx *db.Tx, from Origin, t *mailedToken, now time.Time) error {
	var u User
	if err := findUser(tx, t.user, &u); err != nil {
		return err
	}
	if u.Username != t.email {
		return deadLink()
	}
	useMailedToken(tx, t.hash, now)
	return s.Verify(tx, from.callerOf(&u), t.user, t.email)
}

// callerOf is a user of whom a token in a mail came back.
func (o Origin) callerOf(u *User) *access.Caller {
	c := o.caller()
	c.User, c.Username = u.ID, u.Username
	return c
}

// RequestVerification has a link mailed to the caller that shows that mail to
// their address reaches them. It does nothing when that is known.
func (s *Service) RequestVerification(ctx context.Context, who *access.Caller) error {
	if err := mayEdit.Check(who); err != nil {
		return err
	}
	plain, hash, err := secret.NewToken(s.random)
	if err != nil {
		return err
	}
	_, language := s.sender(ctx)
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		var u User
		if err := findUser(tx, who.User, &u); err != nil || u.VerifiedAt.Valid {
			return err
		}
		sent, err := s.insertLink(tx, toVerify, u.ID, u.Username, hash, verifyLife)
		if err != nil || !sent {
			return err
		}
		s.mail.Send(tx, access.Instance(), letterVerify(&u, language, s.link("/verify", plain)))
		return s.record(tx, who, "request-verification", "User", u.ID.String(), nil, nil)
	})
}

// insertLink stores a token for a user. It reports whether it did: not when they
// got too many of that purpose within an hour.
func (s *Service) insertLink(tx *db.Tx, what linkPurpose, user ident.ID, email string, hash []byte, life time.Duration) (bool, error) {
	now := s.now.Now().Truncate(time.Second)
	n, err := countMailedTokens(tx, user, what, now.Add(-time.Hour))
	if err != nil || n >= mailsPerHour {
		return false, err
	}
	insertMailedToken(tx, &mailedToken{hash: hash, purpose: what, user: user, email: email, createdAt: now, expiresAt: now.Add(life)})
	return true, nil
}

// forget is work that repeats: it removes what links in mails stood for once they
// have expired.
func (s *Service) forget(ctx context.Context) error {
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		sweepLinks(tx, s.now.Now())
		return nil
	})
}
