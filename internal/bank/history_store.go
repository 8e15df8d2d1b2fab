package bank

import (
	"strconv"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/null"
)

// maxMonths is how many months of an account are told, the newest ones.
const maxMonths = 1200

// monthsOf lists the months of an account in which something was booked, the oldest
// first.
func monthsOf(tx *db.Tx, scope access.Scope, account ident.ID) (list []Month, err error) {
	rows := tx.Query(`SELECT month, incoming, outgoing, transactions, closing FROM (
			SELECT month, incoming, outgoing, transactions, closing FROM bank_month
			WHERE organization_id = $1 AND account_id = $2 ORDER BY month DESC LIMIT `+strconv.Itoa(maxMonths)+`) AS newest
		ORDER BY month`, scope.Organization(), account)
	defer rows.Close()
	list = []Month{}
	for rows.Next() {
		var m Month
		var number int64
		if err := rows.Scan(&number, &m.In, &m.Out, &m.Count, &m.Closing); err != nil {
			return nil, err
		}
		m.month = month(number)
		if m.Count > 0 {
			list = append(list, m)
		}
	}
	return list, rows.Err()
}

// addToMonth counts transactions.
func addToMonth(tx *db.Tx, scope access.Scope, account ident.ID, m month, s sums) {
	tx.Queue(`INSERT INTO bank_month (organization_id, account_id, month, incoming, outgoing, transactions) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (organization_id, account_id, month) DO UPDATE SET incoming = bank_month.incoming + excluded.incoming,
			outgoing = bank_month.outgoing + excluded.outgoing, transactions = bank_month.transactions + excluded.transactions`,
		scope.Organization(), account, int64(m), s.in, s.out, s.count)
}

// closeMonth stores the balance at a month's end.
func closeMonth(tx *db.Tx, scope access.Scope, account ident.ID, m month, closing null.Value[int64]) {
	tx.Queue(`UPDATE bank_month SET closing = $4 WHERE organization_id = $1 AND account_id = $2 AND month = $3`,
		scope.Organization(), account, int64(m), closing)
}
