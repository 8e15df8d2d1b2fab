package bank

import (
	"context"
	"time"

	"sede/internal/access"
	"sede/internal/bank/kontomatik"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/null"
)

// A consent that is granted while another is live is offered: its first import proves
// it. Until that is done the live one stays, and nothing of the connection changes but
// its renewalStatus. Then the new one takes its place, in the transaction that ends
// the import. One that proves to be none is dropped. Since there is one import at a
// time, whoever asks for another meanwhile gets that one, and if it fails theirs.

// How far a renewal is.
const (
	RenewalSignIn   = "sign-in"  // a person was asked
	RenewalChecking = "checking" // the first import under the new consent runs
	RenewalFailed   = "failed"
)

// doRenew begins the import that proves a consent, once no other is at the bank.
var doRenew = jobs.Kind[renewArgs]{Name: "bank.renew"}

type renewArgs struct{ Consent ident.ID }

// offer keeps a consent beside the live one and has it proven. Of several the newest
// counts.
func (s *Service) offer(tx *db.Tx, who *access.Caller, scope access.Scope, i *Integration, c *consent, r kontomatik.Result) error {
	before := *i
	var running pull
	if err := runningPull(tx, scope, i.ID, &running); err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	if err := s.dropOffered(tx, scope, i, running.consent); err != nil {
		return err
	}
	if err := s.fill(tx, scope, c, r, consentOffered); err != nil {
		return err
	}
	i.RenewalStatus, i.RenewalError = null.Of(RenewalChecking), null.Value[string]{}
	if err := s.store(tx, who, scope, "consent", &before, i); err != nil {
		return err
	}
	began, err := s.prove(tx, scope, i, c)
	if err == nil && !began {
		doRenew.Enqueue(tx, s.jobs, scope, renewArgs{Consent: c.id}, jobs.Options{At: s.now.Now().Add(pollPause)})
	}
	return err
}

// renew proves an offered consent as soon as it can.
func (s *Service) renew(ctx context.Context, job *jobs.Job[renewArgs]) error {
	began := true
	err := s.db.Write(ctx, job.Scope, func(tx *db.Tx) error {
		var c consent
		var i Integration
		if err := load(tx, job.Scope, job.Args.Consent, &c, &i); err != nil {
			return err
		}
		var err error
		if began = c.state != consentOffered; !began {
			began, err = s.prove(tx, job.Scope, &i, &c)
		}
		if err != nil || !began {
			return err
		}
		return job.Complete(tx)
	})
	if err == nil && !began {
		return jobs.Snooze(pollPause)
	}
	return orGone(err)
}

// prove begins the import that proves an offered consent; false: another is at the
// bank. One that waits makes room.
func (s *Service) prove(tx *db.Tx, scope access.Scope, i *Integration, c *consent) (bool, error) {
	now := s.moment()
	p := pull{id: s.ids.New(), integration: i.ID, consent: c.id, attended: true, step: stepQueued, createdAt: now}
	p.since = s.reach(now.Add(-firstReach))
	var waiting pull
	err := runningPull(tx, scope, i.ID, &waiting)
	switch {
	case fault.Is(err, fault.NotFound):
	case err != nil:
		return false, err
	case waiting.atBank(now):
		return false, nil
	default:
		if err := s.makeRoom(tx, scope, i, &waiting, &p); err != nil {
			return false, err
		}
	}
	if err := insertPull(tx, scope, &p); err != nil {
		return false, err
	}
	doPull.Enqueue(tx, s.jobs, scope, pullArgs{Pull: p.id}, jobs.Options{})
	if i.RenewalStatus.V == RenewalChecking {
		return true, nil
	}
	before := *i
	i.RenewalStatus, i.RenewalError = null.Of(RenewalChecking), null.Value[string]{}
	return true, s.store(tx, nil, scope, "consent", &before, i)
}

// atBank reports whether the bank may be working on a pull, or soon will.
func (p *pull) atBank(now time.Time) bool {
	return p.step != stepQueued && now.Before(p.startedAt.V.Add(2*pullTime))
}

// makeRoom ends a pull that waits, for one that begins now. What it was to bring the
// new one brings, or another if that fails.
func (s *Service) makeRoom(tx *db.Tx, scope access.Scope, i *Integration, waiting, p *pull) error {
	waiting.step, waiting.session, waiting.finishedAt = stepOver, null.Value[[]byte]{}, null.Of(s.moment())
	if err := updatePull(tx, scope, waiting); err != nil {
		return err
	}
	p.since = min(p.since, waiting.since)
	if i.Consent == null.Of(waiting.consent) {
		p.otherwise, p.otherwiseAttended = null.Of(waiting.since), waiting.attended
		return nil
	}
	p.otherwise, p.otherwiseAttended = waiting.otherwise, waiting.otherwiseAttended
	return s.letGo(tx, scope, i, waiting.consent)
}

