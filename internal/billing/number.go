package billing

import (
	"maps"
	"slices"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
)

// Others wait for an issuer's next number from when it is taken to the commit. So
// the invoices of a transaction get their numbers as its last, all at once: until
// then they are in memory, and whoever reads a subscription's invoices in the same
// transaction has it done before. A transaction that is given up takes none.

// unnumbered is an invoice that waits for its number.
type unnumbered struct {
	scope   access.Scope
	invoice *Invoice
	draft   []byte // as the draft was, nil for a new invoice
	moved   []moved
}

type waitingKey struct{}

// waiting are the invoices of a transaction that have no number yet.
type waiting struct{ list []unnumbered }

func waitingIn(tx *db.Tx) *waiting {
	w, _ := tx.Kept(waitingKey{}).(*waiting)
	if w == nil {
		w = &waiting{}
		tx.Keep(waitingKey{}, w)
	}
	return w
}

// has reports whether an invoice of the subscription waits.
func (w *waiting) has(scope access.Scope, subscription ident.ID) bool {
	return slices.ContainsFunc(w.list, func(u unnumbered) bool { return u.scope == scope && u.invoice.Subscription == subscription })
}

// finalise makes a draft an invoice: it gets its dates, is paid from what is owed to
// the organization, and gets its number before the transaction ends, when mail goes to
// who must pay.
func (s *Service) finalise(tx *db.Tx, scope access.Scope, i *Invoice, owed db.Row, draft []byte) error {
	if tx.AheadBy(scope) > 0 {
		i.Issuer = TestIssuer
	}
	now := tx.Now(scope).Truncate(time.Second)
	var most int64
	if err := owed.Scan(&most); err != nil {
		return err
	}
	all, err := s.draw(tx, scope, i, most)
	if err != nil {
		return err
	}
	i.Status, i.IssuedAt = Open, null.Of(now)
	if i.remaining() == 0 {
		i.Status, i.PaidAt = Paid, null.Of(now)
	}
	s.audit.Ahead(tx, scope)
	w := waitingIn(tx)
	if len(w.list) == 0 {
		tx.BeforeCommit(func() error { return s.numberAll(tx) })
	}
	w.list = append(w.list, unnumbered{scope, i, draft, all})
	return nil
}

// numberAll gives the invoices that wait their numbers and stores them.
func (s *Service) numberAll(tx *db.Tx) error {
	w := waitingIn(tx)
	list := w.list
	w.list = nil
	count := map[string]int64{}
	for _, u := range list {
		count[u.invoice.Issuer]++
	}
	next := map[string]func() string{}
	for _, issuer := range slices.Sorted(maps.Keys(count)) {
		prefix, first, err := takeNumbers(tx, issuer, count[issuer])
		if err != nil {
			return err
		}
		next[issuer] = func() string {
			first++
			return prefix + numberText(first-1)
		}
	}
	for _, u := range list {
		i := u.invoice
		i.Number = null.Of(next[i.Issuer]())
		if err := s.stored(tx, u.scope, i, u.draft); err != nil {
			return err
		}
		s.note(tx, u.scope, i, u.moved, i.IssuedAt.V)
		s.tell(tx, u.scope, i, notice{Subject: fault.Textf("Invoice %s", i.Number.V), Text: i.issuedText()})
	}
	return nil
}

// issuedText says what an invoice comes to and what is to be done.
func (i *Invoice) issuedText() fault.Text {
	number, total := i.Number.V, i.amountText(i.Total)
	switch {
	case i.Total == 0:
		return fault.Textf("Your invoice %s comes to %s. Nothing is to be paid.", number, total)
	case i.remaining() == 0:
		return fault.Textf("Your invoice %s comes to %s. It is paid with what was owed to you.", number, total)
	case i.AmountPaid > 0:
		return fault.Textf("Your invoice %s comes to %s, of which %s are paid with what was owed to you. Please pay the rest by %s.", number, total, i.amountText(i.AmountPaid), dateText(i.DueAt.V))
	}
	return fault.Textf("Your invoice %s comes to %s. Please pay it by %s.", number, total, dateText(i.DueAt.V))
}
