package payment

import (
	"errors"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/page"
	"sede/internal/stripe"
	"sede/internal/tax"
)

const columns = `organization_id, id, status, setup_url, external_id, session_id, type, brand, last4, exp_month, exp_year, is_default, removed,
	version, created_at, updated_at`

func (m *Method) scan(into func(...any) error) error {
	return into(&m.Organization, &m.ID, &m.Status, &m.SetupURL, &m.External, &m.Session, &m.Type, &m.Brand, &m.Last4, &m.ExpMonth, &m.ExpYear,
		&m.Default, &m.Removed, &m.Version, &m.CreatedAt, &m.UpdatedAt)
}

var listing = db.Listing{
	Table:   "payment_method",
	Select:  columns,
	Where:   "organization_id = $1 AND NOT removed",
	Columns: map[string]db.Column{"status": {SQL: "status", NotNull: true}, "createdAt": {SQL: "created_at", NotNull: true}},
	Order:   "id DESC",
}

func list(tx *db.Tx, scope access.Scope, q *page.Query) (page.Result[Method], error) {
	return db.PageOf(&listing, tx, scope, q, nil, (*Method).scan)
}

// find loads a payment method. One that is not there, or was taken away, is
// Missing.
func find(tx *db.Tx, scope access.Scope, id ident.ID, m *Method) error {
	return orMissing(m.scan(tx.Row(`SELECT `+columns+` FROM payment_method WHERE organization_id = $1 AND id = $2 AND NOT removed`,
		scope.Organization(), id).Scan))
}

// all returns everything that is stored, also what was taken away.
func all(tx *db.Tx, scope access.Scope) (found []Method, err error) {
	rows := tx.Query(`SELECT `+columns+` FROM payment_method WHERE organization_id = $1 ORDER BY id`, scope.Organization())
	defer rows.Close()
	for rows.Next() {
		var m Method
		if err := m.scan(rows.Scan); err != nil {
			return nil, err
		}
		found = append(found, m)
	}
	return found, rows.Err()
}

func orMissing(err error) error {
	if errors.Is(err, db.ErrNoRows) {
		return fault.Missing()
	}
	return err
}

