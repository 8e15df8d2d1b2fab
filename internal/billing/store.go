package billing

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/page"
	"sede/internal/tax"
)

const columns = `organization_id, id, subscription_id, issuer_id, number, status, reason, currency, language, seller, buyer, discount_text,
	lines, subtotal, discount, tax_category, tax_country, tax_rate, tax, total, amount_paid, amount_credited, period_from, period_to,
	issued_at, due_at, paid_at, version, created_at, updated_at, payment_url`

func (i *Invoice) scan(into func(...any) error) error {
	var seller, buyer, lines, category string
	err := into(&i.Organization, &i.ID, &i.Subscription, &i.Issuer, &i.Number, &i.Status, &i.Reason, &i.Currency, &i.Language, &seller, &buyer, &i.DiscountText,
		&lines, &i.Subtotal, &i.Discount, &category, &i.Treatment.Country, &i.Treatment.Rate, &i.Tax, &i.Total, &i.AmountPaid, &i.AmountCredited, &i.PeriodFrom, &i.PeriodTo,
		&i.IssuedAt, &i.DueAt, &i.PaidAt, &i.Version, &i.CreatedAt, &i.UpdatedAt, &i.PaymentURL)
	if err != nil {
		return err
	}
	i.Treatment.Category = tax.Category(category)
	return errors.Join(json.Unmarshal([]byte(seller), &i.Seller), json.Unmarshal([]byte(buyer), &i.Buyer), json.Unmarshal([]byte(lines), &i.Lines))
}

var filterColumns = map[string]db.Column{
	"subscription": {SQL: "subscription_id", NotNull: true},
	"number":       {SQL: "number"},
	"status":       {SQL: "status", NotNull: true},
	"currency":     {SQL: "currency", NotNull: true},
	"total":        {SQL: "total", NotNull: true},
	"issuedAt":     {SQL: "issued_at"},
	"dueAt":        {SQL: "due_at"},
}

// all lists the invoices of an organization, ofOne those of the subscription $2.
var (
	all   = db.Listing{Table: "invoice", Select: columns, Columns: filterColumns, Order: "id DESC", Counted: true}
	ofOne = db.Listing{Table: "invoice", Select: columns, Columns: filterColumns, Order: "id DESC", Where: "organization_id = $1 AND subscription_id = $2"}
)

func list(tx *db.Tx, scope access.Scope, l *db.Listing, q *page.Query, args ...any) (page.Result[Invoice], error) {
	r, err := db.PageOf(l, tx, scope, q, args, (*Invoice).scan)
	if err != nil {
		return r, err
	}
	return r, fillCredits(tx, scope, r.Items)
}

// find loads an invoice. One that is not there, or not in scope, is Missing.
func find(tx *db.Tx, scope access.Scope, id ident.ID, i *Invoice) error {
	if err := orMissing(i.scan(tx.Row(`SELECT `+columns+` FROM invoice WHERE organization_id = $1 AND id = $2`, scope.Organization(), id).Scan)); err != nil {
		return err
	}
	items := []Invoice{*i}
	err := fillCredits(tx, scope, items)
	*i = items[0]
	return err
}

// organizationOf tells whose invoice it is. The transaction's scope is the
// instance.
func organizationOf(tx *db.Tx, id ident.ID) (organization ident.ID, err error) {
	err = orMissing(tx.Row(`SELECT organization_id FROM invoice WHERE id = $1`, id).Scan(&organization))
	return organization, err
}

func orMissing(err error) error {
	if errors.Is(err, db.ErrNoRows) {
		return fault.Missing()
	}
	return err
}

// pendingOf returns the subscription's drafts and open invoices, the oldest first.
func pendingOf(tx *db.Tx, scope access.Scope, subscription ident.ID) (found []*Invoice, err error) {
	rows := tx.Query(`SELECT `+columns+` FROM invoice WHERE organization_id = $1 AND subscription_id = $2 AND status IN ('`+Draft+`', '`+Open+`') ORDER BY id`,
		scope.Organization(), subscription)
	defer rows.Close()
	for rows.Next() {
		i := &Invoice{}
		if err := i.scan(rows.Scan); err != nil {
			return nil, err
		}
		found = append(found, i)
	}
	return found, rows.Err()
}

const isOwed = `amount_paid + amount_credited > total AND issuer_id <> 'stripe'`

// owedAhead asks what is owed to the organization, with the next statement.
func owedAhead(tx *db.Tx, scope access.Scope) db.Row {
	return tx.Ahead(`SELECT COALESCE(CAST(SUM(amount_paid + amount_credited - total) AS bigint), 0) FROM invoice WHERE organization_id = $1 AND `+isOwed, scope.Organization())
}

// owing lists the invoices for which something is owed to the organization, the
// oldest first.
func owing(tx *db.Tx, scope access.Scope, currency string) (found []Invoice, err error) {
	rows := tx.Query(`SELECT `+columns+` FROM invoice WHERE organization_id = $1 AND `+isOwed+` AND currency = $2 ORDER BY id`, scope.Organization(), currency)
	defer rows.Close()
	for rows.Next() {
		var i Invoice
		if err := i.scan(rows.Scan); err != nil {
			return nil, err
		}
		found = append(found, i)
	}
	return found, rows.Err()
}

