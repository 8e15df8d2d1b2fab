package bank

import (
	"cmp"
	"context"
	"crypto/sha256"
	"strings"
	"time"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/bank/kontomatik"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/null"
	"sede/internal/outbound"
)

// SetupRequest begins a connection or renews one: with a sign-in that is to come,
// or with a session that a sign-in widget gave.
type SetupRequest struct {
	Integration      null.Value[ident.ID] // to renew
	Country          null.Value[string]
	AccessMode       null.Value[string]
	RedirectURI      null.Value[string]
	SessionID        null.Value[string]
	Signature        null.Value[string]
	MultipleAccessID null.Value[string]
	Target           null.Value[string]
}

// countries is what stands before the code of a country in its IRI.
const countries = "/countries/"

const (
	// signInTime is how long people have to sign in.
	signInTime = time.Hour
	// mostWaiting is how many new connections of an organization may wait for that.
	mostWaiting = 20
)

// room is a Conflict when as many connections wait for somebody to sign in as may.
func room(tx *db.Tx, scope access.Scope) error {
	n, err := countPending(tx, scope)
	if err == nil && n >= mostWaiting {
		err = fault.New(fault.Conflict, "%d connections wait for somebody to sign in at the bank. Sign in or end one of them first; each waits for an hour.", n)
	}
	return err
}

// Setup begins a connection. The consent that is live, if there is one, stays so
// until the new one is granted.
func (s *Service) Setup(ctx context.Context, who *access.Caller, in *SetupRequest, i *Integration) error {
	if err := mayWrite.Check(who); err != nil {
		return err
	}
	plan, err := s.plan(ctx, who, in)
	if err != nil {
		return err
	}
	client, err := s.providers.of(plan.Provider)
	if err != nil {
		return err
	}
	c := consent{id: s.ids.New(), integration: plan.ID, state: consentPending, access: plan.AccessMode, deadline: s.moment().Add(signInTime),
		country: plan.Country, createdAt: s.moment()}
	if in.SessionID.Valid {
		return s.takeOver(ctx, who, in, &plan, &c, i)
	}
	if !in.Integration.Valid {
		if err := s.db.Read(ctx, who.Scope(), func(tx *db.Tx) error { return room(tx, who.Scope()) }); err != nil {
			return err
		}
	}
	started, err := client.Redirect(ctx, kontomatik.SignIn{
		RedirectURI: in.RedirectURI.V, OwnerExternalID: owner(plan.ID), Country: plan.Country.V, Access: kontomatik.Access(plan.AccessMode),
	})
	if err != nil {
		return s.orUnavailable(err)
	}
	c.redirection = s.sealed(sealRedirection, c.id, started.ID)
	return s.db.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		*i = plan
		if !in.Integration.Valid { // others may have begun meanwhile
			if err := room(tx, who.Scope()); err != nil {
				return err
			}
		}
		before, err := s.enter(tx, who, i, in.Integration.Valid)
		if err != nil {
			return err
		}
		dropWaiting(tx, who.Scope(), i.ID)
		if err := insertConsent(tx, who.Scope(), &c); err != nil {
			return err
		}
		if i.Consent.Valid {
			i.RenewalStatus, i.RenewalError = null.Of(RenewalSignIn), null.Value[string]{}
		}
		doSignIn.Enqueue(tx, s.jobs, who.Scope(), signInArgs{Consent: c.id}, jobs.Options{At: s.now.Now().Add(firstLook)})
		if err := s.record(tx, who, before, i); err != nil {
			return err
		}
		i.SignInURL = null.Of(started.Link)
		return nil
	})
}

// owner is what stands for the person at the provider: one for each connection.
func owner(integration ident.ID) string { return "sede-" + integration.String() }

// plan is the connection as the request wants it. It says everything that is wrong
// with the request.
func (s *Service) plan(ctx context.Context, who *access.Caller, in *SetupRequest) (i Integration, err error) {
	if in.Integration.Valid {
		err = s.db.Read(ctx, who.Scope(), func(tx *db.Tx) error { return findIntegration(tx, who.Scope(), in.Integration.V, &i) })
		if err != nil {
			return i, err
		}
	}
	if i.Status == StatusRevoked {
		return i, ended()
	}
	if !in.Integration.Valid {
		i = Integration{ID: s.ids.New(), Status: StatusPending, AccessMode: string(kontomatik.Multiple), Version: 1, CreatedAt: s.moment()}
		if i.Provider, err = s.provider(ctx, who); err != nil {
			return i, err
		}
	}
	i.AccessMode = cmp.Or(in.AccessMode.V, i.AccessMode)
	if in.Country.Valid { // as a code, as banks write it, or as sede tells it
		i.Country = null.Of(strings.ToUpper(strings.TrimPrefix(in.Country.V, countries)))
	}
	i.UpdatedAt = s.moment()
	return i, s.check(ctx, in, &i)
}

