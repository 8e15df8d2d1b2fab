package billing

import (
	"context"
	"slices"
	"time"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/mail"
	"sede/internal/null"
	"sede/internal/organization"
	"sede/internal/page"
	"sede/internal/product"
)

// Who may do what.
var (
	mayRead   = access.Within(access.Payers)
	mayLoad   = mayRead.OrInstance()
	mayRecord = access.Operators()
)

// Service holds the use cases of invoices.
type Service struct {
	db            *db.DB
	audit         *audit.Log
	mail          *mail.Post
	ids           *ident.Source
	now           clock.Clock
	products      *product.Service
	organizations *organization.Service
	countryName   CountryName // nil: codes stand for themselves
	paid          func(tx *db.Tx, scope access.Scope, i *Invoice) error
}

// SetCountryNames sets who knows the names of countries in a reader's language.
func (s *Service) SetCountryNames(name CountryName) { s.countryName = name }

// OnPaid sets who hears of an invoice that was paid in full, in the transaction
// that records the payment.
func (s *Service) OnPaid(do func(tx *db.Tx, scope access.Scope, i *Invoice) error) { s.paid = do }

// List returns a page of the organization's invoices, the newest first.
func (s *Service) List(ctx context.Context, who *access.Caller, q *page.Query) (r page.Result[Invoice], err error) {
	if err := mayRead.Check(who); err != nil {
		return r, err
	}
	err = s.db.Read(ctx, who.Scope(), func(tx *db.Tx) (err error) {
		r, err = list(tx, who.Scope(), &all, q)
		return err
	})
	return r, err
}

// Of returns a page of the subscription's invoices, the newest first.
func (s *Service) Of(tx *db.Tx, scope access.Scope, subscription ident.ID, q *page.Query) (page.Result[Invoice], error) {
	return list(tx, scope, &ofOne, q, subscription)
}

// Get loads one invoice; Missing when the organization has no such one.
func (s *Service) Get(ctx context.Context, who *access.Caller, id ident.ID, i *Invoice) error {
	return s.load(ctx, who, id, organizationOf, func(tx *db.Tx, scope access.Scope) error { return find(tx, scope, id, i) })
}

// load finds what belongs to the chosen organization. Operators who have chosen none
// find it wherever it is.
func (s *Service) load(ctx context.Context, who *access.Caller, id ident.ID, whose func(*db.Tx, ident.ID) (ident.ID, error), find func(*db.Tx, access.Scope) error) error {
	if !who.Operator || !who.Organization.IsZero() {
		return s.db.Read(ctx, who.Scope(), func(tx *db.Tx) error { return find(tx, who.Scope()) })
	}
	return s.db.Read(ctx, access.Instance(), func(tx *db.Tx) error {
		organization, err := whose(tx, id)
		if err != nil {
			return err
		}
		return find(tx, access.System(organization))
	})
}

// Books are the invoices of a subscription with which something is still to happen.
type Books struct {
	Drafts []*Invoice // the oldest first
	Open   []*Invoice // in the order in which they are due
}

// Add notes an invoice that was made.
func (b *Books) Add(i *Invoice) {
	switch i.Status {
	case Draft:
		b.Drafts = append(b.Drafts, i)
	case Open:
		b.Open = append(b.Open, i)
		slices.SortStableFunc(b.Open, func(x, y *Invoice) int { return x.DueAt.V.Compare(y.DueAt.V) })
	}
}

// Books returns the subscription's drafts and open invoices.
func (s *Service) Books(tx *db.Tx, scope access.Scope, subscription ident.ID) (b Books, err error) {
	if waitingIn(tx).has(scope, subscription) {
		if err := s.numberAll(tx); err != nil {
			return b, err
		}
	}
	pending, err := pendingOf(tx, scope, subscription)
	for _, i := range pending {
		b.Add(i)
	}
	return b, err
}

// Lock lets one at a time change what the organization owes, until the
// transaction ends.
func (s *Service) Lock(tx *db.Tx, scope access.Scope) error {
	return tx.Lock("billing/" + scope.Organization().String())
}

// LockAhead is Lock, which on PostgreSQL travels with the next statement.
func (s *Service) LockAhead(tx *db.Tx, scope access.Scope) error {
	return tx.LockAhead("billing/" + scope.Organization().String())
}

// Pay records a payment of an invoice of any organization. What is paid beyond the
// total, also of an invoice that is paid already, pays other invoices of the
// organization. An amount below 0 was paid back, of what is owed to the organization.
func (s *Service) Pay(ctx context.Context, who *access.Caller, id ident.ID, p *Payment, i *Invoice) error {
	if err := mayRecord.Check(who); err != nil {
		return err
	}
	given := *p
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		organization, err := organizationOf(tx, id)
		if err != nil {
			return err
		}
		scope := access.System(organization)
		if err := s.Lock(tx, scope); err != nil {
			return err
		}
		*p, *i = given, Invoice{}
		if err := find(tx, scope, id, i); err != nil {
			return err
		}
		return s.pay(tx, scope, who, p, i)
	})
}

