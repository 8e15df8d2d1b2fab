package billing

import (
	"strconv"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
)

// maxOwed is how many invoices one question is answered with.
const maxOwed = 20

// ReceivedBy returns the issuers whose money comes in at the organization.
func (s *Service) ReceivedBy(tx *db.Tx, organization ident.ID) ([]Issuer, error) {
	return issuersReceivedBy(tx, organization)
}

// UnpaidNamed returns the issuer's unpaid invoices that have one of the numbers, of
// any organization. The transaction's scope is the instance.
func (s *Service) UnpaidNamed(tx *db.Tx, issuer string, numbers []string) ([]Invoice, error) {
	if len(numbers) == 0 {
		return nil, nil
	}
	args := []any{issuer}
	for i := range maxOwed { // as long each time, so that it is one statement
		args = append(args, numbers[min(i, len(numbers)-1)])
	}
	list := "$2"
	for i := 3; i < maxOwed+2; i++ {
		list += ", $" + strconv.Itoa(i)
	}
	return unpaid(tx, "number IN ("+list+") ORDER BY number", args...)
}

// UnpaidAmount returns some of the issuer's invoices of any organization of which
// exactly the amount is to be paid, and nothing was paid yet.
func (s *Service) UnpaidAmount(tx *db.Tx, issuer, currency string, amount int64) ([]Invoice, error) {
	return unpaid(tx, "total = $2 AND currency = $3 AND amount_paid = 0 ORDER BY id", issuer, amount, currency)
}

// UnpaidBy returns some of the issuer's invoices that the organization has to pay, the
// oldest first.
func (s *Service) UnpaidBy(tx *db.Tx, issuer string, organization ident.ID) ([]Invoice, error) {
	return unpaid(tx, "organization_id = $2 ORDER BY id", issuer, organization)
}

// UnpaidOne loads an invoice of any organization on which something is to be paid,
// else it is Missing.
func (s *Service) UnpaidOne(tx *db.Tx, id ident.ID, i *Invoice) error {
	organization, err := organizationOf(tx, id)
	if err != nil {
		return err
	}
	if err := find(tx, access.System(organization), id, i); err != nil {
		return err
	}
	if i.Status != Open && i.Status != Uncollectible {
		return fault.Missing()
	}
	return nil
}

// Remaining is what is still to be paid.
func (i *Invoice) Remaining() int64 { return i.remaining() }

// Receive records a payment that came in at a bank, of an invoice of any
// organization. Nobody is asked whether they may; who is for the audit log. The
// transaction's scope is the instance.
func (s *Service) Receive(tx *db.Tx, who *access.Caller, id ident.ID, p *Payment) error {
	organization, err := organizationOf(tx, id)
	if err != nil {
		return err
	}
	scope := access.System(organization)
	if err := s.Lock(tx, scope); err != nil {
		return err
	}
	var i Invoice
	if err := find(tx, scope, id, &i); err != nil {
		return err
	}
	return s.pay(tx, scope, who, p, &i)
}

// Leave ends that the money of issuers comes in at an organization that is removed.
func (s *Service) Leave(tx *db.Tx, scope access.Scope) error {
	leaveIssuers(tx, scope)
	return nil
}
