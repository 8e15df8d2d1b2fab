package bank

import (
	"cmp"
	"context"
	"errors"
	"time"

	"sede/internal/access"
	"sede/internal/bank/kontomatik"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/null"
)

// doPull does a pull, step by step.
var doPull = jobs.Kind[pullArgs]{Name: "bank.pull", Attempts: 50, Timeout: 15 * time.Minute}

type pullArgs struct{ Pull ident.ID }

// How a pull waits.
const (
	pollPause    = 3 * time.Second  // between two looks at a command
	failPause    = 20 * time.Second // after a look that failed
	pullTime     = 15 * time.Minute // from the session to the end of the command
	partialPause = time.Hour        // until the next import after one that brought a part only
	reuseReach   = 90               // days that a bank tells without the person
	mostLostTry  = 2                // sessions that may be lost before the pull fails
)

// pauses are how long a pull waits after the bank failed; after the last one it
// fails, and the next pull tries again.
var pauses = []time.Duration{5 * time.Minute, 15 * time.Minute, time.Hour}

// work is a pull that is being done.
type work struct {
	scope       access.Scope
	complete    func(tx *db.Tx) error // with the end of the pull
	pull        pull
	consent     consent
	integration Integration
	client      *kontomatik.Client
	after       func(tx *db.Tx) error // runs once a change of the pull is stored; nil: nothing does
}

// target is the bank that the pull asks.
func (w *work) target() string { return cmp.Or(w.consent.target.V, w.integration.Target.V) }

// errStopped says that a pull was ended by somebody else.
var errStopped = errors.New("bank: the pull was ended")

// doPull brings a pull to its end. It may begin at any step, since the process may
// have died at any.
func (s *Service) doPull(ctx context.Context, job *jobs.Job[pullArgs]) error {
	w := &work{scope: job.Scope, complete: job.Complete}
	err := s.db.Read(ctx, job.Scope, func(tx *db.Tx) error {
		if err := findPull(tx, job.Scope, job.Args.Pull, &w.pull); err != nil {
			return err
		}
		if err := findConsent(tx, job.Scope, w.pull.consent, &w.consent); err != nil {
			return err
		}
		return findIntegration(tx, job.Scope, w.pull.integration, &w.integration)
	})
	if err != nil || w.pull.finishedAt.Valid {
		return orGone(err)
	}
	if w.client, err = s.providers.of(w.integration.Provider); err != nil {
		return err
	}
	for err == nil && !w.pull.finishedAt.Valid {
		err = s.step(ctx, w)
	}
	if errors.Is(err, errStopped) {
		return nil
	}
	return err
}

// step does one step.
func (s *Service) step(ctx context.Context, w *work) error {
	switch w.pull.step {
	case stepQueued:
		if w.consent.session.Valid {
			return s.takeSession(ctx, w)
		}
		return s.open(ctx, w)
	case stepOpening, stepStarting: // the answer was lost
		if w.pull.tries >= mostLostTry {
			return s.fail(ctx, w, unavailable)
		}
		w.pull.tries++
		return s.open(ctx, w)
	case stepOpened:
		return s.start(ctx, w)
	case stepRunning:
		return s.poll(ctx, w)
	}
	return errStopped
}

// takeSession uses the session that the person's sign-in gave.
func (s *Service) takeSession(ctx context.Context, w *work) error {
	text, err := s.opened(sealSession, w.consent.id, w.consent.session)
	if err != nil {
		return s.fail(ctx, w, consentEnded)
	}
	return s.save(ctx, w, func(tx *db.Tx) error {
		w.pull.step, w.pull.session = stepOpened, s.sealed(sealPull, w.pull.id, text)
		w.pull.startedAt = null.Of(s.moment())
		w.consent.session = null.Value[[]byte]{}
		insertAttempt(tx, w.scope, s.ids.New(), &w.pull, s.now.Now())
		return updateConsent(tx, w.scope, &w.consent)
	})
}

// open gets a session without the person. The attempt is written down before the
// bank is asked.
func (s *Service) open(ctx context.Context, w *work) error {
	token, err := s.opened(sealAccess, w.consent.id, w.consent.token)
	if err != nil || token == "" {
		return s.fail(ctx, w, consentEnded)
	}
	full := false
	err = s.save(ctx, w, func(tx *db.Tx) error {
		err := error(nil)
		if w.consent.state != consentOffered { // of which the bank has counted nothing else
			err = s.mayImport(tx, w.scope, w.integration.ID, w.pull.attended)
		}
		if full = fault.Is(err, fault.TooManyRequests); full {
			return nil
		}
		w.pull.step, w.pull.startedAt = stepOpening, null.Of(s.moment())
		insertAttempt(tx, w.scope, s.ids.New(), &w.pull, s.now.Now())
		return err
	})
	switch {
	case err != nil:
		return err
	case full:
		return s.fail(ctx, w, usedUp)
	}
	session, err := w.client.Reuse(ctx, token)
	if err != nil {
		return s.handle(ctx, w, err)
	}
	return s.save(ctx, w, func(*db.Tx) error {
		w.pull.step, w.pull.session = stepOpened, s.sealed(sealPull, w.pull.id, session.ID+"\x00"+session.Signature)
		return nil
	})
}

