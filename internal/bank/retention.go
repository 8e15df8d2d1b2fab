package bank

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/db"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
)

const (
	retentionEvery = 6 * time.Hour // how often transactions are removed that are too old
	retentionBatch = 200           // accounts
)

// keptSince is the first day whose transactions are kept; false: all are.
func (s *Service) keptSince() (time.Time, bool) {
	if s.keepMonths <= 0 {
		return time.Time{}, false
	}
	now := s.now.Now().UTC()
	return time.Date(now.Year(), now.Month()-time.Month(s.keepMonths), now.Day(), 0, 0, 0, 0, time.UTC), true
}

// accountRef is an account, of any organization.
type accountRef struct{ organization, id ident.ID }

// removeOld removes transactions that are older than the operator wants them kept.
// One account that fails does not hold up the others.
func (s *Service) removeOld(ctx context.Context) error {
	cutoff, ok := s.keptSince()
	if !ok {
		return nil
	}
	var failed error
	for last := (accountRef{}); ; {
		var found []accountRef
		err := s.db.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
			found, err = withOlder(tx, cutoff, last, retentionBatch)
			return err
		})
		if err != nil {
			return errors.Join(failed, err)
		}
		for _, h := range found {
			if err := s.removeOldOf(ctx, h, cutoff); err != nil {
				failed = errors.Join(failed, fmt.Errorf("bank account %s: %w", h.id, err))
			}
		}
		if len(found) < retentionBatch {
			return failed
		}
		last = found[len(found)-1]
	}
}

// removeOldOf does it for one account, in batches. Before the first one is gone the
// account says that they don't come back.
func (s *Service) removeOldOf(ctx context.Context, h accountRef, cutoff time.Time) error {
	scope := access.System(h.organization)
	for more := true; more; {
		err := s.db.Write(ctx, scope, func(tx *db.Tx) error {
			var a Account
			if err := importTurn(tx, scope); err != nil {
				return err
			}
			if err := findAccount(tx, scope, h.id, &a); err != nil {
				more = false
				return orGone(err)
			}
			n, err := deleteOlder(tx, scope, a.ID, cutoff, eraseBatch)
			if more = n == eraseBatch; err != nil || n == 0 {
				return err
			}
			before := a
			a.KeptSince = null.Of(cutoff)
			a.Version, a.UpdatedAt = a.Version+1, s.moment()
			if err := updateAccount(tx, scope, &a); err != nil {
				return err
			}
			return s.audit.Append(tx, nil, audit.Entry{Scope: scope, Action: "expire", Resource: "BankAccount", Key: a.ID.String(),
				Before: hydra.JSON(accountFields, &before), After: hydra.JSON(accountFields, &a)})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// tooOld reports whether a transaction is one that is not kept.
func (in *intake) tooOld(t *Transaction) bool {
	return in.account.KeptSince.Valid && t.On.Before(in.account.KeptSince.V) || in.keptSince.Valid && t.On.Before(in.keptSince.V)
}
