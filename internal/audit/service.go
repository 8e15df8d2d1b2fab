package audit

import (
	"context"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/page"
)

// chainOf is the reach to the chain that the caller reads: that of the chosen
// organization, or of the instance.
func chainOf(who *access.Caller) access.Scope {
	if who.Organization.IsZero() {
		return access.Instance()
	}
	return who.Scope()
}

// List returns a page of the entries, the newest first.
func (r Reader) List(ctx context.Context, who *access.Caller, q *page.Query) (result page.Result[Item], err error) {
	if err := mayRead.Check(who); err != nil {
		return result, err
	}
	scope := chainOf(who)
	err = r.DB.Read(ctx, scope, func(tx *db.Tx) (err error) {
		result, err = list(tx, scope, q)
		return err
	})
	return result, err
}

// Get loads an entry; Missing when the chain has no such one.
func (r Reader) Get(ctx context.Context, who *access.Caller, id ident.ID, entry *Item) error {
	if err := mayRead.Check(who); err != nil {
		return err
	}
	scope := chainOf(who)
	return r.DB.Read(ctx, scope, func(tx *db.Tx) error { return find(tx, scope, id, entry) })
}