// openOf returns the organization's open invoice that is due first, nil without one.
func openOf(tx *db.Tx, scope access.Scope, currency string) (*Invoice, error) {
	i := &Invoice{}
	err := i.scan(tx.Row(`SELECT `+columns+` FROM invoice WHERE organization_id = $1 AND status = '`+Open+`' AND currency = $2 AND issuer_id <> 'stripe'
		ORDER BY due_at, id LIMIT 1`, scope.Organization(), currency).Scan)
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil
	}
	return i, err
}

func insert(tx *db.Tx, scope access.Scope, i *Invoice) error {
	seller, buyer, lines, err := i.encoded()
	if err != nil {
		return err
	}
	tx.Queue(`INSERT INTO invoice (organization_id, id, subscription_id, issuer_id, number, status, reason, currency, language, seller, buyer,
			discount_text, lines, subtotal, discount, tax_category, tax_country, tax_rate, tax, total, amount_paid, period_from, period_to,
			issued_at, due_at, paid_at, version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29)`,
		scope.Organization(), i.ID, i.Subscription, i.Issuer, i.Number, i.Status, i.Reason, i.Currency, i.Language, seller, buyer,
		i.DiscountText, lines, i.Subtotal, i.Discount, string(i.Treatment.Category), i.Treatment.Country, i.Treatment.Rate, i.Tax, i.Total, i.AmountPaid,
		i.PeriodFrom, i.PeriodTo, i.IssuedAt, i.DueAt, i.PaidAt, i.Version, i.CreatedAt, i.UpdatedAt)
	db.Count(tx, scope, "invoice", 1)
	return nil
}

func (i *Invoice) encoded() (seller, buyer, lines string, err error) {
	text := func(v any) string {
		content, failed := json.Marshal(v)
		err = errors.Join(err, failed)
		return string(content)
	}
	return text(i.Seller), text(i.Buyer), text(i.Lines), err
}

// finalise stores what makes a draft an invoice.
func finalise(tx *db.Tx, scope access.Scope, i *Invoice) error {
	seller, buyer, lines, err := i.encoded()
	if err != nil {
		return err
	}
	_, err = tx.Exec(`UPDATE invoice SET number = $3, status = $4, seller = $5, buyer = $6, lines = $7, discount = $8, tax_category = $9, tax_country = $10,
			tax_rate = $11, tax = $12, total = $13, issued_at = $14, due_at = $15, paid_at = $16, version = $17, updated_at = $18, issuer_id = $19, amount_paid = $20
		WHERE organization_id = $1 AND id = $2 AND number IS NULL`,
		scope.Organization(), i.ID, i.Number, i.Status, seller, buyer, lines, i.Discount, string(i.Treatment.Category), i.Treatment.Country,
		i.Treatment.Rate, i.Tax, i.Total, i.IssuedAt, i.DueAt, i.PaidAt, i.Version, i.UpdatedAt, i.Issuer, i.AmountPaid)
	return err
}

// settle stores the status and what was paid and taken back.
func settle(tx *db.Tx, scope access.Scope, i *Invoice) error {
	_, err := tx.Exec(`UPDATE invoice SET status = $3, amount_paid = $4, amount_credited = $5, paid_at = $6, version = $7, updated_at = $8
		WHERE organization_id = $1 AND id = $2`,
		scope.Organization(), i.ID, i.Status, i.AmountPaid, i.AmountCredited, i.PaidAt, i.Version, i.UpdatedAt)
	return err
}

