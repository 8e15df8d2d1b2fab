package bank

import (
	"strconv"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/page"
)

const removedColumns = `id, account_id, removed_at`

func (r *Removed) scan(into func(...any) error) error { return into(&r.ID, &r.Account, &r.RemovedAt) }

var removedListing = db.Listing{
	Table:  "bank_transaction_removed",
	Select: removedColumns,
	Columns: map[string]db.Column{
		"account":   {SQL: "account_id", NotNull: true},
		"removedAt": {SQL: "removed_at", NotNull: true},
	},
	Order: "removed_at DESC, id DESC",
}

func listRemoved(tx *db.Tx, scope access.Scope, q *page.Query) (page.Result[Removed], error) {
	return db.PageOf(&removedListing, tx, scope, q, nil, (*Removed).scan)
}

func findRemoved(tx *db.Tx, scope access.Scope, id ident.ID, r *Removed) error {
	return orMissing(r.scan(tx.Row(`SELECT `+removedColumns+` FROM bank_transaction_removed WHERE organization_id = $1 AND id = $2`,
		scope.Organization(), id).Scan))
}

// removeTransaction takes a transaction away and leaves word of it.
func removeTransaction(tx *db.Tx, scope access.Scope, account, id ident.ID, at time.Time) {
	tx.Queue(`INSERT INTO bank_transaction_removed (organization_id, id, account_id, removed_at, fingerprint, transaction_on, amount, version, created_at)
		SELECT organization_id, id, account_id, $4, fingerprint, transaction_on, amount, version, created_at FROM bank_transaction
		WHERE organization_id = $1 AND account_id = $2 AND id = $3`, scope.Organization(), account, id, at)
	tx.Queue(`DELETE FROM bank_transaction WHERE organization_id = $1 AND id = $2`, scope.Organization(), id)
}

// mostGone is how many removed transactions of an account are looked at.
const mostGone = 5000

// goneOf lists what was removed from an account and may come back, what went last
// first.
func goneOf(tx *db.Tx, scope access.Scope, account ident.ID) (list gones, err error) {
	rows := tx.Query(`SELECT id, fingerprint, transaction_on, amount, version, created_at FROM bank_transaction_removed
		WHERE organization_id = $1 AND account_id = $2 AND fingerprint IS NOT NULL ORDER BY removed_at DESC, id DESC LIMIT `+strconv.Itoa(mostGone),
		scope.Organization(), account)
	defer rows.Close()
	for rows.Next() {
		var g gone
		var print []byte
		if err := rows.Scan(&g.id, &print, &g.on, &g.amount, &g.version, &g.createdAt); err != nil {
			return nil, err
		}
		g.print = fingerprint(print)
		list.add(g)
	}
	return list, rows.Err()
}

// withdraw ends telling that a transaction was removed, since it is back.
func withdraw(tx *db.Tx, scope access.Scope, id ident.ID) {
	tx.Queue(`DELETE FROM bank_transaction_removed WHERE organization_id = $1 AND id = $2`, scope.Organization(), id)
}

// deleteRemoved removes the words of before a time, of all organizations, up to a
// batch, and returns how many these were.
func deleteRemoved(tx *db.Tx, before time.Time) (int64, error) {
	return tx.Exec(`DELETE FROM bank_transaction_removed WHERE (organization_id, id) IN (
		SELECT organization_id, id FROM bank_transaction_removed WHERE removed_at < $1 LIMIT `+strconv.Itoa(eraseBatch)+`)`, before)
}
