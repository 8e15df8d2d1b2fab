package organization

import (
	"errors"
	"strconv"
	"strings"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/page"
)

const columns = `id, type, status, name, slug, stripe_customer_id, manual_billing, production, seat_limit, icon, logo,
	status_reason, removal_at, version, created_at, updated_at`

func (o *Organization) scan(into func(...any) error) error {
	err := into(&o.ID, &o.Type, &o.Status, &o.Name, &o.Slug, &o.StripeCustomerID, &o.ManualBilling, &o.Production,
		&o.SeatLimit, &o.iconSet, &o.logoSet, &o.StatusReason, &o.RemovalAt, &o.Version, &o.CreatedAt, &o.UpdatedAt)
	o.derive()
	return err
}

var filterColumns = map[string]db.Column{
	"name":      {SQL: "name", Fold: "name_fold", NotNull: true},
	"slug":      {SQL: "slug", NotNull: true},
	"type":      {SQL: "type", NotNull: true},
	"status":    {SQL: "status", NotNull: true},
	"createdAt": {SQL: "created_at", NotNull: true},
	"updatedAt": {SQL: "updated_at", NotNull: true},
}

// everyone lists all organizations, mine those of the user in $1, one the one in
// $2 if the user in $1 is in it.
var (
	everyone = db.Listing{Table: "organization", Wide: true, Select: columns, Where: "removed_at IS NULL", Columns: filterColumns, Order: "id"}
	mine     = db.Listing{Table: "organization", Wide: true, Select: columns, Columns: filterColumns, Order: "id",
		Where: "removed_at IS NULL AND id IN (SELECT organization_id FROM organization_user WHERE user_id = $1 AND status = 'active')"}
	one = db.Listing{Table: "organization", Wide: true, Select: columns, Columns: filterColumns, Order: "id",
		Where: mine.Where + " AND id = $2"}
)

// list returns a page of the organizations that the caller may reach. The
// transaction's scope is the instance.
func list(tx *db.Tx, who *access.Caller, q *page.Query) (page.Result[Organization], error) {
	listing, args := &mine, []any{who.User}
	switch {
	case !who.Key.IsZero():
		listing, args = &one, []any{who.User, who.Organization}
	case who.Operator:
		listing, args = &everyone, nil
	}
	return db.PageOf(listing, tx, tx.Scope(), q, args, (*Organization).scan)
}

func find(tx *db.Tx, id ident.ID, o *Organization) error {
	return orMissing(o.scan(tx.Row(`SELECT `+columns+` FROM organization WHERE id = $1 AND removed_at IS NULL`, id).Scan))
}

// typeOf returns the type of an organization, also of one that was removed.
func typeOf(tx *db.Tx, id ident.ID) (kind string, err error) {
	err = orMissing(tx.Row(`SELECT type FROM organization WHERE id = $1`, id).Scan(&kind))
	return kind, err
}

// idOf resolves a slug. The transaction's scope is the instance.
func idOf(tx *db.Tx, slug string) (id ident.ID, err error) {
	err = orMissing(tx.Row(`SELECT id FROM organization WHERE slug = $1 AND removed_at IS NULL`, slug).Scan(&id))
	return id, err
}

// briefs reads the names and slugs of organizations.
func briefs(tx *db.Tx, organizations []ident.ID) (map[ident.ID]Brief, error) {
	list := make(map[ident.ID]Brief, len(organizations))
	if len(organizations) == 0 {
		return list, nil
	}
	ids := make([]any, len(organizations))
	for i, id := range organizations {
		ids[i] = id
	}
	rows := tx.Query(`SELECT id, name, slug FROM organization WHERE id IN (`+placeholders(len(ids))+`)`, ids...)
	defer rows.Close()
	for rows.Next() {
		var id ident.ID
		var b Brief
		if err := rows.Scan(&id, &b.Name, &b.Slug); err != nil {
			return nil, err
		}
		list[id] = b
	}
	return list, rows.Err()
}

func orMissing(err error) error {
	if errors.Is(err, db.ErrNoRows) {
		return fault.Missing()
	}
	return err
}

