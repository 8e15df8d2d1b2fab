package account

import (
	"net/url"
	"time"

	"sede/internal/fault"
	"sede/internal/ident"
)

// linkPurpose is what a token that came by mail is good for.
type linkPurpose string

// The purposes. What makes an account stands in a table of its own, since there
// is no user yet.
const (
	toVerify      linkPurpose = "verify"         // shows that mail to the user's address reaches them
	toChangeEmail linkPurpose = "change-email"   // the same for the address that is to be theirs
	toReset       linkPurpose = "reset-password" // sets a new password
)

// How long links in mails are good.
const (
	signUpLife = 72 * time.Hour
	verifyLife = 72 * time.Hour
	changeLife = 24 * time.Hour
	resetLife  = time.Hour
)

// mailsPerHour is how many mails of a kind somebody gets within an hour, however
// often they are asked for, so that nobody can be flooded through sede.
const mailsPerHour = 5

// mailedToken is one row of mailed_token: what a link in a mail stands for.
type mailedToken struct {
	hash      []byte
	purpose   linkPurpose
	user      ident.ID
	email     string // that it was sent to
	createdAt time.Time
	expiresAt time.Time
	used      bool
}

// link is the address of a page for the token.
func (s *Service) link(page, token string) string {
	return s.baseURL + "/console" + page + "?token=" + url.QueryEscape(token)
}

// deadLink is the one answer for tokens that never were, have expired or were
// used.
func deadLink() error {
	return fault.New(fault.NotFound, "This link has expired or was used before. Ask for a new one.")
}