func (s *Service) pay(tx *db.Tx, scope access.Scope, who *access.Caller, p *Payment, i *Invoice) error {
	now := tx.Now(scope).Truncate(time.Second)
	switch {
	case i.Issuer == StripeIssuer:
		return fault.New(fault.Conflict, "This invoice is paid through Stripe.")
	case i.Status == Draft:
		return fault.New(fault.Conflict, "A draft can't be paid. It has no number yet.")
	case i.Status == Void || i.Status == Paid && !p.Amount.Valid:
		return fault.New(fault.Conflict, "Nothing is to be paid on this invoice.")
	case p.ReceivedAt.Valid && p.ReceivedAt.V.After(now):
		return fault.Broken(fault.Violation{Path: "receivedAt", Code: fault.CodeTooHigh, Text: fault.Textf("This time has not come yet.")})
	}
	if amount := p.Amount.Or(1); amount == 0 || amount < -i.owed() {
		return fault.Broken(fault.Violation{Path: "amount", Code: fault.CodeTooLow, Text: fault.Textf("No more can be paid back than %s, which is owed to the organization.", i.amountText(i.owed()))})
	}
	before := hydra.JSON(fields, i)
	p.ID, p.Invoice = s.ids.New(), i.ID
	p.Amount, p.ReceivedAt = null.Of(p.Amount.Or(i.remaining())), null.Of(p.ReceivedAt.Or(now))
	i.AmountPaid, i.Version, i.UpdatedAt = i.AmountPaid+p.Amount.V, i.Version+1, now
	insertPayment(tx, scope, p, now)
	if err := s.settle(tx, scope, i, now); err != nil {
		return err
	}
	if err := s.recordPay(tx, scope, who, before, i); err != nil {
		return err
	}
	return s.spread(tx, scope, who, i)
}

// Issuers returns a page of those who issue invoices.
func (s *Service) Issuers(ctx context.Context, who *access.Caller, q *page.Query) (r page.Result[Issuer], err error) {
	if err := mayRecord.Check(who); err != nil {
		return r, err
	}
	err = s.db.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		r, err = listIssuers(tx, q)
		return err
	})
	return r, err
}

// Issuer loads one who issues invoices.
func (s *Service) Issuer(ctx context.Context, who *access.Caller, id string, i *Issuer) error {
	if err := mayRecord.Check(who); err != nil {
		return err
	}
	return s.db.Read(ctx, access.Instance(), func(tx *db.Tx) error { return findIssuer(tx, id, i) })
}

// UpdateIssuer changes what invoices will say of their issuer, and from where on
// they are numbered: never a number that was given.
func (s *Service) UpdateIssuer(ctx context.Context, who *access.Caller, id string, i *Issuer, apply func() error) error {
	if err := mayRecord.Check(who); err != nil {
		return err
	}
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		*i = Issuer{}
		if err := findIssuer(tx, id, i); err != nil {
			return err
		}
		before := *i
		if err := apply(); err != nil {
			return err
		}
		if *i == before {
			return nil
		}
		if err := checkSeries(tx, &before, i); err != nil {
			return err
		}
		if err := s.checkLogo(tx, i.Logo.V); err != nil {
			return err
		}
		i.Version, i.UpdatedAt = i.Version+1, s.now.Now().Truncate(time.Second)
		if err := updateIssuer(tx, i); err != nil {
			return err
		}
		return s.audit.Append(tx, who, audit.Entry{Action: "update", Resource: "InvoiceIssuer", Key: id, Before: hydra.JSON(issuerFields, &before), After: hydra.JSON(issuerFields, i)})
	})
}

// checkSeries refuses numbers that were given, of invoices and of credit notes.
func checkSeries(tx *db.Tx, before, i *Issuer) error {
	for _, series := range []struct {
		path       string
		same       bool
		next, last int64
		prefix     string
		has        func(tx *db.Tx, issuer, number string) (bool, error)
	}{
		{"nextNumber", i.Prefix == before.Prefix, i.NextNumber, before.NextNumber, i.Prefix, hasNumber},
		{"nextCreditNoteNumber", i.CreditPrefix == before.CreditPrefix, i.NextCreditNumber, before.NextCreditNumber, i.CreditPrefix, hasCreditNumber},
	} {
		if series.same && series.next < series.last {
			return fault.Broken(fault.Violation{Path: series.path, Code: fault.CodeTooLow, Text: fault.Textf("Numbers only grow.")})
		}
		taken, err := series.has(tx, i.ID, series.prefix+numberText(series.next))
		if err != nil {
			return err
		}
		if taken {
			return fault.Broken(fault.Violation{Path: series.path, Code: fault.CodeUnique, Text: fault.Textf("This value is already used.")})
		}
	}
	return nil
}

// checkLogo refuses a URL that no organization lists.
func (s *Service) checkLogo(tx *db.Tx, url string) error {
	if url == "" {
		return nil
	}
	has, err := s.organizations.HasImage(tx, url)
	if err == nil && !has {
		err = fault.Broken(fault.Violation{Path: "logo", Code: fault.CodeImage, Text: fault.Textf("There is no such image. Take a URL of an organization's logo.")})
	}
	return err
}
