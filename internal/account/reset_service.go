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

// resetMail has the mail written with which a forgotten password is replaced.
var resetMail = jobs.Kind[resetArgs]{Name: "account.forgot-password"}

type resetArgs struct {
	Email    string `json:"email"`
	Language string `json:"language"`
}

// ForgotPassword has a link mailed with which the user with the address sets a new
// password. Whether there is one shows neither in the answer nor in the time it
// takes: that is looked up by the job that writes the mail. What is no e-mail
// address is Unprocessable.
func (s *Service) ForgotPassword(ctx context.Context, username string) error {
	email, ok := NormalizeUsername(username)
	if !ok {
		return fault.Broken(invalidEmail("username"))
	}
	after, err := json.Marshal(map[string]string{"username": email})
	if err != nil {
		return err
	}
	from, language := s.sender(ctx)
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		resetMail.Enqueue(tx, s.jobs, access.Instance(), resetArgs{email, language}, jobs.Options{Sealed: true, Unique: email})
		return s.record(tx, from.caller(), "forgot-password", "User", "", nil, after)
	})
}

// writeReset sends the link to the user with the address, if there is one.
func (s *Service) writeReset(ctx context.Context, job *jobs.Job[resetArgs]) error {
	plain, hash, err := secret.NewToken(s.random)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		var u User
		err := findUsername(tx, job.Args.Email, &u)
		if fault.Is(err, fault.NotFound) {
			return job.Complete(tx)
		}
		if err != nil {
			return err
		}
		sent, err := s.insertLink(tx, toReset, u.ID, u.Username, hash, resetLife)
		if err != nil {
			return err
		}
		if sent {
			s.mail.Send(tx, access.Instance(), letterReset(&u, job.Args.Language, s.link("/reset-password", plain)))
		}
		return job.Complete(tx)
	})
}

// ResetPassword sets the password of the user to whom the token was mailed, and
// ends all of their sessions. It works once. A token that is no good is NotFound,
// a password that breaks the rules Unprocessable.
func (s *Service) ResetPassword(ctx context.Context, token, password string) error {
	t, u, err := s.resetOf(ctx, token)
	if err != nil {
		return err
	}
	if v := checkPassword(password, u.Username); v != nil {
		return fault.Broken(*v)
	}
	hash, err := s.hash(ctx, password)
	if err != nil {
		return err
	}
	from, language := s.sender(ctx)
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error { return s.reset(tx, from, &t, hash, language) })
}

// CheckReset returns nil when the token is good for ResetPassword, else NotFound.
func (s *Service) CheckReset(ctx context.Context, token string) error {
	_, _, err := s.resetOf(ctx, token)
	return err
}

// resetOf returns what a token is for that sets a password.
func (s *Service) resetOf(ctx context.Context, token string) (t mailedToken, u User, err error) {
	err = s.db.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		t, u, err = s.findReset(tx, secret.HashToken(token))
		return err
	})
	return t, u, err
}

func (s *Service) findReset(tx *db.Tx, hash []byte) (t mailedToken, u User, err error) {
	if t, err = findMailedToken(tx, hash, s.now.Now()); err != nil {
		return t, u, err
	}
	if err = findUser(tx, t.user, &u); err == nil && (t.purpose != toReset || t.used || u.Username != t.email) {
		err = deadLink()
	}
	return t, u, err
}

// reset uses up the token for a password with the hash. The user is held, so that
// of two uses at the same time one works.
func (s *Service) reset(tx *db.Tx, from Origin, t *mailedToken, hash, language string) error {
	if err := lockUser(tx, t.user); err != nil {
		return err
	}
	_, u, err := s.findReset(tx, t.hash)
	if err != nil {
		return err
	}
	now, who := s.now.Now().Truncate(time.Second), from.callerOf(&u)
	if _, err := setHash(tx, u.ID, "", hash); err != nil {
		return err
	}
	if err := s.passwordSet(tx, who, &u, ident.ID{}, language); err != nil {
		return err
	}
	tx.AfterCommit(func() { s.byAccount.clear(u.Username) })
	if u.VerifiedAt.Valid {
		return nil
	}
	before := u
	u.VerifiedAt = null.Of(now)
	return s.store(tx, who, &before, &u)
}

// passwordSet is what follows a change of the password: it ends all sessions of
// the user but one, which may be zero, and all links that set a password, and tells
// the user.
func (s *Service) passwordSet(tx *db.Tx, who *access.Caller, u *User, but ident.ID, language string) error {
	if err := s.endAll(tx, who, u.ID, but); err != nil {
		return err
	}
	deleteMailedTokens(tx, u.ID, toReset)
	s.mail.Send(tx, access.Instance(), letterPasswordSet(u, language))
	return s.record(tx, who, "set-password", "User", u.ID.String(), nil, nil)
}