// start has the bank import. A session takes this once, so it is never sent again.
func (s *Service) start(ctx context.Context, w *work) error {
	text, err := s.opened(sealPull, w.pull.id, w.pull.session)
	if err != nil {
		return s.fail(ctx, w, consentEnded)
	}
	err = s.save(ctx, w, func(*db.Tx) error {
		w.pull.step, w.pull.session = stepStarting, null.Value[[]byte]{}
		return nil
	})
	if err != nil {
		return err
	}
	since, err := time.Parse(time.DateOnly, w.pull.since)
	if err != nil {
		return jobs.Discard(err)
	}
	command, err := w.client.Import(ctx, sessionOf(text), since)
	if err != nil {
		return s.handle(ctx, w, err)
	}
	return s.save(ctx, w, func(tx *db.Tx) error {
		w.pull.step, w.pull.command = stepRunning, null.Of(command.ID)
		return s.tell(tx, w, PullRunning, null.Value[string]{})
	})
}

// poll looks how far the bank is, and takes what it found.
func (s *Service) poll(ctx context.Context, w *work) error {
	late := s.now.Now().After(w.pull.startedAt.V.Add(pullTime))
	in := s.newIntake(ctx, w)
	command, err := w.client.Command(ctx, w.pull.command.V, in)
	if failed := in.close(); err == nil {
		err = failed
	}
	if errors.Is(err, errStopped) {
		return err
	}
	failure, known := errors.AsType[*kontomatik.Error](err)
	switch {
	case err != nil && !known:
		return err // of our own database
	case err != nil && failure.Advice() == kontomatik.Retry && !late:
		s.log.WarnContext(ctx, "bank: a command can't be looked at", "integration", w.integration.ID, "error", err)
		return jobs.Snooze(failPause)
	case err != nil:
		return s.handle(ctx, w, err)
	case command.State == kontomatik.Successful:
		return s.finish(ctx, w, in)
	case command.State == kontomatik.Running && late:
		return s.fail(ctx, w, unavailable)
	case command.State == kontomatik.Running:
		return jobs.Snooze(pollPause)
	}
	return s.handle(ctx, w, command.Err)
}

// handle does what there is to do about a failure of the bank.
func (s *Service) handle(ctx context.Context, w *work, err error) error {
	failure, ok := errors.AsType[*kontomatik.Error](err)
	if !ok {
		return err
	}
	s.log.WarnContext(ctx, "bank: a pull met a failure", "integration", w.integration.ID, "pull", w.pull.id, "step", w.pull.step, "error", err)
	again := w.consent.token.Valid                   // a new session can be had
	if failure.Name == kontomatik.InvalidSignature { // it was tampered with
		return s.fail(ctx, w, consentEnded)
	}
	switch failure.Advice() {
	case kontomatik.WaitForQuota:
		return s.fail(ctx, w, usedUp)
	case kontomatik.TellOperator:
		s.log.ErrorContext(ctx, "bank: the provider refuses sede", "integration", w.integration.ID, "error", err)
		return s.fail(ctx, w, refused)
	case kontomatik.AskPerson:
		if failure.Name == kontomatik.InvalidMultipleAccessID || !again || w.pull.tries >= mostLostTry {
			return s.fail(ctx, w, consentEnded)
		}
		return s.save(ctx, w, func(*db.Tx) error { w.pull.step, w.pull.tries = stepQueued, w.pull.tries+1; return nil })
	}
	switch {
	case !again:
		return s.fail(ctx, w, consentEnded)
	case int(w.pull.tries) >= len(pauses):
		return s.fail(ctx, w, unavailable)
	}
	pause := pauses[w.pull.tries]
	err = s.save(ctx, w, func(tx *db.Tx) error {
		w.pull.step, w.pull.command, w.pull.tries = stepQueued, null.Value[string]{}, w.pull.tries+1
		return s.tell(tx, w, PullQueued, null.Of(unavailable))
	})
	if err != nil {
		return err
	}
	return jobs.Snooze(pause)
}

