package app

import (
	"time"

	"sede/internal/access"
	"sede/internal/bank"
	"sede/internal/billing"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/organization"
)

// receivables tells feature bank what is to be paid on invoices.
type receivables struct {
	invoices      *billing.Service
	organizations *organization.Service
}

var _ bank.Invoices = receivables{}

func (r receivables) Receives(tx *db.Tx, organization ident.ID) (found []bank.Issuing, err error) {
	list, err := r.invoices.ReceivedBy(tx, organization)
	for _, i := range list {
		found = append(found, bank.Issuing{ID: i.ID, Prefix: i.Prefix})
	}
	return found, err
}

func (r receivables) Named(tx *db.Tx, issuer string, numbers []string) ([]bank.Owed, error) {
	return owed(r.invoices.UnpaidNamed(tx, issuer, numbers))
}

func (r receivables) Owing(tx *db.Tx, issuer, currency string, amount int64) ([]bank.Owed, error) {
	return owed(r.invoices.UnpaidAmount(tx, issuer, currency, amount))
}

func (r receivables) OwedBy(tx *db.Tx, issuer string, organization ident.ID) ([]bank.Owed, error) {
	return owed(r.invoices.UnpaidBy(tx, issuer, organization))
}

func (r receivables) Unpaid(tx *db.Tx, id ident.ID) (bank.Owed, error) {
	var i billing.Invoice
	if err := r.invoices.UnpaidOne(tx, id, &i); err != nil {
		return bank.Owed{}, err
	}
	return owedOf(&i), nil
}

func (r receivables) Settle(tx *db.Tx, who *access.Caller, id ident.ID, amount int64, reference string, receivedAt time.Time) error {
	return r.invoices.Receive(tx, who, id, &billing.Payment{Amount: null.Of(amount), Reference: null.Of(reference), ReceivedAt: null.Of(receivedAt)})
}

func (r receivables) Rehearses(tx *db.Tx, organization ident.ID) (bool, error) {
	return r.organizations.Rehearses(tx, organization)
}

// owed turns invoices into what feature bank knows of them.
func owed(list []billing.Invoice, err error) (found []bank.Owed, _ error) {
	for i := range list {
		found = append(found, owedOf(&list[i]))
	}
	return found, err
}

func owedOf(i *billing.Invoice) bank.Owed {
	return bank.Owed{ID: i.ID, Organization: i.Organization, Number: i.Number.V, Buyer: i.Buyer.Name, Currency: i.Currency, Remaining: i.Remaining(), DueAt: i.DueAt.V}
}
