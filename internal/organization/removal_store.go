package organization

import (
	"strings"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
)

// demos lists the active demo organizations.
func demos(tx *db.Tx) (list []ident.ID, err error) {
	rows := tx.Query(`SELECT id FROM organization WHERE type = $1 AND status = $2 AND removed_at IS NULL ORDER BY id`, Demo, Active)
	defer rows.Close()
	for rows.Next() {
		var id ident.ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		list = append(list, id)
	}
	return list, rows.Err()
}

// hide empties the organization's row and takes it out of what can be found, if it
// still has the version before its own.
func hide(tx *db.Tx, o *Organization) error {
	changed, err := tx.Exec(`UPDATE organization SET name = $2, name_fold = $2, slug = $3, stripe_customer_id = NULL, icon = NULL, logo = NULL, removal_at = NULL,
			status_reason = NULL, removed_at = $4, version = $5, updated_at = $4 WHERE id = $1 AND version = $5 - 1`,
		o.ID, o.Name, o.Slug, o.UpdatedAt, o.Version)
	if err == nil && changed == 0 {
		err = fault.New(fault.Conflict, "Somebody else has changed this in the meantime. Read it again and repeat your change.")
	}
	return err
}

// imagesAfter lists the images that the organization ever showed, those behind
// last, and returns the last one's id.
func imagesAfter(tx *db.Tx, scope access.Scope, last ident.ID, most int) (list []imageSet, end ident.ID, err error) {
	rows := tx.Query(`SELECT id, address, sizes FROM organization_image WHERE organization_id = $1 AND id > $2 ORDER BY id LIMIT $3`,
		scope.Organization(), last, most)
	defer rows.Close()
	for end = last; rows.Next(); {
		var address, sizes string
		if err := rows.Scan(&end, &address, &sizes); err != nil {
			return nil, end, err
		}
		list = append(list, parseSet(strings.Clone(address+" "+sizes)))
	}
	return list, end, rows.Err()
}
