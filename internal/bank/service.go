package bank

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/mail"
	"sede/internal/null"
	"sede/internal/page"
	"sede/internal/secret"
	"sede/internal/webhook"
)

// Who may do what: those who handle money see bank data, those who run the
// organization connect it.
var (
	mayRead  = access.Within(access.Payers).Of("bank")
	mayWrite = access.Within(access.Admins).ToChange().Of("bank")
	mayEnd   = access.Within(access.Admins).ToChange().EvenSuspended() // whatever is bought
)

// Organizations is what bank connections ask organizations.
type Organizations interface {
	// Rehearses tells whether an organization is for trying things out, so that its
	// banks are not real either.
	Rehearses(tx *db.Tx, organization ident.ID) (bool, error)
	// Letterhead returns the name, the language for people and the time zone.
	Letterhead(tx *db.Tx, scope access.Scope) (name, language, zone string, err error)
	// Reach lists the active members with one of the roles.
	Reach(tx *db.Tx, scope access.Scope, roles access.Roles) ([]mail.Address, error)
	// Use is how far the organization can use a module.
	Use(tx *db.Tx, scope access.Scope, module string) (access.Use, error)
}

// Service holds the use cases of bank connections.
type Service struct {
	db            *db.DB
	audit         *audit.Log
	jobs          *jobs.Queue
	ids           *ident.Source
	now           clock.Clock
	box           *secret.Box
	log           *slog.Logger
	providers     *providers
	mail          *mail.Post
	webhooks      *webhook.Service
	organizations Organizations
	invoices      Invoices // nil: nothing is matched
	keepMonths    int      // how long transactions are kept; 0: for good
}

// Close ends what was begun for the Sandbox bank.
func (s *Service) Close() error { return s.providers.close() }

// moment is the time in whole seconds.
func (s *Service) moment() time.Time { return s.now.Now().Truncate(time.Second) }

// Integrations returns a page of the organization's connections.
func (s *Service) Integrations(ctx context.Context, who *access.Caller, q *page.Query) (r page.Result[Integration], err error) {
	if err := mayRead.Check(who); err != nil {
		return r, err
	}
	err = s.db.Read(ctx, who.Scope(), func(tx *db.Tx) (err error) {
		r, err = listIntegrations(tx, who.Scope(), q)
		return err
	})
	return r, err
}

// Integration loads one connection; Missing when the organization has no such one.
func (s *Service) Integration(ctx context.Context, who *access.Caller, id ident.ID, i *Integration) error {
	return s.db.Read(ctx, who.Scope(), func(tx *db.Tx) error { return findIntegration(tx, who.Scope(), id, i) })
}

// Accounts returns a page of the organization's accounts at banks.
func (s *Service) Accounts(ctx context.Context, who *access.Caller, q *page.Query) (r page.Result[Account], err error) {
	if err := mayRead.Check(who); err != nil {
		return r, err
	}
	err = s.db.Read(ctx, who.Scope(), func(tx *db.Tx) (err error) {
		r, err = listAccounts(tx, who.Scope(), q)
		return err
	})
	return r, err
}

// Account loads one account; Missing when the organization has no such one.
func (s *Service) Account(ctx context.Context, who *access.Caller, id ident.ID, a *Account) error {
	return s.db.Read(ctx, who.Scope(), func(tx *db.Tx) error { return findAccount(tx, who.Scope(), id, a) })
}

// Transactions returns a page of the organization's transactions, the newest first.
func (s *Service) Transactions(ctx context.Context, who *access.Caller, q *page.Query) (r page.Result[Transaction], err error) {
	if err := mayRead.Check(who); err != nil {
		return r, err
	}
	err = s.db.Read(ctx, who.Scope(), func(tx *db.Tx) (err error) {
		r, err = listTransactions(tx, who.Scope(), q)
		return err
	})
	return r, err
}

// Transaction loads one transaction; Missing when the organization has no such
// one.
func (s *Service) Transaction(ctx context.Context, who *access.Caller, id ident.ID, t *Transaction) error {
	return s.db.Read(ctx, who.Scope(), func(tx *db.Tx) error { return findTransaction(tx, who.Scope(), id, t) })
}

// PullRequest asks for an import.
type PullRequest struct {
	Integration null.Value[ident.ID]  // may be left out when there is one
	Since       null.Value[time.Time] // how far back
}

// firstReach is how far back the first import goes unless somebody says it, and
// furthest how far anybody can ask.
const (
	firstReach = 365 * 24 * time.Hour
	furthest   = 10 * 366 * 24 * time.Hour
)

// Pull asks for an import. While one runs, it is that one. It fails with
// TooManyRequests when the bank would count one too many.
func (s *Service) Pull(ctx context.Context, who *access.Caller, in *PullRequest, i *Integration) error {
	if err := mayWrite.Check(who); err != nil {
		return err
	}
	now := s.moment()
	if in.Since.Valid && in.Since.V.After(now) {
		return fault.Broken(fault.Violation{Path: "since", Text: fault.Textf("This value should not be in the future.")})
	}
	return s.db.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		if err := s.choose(tx, who.Scope(), in.Integration, true, i); err != nil {
			return err
		}
		if !i.gives() {
			return fault.New(fault.Conflict, "This connection has no consent of the bank. Set it up again.")
		}
		var running pull
		err := runningPull(tx, who.Scope(), i.ID, &running)
		since := now.Add(-firstReach)
		if in.Since.Valid {
			since = in.Since.V
		}
		if err == nil {
			return s.join(tx, who, who.Scope(), i, &running, since, true)
		}
		if !fault.Is(err, fault.NotFound) {
			return err
		}
		if err := s.mayImport(tx, who.Scope(), i.ID, true); err != nil {
			return err
		}
		return s.begin(tx, who, who.Scope(), i, pull{consent: i.Consent.V, attended: true}, since)
	})
}

