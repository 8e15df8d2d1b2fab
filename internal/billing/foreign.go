package billing

import (
	"time"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/phrase"
)

// StripeIssuer is who issues the invoices that Stripe makes. Stripe numbers them.
const StripeIssuer = "stripe"

// Mirror stores an invoice that another makes, as it is there, and returns its id.
// The id says which one of ours it is; zero: it is new. Once it has a number nothing
// changes but its status, what was paid and where it can be. Its lines are described in
// the language of the organization's invoices.
func (s *Service) Mirror(tx *db.Tx, scope access.Scope, id ident.ID, i Invoice) (ident.ID, error) {
	now := tx.Now(scope).Truncate(time.Second)
	var known Invoice
	if !id.IsZero() {
		if err := find(tx, scope, id, &known); err != nil {
			return id, err
		}
		if i.PaymentURL != known.PaymentURL {
			link(tx, scope, id, i.PaymentURL)
		}
		if known.Number.Valid && i.Status == known.Status && i.AmountPaid == known.AmountPaid {
			return id, nil
		}
	}
	if err := s.adopt(tx, scope, &i); err != nil {
		return id, err
	}
	i.UpdatedAt = now
	if id.IsZero() {
		i.ID, i.Version, i.CreatedAt = s.ids.New(), 1, now
		if err := insert(tx, scope, &i); err != nil {
			return id, err
		}
		link(tx, scope, i.ID, i.PaymentURL)
		return i.ID, s.audit.Append(tx, nil, audit.Entry{Scope: scope, Action: "load", Resource: "Invoice", Key: i.ID.String(), After: hydra.JSON(fields, &i)})
	}
	i.ID, i.Version, i.CreatedAt = id, known.Version+1, known.CreatedAt
	var err error
	if known.Number.Valid {
		err = settle(tx, scope, &i)
	} else {
		err = rewrite(tx, scope, &i)
	}
	if err != nil {
		return id, err
	}
	return id, s.audit.Append(tx, nil, audit.Entry{Scope: scope, Action: "load", Resource: "Invoice", Key: id.String(),
		Before: hydra.JSON(fields, &known), After: hydra.JSON(fields, &i)})
}

// adopt completes an invoice of another's with what is known here.
func (s *Service) adopt(tx *db.Tx, scope access.Scope, i *Invoice) error {
	settings, err := s.organizations.Settings(tx, scope)
	if err != nil {
		return err
	}
	i.Organization, i.Issuer, i.Language = scope.Organization(), StripeIssuer, settings.LegalLanguage
	if i.Seller, err = s.seller(tx, i.Seller); err != nil {
		return err
	}
	return s.describeAll(tx, i.Lines, i.Language)
}

// link stores where an invoice can be paid, which is good for a time and then another.
func link(tx *db.Tx, scope access.Scope, id ident.ID, url null.Value[string]) {
	tx.Queue(`UPDATE invoice SET payment_url = $3 WHERE organization_id = $1 AND id = $2`, scope.Organization(), id, url)
}

// seller is in whose name the other makes invoices: the issuer of ours, who is the
// same company, or what is known of it there while nobody said who that is. Money does
// not come in by transfer.
func (s *Service) seller(tx *db.Tx, there Party) (Party, error) {
	var issuer Issuer
	if err := findIssuer(tx, DefaultIssuer, &issuer); err != nil {
		return there, err
	}
	if !issuer.Ready() {
		return there, nil
	}
	p := issuer.party()
	p.BankAccount = ""
	return p, nil
}

// Describe writes what lines of another's invoice are about, in the language of the
// organization's invoices.
func (s *Service) Describe(tx *db.Tx, scope access.Scope, lines []Line) error {
	settings, err := s.organizations.Settings(tx, scope)
	if err != nil {
		return err
	}
	return s.describeAll(tx, lines, settings.LegalLanguage)
}

// describeAll describes lines of products. What the other says of anything else stays.
func (s *Service) describeAll(tx *db.Tx, lines []Line, in string) error {
	for n := range lines {
		l := &lines[n]
		if l.Product == "" {
			continue
		}
		if err := s.describe(tx, l, in); err != nil {
			return err
		}
		if l.Amount < 0 {
			l.Description = phrase.Match(in).Text(fault.Textf("%s, given back", l.Description))
		}
	}
	return nil
}

// rewrite stores all of a draft that another made.
func rewrite(tx *db.Tx, scope access.Scope, i *Invoice) error {
	seller, buyer, lines, err := i.encoded()
	if err != nil {
		return err
	}
	_, err = tx.Exec(`UPDATE invoice SET number = $3, status = $4, seller = $5, buyer = $6, lines = $7, subtotal = $8, discount = $9, tax_category = $10,
			tax_country = $11, tax_rate = $12, tax = $13, total = $14, amount_paid = $15, period_from = $16, period_to = $17, issued_at = $18, due_at = $19,
			paid_at = $20, version = $21, updated_at = $22
		WHERE organization_id = $1 AND id = $2 AND number IS NULL`,
		scope.Organization(), i.ID, i.Number, i.Status, seller, buyer, lines, i.Subtotal, i.Discount, string(i.Treatment.Category),
		i.Treatment.Country, i.Treatment.Rate, i.Tax, i.Total, i.AmountPaid, i.PeriodFrom, i.PeriodTo, i.IssuedAt, i.DueAt,
		i.PaidAt, i.Version, i.UpdatedAt)
	return err
}

// Buyer returns whom invoices to an address are made out to.
func (s *Service) Buyer(tx *db.Tx, scope access.Scope, address ident.ID) (Party, error) {
	a, err := s.organizations.FindAddress(tx, scope, address)
	return buyerOf(&a), err
}
