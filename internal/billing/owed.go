package billing

import (
	"time"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/db"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
)

// What was paid too much for an invoice, or taken back after it was paid, is owed to
// the organization, until it is paid back or pays other invoices of hers: one that is
// open at once, else the next. Money that moves is a payment below 0 of the one
// invoice and one above 0 of the other, so that all payments together are what came in.

// owed is what is owed to the organization for the invoice.
func (i *Invoice) owed() int64 { return max(0, -i.balance()) }

// moved is money that pays an invoice and was paid for another.
type moved struct {
	from   ident.ID
	number string
	amount int64
}

// draw pays an invoice that is not stored yet from what is owed to the organization,
// all in all owed.
func (s *Service) draw(tx *db.Tx, scope access.Scope, i *Invoice, owed int64) (all []moved, err error) {
	if owed <= 0 || i.remaining() == 0 {
		return nil, nil
	}
	sources, err := owing(tx, scope, i.Currency)
	for n := range sources {
		from := &sources[n]
		amount := min(from.owed(), i.remaining())
		if amount == 0 {
			break
		}
		if err := s.take(tx, scope, nil, from, amount); err != nil {
			return nil, err
		}
		i.AmountPaid += amount
		all = append(all, moved{from.ID, from.Number.V, amount})
	}
	return all, err
}

// spread has what is owed to the organization for an invoice pay others of hers that
// are open. It loads the invoice again.
func (s *Service) spread(tx *db.Tx, scope access.Scope, who *access.Caller, i *Invoice) error {
	for i.owed() > 0 {
		to, err := openOf(tx, scope, i.Currency)
		if err != nil || to == nil {
			return err
		}
		m := moved{i.ID, i.Number.V, min(i.owed(), to.remaining())}
		if err := s.take(tx, scope, who, i, m.amount); err != nil {
			return err
		}
		now := tx.Now(scope).Truncate(time.Second)
		s.note(tx, scope, to, []moved{m}, now)
		before := hydra.JSON(fields, to)
		to.AmountPaid, to.Version, to.UpdatedAt = to.AmountPaid+m.amount, to.Version+1, now
		if err := s.settle(tx, scope, to, now); err != nil {
			return err
		}
		if err := s.recordPay(tx, scope, who, before, to); err != nil {
			return err
		}
		*i = Invoice{} // what settling led to may have taken more
		if err := find(tx, scope, m.from, i); err != nil {
			return err
		}
	}
	return nil
}

// take takes money from an invoice that is owed to the organization.
func (s *Service) take(tx *db.Tx, scope access.Scope, who *access.Caller, from *Invoice, amount int64) error {
	before := hydra.JSON(fields, from)
	from.AmountPaid, from.Version, from.UpdatedAt = from.AmountPaid-amount, from.Version+1, tx.Now(scope).Truncate(time.Second)
	if err := settle(tx, scope, from); err != nil {
		return err
	}
	return s.recordPay(tx, scope, who, before, from)
}

// note stores the payments of money that pays an invoice and was paid for others.
func (s *Service) note(tx *db.Tx, scope access.Scope, to *Invoice, all []moved, now time.Time) {
	for _, m := range all {
		insertPayment(tx, scope, &Payment{ID: s.ids.New(), Invoice: m.from, Amount: null.Of(-m.amount), Reference: to.Number, ReceivedAt: null.Of(now)}, now)
		insertPayment(tx, scope, &Payment{ID: s.ids.New(), Invoice: to.ID, Amount: null.Of(m.amount), Reference: null.Of(m.number), ReceivedAt: null.Of(now)}, now)
	}
}

func (s *Service) recordPay(tx *db.Tx, scope access.Scope, who *access.Caller, before []byte, i *Invoice) error {
	return s.audit.Append(tx, who, audit.Entry{Scope: scope, Action: "pay", Resource: "Invoice", Key: i.ID.String(), Before: before, After: hydra.JSON(fields, i)})
}
