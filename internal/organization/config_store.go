package organization

import (
	"errors"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/page"
)

const configColumns = `organization_id, id, key, value, version, created_at, updated_at`

func (c *Config) scan(into func(...any) error) error {
	return into(&c.Organization, &c.ID, &c.Key, &c.Value, &c.Version, &c.CreatedAt, &c.UpdatedAt)
}

var configs = db.Listing{
	Table: "organization_config", Select: configColumns, Order: "id", Counted: true,
	Columns: map[string]db.Column{
		"key": {SQL: "key"}, "value": {SQL: "value"}, "createdAt": {SQL: "created_at"}, "updatedAt": {SQL: "updated_at"},
	},
}

func listConfigs(tx *db.Tx, scope access.Scope, q *page.Query) (page.Result[Config], error) {
	return db.PageOf(&configs, tx, scope, q, nil, (*Config).scan)
}

func findConfig(tx *db.Tx, scope access.Scope, id ident.ID, c *Config) error {
	return orMissing(c.scan(tx.Row(`SELECT `+configColumns+` FROM organization_config WHERE organization_id = $1 AND id = $2`,
		scope.Organization(), id).Scan))
}

// configValues reads the organization's name and its settings by their keys.
func configValues(tx *db.Tx, scope access.Scope) (name string, values map[string]string, err error) {
	values = make(map[string]string, len(configRules))
	rows := tx.Query(`SELECT o.name, c.key, c.value FROM organization o
		LEFT JOIN organization_config c ON c.organization_id = o.id WHERE o.id = $1`, scope.Organization())
	defer rows.Close()
	for rows.Next() {
		var key, value null.Value[string]
		if err := rows.Scan(&name, &key, &value); err != nil {
			return "", nil, err
		}
		if key.Valid {
			values[key.V] = value.V
		}
	}
	return name, values, rows.Err()
}

// configValue reads one setting, its default when it is not there.
func configValue(tx *db.Tx, scope access.Scope, key string) (value string, err error) {
	err = tx.Row(`SELECT value FROM organization_config WHERE organization_id = $1 AND key = $2`, scope.Organization(), key).Scan(&value)
	if errors.Is(err, db.ErrNoRows) {
		return configRuleOf(key).initial, nil
	}
	return value, err
}

// insertConfig stores a new setting. One of that key fails the transaction with
// the unique constraint organization_config_key.
func insertConfig(tx *db.Tx, scope access.Scope, c *Config) {
	tx.Queue(`INSERT INTO organization_config (organization_id, id, key, value, version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		scope.Organization(), c.ID, c.Key, c.Value, c.Version, c.CreatedAt, c.UpdatedAt)
	db.Count(tx, scope, "organization_config", 1)
}

// hasConfig reports whether there is a setting of that key.
func hasConfig(tx *db.Tx, scope access.Scope, key string) (bool, error) {
	var one int64
	err := tx.Row(`SELECT 1 FROM organization_config WHERE organization_id = $1 AND key = $2`, scope.Organization(), key).Scan(&one)
	if errors.Is(err, db.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// updateConfig stores the setting's value if it still has the version before its
// own; else somebody was faster.
func updateConfig(tx *db.Tx, scope access.Scope, c *Config) error {
	changed, err := tx.Exec(`UPDATE organization_config SET value = $3, version = $4, updated_at = $5
		WHERE organization_id = $1 AND id = $2 AND version = $4 - 1`, scope.Organization(), c.ID, c.Value, c.Version, c.UpdatedAt)
	if err == nil && changed == 0 {
		return fault.New(fault.Conflict, "Somebody else has changed this in the meantime. Read it again and repeat your change.")
	}
	return err
}

// deleteConfig removes a setting; Missing when somebody else just did.
func deleteConfig(tx *db.Tx, scope access.Scope, id ident.ID) error {
	changed, err := tx.Exec(`DELETE FROM organization_config WHERE organization_id = $1 AND id = $2`, scope.Organization(), id)
	if err == nil && changed == 0 {
		return fault.Missing()
	}
	db.Count(tx, scope, "organization_config", -1, id)
	return err
}
