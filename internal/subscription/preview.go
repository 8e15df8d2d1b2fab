package subscription

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"sede/internal/access"
	"sede/internal/billing"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
)

// A preview does all that the change would do, in a transaction that is then
// undone, so that it can't differ from the change. Its token holds the time it
// was computed for and a hash of what was charged. A change with the token is
// computed for the same time, and refused if the charge is another.

// errPreview undoes the transaction of a preview.
var errPreview = errors.New("subscription: a preview keeps nothing")

// tokenAge is how long the token of a preview is good.
const tokenAge = 15 * time.Minute

// promise is what the token of a preview says.
type promise struct {
	At   time.Time `json:"at"`
	Hash []byte    `json:"hash"`
}

const tokenPurpose = "subscription preview "

// change runs the work of a change that may be charged, for the time at which it
// acts. work returns what was charged and what came of the subscription.
func (s *Service) change(ctx context.Context, who *access.Caller, work func(tx *db.Tx, at time.Time) (*billing.Charge, *Subscription, error)) error {
	asked := hydra.PreviewOf(ctx)
	err := s.db.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		now := s.now.Now().Truncate(time.Second)
		promised, err := s.promised(who, asked.Token, now)
		if err != nil {
			return err
		}
		if err := s.invoices.Lock(tx, who.Scope()); err != nil {
			return err
		}
		at := now
		if promised != nil {
			at = promised.At
		}
		charge, sub, err := work(tx, at)
		if err != nil {
			return err
		}
		hash := hashOf(charge)
		if promised != nil && subtle.ConstantTimeCompare(hash, promised.Hash) != 1 {
			return stale()
		}
		if asked.Wanted {
			if err := s.invoices.Lock(tx, who.Scope()); err != nil { // brings up what failed so far
				return err
			}
			content, err := json.Marshal(promise{At: at, Hash: hash})
			if err != nil {
				return err
			}
			sealed := s.secret.Seal(tokenPurpose+who.Organization.String(), content)
			sub.Preview = &Preview{Charge: *charge, Token: base64.RawURLEncoding.EncodeToString(sealed)}
			return errPreview
		}
		return nil
	})
	if db.IsUnique(err, "subscription_organization_id") {
		return fault.Wrap(err, fault.Conflict, "This organization has a subscription already. Change it, or cancel it first.")
	}
	if errors.Is(err, errPreview) {
		return nil
	}
	return err
}

func stale() error {
	return fault.New(fault.Conflict, "Something has changed since the preview. Ask for a new one.")
}

// promised opens the token of a preview; nil without one.
func (s *Service) promised(who *access.Caller, token string, now time.Time) (*promise, error) {
	if token == "" {
		return nil, nil
	}
	sealed, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return nil, stale()
	}
	content, err := s.secret.Open(tokenPurpose+who.Organization.String(), sealed)
	if err != nil {
		return nil, stale()
	}
	var p promise
	if err := json.Unmarshal(content, &p); err != nil || now.Sub(p.At) > tokenAge || p.At.After(now) {
		return nil, stale()
	}
	return &p, nil
}

// hashOf covers all that a charge says.
func hashOf(c *billing.Charge) []byte {
	content, err := json.Marshal(c)
	if err != nil {
		panic("subscription: a charge can't be encoded: " + err.Error())
	}
	sum := sha256.Sum256(content)
	return sum[:]
}