// join lets who asks for an import share the one that runs. If that is to prove a
// consent and fails, theirs begins.
func (s *Service) join(tx *db.Tx, who *access.Caller, scope access.Scope, i *Integration, running *pull, since time.Time, attended bool) error {
	if i.Consent == null.Of(running.consent) {
		return nil
	}
	from := s.reach(since)
	if running.otherwise.Valid {
		from, attended = min(from, running.otherwise.V), attended || running.otherwiseAttended
	}
	setOtherwise(tx, scope, running.id, from, attended)
	if i.PullStatus.V == PullQueued {
		return nil
	}
	before := *i
	i.PullStatus, i.PullAdded, i.PullSkipped = null.Of(PullQueued), null.Value[int64]{}, null.Value[int64]{}
	return s.store(tx, who, scope, "pull", &before, i)
}

// replace puts a consent that its import has proven in the place of the live one. One
// that was for a single import replaces none.
func (s *Service) replace(tx *db.Tx, w *work) error {
	i := &w.integration
	i.RenewalStatus, i.RenewalError, i.proven = null.Value[string]{}, null.Value[string]{}, true
	if i.Consent.Valid && !w.consent.token.Valid {
		return nil
	}
	old := i.Consent
	w.consent.state = consentLive
	if err := updateConsent(tx, w.scope, &w.consent); err != nil {
		return err
	}
	if err := i.adopt(&w.consent, tx.Now(w.scope)); err != nil || !old.Valid {
		return err
	}
	return s.letGo(tx, w.scope, i, old.V)
}

// reject drops a consent whose import has failed. What the bank counted under it
// counts no more. An import that was asked for meanwhile begins after this one's end.
func (s *Service) reject(tx *db.Tx, w *work, why string) error {
	var p pull
	if err := findPull(tx, w.scope, w.pull.id, &p); err != nil {
		return err
	}
	i := &w.integration
	if why == consentEnded {
		why = sessionRefused
	}
	i.RenewalStatus, i.RenewalError = null.Of(RenewalFailed), null.Of(why)
	dropAttempts(tx, w.scope, w.pull.id)
	if err := s.letGo(tx, w.scope, i, w.consent.id); err != nil || !p.otherwise.Valid {
		return err
	}
	if !i.gives() {
		i.PullStatus = null.Of(PullFailed)
		return nil
	}
	since, err := time.Parse(time.DateOnly, p.otherwise.V)
	w.after = func(tx *db.Tx) error {
		return s.begin(tx, nil, w.scope, i, pull{consent: i.Consent.V, attended: p.otherwiseAttended}, since)
	}
	return err
}

// dropOffered lets go of the offered consents of a connection, except one.
func (s *Service) dropOffered(tx *db.Tx, scope access.Scope, i *Integration, except ident.ID) error {
	list, err := consentsWith(tx, scope, i.ID, consentOffered)
	if err != nil {
		return err
	}
	for k := range list {
		if list[k].id == except {
			continue
		}
		if err := s.letGo(tx, scope, i, list[k].id); err != nil {
			return err
		}
	}
	return nil
}

// letGo ends a consent. The provider is told by a job, unless another consent of the
// connection has the same access.
func (s *Service) letGo(tx *db.Tx, scope access.Scope, i *Integration, id ident.ID) error {
	token, err := s.endConsent(tx, scope, id)
	if err != nil || token == "" {
		return err
	}
	used, err := s.uses(tx, scope, i.ID, token)
	if err == nil && !used {
		doForget.Enqueue(tx, s.jobs, scope, forgetArgs{Integration: i.ID, Provider: i.Provider, Access: token}, jobs.Options{Sealed: true})
	}
	return err
}

// uses reports whether a consent of the connection that is not over has the access.
func (s *Service) uses(tx *db.Tx, scope access.Scope, integration ident.ID, token string) (bool, error) {
	for _, state := range []string{consentLive, consentOffered} {
		list, err := consentsWith(tx, scope, integration, state)
		if err != nil {
			return false, err
		}
		for k := range list {
			if other, err := s.opened(sealAccess, list[k].id, list[k].token); err == nil && other == token {
				return true, nil
			}
		}
	}
	return false, nil
}
