// Package bank connects organizations to their banks and keeps the accounts and
// transactions that come from there.
//
// A connection (an Integration) is stable; the consent behind it, which a person
// grants at the bank, is replaced at each renewal. A pull imports accounts and
// transactions, each once, however often and in whatever order a bank tells them.
// Banks count imports and sessions take one, so what counts is written down
// before it is done, and a pull that was interrupted goes on from there. Access
// ids and sessions are sealed; nobody gets them back.
//
// The provider is Kontomatik, or the built-in Sandbox bank, which speaks the same
// protocol.
package bank

import (
	"time"

	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
)

// The providers.
const (
	Kontomatik = "kontomatik"
	Sandbox    = "sandbox"
)

// Integration is a connection to a bank.
type Integration struct {
	ID             ident.ID
	Provider       string
	Status         string
	Country        null.Value[string]
	AccessMode     string
	Target         null.Value[string]
	Name           null.Value[string] // of the bank
	Consent        null.Value[ident.ID]
	ConsentGivenAt null.Value[time.Time]
	ConsentEndsAt  null.Value[time.Time] // at the latest
	Error          null.Value[string]    // what went wrong last
	PullStatus     null.Value[string]    // of the last pull
	PullAdded      null.Value[int64]
	PullSkipped    null.Value[int64]
	PulledAt       null.Value[time.Time]
	RenewalStatus  null.Value[string] // of the consent that is to replace the live one
	RenewalError   null.Value[string] // why there is none
	RevokedAt      null.Value[time.Time]
	ConfirmedAt    null.Value[time.Time] // when the provider had confirmed the end
	Erasing        bool                  // the imported data is to go
	ErasedAt       null.Value[time.Time]
	NextPullAt     null.Value[time.Time] // when it imports by itself
	Reminded       int64                 // days before the end of the last reminder; 0: none was sent
	nextAt         null.Value[time.Time] // when something happens next, see schedule
	proven         bool                  // a new consent was, just now
	Version        int64
	CreatedAt      time.Time
	UpdatedAt      time.Time

	SignInURL null.Value[string] // only in the answer to setup
}

// The states of the last pull of a connection.
const (
	PullQueued  = "queued"
	PullRunning = "running"
	PullDone    = "done"
	PullFailed  = "failed"
)

// What can go wrong with a connection.
const (
	signInFailed  = "sign-in-failed"
	signInExpired = "sign-in-expired"
	consentEnded  = "consent-ended"
	usedUp        = "quota"
	unavailable   = "unavailable"
	refused       = "refused"
)

// sessionRefused is what can go wrong with a renewal, beside these.
const sessionRefused = "session-refused"

// sentences say what went wrong, to people.
func sentence(code string) fault.Text {
	switch code {
	case signInFailed:
		return fault.Textf("Nobody signed in at the bank. Start again.")
	case signInExpired:
		return fault.Textf("The time to sign in at the bank is over. Start again.")
	case consentEnded:
		return fault.Textf("The bank gives no access any more. Sign in again.")
	case usedUp:
		return fault.Textf("The imports that the bank allows in 24 hours are used up.")
	case unavailable:
		return fault.Textf("The bank can't be reached at the moment. The next import tries again.")
	case refused:
		return fault.Textf("The bank's service refuses sede. Ask the people who run sede.")
	case sessionRefused:
		return fault.Textf("The bank gives no access with this sign-in. Sign in again.")
	}
	return fault.Text{}
}

// Account is an account or card at a bank. Amounts are in minor units.
type Account struct {
	ID          ident.ID
	Integration ident.ID // that imported it last
	identity    string
	Kind        string
	Name        string
	IBAN        null.Value[string]
	LastDigits  null.Value[string] // of a card
	Currency    string
	Balance     null.Value[int64]
	Available   null.Value[int64]
	Partial     bool                  // the bank told a part of the transactions only
	KeptSince   null.Value[time.Time] // what is older was removed
	Version     int64
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// The kinds of accounts.
const (
	KindAccount = "account"
	KindCard    = "card"
)

// Transaction is a movement of money. Days are told as the beginning of the day in
// UTC.
type Transaction struct {
	ID        ident.ID
	Account   ident.ID
	Status    string
	On        time.Time
	BookedOn  null.Value[time.Time]
	Amount    int64 // in minor units; negative: money went out
	Currency  string
	Balance   null.Value[int64]
	Title     string
	Party     string
	PartyIBAN null.Value[string]
	Kind      string
	Symbols   string
	Labels    []string
	Version   int64
	CreatedAt time.Time
	UpdatedAt time.Time
}

// The states of transactions. What is pending may change or vanish.
const (
	Booked  = "booked"
	Pending = "pending"
)

// How often a bank lets data be imported under one consent, over any 24 hours. One
// of them is kept for people who are present.
const (
	quotaWindow     = 24 * time.Hour
	quotaAttended   = 4
	quotaUnattended = 3
)

// consentTime is how long a consent lasts at most.
const consentTime = 180 * 24 * time.Hour

// searchable is what a transaction can be found by.
func searchable(t *Transaction) string {
	return collapse(t.Title + " " + t.Party + " " + t.PartyIBAN.V + " " + t.Kind + " " + t.Symbols)
}