// begin writes down a pull and has it done.
func (s *Service) begin(tx *db.Tx, who *access.Caller, scope access.Scope, i *Integration, p pull, since time.Time) error {
	if err := s.write(tx, who, scope, i, &p, since); err != nil {
		return err
	}
	doPull.Enqueue(tx, s.jobs, scope, pullArgs{Pull: p.id}, jobs.Options{})
	return nil
}

// write writes down a pull.
func (s *Service) write(tx *db.Tx, who *access.Caller, scope access.Scope, i *Integration, p *pull, since time.Time) error {
	before := *i
	p.id, p.integration, p.step, p.createdAt = s.ids.New(), i.ID, stepQueued, s.moment()
	p.since = s.reach(since)
	if err := insertPull(tx, scope, p); err != nil {
		return err
	}
	i.PullStatus, i.PullAdded, i.PullSkipped = null.Of(PullQueued), null.Value[int64]{}, null.Value[int64]{}
	return s.store(tx, who, scope, "pull", &before, i)
}

// reach is the first day of an import from a moment on: not before what can be had
// and is kept.
func (s *Service) reach(since time.Time) string {
	if first := s.moment().Add(-furthest); since.Before(first) {
		since = first
	}
	if first, ok := s.keptSince(); ok && since.Before(first) {
		since = first
	}
	return since.UTC().Format(time.DateOnly)
}

// choose loads the connection that is named, or the only one there is, and takes
// its lock. giving: one with a consent is the only one beside some without.
func (s *Service) choose(tx *db.Tx, scope access.Scope, named null.Value[ident.ID], giving bool, i *Integration) error {
	if !named.Valid {
		list, err := living(tx, scope)
		if with := slices.DeleteFunc(slices.Clone(list), func(i Integration) bool { return !i.gives() }); giving && len(with) > 0 {
			list = with
		}
		switch {
		case err != nil:
			return err
		case len(list) == 0:
			return fault.New(fault.Conflict, "There is no bank connection. Set one up first.")
		case len(list) > 1:
			return fault.Broken(fault.Violation{Path: "integration", Text: fault.Textf("There are several bank connections. Say which.")})
		}
		named = null.Of(list[0].ID)
	}
	if err := lock(tx, named.V); err != nil {
		return err
	}
	return findIntegration(tx, scope, named.V, i)
}

// lock lets those who change a connection take turns.
func lock(tx *db.Tx, integration ident.ID) error { return tx.Lock("bank/" + integration.String()) }

// mayImport fails with TooManyRequests when the bank would not take one more
// import. One of them is kept for people.
func (s *Service) mayImport(tx *db.Tx, scope access.Scope, integration ident.ID, attended bool) error {
	most := quotaUnattended
	if attended {
		most = quotaAttended
	}
	now := s.now.Now()
	n, first, err := attempts(tx, scope, integration, now.Add(-quotaWindow), most)
	if err != nil || n < most {
		return err
	}
	e := fault.New(fault.TooManyRequests, "The imports that the bank allows in 24 hours are used up.")
	e.RetryAfter = first.Add(quotaWindow).Sub(now)
	return e
}

// advance writes the next version of a connection.
func (s *Service) advance(tx *db.Tx, scope access.Scope, i *Integration) error {
	i.Version, i.UpdatedAt = i.Version+1, s.moment()
	i.schedule(func(at time.Time) time.Time { return tx.When(scope, at) })
	return updateIntegration(tx, scope, i)
}

// store is advance with an entry in the audit log.
func (s *Service) store(tx *db.Tx, who *access.Caller, scope access.Scope, action string, before, i *Integration) error {
	if err := s.advance(tx, scope, i); err != nil {
		return err
	}
	if err := s.announceChange(tx, scope, before, i); err != nil {
		return err
	}
	return s.audit.Append(tx, who, audit.Entry{Scope: scope, Action: action, Resource: "Integration", Key: i.ID.String(),
		Before: hydra.JSON(integrationFields, before), After: hydra.JSON(integrationFields, i)})
}

// sealed and opened keep what nobody may read. Its purpose ties it to its row.
func (s *Service) sealed(purpose string, id ident.ID, text string) null.Value[[]byte] {
	if text == "" {
		return null.Value[[]byte]{}
	}
	return null.Of(s.box.Seal(purpose+" "+id.String(), []byte(text)))
}

func (s *Service) opened(purpose string, id ident.ID, sealed null.Value[[]byte]) (string, error) {
	if !sealed.Valid {
		return "", nil
	}
	plain, err := s.box.Open(purpose+" "+id.String(), sealed.V)
	return string(plain), err
}

// What is sealed.
const (
	sealRedirection = "bank_consent.redirection"
	sealSession     = "bank_consent.session"
	sealAccess      = "bank_consent.access"
	sealPull        = "bank_pull.session"
)
