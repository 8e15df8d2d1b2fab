package account

import (
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/page"
)

const sessionColumns = `id, address, agent, used_at, expires_at, created_at`

func (v *Session) scan(into func(...any) error) error {
	return into(&v.ID, &v.Address, &v.Agent, &v.LastUsedAt, &v.ExpiresAt, &v.CreatedAt)
}

// sessionListing lists the sessions of the user in $1 that have not ended at $2.
var sessionListing = db.Listing{
	Table: "user_session", Wide: true, Select: sessionColumns, Order: "created_at DESC, id DESC",
	Where: "user_id = $1 AND revoked_at IS NULL AND expires_at > $2",
	Columns: map[string]db.Column{
		"lastUsedAt": {SQL: "used_at"},
		"expiresAt":  {SQL: "expires_at", NotNull: true},
		"createdAt":  {SQL: "created_at", NotNull: true},
	},
}

func listSessions(tx *db.Tx, user ident.ID, now time.Time, q *page.Query) (page.Result[Session], error) {
	return db.PageOf(&sessionListing, tx, access.Instance(), q, []any{user, now}, (*Session).scan)
}

// findSession loads a session of the user that has not ended; Missing when there
// is none.
func findSession(tx *db.Tx, user, id ident.ID, now time.Time, v *Session) error {
	return missing(v.scan(tx.Row(`SELECT `+sessionColumns+` FROM user_session
		WHERE id = $2 AND user_id = $1 AND revoked_at IS NULL AND expires_at > $3`, user, id, now).Scan))
}