func insertPayment(tx *db.Tx, scope access.Scope, p *Payment, now time.Time) {
	tx.Queue(`INSERT INTO payment (organization_id, id, invoice_id, amount, reference, received_at, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		scope.Organization(), p.ID, p.Invoice, p.Amount, p.Reference, p.ReceivedAt, now)
}

const issuerColumns = `id, name, street_line, post_code, city, country, vat_number, bank_account, prefix, next_number, payment_days, grace_days,
	credit_prefix, next_credit_number, logo, receiver_id, vat_exempt, version, created_at, updated_at`

func (i *Issuer) scan(into func(...any) error) error {
	var country string
	err := into(&i.ID, &i.Name, &i.StreetLine, &i.PostCode, &i.City, &country, &i.VATNumber, &i.BankAccount, &i.Prefix, &i.NextNumber,
		&i.PaymentDays, &i.GraceDays, &i.CreditPrefix, &i.NextCreditNumber, &i.Logo, &i.Receiver, &i.VATExempt, &i.Version, &i.CreatedAt, &i.UpdatedAt)
	i.Country = null.Value[string]{V: country, Valid: country != ""}
	return err
}

// issuers lists those that sede numbers invoices for.
var issuers = db.Listing{Table: "invoice_issuer", Select: issuerColumns, Wide: true, Where: "id <> 'stripe'", Order: "id"}

func listIssuers(tx *db.Tx, q *page.Query) (page.Result[Issuer], error) {
	return db.PageOf(&issuers, tx, access.Instance(), q, nil, (*Issuer).scan)
}

func findIssuer(tx *db.Tx, id string, i *Issuer) error {
	return orMissing(i.scan(tx.Row(issuerSQL, id).Scan))
}

const issuerSQL = `SELECT ` + issuerColumns + ` FROM invoice_issuer WHERE id = $1 AND id <> 'stripe'`

// issuing is an issuer as the transaction saw it first.
type issuing struct {
	row  db.Row // until it is scanned
	read bool
	Issuer
}

type issuingKey string

// issuerAhead has an issuer travel with the next statement, once in a transaction.
func issuerAhead(tx *db.Tx, id string) *issuing {
	if i, ok := tx.Kept(issuingKey(id)).(*issuing); ok {
		return i
	}
	i := &issuing{row: tx.Ahead(issuerSQL, id)}
	tx.Keep(issuingKey(id), i)
	return i
}

// issuerOf returns an issuer, which the transaction does not change.
func issuerOf(tx *db.Tx, id string) (*Issuer, error) {
	i := issuerAhead(tx, id)
	if !i.read {
		if err := orMissing(i.scan(i.row.Scan)); err != nil {
			return nil, err
		}
		i.read = true
	}
	return &i.Issuer, nil
}

// updateIssuer stores the issuer if it still has the version before its own; else
// somebody was faster.
func updateIssuer(tx *db.Tx, i *Issuer) error {
	changed, err := tx.Exec(`UPDATE invoice_issuer SET name = $2, street_line = $3, post_code = $4, city = $5, country = $6, vat_number = $7,
			bank_account = $8, prefix = $9, next_number = $10, payment_days = $11, grace_days = $12, credit_prefix = $13, next_credit_number = $14, logo = $15, version = $16, updated_at = $17, receiver_id = $18, vat_exempt = $19
		WHERE id = $1 AND version = $16 - 1`,
		i.ID, i.Name, i.StreetLine, i.PostCode, i.City, i.Country.V, i.VATNumber, i.BankAccount, i.Prefix, i.NextNumber, i.PaymentDays, i.GraceDays,
		i.CreditPrefix, i.NextCreditNumber, i.Logo, i.Version, i.UpdatedAt, i.Receiver, i.VATExempt)
	if err == nil && changed == 0 {
		return fault.New(fault.Conflict, "Somebody else has changed this in the meantime. Read it again and repeat your change.")
	}
	return err
}

// issuersReceivedBy lists the issuers whose money comes in at the organization.
func issuersReceivedBy(tx *db.Tx, organization ident.ID) (found []Issuer, err error) {
	rows := tx.Query(`SELECT `+issuerColumns+` FROM invoice_issuer WHERE receiver_id = $1 ORDER BY id`, organization)
	defer rows.Close()
	for rows.Next() {
		var i Issuer
		if err := i.scan(rows.Scan); err != nil {
			return nil, err
		}
		found = append(found, i)
	}
	return found, rows.Err()
}

func leaveIssuers(tx *db.Tx, scope access.Scope) {
	tx.Queue(`UPDATE invoice_issuer SET receiver_id = NULL, version = version + 1 WHERE receiver_id = $1`, scope.Organization())
}

// unpaid lists invoices of the issuer $1, of all organizations, on which something is
// to be paid.
func unpaid(tx *db.Tx, condition string, args ...any) (found []Invoice, err error) {
	rows := tx.Query(`SELECT `+columns+` FROM invoice WHERE issuer_id = $1 AND status IN ('`+Open+`', '`+Uncollectible+`') AND `+condition+
		` LIMIT `+strconv.Itoa(maxOwed), args...)
	defer rows.Close()
	for rows.Next() {
		var i Invoice
		if err := i.scan(rows.Scan); err != nil {
			return nil, err
		}
		found = append(found, i)
	}
	return found, rows.Err()
}

// hasNumber reports whether the issuer gave the number to an invoice.
func hasNumber(tx *db.Tx, issuer, number string) (has bool, err error) {
	err = tx.Row(`SELECT EXISTS (SELECT 1 FROM invoice WHERE issuer_id = $1 AND number = $2)`, issuer, number).Scan(&has)
	return has, err
}

// takeNumbers takes the issuer's next n numbers and returns the first. Others wait for
// theirs until the transaction ends, so that numbers that are given up are given again.
func takeNumbers(tx *db.Tx, issuer string, n int64) (prefix string, first int64, err error) {
	err = tx.Row(`UPDATE invoice_issuer SET next_number = next_number + $2 WHERE id = $1 RETURNING prefix, next_number`, issuer, n).Scan(&prefix, &first)
	return strings.Clone(prefix), first - n, err
}

// numberText writes a number with at least six digits.
func numberText(n int64) string {
	text := strconv.FormatInt(n, 10)
	for len(text) < 6 {
		text = "0" + text
	}
	return text
}
