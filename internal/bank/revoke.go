package bank

import (
	"context"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/null"
)

// RevokeRequest ends a connection.
type RevokeRequest struct {
	Integration null.Value[ident.ID] // may be left out when there is one
	Erase       bool                 // what was imported is removed, here and at the provider
}

// Revoke ends a connection: its secrets here are destroyed, then the provider is
// told until it confirms. What the answer says is the receipt: when it ended, when
// the provider had confirmed it, when the data was gone. Repeated, it does what was
// not asked before. It needs no module: whoever connected a bank can end that.
func (s *Service) Revoke(ctx context.Context, who *access.Caller, in *RevokeRequest, i *Integration) error {
	if err := mayEnd.Check(who); err != nil {
		return err
	}
	return s.db.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		if err := s.choose(tx, who.Scope(), in.Integration, false, i); err != nil {
			return err
		}
		before := *i
		if err := s.endConnection(tx, who.Scope(), i); err != nil {
			return err
		}
		if in.Erase && !i.Erasing {
			i.Erasing = true
			doErase.Enqueue(tx, s.jobs, who.Scope(), eraseArgs{Integration: i.ID}, jobs.Options{})
		}
		if *i == before {
			return nil
		}
		return s.store(tx, who, who.Scope(), "revoke", &before, i)
	})
}

// endConnection destroys the secrets of a connection and has the provider told.
func (s *Service) endConnection(tx *db.Tx, scope access.Scope, i *Integration) error {
	if i.Status == StatusRevoked {
		return nil
	}
	dropWaiting(tx, scope, i.ID)
	if err := s.retire(tx, scope, i, true); err != nil {
		return err
	}
	if err := i.move(StatusRevoked); err != nil {
		return err
	}
	now := tx.Now(scope).Truncate(time.Second)
	i.RevokedAt, i.ConsentEndsAt = null.Of(now), null.Of(now)
	i.RenewalStatus, i.RenewalError = null.Value[string]{}, null.Value[string]{}
	if i.PullStatus.V == PullQueued || i.PullStatus.V == PullRunning {
		i.PullStatus = null.Of(PullFailed)
	}
	return nil
}

// EndAll ends all connections of an organization, as Revoke does, before they are
// removed or after they were brought back without their secrets.
func (s *Service) EndAll(tx *db.Tx, scope access.Scope) error {
	list, err := liveIntegrations(tx, scope)
	if err != nil {
		return err
	}
	for _, id := range list {
		var i Integration
		if err := lock(tx, id); err != nil {
			return err
		}
		if err := findIntegration(tx, scope, id, &i); err != nil {
			return err
		}
		before := i
		if err := s.endConnection(tx, scope, &i); err != nil {
			return err
		}
		if err := s.store(tx, nil, scope, "revoke", &before, &i); err != nil {
			return err
		}
	}
	return nil
}

// The jobs that end things at the provider. They go on for weeks if they must.
var (
	doForget = jobs.Kind[forgetArgs]{Name: "bank.forget", Attempts: 60}
	doErase  = jobs.Kind[eraseArgs]{Name: "bank.erase", Attempts: 60, Timeout: 10 * time.Minute}
)

// forgetArgs carry the access id, sealed, since nothing else keeps it any more.
type forgetArgs struct {
	Integration ident.ID
	Provider    string
	Access      string // empty: there was access once only, and nothing is left of it
	Revoked     bool   // the connection ended, not just one consent
}

type eraseArgs struct{ Integration ident.ID }

// forget ends an access at the provider. When the connection ended it writes down
// that the provider has confirmed.
func (s *Service) forget(ctx context.Context, job *jobs.Job[forgetArgs]) error {
	client, err := s.providers.of(job.Args.Provider)
	if err != nil {
		return err
	}
	if job.Args.Access != "" {
		if err := client.DeleteAccess(ctx, job.Args.Access); err != nil {
			return err
		}
	}
	if !job.Args.Revoked {
		return nil
	}
	return s.db.Write(ctx, job.Scope, func(tx *db.Tx) error {
		var i Integration
		if err := lock(tx, job.Args.Integration); err != nil {
			return err
		}
		if err := findIntegration(tx, job.Scope, job.Args.Integration, &i); err != nil {
			return orGone(err)
		}
		before := i
		i.ConfirmedAt = null.Of(s.moment())
		if err := s.store(tx, nil, job.Scope, "revoke", &before, &i); err != nil {
			return err
		}
		return job.Complete(tx)
	})
}

// erase removes what a connection imported, at the provider first.
func (s *Service) erase(ctx context.Context, job *jobs.Job[eraseArgs]) error {
	var i Integration
	err := s.db.Read(ctx, job.Scope, func(tx *db.Tx) error { return findIntegration(tx, job.Scope, job.Args.Integration, &i) })
	if err != nil {
		return orGone(err)
	}
	client, err := s.providers.of(i.Provider)
	if err != nil {
		return err
	}
	if err := client.DeleteData(ctx, owner(i.ID)); err != nil {
		return err
	}
	for {
		var n int64
		err := s.db.Write(ctx, job.Scope, func(tx *db.Tx) (err error) {
			if err := lock(tx, i.ID); err != nil {
				return err
			}
			if n, err = eraseSome(tx, job.Scope, i.ID); err != nil || n == eraseBatch {
				return err
			}
			if err := findIntegration(tx, job.Scope, i.ID, &i); err != nil {
				return err
			}
			before := i
			i.ErasedAt = null.Of(s.moment())
			if err := s.store(tx, nil, job.Scope, "erase", &before, &i); err != nil {
				return err
			}
			return job.Complete(tx)
		})
		if err != nil || n < eraseBatch {
			return err
		}
	}
}
