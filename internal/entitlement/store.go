package entitlement

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

const columns = `organization_id, id, module, trial_until, bought, decided, decided_until, version, created_at, updated_at`

func (e *Entitlement) scan(into func(...any) error) error {
	return into(&e.Organization, &e.ID, &e.Module, &e.trialUntil, &e.bought, &e.decided, &e.decidedUntil, &e.Version, &e.CreatedAt, &e.UpdatedAt)
}

var listing = db.Listing{
	Table: "organization_module", Select: columns, Order: "module, id",
	Columns: map[string]db.Column{"module": {SQL: "module", NotNull: true}},
}

func list(tx *db.Tx, scope access.Scope, q *page.Query) (page.Result[Entitlement], error) {
	return db.PageOf(&listing, tx, scope, q, nil, (*Entitlement).scan)
}

func find(tx *db.Tx, scope access.Scope, id ident.ID, e *Entitlement) error {
	*e = Entitlement{}
	err := e.scan(tx.Row(`SELECT `+columns+` FROM organization_module WHERE organization_id = $1 AND id = $2`, scope.Organization(), id).Scan)
	if errors.Is(err, db.ErrNoRows) {
		return fault.Missing()
	}
	return err
}

// byInstance are the columns with the times by the instance's clock.
var byInstance = strings.NewReplacer(
	"trial_until", db.ByClock("organization_module.trial_until", "organization_module.organization_id"),
	"decided_until", db.ByClock("organization_module.decided_until", "organization_module.organization_id"),
).Replace(columns)

// heldBy returns all entitlements of the organizations, by module.
func heldBy(tx *db.Tx, organizations []ident.ID) ([]Entitlement, error) {
	return allOf(tx, columns, organizations)
}

// allOf returns all entitlements of the organizations, with their times in the
// columns.
func allOf(tx *db.Tx, of string, organizations []ident.ID) (held []Entitlement, err error) {
	if len(organizations) == 0 {
		return nil, nil
	}
	args := make([]any, len(organizations))
	var in strings.Builder
	for i, id := range organizations {
		args[i] = id
		in.WriteString(", $" + strconv.Itoa(i+1))
	}
	rows := tx.Query(`SELECT `+of+` FROM organization_module WHERE organization_id IN (`+in.String()[2:]+`) ORDER BY module`, args...)
	defer rows.Close()
	for rows.Next() {
		var e Entitlement
		if err := e.scan(rows.Scan); err != nil {
			return nil, err
		}
		held = append(held, e)
	}
	return held, rows.Err()
}

// lock makes those who change the organization's entitlements take turns.
func lock(tx *db.Tx, scope access.Scope) error {
	return tx.Lock("organization/module/" + scope.Organization().String())
}

func insert(tx *db.Tx, scope access.Scope, e *Entitlement) {
	tx.Queue(`INSERT INTO organization_module (organization_id, id, module, trial_until, bought, decided, decided_until, version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		scope.Organization(), e.ID, e.Module, e.trialUntil, e.bought, e.decided, e.decidedUntil, e.Version, e.CreatedAt, e.UpdatedAt)
}

func update(tx *db.Tx, scope access.Scope, e *Entitlement) error {
	changed, err := tx.Exec(`UPDATE organization_module SET trial_until = $3, bought = $4, decided = $5, decided_until = $6, version = $7, updated_at = $8
		WHERE organization_id = $1 AND id = $2 AND version = $7 - 1`,
		scope.Organization(), e.ID, e.trialUntil, e.bought, e.decided, e.decidedUntil, e.Version, e.UpdatedAt)
	if err == nil && changed == 0 {
		return fault.New(fault.Conflict, "Somebody else has changed this in the meantime. Read it again and repeat your change.")
	}
	return err
}

func remove(tx *db.Tx, scope access.Scope, id ident.ID) {
	tx.Queue(`DELETE FROM organization_module WHERE organization_id = $1 AND id = $2`, scope.Organization(), id)
}
