package coupon

import (
	"encoding/json"
	"errors"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/page"
)

const columns = `id, code, name, percent, amount, currency, duration, periods, redeem_by, max_redemptions, redemptions,
	applies_to, active, version, created_at, updated_at`

func (c *Coupon) scan(into func(...any) error) error {
	var targets string
	if err := into(&c.ID, &c.Code, &c.Name, &c.Percent, &c.Amount, &c.Currency, &c.Duration, &c.Periods, &c.RedeemBy, &c.MaxRedemptions,
		&c.Redemptions, &targets, &c.Active, &c.Version, &c.CreatedAt, &c.UpdatedAt); err != nil {
		return err
	}
	return json.Unmarshal([]byte(targets), &c.AppliesTo)
}

var listing = db.Listing{
	Table:  "coupon",
	Select: columns,
	Wide:   true,
	Columns: map[string]db.Column{
		"code":      {SQL: "code", NotNull: true},
		"duration":  {SQL: "duration", NotNull: true},
		"redeemBy":  {SQL: "redeem_by"},
		"active":    {SQL: "active", NotNull: true},
		"createdAt": {SQL: "created_at", NotNull: true},
	},
	Order: "id DESC",
}

func list(tx *db.Tx, q *page.Query) (page.Result[Coupon], error) {
	return db.PageOf(&listing, tx, access.Instance(), q, nil, (*Coupon).scan)
}

func find(tx *db.Tx, id ident.ID, c *Coupon) error {
	return orMissing(c.scan(tx.Row(`SELECT `+columns+` FROM coupon WHERE id = $1`, id).Scan))
}

func findByCode(tx *db.Tx, code string, c *Coupon) error {
	return orMissing(c.scan(tx.Row(`SELECT `+columns+` FROM coupon WHERE code = $1`, code).Scan))
}

func orMissing(err error) error {
	if errors.Is(err, db.ErrNoRows) {
		return fault.Missing()
	}
	return err
}

// insert stores the coupon; its code must be free.
func insert(tx *db.Tx, c *Coupon) error {
	if c.AppliesTo == nil {
		c.AppliesTo = []Target{}
	}
	targets, err := json.Marshal(c.AppliesTo)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO coupon (id, code, name, percent, amount, currency, duration, periods, redeem_by, max_redemptions, redemptions,
			applies_to, active, version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		c.ID, c.Code, c.Name, c.Percent, c.Amount, c.Currency, c.Duration, c.Periods, c.RedeemBy, c.MaxRedemptions, c.Redemptions,
		string(targets), c.Active, c.Version, c.CreatedAt, c.UpdatedAt)
	if db.IsUnique(err, "coupon_code") {
		return fault.Broken(fault.Violation{Path: "code", Code: fault.CodeUnique, Text: fault.Textf("This value is already used.")})
	}
	return err
}

// update stores what may change of the coupon if it still has the version before
// its own; else somebody was faster.
func update(tx *db.Tx, c *Coupon) error {
	changed, err := tx.Exec(`UPDATE coupon SET name = $2, redeem_by = $3, max_redemptions = $4, active = $5, version = $6, updated_at = $7
		WHERE id = $1 AND version = $6 - 1`,
		c.ID, c.Name, c.RedeemBy, c.MaxRedemptions, c.Active, c.Version, c.UpdatedAt)
	if err == nil && changed == 0 {
		return fault.New(fault.Conflict, "Somebody else has changed this in the meantime. Read it again and repeat your change.")
	}
	return err
}

// redeem counts a redemption if one is left.
func redeem(tx *db.Tx, id ident.ID, now time.Time) (bool, error) {
	changed, err := tx.Exec(`UPDATE coupon SET redemptions = redemptions + 1
		WHERE id = $1 AND active AND (redeem_by IS NULL OR redeem_by > $2) AND (max_redemptions IS NULL OR redemptions < max_redemptions)`, id, now)
	return changed == 1, err
}
