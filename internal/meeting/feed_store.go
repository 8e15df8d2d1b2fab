package meeting

import (
	"bytes"
	"crypto/subtle"
	"errors"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/page"
	"sede/internal/secret"
)

const feedColumns = `id, user_id, CASE WHEN busy THEN '` + BusyOnly + `' ELSE '` + Everything + `' END, version, created_at, updated_at`

func (f *Feed) scan(into func(...any) error) error {
	return into(&f.ID, &f.User, &f.Content, &f.Version, &f.CreatedAt, &f.UpdatedAt)
}

// The feeds of an organization, and those of one user.
var (
	feedListing    = db.Listing{Table: "meeting_feed", Select: feedColumns, Columns: feedFilters, Order: "id"}
	ownFeedListing = db.Listing{Table: "meeting_feed", Select: feedColumns, Columns: feedFilters, Where: "organization_id = $1 AND user_id = $2", Order: "id"}
	feedFilters    = map[string]db.Column{"user": {SQL: "user_id", NotNull: true}}
)

// listFeeds returns a page of the feeds that are in reach.
func listFeeds(tx *db.Tx, scope access.Scope, r feedReach, q *page.Query) (page.Result[Feed], error) {
	listing, args := &feedListing, []any(nil)
	if !r.all {
		listing, args = &ownFeedListing, []any{r.user}
	}
	return db.PageOf(listing, tx, scope, q, args, (*Feed).scan)
}

// findFeed loads a feed. One that is not there, or not in scope, is Missing.
func findFeed(tx *db.Tx, scope access.Scope, id ident.ID, f *Feed) error {
	*f = Feed{}
	err := f.scan(tx.Row(`SELECT `+feedColumns+` FROM meeting_feed WHERE organization_id = $1 AND id = $2`, scope.Organization(), id).Scan)
	if errors.Is(err, db.ErrNoRows) {
		return fault.Missing()
	}
	return err
}

// openFeed loads the feed with a secret in the clear, and says whose organization's it is.
func openFeed(tx *db.Tx, plain string, f *Feed) (organization ident.ID, err error) {
	hash := secret.HashToken(plain)
	var stored []byte
	err = f.scan(func(into ...any) error {
		return tx.Row(`SELECT organization_id, secret_hash, `+feedColumns+` FROM meeting_feed WHERE secret_hash = $1`,
			hash).Scan(append([]any{&organization, &stored}, into...)...)
	})
	if errors.Is(err, db.ErrNoRows) || err == nil && subtle.ConstantTimeCompare(stored, hash) != 1 {
		return organization, fault.Missing()
	}
	f.hash = bytes.Clone(stored)
	return organization, err
}

func insertFeed(tx *db.Tx, scope access.Scope, f *Feed) error {
	_, err := tx.Exec(`INSERT INTO meeting_feed (organization_id, id, user_id, busy, secret_hash, version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		scope.Organization(), f.ID, f.User, f.Content == BusyOnly, f.hash, f.Version, f.CreatedAt, f.UpdatedAt)
	return err
}

// renewFeed stores the feed's new secret.
func renewFeed(tx *db.Tx, scope access.Scope, f *Feed) error {
	_, err := tx.Exec(`UPDATE meeting_feed SET secret_hash = $3, version = $4, updated_at = $5 WHERE organization_id = $1 AND id = $2`,
		scope.Organization(), f.ID, f.hash, f.Version, f.UpdatedAt)
	return err
}

func deleteFeed(tx *db.Tx, scope access.Scope, id ident.ID) error {
	_, err := tx.Exec(`DELETE FROM meeting_feed WHERE organization_id = $1 AND id = $2`, scope.Organization(), id)
	return err
}

// inFeed returns the employee's meetings that touch the stretch of time, in the
// order of their windows, cancelled ones too.
func inFeed(tx *db.Tx, scope access.Scope, employee ident.ID, s stretch) (list []Meeting, err error) {
	from, args := (&selection{employee: null.Of(employee), gone: true, span: null.Of(s)}).listing()
	rows := tx.Query(`SELECT `+touchedColumns+` FROM `+from.From+` ORDER BY `+touchedOrder+` LIMIT $5`,
		append(append([]any{scope.Organization()}, args...), maxFeed)...)
	defer rows.Close()
	for rows.Next() {
		list = append(list, Meeting{})
		if err := list[len(list)-1].scanTouched(rows.Scan); err != nil {
			return nil, err
		}
	}
	return list, rows.Err()
}
