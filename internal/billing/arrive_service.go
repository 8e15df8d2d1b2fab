package billing

import (
	"strconv"
	"strings"

	"sede/internal/access"
	"sede/internal/db"
)

// Arrived notes the numbers of invoices and credit notes that came in with an
// organization, so that they are not given again. The transaction is one of the
// instance.
func (s *Service) Arrived(tx *db.Tx, scope access.Scope) error {
	for _, table := range []struct{ name, prefix, next string }{
		{"invoice", "prefix", "next_number"}, {"credit_note", "credit_prefix", "next_credit_number"},
	} {
		highest, err := highestNumbers(tx, scope, table.name, table.prefix)
		if err != nil {
			return err
		}
		for issuer, n := range highest {
			tx.Queue(`UPDATE invoice_issuer SET `+table.next+` = $2 WHERE id = $1 AND `+table.next+` < $2`, issuer, n+1)
		}
	}
	return nil
}

// highestNumbers is the highest number of each issuer's present series that the
// organization has.
func highestNumbers(tx *db.Tx, scope access.Scope, table, prefix string) (map[string]int64, error) {
	highest := map[string]int64{}
	rows := tx.Query(`SELECT i.id, i.`+prefix+`, d.number FROM `+table+` d JOIN invoice_issuer i ON i.id = d.issuer_id
		WHERE d.organization_id = $1 AND d.number IS NOT NULL`, scope.Organization())
	defer rows.Close()
	for rows.Next() {
		var issuer, begin, number string
		if err := rows.Scan(&issuer, &begin, &number); err != nil {
			return nil, err
		}
		if digits, ok := strings.CutPrefix(number, begin); ok {
			if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
				highest[strings.Clone(issuer)] = max(highest[issuer], n)
			}
		}
	}
	return highest, rows.Err()
}