// save stores the pull as change makes it, unless somebody ended it meanwhile.
func (s *Service) save(ctx context.Context, w *work, change func(tx *db.Tx) error) error {
	began := *w
	err := s.db.Write(ctx, w.scope, func(tx *db.Tx) error {
		*w = began
		if err := lock(tx, w.pull.integration); err != nil {
			return err
		}
		if err := change(tx); err != nil {
			return err
		}
		if err := updatePull(tx, w.scope, &w.pull); err != nil || w.after == nil {
			return err
		}
		return w.after(tx)
	})
	if err != nil {
		*w = began
	}
	return orStopped(err)
}

func orStopped(err error) error {
	if fault.Is(err, fault.NotFound) {
		return errStopped
	}
	return err
}

// tell shows on the connection how far its pull is, and what keeps it waiting. Of one
// that proves a consent the connection shows nothing until it is done.
func (s *Service) tell(tx *db.Tx, w *work, status string, trouble null.Value[string]) error {
	if w.consent.state == consentOffered {
		return nil
	}
	if err := findIntegration(tx, w.scope, w.pull.integration, &w.integration); err != nil {
		return err
	}
	before := w.integration
	w.integration.PullStatus, w.integration.Error = null.Of(status), trouble
	return s.store(tx, nil, w.scope, "pull", &before, &w.integration)
}

// fail ends the pull and says why. When the consent is over its secrets go.
func (s *Service) fail(ctx context.Context, w *work, why string) error {
	return s.end(ctx, w, func(tx *db.Tx) error {
		w.pull.error = null.Of(why)
		if w.consent.state == consentOffered {
			return s.reject(tx, w, why)
		}
		w.integration.PullStatus, w.integration.Error = null.Of(PullFailed), null.Of(why)
		switch why {
		case consentEnded:
			return s.expire(tx, w)
		case refused:
			return w.integration.move(StatusError)
		}
		return nil
	})
}

// expire ends the consent, because the bank did or because it is used up.
func (s *Service) expire(tx *db.Tx, w *work) error {
	w.consent.state, w.consent.session, w.consent.token = consentOver, null.Value[[]byte]{}, null.Value[[]byte]{}
	if err := updateConsent(tx, w.scope, &w.consent); err != nil {
		return err
	}
	if w.integration.Consent != null.Of(w.consent.id) {
		return nil // it was replaced
	}
	w.integration.Consent, w.integration.ConsentEndsAt = null.Value[ident.ID]{}, null.Of(tx.Now(w.scope).Truncate(time.Second))
	return w.integration.move(StatusExpired)
}

// finish ends a pull that was done. After one that brought a part only the next comes
// soon, and reaches back as far. Access that was for once is used up.
func (s *Service) finish(ctx context.Context, w *work, in *intake) error {
	return s.end(ctx, w, func(tx *db.Tx) error {
		w.pull.added, w.pull.skipped = in.added, in.skipped
		i := &w.integration
		if w.consent.state == consentOffered {
			if err := s.replace(tx, w); err != nil {
				return err
			}
		}
		i.PullStatus, i.PullAdded, i.PullSkipped = null.Of(PullDone), null.Of(in.added), null.Of(in.skipped)
		i.Error = null.Value[string]{}
		if err := s.enqueueMatch(tx, w.scope, w.pull.createdAt); err != nil {
			return err
		}
		partial, err := anyPartial(tx, w.scope, i.ID)
		if err != nil {
			return err
		}
		if !partial {
			i.PulledAt = null.Of(s.moment())
		}
		if !w.consent.token.Valid {
			return s.expire(tx, w)
		}
		if again := tx.Now(w.scope).Add(partialPause).Truncate(time.Second); partial && i.NextPullAt.Valid && again.Before(i.NextPullAt.V) {
			i.NextPullAt = null.Of(again)
		}
		return i.move(i.works(tx.Now(w.scope)))
	})
}

// end makes pull and job done in one transaction.
func (s *Service) end(ctx context.Context, w *work, change func(tx *db.Tx) error) error {
	return s.save(ctx, w, func(tx *db.Tx) error {
		if err := findIntegration(tx, w.scope, w.pull.integration, &w.integration); err != nil {
			return err
		}
		if err := findConsent(tx, w.scope, w.pull.consent, &w.consent); err != nil {
			return err
		}
		before := w.integration
		w.pull.step, w.pull.session, w.pull.finishedAt = stepOver, null.Value[[]byte]{}, null.Of(s.moment())
		if err := change(tx); err != nil {
			return err
		}
		if err := s.store(tx, nil, w.scope, "pull", &before, &w.integration); err != nil {
			return err
		}
		return w.complete(tx)
	})
}
