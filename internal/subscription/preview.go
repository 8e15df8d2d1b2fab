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
//
// Where a provider bills, it is asked for the charge after that transaction, since
// only its arithmetic is the one that counts.

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

// work does a change that may be charged, for the time at which it acts. It returns
// what is charged and what came of the subscription.
type work func(tx *db.Tx, at time.Time) (*billing.Bill, *Subscription, error)

// change runs the work of a change.
func (s *Service) change(ctx context.Context, who *access.Caller, do work) error {
	return s.caughtUp(ctx, who.Scope(), func() error { return s.run(ctx, who, false, do) })
}

// changeNext runs the work of a change whose charge is that of the next period.
func (s *Service) changeNext(ctx context.Context, who *access.Caller, do work) error {
	return s.run(ctx, who, true, do)
}

func (s *Service) run(ctx context.Context, who *access.Caller, upcoming bool, do work) error {
	asked := hydra.PreviewOf(ctx)
	promised, err := s.promised(who, asked.Token)
	if err != nil {
		return err
	}
	var tried *rehearsal
	if asked.Wanted || promised != nil {
		if tried, err = s.rehearse(ctx, who, promised, upcoming, do); err != nil {
			return err
		}
	}
	if asked.Wanted {
		tried.sub.Preview, err = s.promise(who, tried)
		return err
	}
	return taken(s.db.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		if err := s.invoices.Lock(tx, who.Scope()); err != nil {
			return err
		}
		at := tx.Now(who.Scope()).Truncate(time.Second)
		if tried != nil {
			at = tried.at
		}
		charge, sub, err := do(tx, at)
		if err != nil || tried == nil {
			return err
		}
		if !sameHash(hashOf(charge), tried.ours) || sub.Wanted != tried.wanted {
			return stale()
		}
		return s.actAt(tx, who.Scope(), sub, at)
	}))
}

// taken says of an organization that got its subscription a moment before.
func taken(err error) error {
	if db.IsUnique(err, "subscription_organization_id") {
		return fault.Wrap(err, fault.Conflict, "This organization has a subscription already. Change it, or cancel it first.")
	}
	return err
}

// rehearsal is what came of a change that was undone.
type rehearsal struct {
	at     time.Time
	sub    *Subscription
	ours   []byte // of what sede computed
	wanted int64
	charge billing.Bill // of whoever bills
}

// rehearse does a change in a transaction that is undone, and asks who bills what
// it will be charged. It fails when that is not what was promised.
func (s *Service) rehearse(ctx context.Context, who *access.Caller, promised *promise, upcoming bool, do work) (*rehearsal, error) {
	r := &rehearsal{}
	q := Question{Upcoming: upcoming}
	err := s.db.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		if err := s.invoices.Lock(tx, who.Scope()); err != nil {
			return err
		}
		if r.at = tx.Now(who.Scope()).Truncate(time.Second); promised != nil {
			if r.at.Sub(promised.At) > tokenAge || promised.At.After(r.at) {
				return stale()
			}
			r.at = promised.At
		}
		charge, sub, err := do(tx, r.at)
		if err != nil {
			return err
		}
		r.charge, r.sub, r.ours, r.wanted = *charge, sub, hashOf(charge), sub.Wanted
		if q.At = r.at; sub.elsewhere() && len(charge.Lines) > 0 {
			if q.Twin, err = s.Twin(tx, who.Scope(), sub.ID); err != nil {
				return err
			}
		}
		if err := s.invoices.Lock(tx, who.Scope()); err != nil { // brings up what failed so far
			return err
		}
		return errPreview
	})
	if !errors.Is(err, errPreview) {
		return nil, taken(err)
	}
	if !q.Twin.ID.IsZero() {
		if r.charge, err = s.provider.Preview(ctx, who.Scope(), q); err != nil {
			return nil, err
		}
	}
	if promised != nil && !sameHash(hashOf(&r.charge), promised.Hash) {
		return nil, stale()
	}
	return r, nil
}

// promise is the answer to who asked what a change is charged.
func (s *Service) promise(who *access.Caller, r *rehearsal) (*Preview, error) {
	content, err := json.Marshal(promise{At: r.at, Hash: hashOf(&r.charge)})
	if err != nil {
		return nil, err
	}
	sealed := s.secret.Seal(tokenPurpose+who.Organization.String(), content)
	return &Preview{Bill: r.charge, Token: base64.RawURLEncoding.EncodeToString(sealed)}, nil
}

func stale() error {
	return fault.New(fault.Conflict, "Something has changed since the preview. Ask for a new one.")
}

// promised opens the token of a preview; nil without one.
func (s *Service) promised(who *access.Caller, token string) (*promise, error) {
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
	if err := json.Unmarshal(content, &p); err != nil {
		return nil, stale()
	}
	return &p, nil
}

func sameHash(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

// hashOf covers all that a charge says.
func hashOf(c *billing.Bill) []byte {
	content, err := json.Marshal(c)
	if err != nil {
		panic("subscription: a charge can't be encoded: " + err.Error())
	}
	sum := sha256.Sum256(content)
	return sum[:]
}