// check says everything that is wrong with a request.
func (s *Service) check(ctx context.Context, in *SetupRequest, i *Integration) error {
	var broken []fault.Violation
	add := func(path string, text fault.Text) { broken = append(broken, fault.Violation{Path: path, Text: text}) }
	blank := fault.Textf("This value should not be blank.")
	banks, err := s.providers.banks(ctx, i.Provider)
	if err != nil {
		return s.orUnavailable(err)
	}
	if in.SessionID.Valid {
		if in.Signature.V == "" {
			add("sessionIdSignature", blank)
		}
		target, ok, err := s.providers.bankOf(ctx, i.Provider, in.Target.V)
		switch {
		case err != nil:
			return s.orUnavailable(err)
		case in.Target.V == "":
			add("target", blank)
		case !ok:
			add("target", fault.Textf("There is no such bank."))
		}
		i.Country = null.Value[string]{V: strings.ToUpper(target.Country), Valid: target.Country != ""}
		return fault.Broken(broken...)
	}
	switch {
	case !i.Country.Valid:
		add("country", blank)
	case !countriesOf(banks)[i.Country.V]:
		add("country", fault.Textf("There are no banks in this country."))
	}
	if text := outbound.CheckAddress(in.RedirectURI.V, true); !text.IsZero() {
		add("redirectUri", text)
	}
	return fault.Broken(broken...)
}

func ended() error {
	return fault.New(fault.Conflict, "This connection was ended. Set up a new one.")
}

// orUnavailable is the answer when the provider fails while somebody waits.
func (s *Service) orUnavailable(err error) error {
	s.log.Warn("bank: the provider failed", "error", err)
	e := fault.Wrap(err, fault.Unavailable, "The bank's service can't be reached at the moment. Try again later.")
	e.RetryAfter = time.Minute
	return e
}

// enter makes the connection that was planned, or loads the stored one that it
// was planned from. One with a live consent stays as it is.
func (s *Service) enter(tx *db.Tx, who *access.Caller, i *Integration, exists bool) (before *Integration, err error) {
	if !exists {
		insertIntegration(tx, who.Scope(), i)
		return nil, nil
	}
	if err := lock(tx, i.ID); err != nil {
		return nil, err
	}
	planned := *i
	if err := findIntegration(tx, who.Scope(), planned.ID, i); err != nil {
		return nil, err
	}
	if i.Status == StatusRevoked {
		return nil, ended()
	}
	stored := *i
	if !i.Consent.Valid {
		i.Country, i.AccessMode = planned.Country, planned.AccessMode
	}
	return &stored, nil
}

// record writes down what setup has made of a connection.
func (s *Service) record(tx *db.Tx, who *access.Caller, before, i *Integration) error {
	if before == nil {
		return s.audit.Append(tx, who, audit.Entry{Action: "create", Resource: "Integration", Key: i.ID.String(), After: hydra.JSON(integrationFields, i)})
	}
	return s.store(tx, who, who.Scope(), "setup", before, i)
}

// takeOver makes a consent of a session that a widget gave. A session is taken
// once, by one organization.
func (s *Service) takeOver(ctx context.Context, who *access.Caller, in *SetupRequest, plan *Integration, c *consent, i *Integration) error {
	target, _, err := s.providers.bankOf(ctx, plan.Provider, in.Target.V)
	if err != nil {
		return s.orUnavailable(err)
	}
	err = s.db.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		*i = *plan
		granted := *c
		before, err := s.enter(tx, who, i, in.Integration.Valid)
		if err != nil {
			return err
		}
		dropWaiting(tx, who.Scope(), i.ID)
		if err := insertConsent(tx, who.Scope(), &granted); err != nil {
			return err
		}
		if err := s.record(tx, who, before, i); err != nil {
			return err
		}
		return s.grant(tx, who, who.Scope(), i, &granted, kontomatik.Result{
			Session:          kontomatik.Session{ID: in.SessionID.V, Signature: in.Signature.V},
			MultipleAccessID: in.MultipleAccessID.V, Target: target.Name, OfficialName: target.OfficialName,
		})
	})
	return orTaken(err)
}

// orTaken is the answer for a session that was taken over before.
func orTaken(err error) error {
	if db.IsUnique(err, "bank_consent_session_mark") {
		return fault.Broken(fault.Violation{Path: "sessionId", Code: fault.CodeUnique, Text: fault.Textf("This session was used already.")})
	}
	return err
}

// mark tells a session from all others without telling it.
func mark(session kontomatik.Session) []byte {
	sum := sha256.Sum256([]byte(session.ID + "\x00" + session.Signature))
	return sum[:]
}

