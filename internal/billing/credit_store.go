package billing

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/page"
	"sede/internal/tax"
)

// creditOrganizationOf tells whose credit note it is. The transaction's scope is the
// instance.
func creditOrganizationOf(tx *db.Tx, id ident.ID) (organization ident.ID, err error) {
	err = orMissing(tx.Row(`SELECT organization_id FROM credit_note WHERE id = $1`, id).Scan(&organization))
	return organization, err
}

const creditColumns = `organization_id, id, invoice_id, invoice_number, issuer_id, number, reason, currency, language, seller, buyer, lines,
	subtotal, tax_category, tax_country, tax_rate, tax, total, issued_at`

func (n *CreditNote) scan(into func(...any) error) error {
	var seller, buyer, lines, category string
	err := into(&n.Organization, &n.ID, &n.Invoice, &n.InvoiceNumber, &n.Issuer, &n.Number, &n.Reason, &n.Currency, &n.Language, &seller, &buyer, &lines,
		&n.Subtotal, &category, &n.Treatment.Country, &n.Treatment.Rate, &n.Tax, &n.Total, &n.IssuedAt)
	if err != nil {
		return err
	}
	n.Treatment.Category = tax.Category(category)
	return errors.Join(json.Unmarshal([]byte(seller), &n.Seller), json.Unmarshal([]byte(buyer), &n.Buyer), json.Unmarshal([]byte(lines), &n.Lines))
}

var credits = db.Listing{
	Table: "credit_note", Select: creditColumns, Order: "id DESC", Counted: true,
	Columns: map[string]db.Column{
		"invoice":  {SQL: "invoice_id", NotNull: true},
		"number":   {SQL: "number", NotNull: true},
		"total":    {SQL: "total", NotNull: true},
		"issuedAt": {SQL: "issued_at", NotNull: true},
	},
}

func listCredits(tx *db.Tx, scope access.Scope, q *page.Query) (page.Result[CreditNote], error) {
	return db.PageOf(&credits, tx, scope, q, nil, (*CreditNote).scan)
}

// findCredit loads a credit note. One that is not there, or not in scope, is
// Missing.
func findCredit(tx *db.Tx, scope access.Scope, id ident.ID, n *CreditNote) error {
	return orMissing(n.scan(tx.Row(`SELECT `+creditColumns+` FROM credit_note WHERE organization_id = $1 AND id = $2`, scope.Organization(), id).Scan))
}

// creditsOf returns the credit notes against an invoice, the oldest first.
func creditsOf(tx *db.Tx, scope access.Scope, invoice ident.ID) (found []CreditNote, err error) {
	rows := tx.Query(`SELECT `+creditColumns+` FROM credit_note WHERE organization_id = $1 AND invoice_id = $2 ORDER BY id`, scope.Organization(), invoice)
	defer rows.Close()
	for rows.Next() {
		var n CreditNote
		if err := n.scan(rows.Scan); err != nil {
			return nil, err
		}
		found = append(found, n)
	}
	return found, rows.Err()
}

// fillCredits completes invoices with the ids of their credit notes.
func fillCredits(tx *db.Tx, scope access.Scope, items []Invoice) error {
	args, in := []any{scope.Organization()}, strings.Builder{}
	place := map[ident.ID]*Invoice{}
	for k := range items {
		if items[k].AmountCredited > 0 {
			args = append(args, items[k].ID)
			in.WriteString(", $" + strconv.Itoa(len(args)))
			place[items[k].ID] = &items[k]
		}
	}
	if len(place) == 0 {
		return nil
	}
	rows := tx.Query(`SELECT invoice_id, id FROM credit_note WHERE organization_id = $1 AND invoice_id IN (`+in.String()[2:]+`) ORDER BY id`, args...)
	defer rows.Close()
	for rows.Next() {
		var invoice, id ident.ID
		if err := rows.Scan(&invoice, &id); err != nil {
			return err
		}
		place[invoice].CreditNotes = append(place[invoice].CreditNotes, id)
	}
	return rows.Err()
}

func insertCredit(tx *db.Tx, scope access.Scope, n *CreditNote) error {
	text := func(v any, err *error) string {
		content, failed := json.Marshal(v)
		*err = errors.Join(*err, failed)
		return string(content)
	}
	var err error
	seller, buyer, lines := text(n.Seller, &err), text(n.Buyer, &err), text(n.Lines, &err)
	if err != nil {
		return err
	}
	tx.Queue(`INSERT INTO credit_note (organization_id, id, invoice_id, invoice_number, issuer_id, number, reason, currency, language, seller, buyer,
			lines, subtotal, tax_category, tax_country, tax_rate, tax, total, issued_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
		scope.Organization(), n.ID, n.Invoice, n.InvoiceNumber, n.Issuer, n.Number, n.Reason, n.Currency, n.Language, seller, buyer,
		lines, n.Subtotal, string(n.Treatment.Category), n.Treatment.Country, n.Treatment.Rate, n.Tax, n.Total, n.IssuedAt)
	db.Count(tx, scope, "credit_note", 1)
	return nil
}

// takeCreditNumber takes the next number of the issuer's credit notes. Others wait
// for it until the transaction ends, so that a number that is given up is given
// again.
func takeCreditNumber(tx *db.Tx, issuer string) (string, error) {
	var prefix string
	var next int64
	err := tx.Row(`UPDATE invoice_issuer SET next_credit_number = next_credit_number + 1 WHERE id = $1 RETURNING credit_prefix, next_credit_number`, issuer).
		Scan(&prefix, &next)
	return prefix + numberText(next-1), err
}

// hasCreditNumber reports whether the issuer gave the number to a credit note.
func hasCreditNumber(tx *db.Tx, issuer, number string) (has bool, err error) {
	err = tx.Row(`SELECT EXISTS (SELECT 1 FROM credit_note WHERE issuer_id = $1 AND number = $2)`, issuer, number).Scan(&has)
	return has, err
}
