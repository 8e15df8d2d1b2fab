package organization

import (
	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/page"
)

const addressTable = "organization_address"

const addressColumns = `organization_id, id, name, street_line, building_number, locale_number, post_code, city, country,
	phone_number, email, tin, vat_number, version, created_at, updated_at`

func (a *Address) scan(into func(...any) error) error {
	return into(&a.Organization, &a.ID, &a.Name, &a.StreetLine, &a.BuildingNumber, &a.LocaleNumber, &a.PostCode, &a.City, &a.Country,
		&a.PhoneNumber, &a.Email, &a.TIN, &a.VATNumber, &a.Version, &a.CreatedAt, &a.UpdatedAt)
}

var addresses = db.Listing{
	Table: addressTable, Select: addressColumns, Order: "id", Counted: true,
	Columns: map[string]db.Column{
		"name":      {SQL: "name", Fold: "name_fold", NotNull: true},
		"city":      {SQL: "city", Fold: "city_fold"},
		"country":   {SQL: "country", NotNull: true},
		"vatNumber": {SQL: "vat_number"},
		"createdAt": {SQL: "created_at", NotNull: true},
		"updatedAt": {SQL: "updated_at", NotNull: true},
	},
}

func listAddresses(tx *db.Tx, scope access.Scope, q *page.Query) (page.Result[Address], error) {
	return db.PageOf(&addresses, tx, scope, q, nil, (*Address).scan)
}

func findAddress(tx *db.Tx, scope access.Scope, id ident.ID, a *Address) error {
	return orMissing(a.scan(tx.Row(addressSQL, scope.Organization(), id).Scan))
}

// addressAhead has an address travel with the next statement.
func addressAhead(tx *db.Tx, scope access.Scope, id ident.ID) func() (Address, error) {
	row := tx.Ahead(addressSQL, scope.Organization(), id)
	return func() (a Address, err error) {
		err = orMissing(a.scan(row.Scan))
		return a, err
	}
}

const addressSQL = `SELECT ` + addressColumns + ` FROM organization_address WHERE organization_id = $1 AND id = $2`

// foldedCity is the city as it is searched by, nil without one.
func (a *Address) foldedCity() any {
	if !a.City.Valid {
		return nil
	}
	return db.Fold(a.City.V)
}

func insertAddress(tx *db.Tx, scope access.Scope, a *Address) {
	tx.Queue(`INSERT INTO organization_address (organization_id, id, name, name_fold, street_line, building_number, locale_number,
			post_code, city, city_fold, country, phone_number, email, tin, vat_number, version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
		scope.Organization(), a.ID, a.Name, db.Fold(a.Name), a.StreetLine, a.BuildingNumber, a.LocaleNumber,
		a.PostCode, a.City, a.foldedCity(), a.Country, a.PhoneNumber, a.Email, a.TIN, a.VATNumber, a.Version, a.CreatedAt, a.UpdatedAt)
	db.Count(tx, scope, addressTable, 1)
}

// updateAddress stores the address if it still has the version before its own;
// else somebody was faster.
func updateAddress(tx *db.Tx, scope access.Scope, a *Address) error {
	changed, err := tx.Exec(`UPDATE organization_address SET name = $3, name_fold = $4, street_line = $5, building_number = $6,
			locale_number = $7, post_code = $8, city = $9, city_fold = $10, country = $11, phone_number = $12, email = $13,
			tin = $14, vat_number = $15, version = $16, updated_at = $17
		WHERE organization_id = $1 AND id = $2 AND version = $16 - 1`,
		scope.Organization(), a.ID, a.Name, db.Fold(a.Name), a.StreetLine, a.BuildingNumber, a.LocaleNumber,
		a.PostCode, a.City, a.foldedCity(), a.Country, a.PhoneNumber, a.Email, a.TIN, a.VATNumber, a.Version, a.UpdatedAt)
	if err == nil && changed == 0 {
		return fault.New(fault.Conflict, "Somebody else has changed this in the meantime. Read it again and repeat your change.")
	}
	return err
}

func firstAddress(tx *db.Tx, scope access.Scope) (id ident.ID, err error) {
	err = orMissing(tx.Row(`SELECT id FROM organization_address WHERE organization_id = $1 ORDER BY id LIMIT 1`, scope.Organization()).Scan(&id))
	return id, err
}

// deleteAddress removes an address; Missing when somebody else just did.
func deleteAddress(tx *db.Tx, scope access.Scope, id ident.ID) error {
	changed, err := tx.Exec(`DELETE FROM organization_address WHERE organization_id = $1 AND id = $2`, scope.Organization(), id)
	if err == nil && changed == 0 {
		return fault.Missing()
	}
	db.Count(tx, scope, addressTable, -1, id)
	return err
}
