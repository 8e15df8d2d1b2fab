package account

import (
	"time"

	"sede/internal/fault"
	"sede/internal/null"
)

// signUp is one row of sign_up: an account that somebody asked for and that is
// made when they show that mail to the address reaches them. There can be several
// for one address, each with its own password; the first to be confirmed counts.
type signUp struct {
	hash      []byte // of the token in the mail
	email     string
	name      string
	password  string // its hash
	language  null.Value[string]
	timeZone  null.Value[string]
	createdAt time.Time
	expiresAt time.Time
	used      bool
}

// prepared is the user that the sign-up makes.
func (u *signUp) prepared(now time.Time) Prepared {
	return Prepared{hash: u.password, user: User{
		Username: u.email, Name: u.name, Language: u.language, TimeZone: u.timeZone, VerifiedAt: null.Of(now),
		Version: 1, CreatedAt: now, UpdatedAt: now,
	}}
}

func noSignUp() error {
	return fault.New(fault.Forbidden, "Nobody makes an account here by themselves. Ask somebody to invite you.")
}
