package billing

import (
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/mail"
	"sede/internal/money"
	"sede/internal/phrase"
)

// notice is what is said about an invoice by mail.
type notice struct{ Subject, Text fault.Text }

// Refused sends word that an invoice of Stripe's was not paid by the card or account that
// was to pay it, with the page on which it can be.
func (s *Service) Refused(tx *db.Tx, scope access.Scope, i *Invoice) {
	s.tell(tx, scope, i, notice{
		Subject: fault.Textf("Invoice %s could not be paid", i.Number.V),
		Text:    fault.Textf("Your payment method did not pay %s for your invoice %s. Give another one, or pay the invoice.", i.amountText(i.remaining()), i.Number.V),
	})
}

// Ask sends word that a subscription begins when its first invoice is paid, with the
// page on which it can be.
func (s *Service) Ask(tx *db.Tx, scope access.Scope, i *Invoice) {
	s.tell(tx, scope, i, notice{
		Subject: fault.Textf("Invoice %s is to be paid", i.Number.V),
		Text:    fault.Textf("Your subscription begins when %s are paid for your invoice %s.", i.amountText(i.remaining()), i.Number.V),
	})
}

// lacking sends word that an invoice can't be made out to the address as it is.
func (s *Service) lacking(tx *db.Tx, scope access.Scope, i *Invoice) {
	s.tell(tx, scope, i, notice{
		Subject: fault.Textf("Your address is not complete"),
		Text:    fault.Textf("An invoice over %s can't be made out to you yet, since the address lacks a street, a post code or a city. Please complete it.", i.amountText(i.Total)),
	})
}

// Remind sends a notice about an open invoice.
func (s *Service) Remind(tx *db.Tx, scope access.Scope, i *Invoice) error {
	if err := s.numberAll(tx); err != nil {
		return err
	}
	s.tell(tx, scope, i, notice{
		Subject: fault.Textf("Invoice %s is overdue", i.Number.V),
		Text:    fault.Textf("Your invoice %s was to be paid by %s. %s are still open.", i.Number.V, dateText(i.DueAt.V), i.amountText(i.remaining())),
	})
	return nil
}

// Warn sends word that the organization can be read only until the invoice is
// paid.
func (s *Service) Warn(tx *db.Tx, scope access.Scope, i *Invoice) error {
	if err := s.numberAll(tx); err != nil {
		return err
	}
	s.tell(tx, scope, i, notice{
		Subject: fault.Textf("Your subscription is on hold"),
		Text:    fault.Textf("Your invoice %s is still not paid, so your subscription is on hold. Nothing is deleted. It goes on when %s are paid.", i.Number.V, i.amountText(i.remaining())),
	})
	return nil
}

// tell sends a notice to who must pay, if they gave an address.
func (s *Service) tell(tx *db.Tx, scope access.Scope, i *Invoice, n notice) {
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
	return money.Format(amount, i.Currency, phrase.Match(i.Language).Written().String())
}

func dateText(at time.Time) string { return at.UTC().Format(time.DateOnly) }
