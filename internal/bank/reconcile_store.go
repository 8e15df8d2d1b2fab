package bank

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/page"
)

const matchColumns = `id, (SELECT t.id FROM bank_transaction t WHERE t.organization_id = payment_match.organization_id AND t.id = payment_match.transaction_id) AS present,
	mark, status, score, reasons, amount, currency, received_on, title, party, party_iban, parts, payer_id, decided_at, version, created_at, updated_at`

func (m *Match) scan(into func(...any) error) error {
	var reasons, parts string
	err := into(&m.ID, &m.Transaction, &m.mark, &m.Status, &m.Score, &reasons, &m.Amount, &m.Currency, &m.On, &m.Title, &m.Party, &m.PartyIBAN,
		&parts, &m.payer, &m.DecidedAt, &m.Version, &m.CreatedAt, &m.UpdatedAt)
	if err != nil {
		return err
	}
	m.Reasons = strings.Fields(reasons)
	return json.Unmarshal([]byte(parts), &m.Parts)
}

var matchListing = db.Listing{
	Table:  "payment_match",
	Select: matchColumns,
	Columns: map[string]db.Column{
		"transaction": {SQL: "transaction_id", NotNull: true},
		"status":      {SQL: "status", NotNull: true},
		"receivedOn":  {SQL: "received_on", NotNull: true},
		"score":       {SQL: "score", NotNull: true},
		"amount":      {SQL: "amount", NotNull: true},
	},
	Order:   "id DESC",
	Counted: true,
}

func listMatches(tx *db.Tx, scope access.Scope, q *page.Query) (page.Result[Match], error) {
	return db.PageOf(&matchListing, tx, scope, q, nil, (*Match).scan)
}

func findMatch(tx *db.Tx, scope access.Scope, id ident.ID, m *Match) error {
	return orMissing(m.scan(tx.Row(`SELECT `+matchColumns+` FROM payment_match WHERE organization_id = $1 AND id = $2`, scope.Organization(), id).Scan))
}

// insertMatch stores a match, unless there is one of the same transaction: then it is
// false.
func insertMatch(tx *db.Tx, scope access.Scope, m *Match) (bool, error) {
	parts, err := json.Marshal(m.Parts)
	if err != nil {
		return false, err
	}
	n, err := tx.Exec(`INSERT INTO payment_match (organization_id, id, transaction_id, mark, status, score, reasons, amount, currency, received_on, title, party,
			party_iban, parts, payer_id, decided_at, version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
		ON CONFLICT (organization_id, mark) DO NOTHING`,
		scope.Organization(), m.ID, m.Transaction, m.mark, m.Status, m.Score, strings.Join(m.Reasons, " "), m.Amount, m.Currency, m.On, m.Title, m.Party,
		m.PartyIBAN, string(parts), m.payer, m.DecidedAt, m.Version, m.CreatedAt, m.UpdatedAt)
	if err == nil && n > 0 {
		db.Count(tx, scope, "payment_match", 1)
	}
	return n > 0, err
}

// updateMatch stores what was decided. Who decides holds the turn, see matchTurn.
func updateMatch(tx *db.Tx, scope access.Scope, m *Match) error {
	parts, err := json.Marshal(m.Parts)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`UPDATE payment_match SET status = $3, parts = $4, decided_at = $5, version = $6, updated_at = $7 WHERE organization_id = $1 AND id = $2`,
		scope.Organization(), m.ID, m.Status, string(parts), m.DecidedAt, m.Version, m.UpdatedAt)
	return err
}

// payerOf tells whose invoices were paid last from an account.
func payerOf(tx *db.Tx, scope access.Scope, iban null.Value[string]) (payer null.Value[ident.ID], err error) {
	if !iban.Valid {
		return payer, nil
	}
	err = tx.Row(`SELECT payer_id FROM payment_match WHERE organization_id = $1 AND party_iban = $2 AND status IN ('`+MatchSettled+`', '`+MatchConfirmed+`')
		ORDER BY id DESC LIMIT 1`, scope.Organization(), iban).Scan(&payer.V)
	payer.Valid = err == nil
	if errors.Is(err, db.ErrNoRows) {
		err = nil
	}
	return payer, err
}

// matchBatch is how many transactions are looked at at once.
const matchBatch = 200

// incomingAfter lists booked transactions that brought money, are on or after a day,
// came or changed since a time and have no match, after the last one.
func incomingAfter(tx *db.Tx, scope access.Scope, day, since time.Time, last *incoming) (list []incoming, err error) {
	var after ident.ID
	if last != nil {
		day, after = last.On, last.ID
	}
	rows := tx.Query(`SELECT t.id, t.account_id, t.transaction_on, t.booked_on, t.amount, t.currency, t.title, t.party, t.party_iban, t.symbols,
			t.fingerprint, t.ordinal, a.identity, i.provider
		FROM bank_transaction t
			JOIN bank_account a ON a.organization_id = t.organization_id AND a.id = t.account_id
			JOIN bank_integration i ON i.organization_id = a.organization_id AND i.id = a.integration_id
		WHERE t.organization_id = $1 AND (t.transaction_on, t.id) > ($2, $3) AND t.updated_at >= $4 AND t.status = '`+Booked+`' AND t.amount > 0
			AND NOT EXISTS (SELECT 1 FROM payment_match m WHERE m.organization_id = t.organization_id AND m.transaction_id = t.id)
		ORDER BY t.transaction_on, t.id LIMIT `+strconv.Itoa(matchBatch), scope.Organization(), day, after, since)
	defer rows.Close()
	for rows.Next() {
		t := incoming{Transaction: Transaction{Status: Booked}}
		var print []byte
		var ordinal int64
		var identity string
		err := rows.Scan(&t.ID, &t.Account, &t.On, &t.BookedOn, &t.Amount, &t.Currency, &t.Title, &t.Party, &t.PartyIBAN, &t.Symbols,
			&print, &ordinal, &identity, &t.provider)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(append([]byte(identity+"/"), print...), uint64(ordinal)))
		t.mark = sum[:]
		list = append(list, t)
	}
	return list, rows.Err()
}