func insert(tx *db.Tx, scope access.Scope, m *Method) error {
	_, err := tx.Exec(`INSERT INTO payment_method (organization_id, id, status, setup_url, external_id, session_id, type, brand, last4, exp_month, exp_year,
			is_default, removed, version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		scope.Organization(), m.ID, m.Status, m.SetupURL, m.External, m.Session, m.Type, m.Brand, m.Last4, m.ExpMonth, m.ExpYear,
		m.Default, m.Removed, m.Version, m.CreatedAt, m.UpdatedAt)
	return err
}

func update(tx *db.Tx, scope access.Scope, m *Method) error {
	changed, err := tx.Exec(`UPDATE payment_method SET status = $3, setup_url = $4, external_id = $5, type = $6, brand = $7, last4 = $8, exp_month = $9,
			exp_year = $10, is_default = $11, removed = $12, version = $13, updated_at = $14
		WHERE organization_id = $1 AND id = $2 AND version = $13 - 1`,
		scope.Organization(), m.ID, m.Status, m.SetupURL, m.External, m.Type, m.Brand, m.Last4, m.ExpMonth, m.ExpYear, m.Default, m.Removed,
		m.Version, m.UpdatedAt)
	if err == nil && changed == 0 {
		return fault.New(fault.Conflict, "Somebody else has changed this in the meantime. Read it again and repeat your change.")
	}
	return err
}

func remove(tx *db.Tx, scope access.Scope, id ident.ID) error {
	_, err := tx.Exec(`DELETE FROM payment_method WHERE organization_id = $1 AND id = $2`, scope.Organization(), id)
	return err
}

// organizationOf returns whose payment method or page at Stripe it is; Missing when
// it is nobody's.
func organizationOf(tx *db.Tx, external string) (id ident.ID, err error) {
	err = orMissing(tx.Row(`SELECT organization_id FROM payment_method WHERE external_id = $1 OR session_id = $1 LIMIT 1`, external).Scan(&id))
	return id, err
}

// insertEvent stores an event and reports whether it is new.
func insertEvent(tx *db.Tx, e *stripe.Event, about string, now time.Time) (is bool, err error) {
	handled := null.Value[time.Time]{V: now, Valid: about == ""}
	added, err := tx.Exec(`INSERT INTO stripe_event (id, type, subject, happened_at, received_at, handled_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (id) DO NOTHING`, e.ID, e.Type, about, e.Created, now, handled)
	return added == 1, err
}

// take begins to load a subject: it returns a ticket that is higher than all before
// and the events that what is loaded from now on settles.
func take(tx *db.Tx, about string) (ticket int64, events []string, err error) {
	err = tx.Row(`INSERT INTO stripe_fetch (subject, taken, applied) VALUES ($1, 1, 0)
		ON CONFLICT (subject) DO UPDATE SET taken = stripe_fetch.taken + 1 RETURNING taken`, about).Scan(&ticket)
	if err != nil {
		return 0, nil, err
	}
	rows := tx.Query(`SELECT id FROM stripe_event WHERE subject = $1 AND handled_at IS NULL ORDER BY id LIMIT 500`, about)
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return 0, nil, err
		}
		events = append(events, id)
	}
	return ticket, events, rows.Err()
}

// apply reports whether what was loaded with the ticket is the newest so far.
func apply(tx *db.Tx, about string, ticket int64) (newest bool, err error) {
	changed, err := tx.Exec(`UPDATE stripe_fetch SET applied = $2 WHERE subject = $1 AND applied < $2`, about, ticket)
	return changed == 1, err
}

func settle(tx *db.Tx, events []string, now time.Time) {
	for _, id := range events {
		tx.Queue(`UPDATE stripe_event SET handled_at = $2 WHERE id = $1 AND handled_at IS NULL`, id, now)
	}
}

// settled reports whether the event was worked off with another.
func settled(tx *db.Tx, event string) (is bool, err error) {
	err = tx.Row(`SELECT EXISTS (SELECT 1 FROM stripe_event WHERE id = $1 AND handled_at IS NOT NULL)`, event).Scan(&is)
	return is, err
}

// forgetEvents removes some that were worked off before a time.
func forgetEvents(tx *db.Tx, before time.Time) (int64, error) {
	return tx.Exec(`DELETE FROM stripe_event WHERE id IN (SELECT id FROM stripe_event WHERE handled_at < $1 LIMIT 1000)`, before)
}

// invoicesAt returns which invoice each of Stripe's is that is stored.
func invoicesAt(tx *db.Tx, scope access.Scope) (map[string]ident.ID, error) {
	found := map[string]ident.ID{}
	rows := tx.Query(`SELECT id, invoice_id FROM stripe_invoice WHERE organization_id = $1`, scope.Organization())
	defer rows.Close()
	for rows.Next() {
		var external string
		var id ident.ID
		if err := rows.Scan(&external, &id); err != nil {
			return nil, err
		}
		found[external] = id
	}
	return found, rows.Err()
}

func noteInvoice(tx *db.Tx, scope access.Scope, external string, id ident.ID) {
	tx.Queue(`INSERT INTO stripe_invoice (organization_id, id, invoice_id) VALUES ($1, $2, $3)`, scope.Organization(), external, id)
}

func taxRate(tx *db.Tx, t tax.Treatment) (id string, err error) {
	err = orMissing(tx.Row(`SELECT external_id FROM stripe_tax_rate WHERE country = $1 AND rate = $2`, t.Country, t.Rate).Scan(&id))
	return id, err
}

// keepTaxRate stores Stripe's id of a rate if there is none, and returns the one that
// is stored then.
func keepTaxRate(tx *db.Tx, t tax.Treatment, external string) (id string, err error) {
	if _, err := tx.Exec(`INSERT INTO stripe_tax_rate (country, rate, external_id) VALUES ($1, $2, $3) ON CONFLICT (country, rate) DO NOTHING`,
		t.Country, t.Rate, external); err != nil {
		return "", err
	}
	return taxRate(tx, t)
}

func dropTaxRate(tx *db.Tx, t tax.Treatment) {
	tx.Queue(`DELETE FROM stripe_tax_rate WHERE country = $1 AND rate = $2`, t.Country, t.Rate)
}

const driftColumns = `organization_id, id, subscription_id, field, ours, theirs, found_at`

func (d *Drift) scan(into func(...any) error) error {
	return into(&d.Organization, &d.ID, &d.Subscription, &d.Field, &d.Ours, &d.Theirs, &d.FoundAt)
}

// allDrifts lists those of all organizations. The transaction's scope is the
// instance.
var allDrifts = db.Listing{Table: "stripe_drift", Select: driftColumns, Wide: true, Order: "id DESC",
	Columns: map[string]db.Column{"organization": {SQL: "organization_id", NotNull: true}, "subscription": {SQL: "subscription_id", NotNull: true}}}

func listDrifts(tx *db.Tx, q *page.Query) (page.Result[Drift], error) {
	return db.PageOf(&allDrifts, tx, access.Instance(), q, nil, (*Drift).scan)
}

func findDrift(tx *db.Tx, id ident.ID, d *Drift) error {
	return orMissing(d.scan(tx.Row(`SELECT `+driftColumns+` FROM stripe_drift WHERE id = $1`, id).Scan))
}

func driftsOf(tx *db.Tx, scope access.Scope, subscription ident.ID) (found []Drift, err error) {
	rows := tx.Query(`SELECT `+driftColumns+` FROM stripe_drift WHERE organization_id = $1 AND subscription_id = $2 ORDER BY id`, scope.Organization(), subscription)
	defer rows.Close()
	for rows.Next() {
		var d Drift
		if err := d.scan(rows.Scan); err != nil {
			return nil, err
		}
		found = append(found, d)
	}
	return found, rows.Err()
}

func insertDrift(tx *db.Tx, scope access.Scope, d *Drift) {
	tx.Queue(`INSERT INTO stripe_drift (organization_id, id, subscription_id, field, ours, theirs, found_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		scope.Organization(), d.ID, d.Subscription, d.Field, d.Ours, d.Theirs, d.FoundAt)
}

func removeDrift(tx *db.Tx, scope access.Scope, id ident.ID) {
	tx.Queue(`DELETE FROM stripe_drift WHERE organization_id = $1 AND id = $2`, scope.Organization(), id)
}

// customerOfOrganization is who pays for an organization at Stripe.
type customerOfOrganization struct {
	organization ident.ID
	customer     string
}

// customers returns those of all organizations, in order, after one of them.
func customers(tx *db.Tx, last ident.ID, most int) (found []customerOfOrganization, err error) {
	rows := tx.Query(`SELECT id, stripe_customer_id FROM organization WHERE stripe_customer_id IS NOT NULL AND removed_at IS NULL AND id > $1 ORDER BY id LIMIT $2`, last, most)
	defer rows.Close()
	for rows.Next() {
		var c customerOfOrganization
		if err := rows.Scan(&c.organization, &c.customer); err != nil {
			return nil, err
		}
		found = append(found, c)
	}
	return found, rows.Err()
}
