package bank

import (
	"context"
	"errors"
	"strings"
	"time"

	"sede/internal/access"
	"sede/internal/bank/kontomatik"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/null"
)

// doSignIn looks what became of a sign-in.
var doSignIn = jobs.Kind[signInArgs]{Name: "bank.sign-in", Attempts: 1000}

type signInArgs struct{ Consent ident.ID }

// firstLook is when a sign-in is looked at first; later it is looked at less
// often.
const firstLook = 5 * time.Second

// signIn asks the provider what became of a sign-in until it is known, or the time
// for it is over.
func (s *Service) signIn(ctx context.Context, job *jobs.Job[signInArgs]) error {
	var c consent
	var i Integration
	err := s.db.Read(ctx, job.Scope, func(tx *db.Tx) error {
		if err := findConsent(tx, job.Scope, job.Args.Consent, &c); err != nil {
			return err
		}
		return findIntegration(tx, job.Scope, c.integration, &i)
	})
	if err != nil || c.state != consentPending {
		return orGone(err)
	}
	id, err := s.opened(sealRedirection, c.id, c.redirection)
	if err != nil {
		return jobs.Discard(err)
	}
	client, err := s.providers.of(i.Provider)
	if err != nil {
		return err
	}
	result, err := client.RedirectionStatus(ctx, id)
	now := s.now.Now()
	switch {
	case err != nil && now.Before(c.deadline):
		s.log.WarnContext(ctx, "bank: a sign-in can't be looked at", "integration", i.ID, "error", err)
		return jobs.Snooze(time.Minute)
	case err == nil && result.Outcome == kontomatik.SignedIn:
		return s.signedIn(ctx, job, result)
	case err == nil && result.Outcome == kontomatik.NotSignedIn:
		return s.notSignedIn(ctx, job, signInFailed)
	case err == nil && result.Outcome == kontomatik.Waiting && now.Before(c.deadline):
		return jobs.Snooze(min(max(firstLook, now.Sub(c.createdAt)/20), 30*time.Second))
	}
	return s.notSignedIn(ctx, job, signInExpired)
}

// orGone is nil for what is not there any more, so that nothing is left to do.
func orGone(err error) error {
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// load reads consent and connection, under the connection's lock.
func load(tx *db.Tx, scope access.Scope, id ident.ID, c *consent, i *Integration) error {
	if err := findConsent(tx, scope, id, c); err != nil {
		return err
	}
	if err := lock(tx, c.integration); err != nil {
		return err
	}
	if err := findConsent(tx, scope, id, c); err != nil {
		return err
	}
	return findIntegration(tx, scope, c.integration, i)
}

func (s *Service) signedIn(ctx context.Context, job *jobs.Job[signInArgs], r kontomatik.Result) error {
	err := s.db.Write(ctx, job.Scope, func(tx *db.Tx) error {
		var c consent
		var i Integration
		if err := load(tx, job.Scope, job.Args.Consent, &c, &i); err != nil {
			return err
		}
		if err := job.Complete(tx); err != nil || c.state != consentPending || i.Status == StatusRevoked {
			return err
		}
		return s.grant(tx, nil, job.Scope, &i, &c, r)
	})
	if db.IsUnique(err, "bank_consent_session_mark") {
		return jobs.Discard(errors.New("bank: the provider gave a session that was given before"))
	}
	return err
}

func (s *Service) notSignedIn(ctx context.Context, job *jobs.Job[signInArgs], why string) error {
	return s.db.Write(ctx, job.Scope, func(tx *db.Tx) error {
		var c consent
		var i Integration
		if err := load(tx, job.Scope, job.Args.Consent, &c, &i); err != nil {
			return err
		}
		if err := job.Complete(tx); err != nil || c.state != consentPending {
			return err
		}
		c.state, c.redirection = consentOver, null.Value[[]byte]{}
		if err := updateConsent(tx, job.Scope, &c); err != nil || i.Status == StatusRevoked {
			return err
		}
		before := i
		if i.Consent.Valid || i.RenewalStatus.Valid {
			i.RenewalStatus, i.RenewalError = null.Of(RenewalFailed), null.Of(why)
		} else {
			i.Error = null.Of(why)
		}
		if i.Status == StatusPending {
			if err := i.move(StatusError); err != nil {
				return err
			}
		}
		return s.store(tx, nil, job.Scope, "sign-in", &before, &i)
	})
}

// sessionOf takes apart what grant sealed.
func sessionOf(text string) kontomatik.Session {
	id, signature, _ := strings.Cut(text, "\x00")
	return kontomatik.Session{ID: id, Signature: signature}
}
