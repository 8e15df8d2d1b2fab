package account

import (
	"errors"
	"strings"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/page"
)

const apiKeyColumns = `id, user_id, name, hint, scopes, expires_at, used_at, created_at`

func (k *APIKey) scan(into func(...any) error) error {
	var scopes string
	err := into(&k.ID, &k.User, &k.Name, &k.Hint, &scopes, &k.ExpiresAt, &k.LastUsedAt, &k.CreatedAt)
	k.Scopes = strings.Fields(scopes)
	return err
}

var apiKeyFilters = map[string]db.Column{
	"user":       {SQL: "user_id", NotNull: true},
	"name":       {SQL: "name", Fold: "name_fold", NotNull: true},
	"expiresAt":  {SQL: "expires_at", NotNull: true},
	"lastUsedAt": {SQL: "used_at"},
	"createdAt":  {SQL: "created_at", NotNull: true},
}

// allAPIKeys lists the keys of an organization, ownAPIKeys those of the user in
// $2.
var (
	allAPIKeys = db.Listing{Table: "api_key", Select: apiKeyColumns, Columns: apiKeyFilters, Order: "id", Counted: true}
	ownAPIKeys = db.Listing{Table: "api_key", Select: apiKeyColumns, Columns: apiKeyFilters, Order: "id",
		Where: "organization_id = $1 AND user_id = $2"}
)

// listAPIKeys returns a page of the keys of an organization, or of one user there.
func listAPIKeys(tx *db.Tx, scope access.Scope, only null.Value[ident.ID], q *page.Query) (page.Result[APIKey], error) {
	listing, args := &allAPIKeys, []any(nil)
	if only.Valid {
		listing, args = &ownAPIKeys, []any{only.V}
	}
	return db.PageOf(listing, tx, scope, q, args, (*APIKey).scan)
}

func findAPIKey(tx *db.Tx, scope access.Scope, id ident.ID, k *APIKey) error {
	return missing(k.scan(tx.Row(`SELECT `+apiKeyColumns+` FROM api_key WHERE organization_id = $1 AND id = $2`,
		scope.Organization(), id).Scan))
}

// keysOf returns all keys of a user in the organization.
func keysOf(tx *db.Tx, scope access.Scope, user ident.ID) (list []APIKey, err error) {
	rows := tx.Query(`SELECT `+apiKeyColumns+` FROM api_key WHERE organization_id = $1 AND user_id = $2 ORDER BY id`, scope.Organization(), user)
	defer rows.Close()
	for rows.Next() {
		var k APIKey
		if err := k.scan(rows.Scan); err != nil {
			return nil, err
		}
		list = append(list, k)
	}
	return list, rows.Err()
}

// countAPIKeys returns how many keys a user has in the organization.
func countAPIKeys(tx *db.Tx, scope access.Scope, user ident.ID) (n int64, err error) {
	err = tx.Row(`SELECT count(*) FROM api_key WHERE organization_id = $1 AND user_id = $2`, scope.Organization(), user).Scan(&n)
	return n, err
}

func insertAPIKey(tx *db.Tx, scope access.Scope, k *APIKey, hash []byte) {
	tx.Queue(`INSERT INTO api_key (organization_id, id, user_id, name, name_fold, hash, hint, scopes, expires_at, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		scope.Organization(), k.ID, k.User, k.Name, db.Fold(k.Name), hash, k.Hint, strings.Join(k.Scopes, " "), k.ExpiresAt, k.CreatedAt)
	db.Count(tx, scope, "api_key", 1)
}

// deleteAPIKey removes a key. It reports whether it was there.
func deleteAPIKey(tx *db.Tx, scope access.Scope, id ident.ID) (bool, error) {
	gone, err := tx.Exec(`DELETE FROM api_key WHERE organization_id = $1 AND id = $2`, scope.Organization(), id)
	if err == nil && gone == 1 {
		db.Count(tx, scope, "api_key", -1, id)
	}
	return gone == 1, err
}

// findKeyPass returns what the key with the hash stands for; false when there is
// none. The transaction's scope is the instance.
func findKeyPass(tx *db.Tx, hash []byte) (p pass, found bool, err error) {
	var scopes string
	var expires time.Time
	err = tx.Row(`SELECT organization_id, id, user_id, scopes, expires_at FROM api_key WHERE hash = $1`, hash).
		Scan(&p.organization, &p.key, &p.user, &scopes, &expires)
	if errors.Is(err, db.ErrNoRows) {
		return p, false, nil
	}
	p.grants, p.expires = grantsOf(strings.Fields(scopes)), expires.Unix()
	return p, err == nil, err
}

// touchKey notes when a key was used. The transaction's scope is the instance.
func touchKey(tx *db.Tx, id ident.ID, at time.Time) {
	tx.Queue(`UPDATE api_key SET used_at = $2 WHERE id = $1 AND (used_at IS NULL OR used_at < $2)`, id, at)
}
