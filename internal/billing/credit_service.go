package billing

import (
	"context"
	"time"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/page"
)

// mayCredit says who makes credit notes.
var mayCredit = access.Operators()

// CreditNotes returns a page of the organization's credit notes, the newest first.
func (s *Service) CreditNotes(ctx context.Context, who *access.Caller, q *page.Query) (r page.Result[CreditNote], err error) {
	if err := mayRead.Check(who); err != nil {
		return r, err
	}
	err = s.db.Read(ctx, who.Scope(), func(tx *db.Tx) (err error) {
		r, err = listCredits(tx, who.Scope(), q)
		return err
	})
	return r, err
}

// CreditNote loads one credit note; Missing when the organization has no such one.
func (s *Service) CreditNote(ctx context.Context, who *access.Caller, id ident.ID, n *CreditNote) error {
	return s.load(ctx, who, id, creditOrganizationOf, func(tx *db.Tx, scope access.Scope) error { return findCredit(tx, scope, id, n) })
}

// Credit makes a credit note against an invoice. Of an open invoice less is to be
// paid from then on; of a paid one the rest is owed to the organization, and pays its other invoices. It is a
// Conflict where the invoice is a draft or nothing is left of it.
func (s *Service) Credit(ctx context.Context, who *access.Caller, n *CreditNote) error {
	if err := mayCredit.Check(who); err != nil {
		return err
	}
	given := *n
	given.Lines = append([]CreditLine(nil), n.Lines...)
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		organization, err := organizationOf(tx, given.Invoice)
		if err != nil {
			return err
		}
		scope := access.System(organization)
		*n = given
		n.Lines = append([]CreditLine(nil), given.Lines...)
		if err := s.Lock(tx, scope); err != nil {
			return err
		}
		var i Invoice
		if err := find(tx, scope, n.Invoice, &i); err != nil {
			return err
		}
		return s.credit(tx, scope, who, n, &i)
	})
}

func (s *Service) credit(tx *db.Tx, scope access.Scope, who *access.Caller, n *CreditNote, i *Invoice) error {
	if i.Issuer == StripeIssuer {
		return fault.New(fault.Conflict, "This invoice is paid through Stripe.")
	}
	if i.Status == Draft {
		return fault.New(fault.Conflict, "A draft can't be taken back. It has no number yet.")
	}
	earlier, err := creditsOf(tx, scope, i.ID)
	if err != nil {
		return err
	}
	if err := i.credit(n, earlier); err != nil {
		return err
	}
	now := tx.Now(scope).Truncate(time.Second)
	n.ID, n.Organization, n.IssuedAt = s.ids.New(), scope.Organization(), now
	n.InvoiceNumber, n.Issuer, n.Currency, n.Language, n.Seller, n.Buyer = i.Number.V, i.Issuer, i.Currency, i.Language, i.Seller, i.Buyer
	if n.Number, err = takeCreditNumber(tx, n.Issuer); err != nil {
		return err
	}
	if err := insertCredit(tx, scope, n); err != nil {
		return err
	}
	before := hydra.JSON(fields, i)
	i.AmountCredited, i.Version, i.UpdatedAt = i.AmountCredited+n.Total, i.Version+1, now
	if err := s.settle(tx, scope, i, now); err != nil {
		return err
	}
	s.tell(tx, scope, i, notice{
		Subject: fault.Textf("Credit note %s", n.Number),
		Text:    fault.Textf("Your credit note %s takes %s of invoice %s back.", n.Number, i.amountText(n.Total), n.InvoiceNumber),
	})
	if err := s.audit.Append(tx, who, audit.Entry{Scope: scope, Action: "create", Resource: "CreditNote", Key: n.ID.String(), After: hydra.JSON(creditFields, n)}); err != nil {
		return err
	}
	if err := s.audit.Append(tx, who, audit.Entry{Scope: scope, Action: "credit", Resource: "Invoice", Key: i.ID.String(), Before: before, After: hydra.JSON(fields, i)}); err != nil {
		return err
	}
	return s.spread(tx, scope, who, i)
}

// settle stores what was paid of an invoice and taken back. When nothing is left
// to be paid it is paid, or void if nothing was paid, and who must know hears of
// it.
func (s *Service) settle(tx *db.Tx, scope access.Scope, i *Invoice, now time.Time) error {
	done := (i.Status == Open || i.Status == Uncollectible) && i.remaining() == 0
	if done && i.AmountPaid > 0 {
		i.Status, i.PaidAt = Paid, null.Of(now)
	} else if done {
		i.Status = Void
	}
	if err := settle(tx, scope, i); err != nil {
		return err
	}
	if done && s.paid != nil {
		return s.paid(tx, scope, i)
	}
	return nil
}
