package bank

import (
	"context"
	"time"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/null"
	"sede/internal/page"
)

// mayDecide is who says what money is for.
var mayDecide = access.Within(access.Payers).ToChange().Of("bank")

// Issuing is somebody who issues invoices, with what their numbers begin with.
type Issuing struct{ ID, Prefix string }

// Invoices is what matching asks of invoices. All take transactions of the instance,
// since invoices belong to those who pay them.
type Invoices interface {
	// Receives lists the issuers whose money comes in at an organization. It takes a
	// transaction of the organization too.
	Receives(tx *db.Tx, organization ident.ID) ([]Issuing, error)
	// Named lists the issuer's unpaid invoices that have one of the numbers.
	Named(tx *db.Tx, issuer string, numbers []string) ([]Owed, error)
	// Owing lists some of which exactly an amount is to be paid.
	Owing(tx *db.Tx, issuer, currency string, amount int64) ([]Owed, error)
	// OwedBy lists some that an organization has to pay, the oldest first.
	OwedBy(tx *db.Tx, issuer string, organization ident.ID) ([]Owed, error)
	// Unpaid loads one; NotFound: nothing is to be paid on it.
	Unpaid(tx *db.Tx, id ident.ID) (Owed, error)
	// Settle records a payment. It fails with Conflict when nothing is to be paid.
	Settle(tx *db.Tx, who *access.Caller, id ident.ID, amount int64, reference string, receivedAt time.Time) error
	// Rehearses tells whether whose invoice it is is there for trying things out.
	Rehearses(tx *db.Tx, organization ident.ID) (bool, error)
}

// SetInvoices has money that comes in matched to invoices.
func (s *Service) SetInvoices(invoices Invoices) { s.invoices = invoices }

var doMatch = jobs.Kind[matchArgs]{Name: "bank.match", Attempts: 20, Timeout: 10 * time.Minute}

// matchArgs say since when transactions came that are looked at.
type matchArgs struct{ Since time.Time }

// How far back transactions are looked at again: invoices may come after the money.
const (
	matchAgain = 7 * day
	matchReach = 90 * day
)

// enqueueMatch has what an import brought matched, where money for invoices comes in.
func (s *Service) enqueueMatch(tx *db.Tx, scope access.Scope, since time.Time) error {
	if s.invoices == nil {
		return nil
	}
	issuers, err := s.invoices.Receives(tx, scope.Organization())
	if err != nil || len(issuers) == 0 {
		return err
	}
	doMatch.Enqueue(tx, s.jobs, scope, matchArgs{Since: since.Add(-matchAgain)}, jobs.Options{})
	return nil
}

// match looks for the invoices that money is meant for.
func (s *Service) match(ctx context.Context, job *jobs.Job[matchArgs]) error {
	first := s.now.Now().Add(-matchReach)
	for last := (*incoming)(nil); ; {
		var list []incoming
		err := s.db.Read(ctx, job.Scope, func(tx *db.Tx) (err error) {
			list, err = incomingAfter(tx, job.Scope, first, job.Args.Since, last)
			return err
		})
		if err != nil {
			return err
		}
		for i := range list {
			if err := s.matchOne(ctx, job.Scope, &list[i]); err != nil {
				return err
			}
		}
		if len(list) < matchBatch {
			return nil
		}
		last = &list[len(list)-1]
	}
}

// matchOne matches one transaction. It is looked at in a Read first, since most money
// is for nothing that sede knows.
func (s *Service) matchOne(ctx context.Context, scope access.Scope, t *incoming) error {
	var found bool
	err := s.db.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		_, found, err = s.seek(tx, scope, t)
		return err
	})
	if err != nil || !found {
		return err
	}
	err = s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		if err := matchTurn(tx, scope); err != nil {
			return err
		}
		m, found, err := s.seek(tx, scope, t)
		if err != nil || !found {
			return err
		}
		now := s.moment()
		m.ID, m.Version, m.CreatedAt, m.UpdatedAt = s.ids.New(), 1, now, now
		if m.Status == MatchSettled {
			m.DecidedAt = null.Of(now)
		}
		fresh, err := insertMatch(tx, scope, &m)
		if err != nil || !fresh {
			return err
		}
		if m.Status == MatchSettled {
			if err := s.settle(tx, nil, &m); err != nil {
				return err
			}
		}
		return s.audit.Append(tx, nil, audit.Entry{Scope: scope, Action: "match", Resource: "PaymentMatch", Key: m.ID.String(), After: hydra.JSON(matchFields, &m)})
	})
	if fault.Is(err, fault.Conflict) {
		return nil // somebody recorded a payment meanwhile
	}
	return err
}

// matchTurn lets those who match money of an organization take turns.
func matchTurn(tx *db.Tx, scope access.Scope) error {
	return tx.Lock("bank match " + scope.Organization().String())
}

// seek gathers what is known about a transaction and judges it. What the Sandbox
// bank tells pays nothing real.
func (s *Service) seek(tx *db.Tx, scope access.Scope, t *incoming) (m Match, found bool, err error) {
	issuers, err := s.invoices.Receives(tx, scope.Organization())
	if err != nil {
		return m, false, err
	}
	var e evidence
	if e.payer, err = payerOf(tx, scope, t.PartyIBAN); err != nil {
		return m, false, err
	}
	for _, issuer := range issuers {
		if err := s.gather(tx, issuer, t, &e); err != nil {
			return m, false, err
		}
	}
	if t.provider == Sandbox {
		for _, list := range []*[]Owed{&e.named, &e.digits, &e.equal, &e.owed} {
			if *list, err = s.rehearsing(tx, *list); err != nil {
				return m, false, err
			}
		}
	}
	m, found = judge(t, &e)
	return m, found, nil
}

