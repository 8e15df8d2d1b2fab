package bank

import (
	"strconv"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
)

// withOlder lists accounts, of all organizations, that have transactions of before a
// day.
func withOlder(tx *db.Tx, day time.Time, last accountRef, most int) (found []accountRef, err error) {
	rows := tx.Query(`SELECT a.organization_id, a.id FROM bank_account a
		WHERE (a.organization_id, a.id) > ($1, $2) AND EXISTS (SELECT 1 FROM bank_transaction t
			WHERE t.organization_id = a.organization_id AND t.account_id = a.id AND t.transaction_on < $3)
		ORDER BY a.organization_id, a.id LIMIT `+strconv.Itoa(most), last.organization, last.id, day)
	defer rows.Close()
	for rows.Next() {
		var h accountRef
		if err := rows.Scan(&h.organization, &h.id); err != nil {
			return nil, err
		}
		found = append(found, h)
	}
	return found, rows.Err()
}

// deleteOlder removes up to a number of transactions of before a day and returns how
// many these were.
func deleteOlder(tx *db.Tx, scope access.Scope, account ident.ID, day time.Time, most int) (int64, error) {
	n, err := tx.Exec(`DELETE FROM bank_transaction WHERE organization_id = $1 AND id IN (SELECT id FROM bank_transaction
			WHERE organization_id = $1 AND account_id = $2 AND transaction_on < $3 ORDER BY transaction_on, id LIMIT `+strconv.Itoa(most)+`)`,
		scope.Organization(), account, day)
	if err == nil && n > 0 {
		db.Count(tx, scope, "bank_transaction", -n)
	}
	return n, err
}