func insert(tx *db.Tx, o *Organization) error {
	_, err := tx.Exec(`INSERT INTO organization (id, type, status, name, name_fold, slug, stripe_customer_id, manual_billing,
			production, seat_limit, version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		o.ID, o.Type, o.Status, o.Name, db.Fold(o.Name), o.Slug, o.StripeCustomerID, o.ManualBilling,
		o.Production, o.SeatLimit, o.Version, o.CreatedAt, o.UpdatedAt)
	return err
}

// update stores the organization if it still has the version before its own;
// else somebody was faster.
func update(tx *db.Tx, o *Organization) error {
	changed, err := tx.Exec(`UPDATE organization SET type = $2, status = $3, name = $4, name_fold = $5, slug = $6,
			production = $7, seat_limit = $8, version = $9, updated_at = $10, status_reason = $11, removal_at = $12, manual_billing = $13
		WHERE id = $1 AND version = $9 - 1 AND removed_at IS NULL`,
		o.ID, o.Type, o.Status, o.Name, db.Fold(o.Name), o.Slug, o.Production, o.SeatLimit, o.Version, o.UpdatedAt, o.StatusReason, o.RemovalAt, o.ManualBilling)
	if err == nil && changed == 0 {
		err = fault.New(fault.Conflict, "Somebody else has changed this in the meantime. Read it again and repeat your change.")
	}
	return err
}

// shown is how many companions of a kind an organization lists; their own
// collections have them all.
const shown = 100

// companions fills the lists of IRIs of the organizations, with one statement
// for each kind whatever the number of organizations.
func companions(tx *db.Tx, items []Organization) error {
	if len(items) == 0 {
		return nil
	}
	place := make(map[ident.ID]*Organization, len(items))
	ids := make([]any, len(items))
	for i := range items {
		ids[i] = items[i].ID
		place[items[i].ID] = &items[i]
	}
	err := related(tx, "organization_user", ids, func(o, id ident.ID) { place[o].Users = append(place[o].Users, id) })
	if err == nil {
		err = related(tx, "organization_config", ids, func(o, id ident.ID) { place[o].Configs = append(place[o].Configs, id) })
	}
	if err == nil {
		err = related(tx, addressTable, ids, func(o, id ident.ID) { place[o].Addresses = append(place[o].Addresses, id) })
	}
	return err
}

// related reads the ids of the first rows of a table for each organization.
func related(tx *db.Tx, table string, ids []any, each func(organization, id ident.ID)) error {
	var sql strings.Builder
	for i := range ids {
		if i > 0 {
			sql.WriteString(" UNION ALL ")
		}
		sql.WriteString("SELECT * FROM (SELECT organization_id, id FROM " + table + " WHERE organization_id = $" +
			strconv.Itoa(i+1) + " ORDER BY id LIMIT " + strconv.Itoa(shown) + ") AS first" + strconv.Itoa(i))
	}
	rows := tx.Query(sql.String(), ids...)
	defer rows.Close()
	for rows.Next() {
		var organization, id ident.ID
		if err := rows.Scan(&organization, &id); err != nil {
			return err
		}
		each(organization, id)
	}
	return rows.Err()
}

// rowCounts reads the exact number of rows of each resource.
func rowCounts(tx *db.Tx, items []Organization) (map[ident.ID][]Rows, error) {
	ids := make([]any, len(items))
	for i := range items {
		ids[i] = items[i].ID
	}
	counts := make(map[ident.ID][]Rows, len(items))
	rows := tx.Query(`SELECT organization_id, resource, rows FROM row_count
		WHERE organization_id IN (`+placeholders(len(ids))+`) AND resource <> 'seat' AND resource NOT LIKE '%/%' ORDER BY resource`, ids...)
	defer rows.Close()
	for rows.Next() {
		var organization ident.ID
		var r Rows
		if err := rows.Scan(&organization, &r.Resource, &r.Count); err != nil {
			return nil, err
		}
		counts[organization] = append(counts[organization], r)
	}
	return counts, rows.Err()
}

// placeholders lists $1 to $n.
func placeholders(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(placeholder(i + 1))
	}
	return b.String()
}

func placeholder(n int) string { return "$" + strconv.Itoa(n) }

func findPayer(tx *db.Tx, scope access.Scope) (p Payer, err error) {
	err = orMissing(tx.Row(`SELECT name, manual_billing, stripe_customer_id FROM organization WHERE id = $1`, scope.Organization()).Scan(&p.Name, &p.Manual, &p.Customer))
	return p, err
}

// setCustomer stores the customer if there is none and returns the one that is
// stored then.
func setCustomer(tx *db.Tx, scope access.Scope, customer string) (stored string, err error) {
	err = orMissing(tx.Row(`UPDATE organization SET stripe_customer_id = COALESCE(stripe_customer_id, $2) WHERE id = $1 RETURNING stripe_customer_id`,
		scope.Organization(), customer).Scan(&stored))
	return stored, err
}

func dropCustomer(tx *db.Tx, scope access.Scope, customer string) error {
	_, err := tx.Exec(`UPDATE organization SET stripe_customer_id = NULL WHERE id = $1 AND stripe_customer_id = $2`, scope.Organization(), customer)
	return err
}

func ofCustomer(tx *db.Tx, customer string) (id ident.ID, err error) {
	err = orMissing(tx.Row(`SELECT id FROM organization WHERE stripe_customer_id = $1`, customer).Scan(&id))
	return id, err
}
