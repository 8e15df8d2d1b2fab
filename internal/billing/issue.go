package billing

import (
	"errors"
	"sync"
	"time"

	"golang.org/x/text/language"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/coupon"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/organization"
	"sede/internal/phrase"
	"sede/internal/product"
	"sede/internal/tax"
)

// DefaultIssuer is who issues invoices.
const DefaultIssuer = "default-issuer"

// TestIssuer numbers the invoices of organizations whose clock is ahead, so that the
// series of the real ones knows no dates to come. Otherwise they say what
// DefaultIssuer says.
const TestIssuer = "test-issuer"

// Order is what an invoice is to be made of.
type Order struct {
	Subscription ident.ID
	Address      ident.ID
	Reason       string
	Currency     string
	Lines        []Line
	Discount     *coupon.Coupon // nil: none
	From, To     time.Time      // the period
}

// Quote returns what an invoice for the order would come to now.
func (s *Service) Quote(tx *db.Tx, scope access.Scope, o Order) (Charge, error) {
	i, _, err := s.draft(tx, scope, o)
	return i.Charge, err
}

// Bill returns what an invoice for the order would ask for now, after what is owed to the
// organization has paid of it.
func (s *Service) Bill(tx *db.Tx, scope access.Scope, o Order) (*Bill, error) {
	charge, err := s.Quote(tx, scope, o)
	if err != nil {
		return nil, err
	}
	b := &Bill{Charge: charge}
	sources, err := owing(tx, scope, o.Currency)
	for i := range sources {
		b.Paid = min(b.Total, b.Paid+sources[i].owed())
	}
	return b, err
}

// CanIssue returns nil when an invoice made out to the address could be issued
// now: Conflict when nobody said who issues invoices, or the VAT number that they need,
// Unprocessable when the address lacks something. It tells both apart from other errors.
func (s *Service) CanIssue(tx *db.Tx, scope access.Scope, to ident.ID) error {
	issuer, err := issuerOf(tx, DefaultIssuer)
	if err != nil {
		return err
	}
	if !issuer.Ready() {
		return fault.New(fault.Conflict, "No invoice can be issued yet: an operator must first say who issues them.")
	}
	a, err := s.organizations.FindAddress(tx, scope, to)
	if err != nil {
		return err
	}
	if len(a.Missing()) > 0 {
		return fault.Broken(fault.Violation{Path: "organizationAddress", Text: fault.Textf("This address is not complete. It needs a street, a post code and a city.")})
	}
	buyer := buyerOf(&a)
	switch t := issuer.treat(&buyer, tx.Now(scope)); {
	case issuer.readyFor(t):
		return nil
	case t.Category == tax.ReverseCharge:
		return fault.New(fault.Conflict, "No invoice can be issued yet: an operator must first say the VAT number of who issues them.")
	}
	return fault.New(fault.Conflict, "No invoice can be issued yet: an operator must first say the VAT number of who issues them, or that they are exempt from VAT.")
}

// Issue makes an invoice of the order. Where something that it must say is not
// known it stays a draft, until Complete is called when it is. Its number it gets
// before the transaction ends.
func (s *Service) Issue(tx *db.Tx, scope access.Scope, o Order) (*Invoice, error) {
	owed := owedAhead(tx, scope)
	i, ready, err := s.draft(tx, scope, o)
	if err != nil {
		return nil, err
	}
	if i.ID = s.ids.New(); ready {
		return &i, s.finalise(tx, scope, &i, owed, nil)
	}
	issuer, err := issuerOf(tx, DefaultIssuer)
	if err == nil && issuer.readyFor(i.Treatment) {
		s.lacking(tx, scope, &i)
	}
	return &i, errors.Join(err, s.stored(tx, scope, &i, nil))
}

// stored stores a new invoice, or one that was a draft, with its entry in the audit log.
func (s *Service) stored(tx *db.Tx, scope access.Scope, i *Invoice, draft []byte) error {
	action, store := "create", insert
	if draft != nil {
		action, store = "update", finalise
	}
	if err := store(tx, scope, i); err != nil {
		return err
	}
	return s.audit.Append(tx, nil, audit.Entry{Scope: scope, Action: action, Resource: "Invoice", Key: i.ID.String(), Before: draft, After: hydra.JSON(fields, i)})
}

