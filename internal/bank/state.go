package bank

import (
	"fmt"
	"slices"
)

// The states of a connection, and how one follows from another:
//
//	             nobody signs in
//	  pending ────────────────────► error ◄─────────────┐
//	     │                           │ │                │ the provider refuses
//	     │ a person signs in         │ └──────────┐     │
//	     ▼                           ▼            │     │
//	  active ◄────────────────── (a pull is done, │     │
//	   │ ▲ │                      a person signs  │     │
//	   │ │ │ 14 days are left     in again)       │     │
//	   │ │ ▼                                      │     │
//	   │ │ expiring ──────────────────────────────┼─────┘
//	   │ │  │                                     │
//	   │ │  │ the consent ends, or is used up     │
//	   ▼ │  ▼                                     │
//	  expired ◄───────────────────────────────────┘
//
//	every state but revoked ── somebody ends the connection ──► revoked
//
// Renewing a connection with a live consent moves it only when the new consent is
// proven; until then, and if it is not, the state is that of the consent before. How
// far the renewal is stands beside the state, in renewalStatus:
//
//	          setup                    a person signs in, or setup
//	(none) ──────────► sign-in ──────────► checking ◄───────── has a session
//	   ▲                  │                │     │
//	   │                  │ nobody         │     │ the first import fails:
//	   │                  ▼ signs in       │     ▼ the new consent is dropped
//	   │                failed             │   failed
//	   └───────────────────────────────────┘
//	 the first import is done: the new consent takes the place of the one before,
//	 the state is active
const (
	StatusPending  = "pending"
	StatusActive   = "active"
	StatusExpiring = "expiring"
	StatusExpired  = "expired"
	StatusError    = "error"
	StatusRevoked  = "revoked"
)

func statuses() []string {
	return []string{StatusPending, StatusActive, StatusExpiring, StatusExpired, StatusError, StatusRevoked}
}

// next lists the states that may follow one.
var next = map[string][]string{
	StatusPending:  {StatusActive, StatusError, StatusRevoked},
	StatusActive:   {StatusExpiring, StatusExpired, StatusError, StatusRevoked},
	StatusExpiring: {StatusActive, StatusExpired, StatusError, StatusRevoked},
	StatusExpired:  {StatusActive, StatusError, StatusRevoked},
	StatusError:    {StatusActive, StatusExpiring, StatusExpired, StatusRevoked},
	StatusRevoked:  nil,
}

// move changes the state. A way that does not exist is a defect, and an error.
func (i *Integration) move(to string) error {
	if i.Status == to {
		return nil
	}
	if !slices.Contains(next[i.Status], to) {
		return fmt.Errorf("bank: a connection can't become %s from %s", to, i.Status)
	}
	i.Status = to
	return nil
}

// gives reports whether data may be imported.
func (i *Integration) gives() bool {
	return i.Consent.Valid && (i.Status == StatusActive || i.Status == StatusExpiring || i.Status == StatusError)
}
