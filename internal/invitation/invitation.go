// Package invitation lets the people who run an organization bring others in.
//
// The story of an invitation: it is made for an e-mail address and a role, and is
// pending. A link with a token goes out, by mail or, if the inviter wants to pass
// it on themselves, in the answer, that once. Whoever shows the token joins: as
// the user they are signed in as, as the user who has the address, or as a new
// user. A user whose address is verified to be the invited one needs no token.
// Then the invitation is accepted, for good. One that is revoked, or not accepted
// within seven days, is dead, and so is every token but the last: nobody learns
// from a dead one whose it was.
//
//	        resend                  (seven days)
//	       ┌──────┐               ┌───────────────> expired ──┐
//	       v      │               │                           │ resend
//	───> pending ─┴───────────────┤<──────────────────────────┘
//	                              ├───────────────> accepted
//	                              └───────────────> revoked
//
// An organization has one pending invitation for an address at most. To invite it
// again is to resend. An invitation to a role that takes a seat reserves one
// while it can be accepted, so that there is room for everybody who comes.
package invitation

import (
	"strings"
	"time"

	"sede/internal/access"
	"sede/internal/account"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
)

// The states of invitations.
const (
	Pending  = "pending"
	Accepted = "accepted"
	Expired  = "expired" // pending, but its time is over
	Revoked  = "revoked"
)

// pagePath is the page below the console that links lead to.
const pagePath = "/invitation"

// life is how long an invitation can be accepted after it was sent.
const life = 7 * 24 * time.Hour

// Invitation is one invitation as the organization sees it.
type Invitation struct {
	ID           ident.ID
	Organization ident.ID
	Email        string // in its normal form
	Role         string
	Status       string
	Language     null.Value[string] // of the mail, BCP 47; nothing: the user's or the organization's
	InvitedBy    string             // the name of who sent it last
	Mailed       bool               // the token went out by mail; else its link was told
	Link         null.Value[string] // the link, in the one answer that tells it
	SentAt       time.Time
	ExpiresAt    time.Time
	AcceptedBy   null.Value[ident.ID] // the user
	AcceptedAt   null.Value[time.Time]
	Version      int64
	CreatedAt    time.Time
	UpdatedAt    time.Time

	tokenHash   []byte
	expiresHere time.Time // by the instance's clock
}

// derive makes a pending invitation expired when its time is over, by the instance's
// clock.
func (i *Invitation) derive(now time.Time) {
	if i.Status == Pending && !now.Before(i.expiresHere) {
		i.Status = Expired
	}
}

// waits reports whether the invitation can be sent again or revoked.
func (i *Invitation) waits() bool { return i.Status == Pending || i.Status == Expired }

// checkEmail says what is wrong with an address.
func checkEmail(address string) fault.Text {
	if _, ok := account.NormalizeUsername(address); !ok {
		return fault.Textf("This value is not a valid email address.")
	}
	return fault.Text{}
}

// checkLanguage says what is wrong with the tag of a language.
func checkLanguage(tag string) fault.Text {
	if _, ok := account.NormalizeLanguage(tag); !ok {
		return fault.Textf("This value is not a valid language.")
	}
	return fault.Text{}
}

// normalize brings what was typed into the form that is kept.
func (i *Invitation) normalize() {
	i.Email, _ = account.NormalizeUsername(i.Email)
	if i.Language.Valid {
		i.Language.V, i.Language.Valid = account.NormalizeLanguage(i.Language.V)
	}
}

// gone is the answer to every invitation that can't be accepted, whether it ever
// was one or not.
func gone() error {
	return fault.New(fault.Gone, "This invitation is not valid, or not any more. Ask for a new one.")
}

// over is the answer to what can be done only while an invitation waits.
func over() error {
	return fault.New(fault.Conflict, "This invitation is over: it was accepted or revoked.")
}

// Received is a pending invitation as the invited user sees it.
type Received struct {
	ID           ident.ID
	Organization string // its name
	Slug         string
	Email        string
	Role         string
	InvitedBy    string
	ExpiresAt    time.Time
	CreatedAt    time.Time
}

// Acceptance is what somebody shows who comes in.
type Acceptance struct {
	Token    string
	ID       ident.ID // of the invitation, instead of a token, by who is signed in
	Name     string   // of a new user
	Password string   // of a new user, or to show who one is
}

// checkNewcomer adds to what is wrong with a new user that the name is missing.
func (a *Acceptance) checkNewcomer(err error) error {
	if strings.TrimSpace(a.Name) != "" {
		return err
	}
	list := []fault.Violation{{Path: "name", Code: fault.CodeBlank, Text: fault.Textf("This value should not be blank.")}}
	if fault.Is(err, fault.Unprocessable) {
		list = append(list, fault.As(err).Violations...)
	}
	return fault.Broken(list...)
}

// Comer says how the one who shows a token can come in.
type Comer int

// The ways to come in.
const (
	Newcomer Comer = iota // with a name and a password
	Known                 // as the user with the address, whom the token is enough for
	Doubtful              // as the user with the address, who shows the password
)

// comerOf says how the one who shows the invitation's token can come in as the
// user with the address. A token shows who has the address only if it was mailed
// there, and a user has the address only if that was shown before: else whoever
// took it for themselves would come in.
func comerOf(i *Invitation, u *account.User) Comer {
	if i.Mailed && u.VerifiedAt.Valid {
		return Known
	}
	return Doubtful
}

// caller is who accepts, who is as the token says or nobody.
func caller(who *access.Caller) ident.ID {
	if who == nil {
		return ident.ID{}
	}
	return who.User
}
