package billing

import (
	"time"

	"golang.org/x/text/language"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/coupon"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/mail"
	"sede/internal/money"
	"sede/internal/null"
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

// CanIssue returns nil when an invoice made out to the address could be issued
// now: Conflict when nobody said who issues invoices, Unprocessable when the
// address lacks something. It tells both apart from other errors.
func (s *Service) CanIssue(tx *db.Tx, scope access.Scope, to ident.ID) error {
	var issuer Issuer
	if err := findIssuer(tx, DefaultIssuer, &issuer); err != nil {
		return err
	}
	if !issuer.Ready() {
		return fault.New(fault.Conflict, "No invoice can be issued yet: an operator must first say who issues them.")
	}
	a, err := s.organizations.FindAddress(tx, scope, to)
	if err != nil {
		return err
	}
	if len(missing(&a)) > 0 {
		return fault.Broken(fault.Violation{Path: "organizationAddress", Text: fault.Textf("This address is not complete. It needs a street, a post code and a city.")})
	}
	return nil
}

// Issue makes an invoice of the order. Where something that it must say is not
// known it stays a draft, until Complete is called when it is.
func (s *Service) Issue(tx *db.Tx, scope access.Scope, o Order) (Invoice, error) {
	i, ready, err := s.draft(tx, scope, o)
	if err != nil {
		return i, err
	}
	i.ID = s.ids.New()
	if ready {
		if err := s.number(tx, scope, &i); err != nil {
			return i, err
		}
	}
	if err := insert(tx, scope, &i); err != nil {
		return i, err
	}
	return i, s.audit.Append(tx, nil, audit.Entry{Scope: scope, Action: "create", Resource: "Invoice", Key: i.ID.String(), After: hydra.JSON(fields, &i)})
}

// draft prices the order and takes copies of what the invoice says. ready says
// that nothing is missing.
func (s *Service) draft(tx *db.Tx, scope access.Scope, o Order) (i Invoice, ready bool, err error) {
	settings, err := s.organizations.Settings(tx, scope)
	if err != nil {
		return i, false, err
	}
	now := tx.Now(scope).Truncate(time.Second)
	i = Invoice{Organization: scope.Organization(), Subscription: o.Subscription, Issuer: DefaultIssuer, Status: Draft, Reason: o.Reason,
		Language: settings.LegalLanguage, PeriodFrom: o.From, PeriodTo: o.To, Version: 1, CreatedAt: now, UpdatedAt: now}
	for n := range o.Lines {
		if err := s.describe(tx, &o.Lines[n], i.Language); err != nil {
			return i, false, err
		}
	}
	ready, treatment, err := s.parties(tx, scope, o.Address, &i, now)
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
func (s *Service) parties(tx *db.Tx, scope access.Scope, to ident.ID, i *Invoice, at time.Time) (ready bool, treatment tax.Treatment, err error) {
	var issuer Issuer
	if err := findIssuer(tx, i.Issuer, &issuer); err != nil {
		return false, treatment, err
	}
	a, err := s.organizations.FindAddress(tx, scope, to)
	if err != nil {
		return false, treatment, err
	}
	i.Seller, i.Buyer = issuer.party(), buyerOf(&a)
	i.DueAt = null.Of(at.AddDate(0, 0, int(issuer.PaymentDays)))
	treatment = tax.Treat(tax.Party{Country: i.Seller.Country, VATNumber: i.Seller.VATNumber}, tax.Party{Country: i.Buyer.Country, VATNumber: i.Buyer.VATNumber}, at)
	return issuer.Ready() && len(missing(&a)) == 0, treatment, nil
}

// describe writes what a line is about, in the language of the invoice.
func (s *Service) describe(tx *db.Tx, l *Line, in string) error {
	p, err := s.sold(tx, l.Product)
	if err == nil {
		l.describe(&p, in)
	}
	return err
}

// sold is a product, or what is left of one that was removed.
func (s *Service) sold(tx *db.Tx, id string) (product.Product, error) {
	p, err := s.products.Find(tx, id)
	if fault.Is(err, fault.NotFound) {
		return product.Product{ID: id}, nil
	}
	return p, err
}

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

// number makes a draft an invoice: it gets its number and its dates, and mail goes
// to who must pay.
func (s *Service) number(tx *db.Tx, scope access.Scope, i *Invoice) error {
	if tx.AheadBy(scope) > 0 {
		i.Issuer = TestIssuer
	}
	number, err := takeNumber(tx, i.Issuer)
	if err != nil {
		return err
	}
	now := tx.Now(scope).Truncate(time.Second)
	i.Number, i.Status, i.IssuedAt = null.Of(number), Open, null.Of(now)
	if i.Total == 0 {
		i.Status, i.PaidAt = Paid, null.Of(now)
	}
	s.tell(tx, scope, i, Notice{
		Subject: fault.Textf("Invoice %s", number),
		Text:    fault.Textf("Your invoice %s comes to %s. Please pay it by %s.", number, i.amountText(i.Total), dateText(i.DueAt.V)),
	})
	return nil
}

// Complete makes the subscription's drafts invoices, if what they lacked is known
// by now, and reports how many remain.
func (s *Service) Complete(tx *db.Tx, scope access.Scope, subscription, to ident.ID) (left int, err error) {
	drafts, err := s.Drafts(tx, scope, subscription)
	for n := range drafts {
		i := &drafts[n]
		now := tx.Now(scope).Truncate(time.Second)
		ready, treatment, err := s.parties(tx, scope, to, i, now)
		if err != nil {
			return 0, err
		}
		if !ready {
			left++
			continue
		}
		before := hydra.JSON(fields, i)
		i.Version, i.UpdatedAt = i.Version+1, now
		if err := i.levy(treatment); err != nil {
			return 0, err
		}
		if err := s.number(tx, scope, i); err != nil {
			return 0, err
		}
		if err := finalise(tx, scope, i); err != nil {
			return 0, err
		}
		if err := s.audit.Append(tx, nil, audit.Entry{Scope: scope, Action: "update", Resource: "Invoice", Key: i.ID.String(), Before: before, After: hydra.JSON(fields, i)}); err != nil {
			return 0, err
		}
	}
	return left, err
}

// Notice is what is said about an invoice by mail.
type Notice struct{ Subject, Text fault.Text }

// Refused sends word that an invoice of Stripe's was not paid by the card or account that
// was to pay it, with the page on which it can be.
func (s *Service) Refused(tx *db.Tx, scope access.Scope, i *Invoice) {
	s.tell(tx, scope, i, Notice{
		Subject: fault.Textf("Invoice %s could not be paid", i.Number.V),
		Text:    fault.Textf("Your payment method did not pay %s for your invoice %s. Give another one, or pay the invoice.", i.amountText(i.remaining()), i.Number.V),
	})
}

// Remind sends a notice about an open invoice.
func (s *Service) Remind(tx *db.Tx, scope access.Scope, i *Invoice) {
	s.tell(tx, scope, i, Notice{
		Subject: fault.Textf("Invoice %s is overdue", i.Number.V),
		Text:    fault.Textf("Your invoice %s was to be paid by %s. %s are still open.", i.Number.V, dateText(i.DueAt.V), i.amountText(i.remaining())),
	})
}

// Warn sends word that the organization can be read only until the invoice is
// paid.
func (s *Service) Warn(tx *db.Tx, scope access.Scope, i *Invoice) {
	s.tell(tx, scope, i, Notice{
		Subject: fault.Textf("Your subscription is on hold"),
		Text:    fault.Textf("Your invoice %s is still not paid, so your subscription is on hold. Nothing is deleted. It goes on when %s are paid.", i.Number.V, i.amountText(i.remaining())),
	})
}

// tell sends a notice to who must pay, if they gave an address.
func (s *Service) tell(tx *db.Tx, scope access.Scope, i *Invoice, n Notice) {
	if i.Buyer.Email == "" {
		return
	}
	m := mail.Message{To: mail.Address{Name: i.Buyer.Name, Email: i.Buyer.Email}, Language: i.Language, Subject: n.Subject, Paragraphs: []fault.Text{n.Text}}
	if i.PaymentURL.Valid {
		m.Action = mail.Action{Label: fault.Textf("Pay the invoice"), URL: i.PaymentURL.V}
	}
	s.mail.Send(tx, scope, m)
}

func (i *Invoice) amountText(amount int64) string {
	return money.Format(amount, i.Currency, i.Language)
}

func dateText(at time.Time) string { return at.UTC().Format(time.DateOnly) }

// GraceDays is how long after the due date of an unpaid invoice the service goes
// on.
func (s *Service) GraceDays(tx *db.Tx) (int, error) {
	var issuer Issuer
	err := findIssuer(tx, DefaultIssuer, &issuer)
	return int(issuer.GraceDays), err
}
