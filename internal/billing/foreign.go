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
	"sede/internal/product"
)

// StripeIssuer is who issues the invoices that Stripe makes. Stripe numbers them.
const StripeIssuer = "stripe"

// Mirroring stores the invoices of one subscription that another makes, as they are
// there, within one transaction. However many there are, what is stored of them is read
// at once, and one that did not change costs nothing.
type Mirroring struct {
	s     *Service
	tx    *db.Tx
	scope access.Scope
	known map[ident.ID]mirrored
	terms *mirrorTerms // nil: not needed so far
}

// mirrored is what can change of an invoice that is stored.
type mirrored struct {
	number     null.Value[string]
	status     string
	paid       int64
	paymentURL null.Value[string]
}

// mirrorTerms complete what the other says of invoices.
type mirrorTerms struct {
	language string
	issuer   Issuer
	products map[string]product.Product // those that were needed
}

// Mirroring begins to store the invoices of a subscription.
func (s *Service) Mirroring(tx *db.Tx, scope access.Scope, subscription ident.ID) (*Mirroring, error) {
	m := &Mirroring{s: s, tx: tx, scope: scope, known: map[ident.ID]mirrored{}}
	rows := tx.Query(`SELECT id, number, status, amount_paid, payment_url FROM invoice WHERE organization_id = $1 AND subscription_id = $2`,
		scope.Organization(), subscription)
	defer rows.Close()
	for rows.Next() {
		var id ident.ID
		var k mirrored
		if err := rows.Scan(&id, &k.number, &k.status, &k.paid, &k.paymentURL); err != nil {
			return nil, err
		}
		m.known[id] = k
	}
	return m, rows.Err()
}

// HasNumber reports whether an invoice of ours has a number. Then nothing of it changes
// but its status, what was paid and where it can be.
func (m *Mirroring) HasNumber(id ident.ID) bool { return m.known[id].number.Valid }

// Store stores an invoice and returns its id. The id says which one of ours it is; zero:
// it is new. Its lines are described in the language of the organization's invoices.
func (m *Mirroring) Store(id ident.ID, i Invoice) (ident.ID, error) {
	if id.IsZero() {
		return m.add(i)
	}
	k, ok := m.known[id]
	if !ok {
		return id, fault.Missing()
	}
	if i.PaymentURL != k.paymentURL {
		link(m.tx, m.scope, id, i.PaymentURL)
	}
	if k.number.Valid && i.Status == k.status && i.AmountPaid == k.paid {
		return id, nil
	}
	var before Invoice
	if err := find(m.tx, m.scope, id, &before); err != nil {
		return id, err
	}
	after := before
	var err error
	if before.Number.Valid {
		after.Status, after.AmountPaid, after.PaidAt, after.PaymentURL = i.Status, i.AmountPaid, i.PaidAt, i.PaymentURL
		after.Version, after.UpdatedAt = before.Version+1, m.now()
		err = settle(m.tx, m.scope, &after)
	} else {
		after = i
		if err := m.complete(&after); err != nil {
			return id, err
		}
		after.ID, after.Version, after.CreatedAt, after.UpdatedAt = id, before.Version+1, before.CreatedAt, m.now()
		err = rewrite(m.tx, m.scope, &after)
	}
	if err != nil {
		return id, err
	}
	return id, m.record(&before, &after)
}

func (m *Mirroring) add(i Invoice) (ident.ID, error) {
	if err := m.complete(&i); err != nil {
		return i.ID, err
	}
	i.ID, i.Version, i.CreatedAt, i.UpdatedAt = m.s.ids.New(), 1, m.now(), m.now()
	if err := insert(m.tx, m.scope, &i); err != nil {
		return i.ID, err
	}
	link(m.tx, m.scope, i.ID, i.PaymentURL)
	return i.ID, m.record(nil, &i)
}

func (m *Mirroring) now() time.Time { return m.tx.Now(m.scope).Truncate(time.Second) }

func (m *Mirroring) record(before, after *Invoice) error {
	e := audit.Entry{Scope: m.scope, Action: "load", Resource: "Invoice", Key: after.ID.String(), After: hydra.JSON(fields, after)}
	if before != nil {
		e.Before = hydra.JSON(fields, before)
	}
	return m.s.audit.Append(m.tx, nil, e)
}

// complete completes an invoice of another's with what is known here.
func (m *Mirroring) complete(i *Invoice) error {
	if m.terms == nil {
		settings, err := m.s.organizations.Settings(m.tx, m.scope)
		if err != nil {
			return err
		}
		t := mirrorTerms{language: settings.LegalLanguage, products: map[string]product.Product{}}
		if err := findIssuer(m.tx, DefaultIssuer, &t.issuer); err != nil {
			return err
		}
		m.terms = &t
	}
	i.Organization, i.Issuer, i.Language, i.Seller = m.scope.Organization(), StripeIssuer, m.terms.language, m.terms.issuer.instead(i.Seller)
	return m.s.describeAll(m.tx, i.Lines, i.Language, m.terms.products)
}

// link stores where an invoice can be paid, which is good for a time and then another.
func link(tx *db.Tx, scope access.Scope, id ident.ID, url null.Value[string]) {
	tx.Queue(`UPDATE invoice SET payment_url = $3 WHERE organization_id = $1 AND id = $2`, scope.Organization(), id, url)
}

// instead is in whose name the other makes invoices: the issuer of ours, who is the
// same company, or what is known of it there while nobody said who that is. Money does
// not come in by transfer.
func (i *Issuer) instead(there Party) Party {
	if !i.Ready() {
		return there
	}
	p := i.party()
	p.BankAccount = ""
	return p
}

// Describe writes what lines of another's invoice are about, in the language of the
// organization's invoices.
func (s *Service) Describe(tx *db.Tx, scope access.Scope, lines []Line) error {
	settings, err := s.organizations.Settings(tx, scope)
	if err != nil {
		return err
	}
	return s.describeAll(tx, lines, settings.LegalLanguage, map[string]product.Product{})
}

// describeAll describes lines of products, each of which is loaded once into known. What
// the other says of anything else stays.
func (s *Service) describeAll(tx *db.Tx, lines []Line, in string, known map[string]product.Product) error {
	for n := range lines {
		l := &lines[n]
		if l.Product == "" {
			continue
		}
		p, loaded := known[l.Product]
		if !loaded {
			var err error
			if p, err = s.sold(tx, l.Product); err != nil {
				return err
			}
			known[l.Product] = p
		}
		if l.describe(&p, in); l.Amount < 0 {
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
