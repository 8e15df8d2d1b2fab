package db

import (
	"errors"

	"sede/internal/access"
	"sede/internal/ident"
)

// errNoScope refuses work on counters without an organization to count for.
var errNoScope = errors.New("db: the zero Scope counts nothing")

// Count adds delta to the number of rows that the scope's organization has of a
// resource, in the same transaction as the rows themselves; the instance's own
// tables are counted under access.Instance. Rows added and rows removed in one
// transaction are counted apart, with one call each, or deep pages go wrong:
// see anchors. Naming the removed rows keeps deep pages fast for this process;
// it is not needed to keep them right. Call it late: on PostgreSQL the counter
// is locked from here to the commit. Its error comes up at the next statement or
// at the commit.
func Count(tx *Tx, scope access.Scope, resource string, delta int64, removed ...ident.ID) {
	if scope == (access.Scope{}) {
		tx.fail(errNoScope)
		return
	}
	const insert = `INSERT INTO row_count (organization_id, resource, rows, removed) VALUES ($1, $2, $3, $4)
		ON CONFLICT (organization_id, resource) DO UPDATE
		SET rows = row_count.rows + excluded.rows, removed = row_count.removed + excluded.removed`
	org := scope.Organization()
	gone := max(0, -delta)
	if tx.db.texts.indexed(resource) {
		tx.AfterCommit(func() {
			if name := (textName{org, resource}); delta > 0 {
				tx.db.texts.notice(name, delta)
			} else {
				tx.db.texts.noticeErasure(name, tx.db.cfg.Clock.Now())
			}
		})
	}
	if gone == 0 || len(removed) != int(gone) || !tx.db.anchors.has(org, resource) {
		tx.Queue(insert, org, resource, delta, gone)
		return
	}
	row := tx.Ahead(insert+" RETURNING removed", org, resource, delta, gone)
	tx.AfterCommit(func() {
		var total int64
		if row.Scan(&total) == nil {
			tx.db.anchors.removed(org, resource, total, removed)
		}
	})
}