// grant makes a consent the live one and begins the first pull under it. While
// another is live it is offered first.
func (s *Service) grant(tx *db.Tx, who *access.Caller, scope access.Scope, i *Integration, c *consent, r kontomatik.Result) error {
	var running pull
	err := runningPull(tx, scope, i.ID, &running)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	if err == nil || i.Consent.Valid {
		return s.offer(tx, who, scope, i, c, r)
	}
	if err := s.accept(tx, who, scope, i, c, r); err != nil {
		return err
	}
	return s.begin(tx, who, scope, i, pull{consent: c.id, attended: true}, s.moment().Add(-firstReach))
}

// accept makes a consent that of a connection without one.
func (s *Service) accept(tx *db.Tx, who *access.Caller, scope access.Scope, i *Integration, c *consent, r kontomatik.Result) error {
	before := *i
	if err := s.dropOffered(tx, scope, i, ident.ID{}); err != nil {
		return err
	}
	if err := s.fill(tx, scope, c, r, consentLive); err != nil {
		return err
	}
	if err := i.adopt(c, tx.Now(scope)); err != nil {
		return err
	}
	return s.store(tx, who, scope, "consent", &before, i)
}

// fill stores what a sign-in gave.
func (s *Service) fill(tx *db.Tx, scope access.Scope, c *consent, r kontomatik.Result, state string) error {
	now := tx.Now(scope).Truncate(time.Second)
	c.state, c.redirection = state, null.Value[[]byte]{}
	c.session = s.sealed(sealSession, c.id, r.Session.ID+"\x00"+r.Session.Signature)
	c.mark, c.token = null.Of(mark(r.Session)), s.sealed(sealAccess, c.id, r.MultipleAccessID)
	c.givenAt, c.endsAt = null.Of(now), null.Value[time.Time]{}
	if c.token.Valid {
		c.endsAt = null.Of(now.Add(consentTime))
	}
	c.target, c.name = null.Of(r.Target), null.Of(short(cmp.Or(r.OfficialName, r.Target)))
	return updateConsent(tx, scope, c)
}

// adopt makes a consent the one that the connection has.
func (i *Integration) adopt(c *consent, now time.Time) error {
	if err := i.move(StatusActive); err != nil {
		return err
	}
	i.Consent, i.ConsentGivenAt, i.ConsentEndsAt, i.Error = null.Of(c.id), c.givenAt, c.endsAt, null.Value[string]{}
	i.RenewalStatus, i.RenewalError = null.Value[string]{}, null.Value[string]{}
	i.NextPullAt, i.Reminded = null.Value[time.Time]{}, 0
	if c.token.Valid {
		i.NextPullAt = null.Of(slotAfter(i.ID, now))
	}
	i.Target, i.Name, i.AccessMode = c.target, c.name, c.access
	if c.country.Valid {
		i.Country = c.country
	}
	return nil
}

// retire ends the live consent of a connection and the pull that runs under it. The
// provider is told by a job. When the connection is revoked that is the end of all of
// its consents and pulls.
func (s *Service) retire(tx *db.Tx, scope access.Scope, i *Integration, revoked bool) error {
	var running pull
	err := runningPull(tx, scope, i.ID, &running)
	if err == nil && (revoked || i.Consent == null.Of(running.consent)) {
		running.step, running.session, running.finishedAt = stepOver, null.Value[[]byte]{}, null.Of(s.moment())
		err = updatePull(tx, scope, &running)
	}
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	live := i.Consent
	i.Consent = null.Value[ident.ID]{}
	if !revoked {
		if !live.Valid {
			return nil
		}
		return s.letGo(tx, scope, i, live.V)
	}
	if err := s.dropOffered(tx, scope, i, ident.ID{}); err != nil {
		return err
	}
	token := ""
	if live.Valid {
		if token, err = s.endConsent(tx, scope, live.V); err != nil {
			return err
		}
	}
	doForget.Enqueue(tx, s.jobs, scope, forgetArgs{Integration: i.ID, Provider: i.Provider, Access: token, Revoked: true}, jobs.Options{Sealed: true})
	return nil
}

// endConsent destroys what is secret of a consent and returns its access id.
func (s *Service) endConsent(tx *db.Tx, scope access.Scope, id ident.ID) (token string, err error) {
	var old consent
	if err := findConsent(tx, scope, id, &old); err != nil {
		return "", err
	}
	if token, err = s.opened(sealAccess, old.id, old.token); err != nil {
		s.log.Error("bank: an access id can't be opened, so the provider is not told of its end", "consent", old.id, "error", err)
	}
	old.state, old.session, old.token = consentOver, null.Value[[]byte]{}, null.Value[[]byte]{}
	return token, updateConsent(tx, scope, &old)
}
