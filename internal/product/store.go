package product

import (
	"encoding/json"
	"errors"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/page"
)

const columns = `id, names, prices, modules, trial_days, active, version, created_at, updated_at`

func (p *Product) scan(into func(...any) error) error {
	var names, prices, modules string
	if err := into(&p.ID, &names, &prices, &modules, &p.TrialDays, &p.Active, &p.Version, &p.CreatedAt, &p.UpdatedAt); err != nil {
		return err
	}
	return errors.Join(json.Unmarshal([]byte(names), &p.Names), json.Unmarshal([]byte(prices), &p.Prices), json.Unmarshal([]byte(modules), &p.Modules))
}

// encoded returns the lists as they are stored.
func (p *Product) encoded() (names, prices, modules string, err error) {
	text := func(v any) string {
		content, failed := json.Marshal(v)
		err = errors.Join(err, failed)
		return string(content)
	}
	if p.Modules == nil {
		p.Modules = []string{}
	}
	return text(p.Names), text(p.Prices), text(p.Modules), err
}

var listing = db.Listing{
	Table:  "product",
	Select: columns,
	Wide:   true,
	Columns: map[string]db.Column{
		"id":        {SQL: "id", NotNull: true},
		"trialDays": {SQL: "trial_days", NotNull: true},
		"active":    {SQL: "active", NotNull: true},
		"createdAt": {SQL: "created_at", NotNull: true},
	},
	Order: "created_at, id",
}

func list(tx *db.Tx, q *page.Query) (page.Result[Product], error) {
	return db.PageOf(&listing, tx, access.Instance(), q, nil, (*Product).scan)
}

func find(tx *db.Tx, id string, p *Product) error {
	return orMissing(p.scan(tx.Row(findSQL, id).Scan))
}

const findSQL = `SELECT ` + columns + ` FROM product WHERE id = $1`

// findAhead has a product travel with the next statement.
func findAhead(tx *db.Tx, id string) func() (Product, error) {
	row := tx.Ahead(findSQL, id)
	return func() (p Product, err error) {
		err = orMissing(p.scan(row.Scan))
		return p, err
	}
}

func orMissing(err error) error {
	if errors.Is(err, db.ErrNoRows) {
		return fault.Missing()
	}
	return err
}

// onSale returns the products that can be bought, the oldest first.
func onSale(tx *db.Tx) (sold []Product, err error) {
	rows := tx.Query(`SELECT ` + columns + ` FROM product WHERE active ORDER BY created_at, id`)
	defer rows.Close()
	for rows.Next() {
		var p Product
		if err := p.scan(rows.Scan); err != nil {
			return nil, err
		}
		sold = append(sold, p)
	}
	return sold, rows.Err()
}

// insert stores the product; the code must be free.
func insert(tx *db.Tx, p *Product) error {
	names, prices, modules, err := p.encoded()
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO product (id, names, prices, modules, trial_days, active, version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		p.ID, names, prices, modules, p.TrialDays, p.Active, p.Version, p.CreatedAt, p.UpdatedAt)
	if db.IsUnique(err, "product_pkey") {
		return fault.Broken(twice("id"))
	}
	return err
}

// update stores the product if it still has the version before its own; else
// somebody was faster.
func update(tx *db.Tx, p *Product) error {
	names, prices, modules, err := p.encoded()
	if err != nil {
		return err
	}
	changed, err := tx.Exec(`UPDATE product SET names = $2, prices = $3, modules = $4, trial_days = $5, active = $6, version = $7, updated_at = $8
		WHERE id = $1 AND version = $7 - 1`,
		p.ID, names, prices, modules, p.TrialDays, p.Active, p.Version, p.UpdatedAt)
	if err == nil && changed == 0 {
		return fault.New(fault.Conflict, "Somebody else has changed this in the meantime. Read it again and repeat your change.")
	}
	return err
}
