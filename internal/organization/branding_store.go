package organization

import (
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
)

// lockImages holds the images of the scope's organization until the transaction
// ends.
func lockImages(tx *db.Tx, scope access.Scope) error {
	return tx.Lock("organization/images/" + scope.Organization().String())
}

// updateImages stores which images the scope's organization shows, if it still has
// the version before its own; else somebody was faster.
func updateImages(tx *db.Tx, scope access.Scope, o *Organization) error {
	changed, err := tx.Exec(`UPDATE organization SET icon = $2, logo = $3, version = $4, updated_at = $5
		WHERE id = $1 AND version = $4 - 1 AND removed_at IS NULL`,
		scope.Organization(), o.iconSet, o.logoSet, o.Version, o.UpdatedAt)
	if err == nil && changed == 0 {
		err = fault.New(fault.Conflict, "Somebody else has changed this in the meantime. Read it again and repeat your change.")
	}
	return err
}

// rememberImage writes down that the organization has shown an image, unless it
// is known.
func rememberImage(tx *db.Tx, scope access.Scope, id ident.ID, kind string, set imageSet, now time.Time) error {
	added, err := tx.Exec(`INSERT INTO organization_image (organization_id, id, kind, address, sizes, created_at)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (organization_id, address) DO NOTHING`,
		scope.Organization(), id, kind, set.address, set.sizesText(), now)
	if err == nil && added > 0 {
		db.Count(tx, scope, "organization_image", 1)
	}
	return err
}

// imagesShown counts the images that the organization ever showed, and reports
// whether one with the address is among them.
func imagesShown(tx *db.Tx, scope access.Scope, address string) (n int64, known bool, err error) {
	var same int64
	err = tx.Row(`SELECT count(*), count(CASE WHEN address = $2 THEN 1 END) FROM organization_image WHERE organization_id = $1`,
		scope.Organization(), address).Scan(&n, &same)
	return n, same > 0, err
}

// hasImage reports whether there is or was an image with that address.
func hasImage(tx *db.Tx, address string) (has bool, err error) {
	err = tx.Row(`SELECT EXISTS (SELECT 1 FROM organization_image WHERE address = $1)`, address).Scan(&has)
	return has, err
}
