package bank

import (
	"context"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/page"
)

// Removed tells of a pending transaction that the bank told no more. It has the id
// that the transaction had, so that whoever keeps copies knows which one to drop. One
// that the bank tells again has its id again and is not removed any more.
type Removed struct {
	ID        ident.ID
	Account   ident.ID
	RemovedAt time.Time
}

// removedTime is how long it is told.
const removedTime = 90 * day

// gone is a removed transaction, as far as it tells whether one that comes is the same.
type gone struct {
	id        ident.ID
	print     fingerprint
	on        time.Time
	amount    int64
	version   int64
	createdAt time.Time
}

// gones are removed transactions of an account by their day and amount.
type gones map[dayAmount][]gone

type dayAmount struct {
	day    int64
	amount int64
}

func (g *gones) add(one gone) {
	if *g == nil {
		*g = gones{}
	}
	key := dayAmount{dayOf(one.on), one.amount}
	(*g)[key] = append((*g)[key], one)
}

// back finds what a transaction was before it was removed: pending, it is the one with
// the same texts; booked, one of the same day and amount, whatever its text was. claimed
// are those that are back already.
func (g gones) back(t *Transaction, print fingerprint, claimed func(ident.ID, time.Time) bool) (gone, bool) {
	for _, one := range g[dayAmount{dayOf(t.On), t.Amount}] {
		if (t.Status == Booked || one.print == print) && !claimed(one.id, one.on) {
			return one, true
		}
	}
	return gone{}, false
}

// RemovedTransactions returns a page of the organization's removed transactions.
func (s *Service) RemovedTransactions(ctx context.Context, who *access.Caller, q *page.Query) (r page.Result[Removed], err error) {
	if err := mayRead.Check(who); err != nil {
		return r, err
	}
	err = s.db.Read(ctx, who.Scope(), func(tx *db.Tx) (err error) {
		r, err = listRemoved(tx, who.Scope(), q)
		return err
	})
	return r, err
}

// RemovedTransaction loads one; Missing when the organization has no such one.
func (s *Service) RemovedTransaction(ctx context.Context, who *access.Caller, id ident.ID, r *Removed) error {
	return s.db.Read(ctx, who.Scope(), func(tx *db.Tx) error { return findRemoved(tx, who.Scope(), id, r) })
}

// forgetRemoved ends telling of transactions that were removed long ago.
func (s *Service) forgetRemoved(ctx context.Context) error {
	before := s.moment().Add(-removedTime)
	for n := int64(eraseBatch); n == eraseBatch; {
		err := s.db.Write(ctx, access.Instance(), func(tx *db.Tx) (err error) {
			n, err = deleteRemoved(tx, before)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

var removedFields = []hydra.Field[Removed]{
	hydra.ID(func(r *Removed) *ident.ID { return &r.ID }),
	hydra.Ref("account", "BankAccount", func(r *Removed) *ident.ID { return &r.Account }).ReadOnly().Doc("The account that it was on.").Filter(hydra.Exact),
	hydra.Time("removedAt", func(r *Removed) *time.Time { return &r.RemovedAt }).ReadOnly().Filter(hydra.DateRange).Sortable(),
}

func (s *Service) removed() hydra.Declaration {
	return hydra.Resource[Removed]{
		Name: "RemovedBankTransaction", Path: "/removed-bank-transactions",
		Doc: "A pending transaction that the bank told no more, by the id that it had. It is told for 90 days. " +
			"If the bank tells the transaction again within that time, it is back under its id, and not told here any more. " +
			"Transactions that go with their account, or because they are old, are not told one by one: see erasedAt and keptSince.",
		Fields: removedFields,
		Operations: []hydra.Operation{
			hydra.List[Removed]{Access: mayRead, Do: hydra.OfAll(s.RemovedTransactions)},
			hydra.Get[Removed]{Access: mayRead, Do: hydra.ByID(s.RemovedTransaction)},
		},
	}
}