// draft prices the order and takes copies of what the invoice says. ready says
// that nothing is missing.
func (s *Service) draft(tx *db.Tx, scope access.Scope, o Order) (i Invoice, ready bool, err error) {
	to := s.organizations.AddressAhead(tx, scope, o.Address)
	products := s.productsOf(tx, o.Lines)
	issuerAhead(tx, DefaultIssuer)
	settings, err := s.organizations.Settings(tx, scope)
	if err != nil {
		return i, false, err
	}
	now := tx.Now(scope).Truncate(time.Second)
	i = Invoice{Organization: scope.Organization(), Subscription: o.Subscription, Issuer: DefaultIssuer, Status: Draft, Reason: o.Reason,
		Language: settings.LegalLanguage, PeriodFrom: o.From, PeriodTo: o.To, Version: 1, CreatedAt: now, UpdatedAt: now}
	for n := range o.Lines {
		p, err := products[o.Lines[n].Product]()
		if err != nil {
			return i, false, err
		}
		o.Lines[n].describe(&p, i.Language)
	}
	ready, treatment, err := s.parties(tx, to, &i, now)
	if err != nil {
		return i, false, err
	}
	if o.Discount != nil {
		name := o.Discount.Name
		if name == "" {
			name = o.Discount.Code
		}
		i.DiscountText = null.Of(name)
	}
	i.Charge, err = Price(o.Currency, o.Lines, o.Discount, treatment)
	return i, ready, err
}

// parties copies issuer and buyer onto the invoice and says how the sale is
// taxed.
func (s *Service) parties(tx *db.Tx, to func() (organization.Address, error), i *Invoice, at time.Time) (ready bool, treatment tax.Treatment, err error) {
	issuer, err := issuerOf(tx, i.Issuer)
	if err != nil {
		return false, treatment, err
	}
	a, err := to()
	if err != nil {
		return false, treatment, err
	}
	i.Seller, i.Buyer = issuer.party(), buyerOf(&a)
	i.DueAt = null.Of(at.AddDate(0, 0, int(issuer.PaymentDays)))
	treatment = issuer.treat(&i.Buyer, at)
	return issuer.readyFor(treatment) && len(a.Missing()) == 0, treatment, nil
}

// productsOf has the products of lines travel with the next statement, each once.
func (s *Service) productsOf(tx *db.Tx, lines []Line) map[string]func() (product.Product, error) {
	found := make(map[string]func() (product.Product, error), len(lines))
	for _, l := range lines {
		if found[l.Product] == nil {
			found[l.Product] = sync.OnceValues(s.soldAhead(tx, l.Product))
		}
	}
	return found
}

// sold is a product, or what is left of one that was removed.
func (s *Service) sold(tx *db.Tx, id string) (product.Product, error) { return s.soldAhead(tx, id)() }

// soldAhead is sold, but on PostgreSQL it travels with the next statement.
func (s *Service) soldAhead(tx *db.Tx, id string) func() (product.Product, error) {
	found := s.products.FindAhead(tx, id)
	return func() (product.Product, error) {
		p, err := found()
		if fault.Is(err, fault.NotFound) {
			return product.Product{ID: id}, nil
		}
		return p, err
	}
}

// describe writes what a line is about, in the language of the invoice.
func (l *Line) describe(p *product.Product, in string) {
	reader := phrase.Match(in)
	text := p.NameIn(language.Make(in))
	if l.Kind == Seats {
		text = reader.Text(fault.Textf("%s: seats", text))
	}
	if l.Prorated {
		text = reader.Text(fault.Textf("%s, for the rest of the period", text))
	}
	l.Description = text
}

// Complete makes drafts invoices, if what they lacked is known by now: where they go
// to, and who issues them. It returns those that it made.
func (s *Service) Complete(tx *db.Tx, scope access.Scope, b *Books, to ident.ID) (made []*Invoice, err error) {
	drafts := b.Drafts
	b.Drafts = nil
	for _, i := range drafts {
		if err := s.complete(tx, scope, i, to); err != nil {
			return nil, err
		}
		if b.Add(i); i.Status != Draft {
			made = append(made, i)
		}
	}
	return made, nil
}

// complete makes a draft an invoice, if nothing is missing any more.
func (s *Service) complete(tx *db.Tx, scope access.Scope, i *Invoice, to ident.ID) error {
	now := tx.Now(scope).Truncate(time.Second)
	before, owed := hydra.JSON(fields, i), owedAhead(tx, scope)
	ready, treatment, err := s.parties(tx, s.organizations.AddressAhead(tx, scope, to), i, now)
	if err != nil || !ready {
		return err
	}
	i.Version, i.UpdatedAt = i.Version+1, now
	if err := i.levy(treatment); err != nil {
		return err
	}
	return s.finalise(tx, scope, i, owed, before)
}

// Ahead has what GraceDays tells travel with the next statement.
func (s *Service) Ahead(tx *db.Tx) { issuerAhead(tx, DefaultIssuer) }

// GraceDays is how long after the due date of an unpaid invoice the service goes
// on.
func (s *Service) GraceDays(tx *db.Tx) (int, error) {
	issuer, err := issuerOf(tx, DefaultIssuer)
	if err != nil {
		return 0, err
	}
	return int(issuer.GraceDays), nil
}
