package audit

import (
	"crypto/sha256"
	"time"

	"sede/internal/ident"
)

// Stored is an entry as it stands in the database.
type Stored struct {
	Organization  ident.ID
	Seq           int64
	ID            ident.ID
	At            time.Time
	Actor         ident.ID // zero: sede itself
	ActorName     string
	Operator      bool
	Address       string
	Agent         string
	Action        string
	Resource      string
	Key           string
	Before, After []byte // nil: null
	Previous      []byte
	APIKey        ident.ID // zero: none
}

// Hash is what the entry's hash must be, for those who write entries anew under
// other ids.
func (s *Stored) Hash() [sha256.Size]byte {
	r := record{Entry: Entry{Action: s.Action, Resource: s.Resource, Key: s.Key, Before: s.Before, After: s.After},
		organization: s.Organization, seq: s.Seq, id: s.ID, at: s.At, previous: s.Previous}
	r.who.User, r.who.Username, r.who.Operator, r.who.Address, r.who.Agent, r.who.Key = s.Actor, s.ActorName, s.Operator, s.Address, s.Agent, s.APIKey
	return r.hash()
}