// gather adds the invoices of an issuer that may be meant.
func (s *Service) gather(tx *db.Tx, issuer Issuing, t *incoming, e *evidence) error {
	var whole, digits []string
	for _, m := range mentions(t.Title+" "+t.Symbols, issuer.Prefix) {
		if m.whole {
			whole = append(whole, m.number)
		} else {
			digits = append(digits, m.number)
		}
	}
	add := func(to *[]Owed, list []Owed, err error) error {
		*to = append(*to, list...)
		return err
	}
	if len(whole) > 0 {
		list, err := s.invoices.Named(tx, issuer.ID, whole)
		if err := add(&e.named, list, err); err != nil {
			return err
		}
	}
	if len(digits) > 0 {
		list, err := s.invoices.Named(tx, issuer.ID, digits)
		if err := add(&e.digits, list, err); err != nil {
			return err
		}
	}
	list, err := s.invoices.Owing(tx, issuer.ID, t.Currency, t.Amount)
	if err := add(&e.equal, list, err); err != nil || !e.payer.Valid {
		return err
	}
	list, err = s.invoices.OwedBy(tx, issuer.ID, e.payer.V)
	return add(&e.owed, list, err)
}

// rehearsing leaves the invoices of organizations that are there for trying things
// out.
func (s *Service) rehearsing(tx *db.Tx, list []Owed) (found []Owed, err error) {
	for _, i := range list {
		ok, err := s.invoices.Rehearses(tx, i.Organization)
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, i)
		}
	}
	return found, nil
}

// settle records the payments of a match.
func (s *Service) settle(tx *db.Tx, who *access.Caller, m *Match) error {
	at := m.On
	if now := s.moment(); at.After(now) {
		at = now
	}
	for _, p := range m.Parts {
		if err := s.invoices.Settle(tx, who, p.Invoice, p.Amount, short(m.Title), at); err != nil {
			return err
		}
	}
	return nil
}

// Matches returns a page of the organization's matches, the newest first.
func (s *Service) Matches(ctx context.Context, who *access.Caller, q *page.Query) (r page.Result[Match], err error) {
	if err := mayRead.Check(who); err != nil {
		return r, err
	}
	err = s.db.Read(ctx, who.Scope(), func(tx *db.Tx) (err error) {
		r, err = listMatches(tx, who.Scope(), q)
		return err
	})
	return r, err
}

// Match loads one match; Missing when the organization has no such one.
func (s *Service) Match(ctx context.Context, who *access.Caller, id ident.ID, m *Match) error {
	return s.db.Read(ctx, who.Scope(), func(tx *db.Tx) error { return findMatch(tx, who.Scope(), id, m) })
}

// Confirm records the payments of a match, divided by what is to be paid now. A match
// that was settled or confirmed stays as it is.
func (s *Service) Confirm(ctx context.Context, who *access.Caller, id ident.ID, _ *hydra.None, m *Match) error {
	return s.decide(ctx, who, id, "confirm", m, func(tx *db.Tx) error {
		if m.Status == MatchSettled || m.Status == MatchConfirmed {
			return nil
		}
		var owed []Owed
		for _, p := range m.Parts {
			i, err := s.invoices.Unpaid(tx, p.Invoice)
			switch {
			case fault.Is(err, fault.NotFound):
			case err != nil:
				return err
			default:
				owed = append(owed, i)
			}
		}
		if len(owed) == 0 {
			return fault.New(fault.Conflict, "Nothing is to be paid on this invoice.")
		}
		m.Parts, m.Status = allocate(m.Amount, owed), MatchConfirmed
		return s.settle(tx, who, m)
	})
}

// Dismiss says that the money is for something else. It is not offered again.
func (s *Service) Dismiss(ctx context.Context, who *access.Caller, id ident.ID, _ *hydra.None, m *Match) error {
	return s.decide(ctx, who, id, "dismiss", m, func(*db.Tx) error {
		if m.Status == MatchSettled || m.Status == MatchConfirmed {
			return fault.New(fault.Conflict, "This payment was recorded already.")
		}
		m.Status = MatchDismissed
		return nil
	})
}

// decide changes a match, once at a time.
func (s *Service) decide(ctx context.Context, who *access.Caller, id ident.ID, action string, m *Match, do func(tx *db.Tx) error) error {
	if err := mayDecide.Check(who); err != nil {
		return err
	}
	scope := who.Scope()
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		*m = Match{}
		if err := matchTurn(tx, scope); err != nil {
			return err
		}
		if err := findMatch(tx, scope, id, m); err != nil {
			return err
		}
		before := *m
		if err := do(tx); err != nil || m.Status == before.Status {
			return err
		}
		m.DecidedAt, m.Version, m.UpdatedAt = null.Of(s.moment()), m.Version+1, s.moment()
		if err := updateMatch(tx, scope, m); err != nil {
			return err
		}
		return s.audit.Append(tx, who, audit.Entry{Scope: scope, Action: action, Resource: "PaymentMatch", Key: m.ID.String(),
			Before: hydra.JSON(matchFields, &before), After: hydra.JSON(matchFields, m)})
	})
}
