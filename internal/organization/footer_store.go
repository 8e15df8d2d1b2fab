package organization

import (
	"errors"

	"sede/internal/access"
	"sede/internal/db"
)

// findFooter loads the scope's footer; one that never was has version 0.
func findFooter(tx *db.Tx, scope access.Scope, f *MailFooter) error {
	*f = MailFooter{Organization: scope.Organization()}
	err := tx.Row(`SELECT html, version, updated_at FROM organization_mail_footer WHERE organization_id = $1`, scope.Organization()).
		Scan(&f.HTML, &f.Version, &f.UpdatedAt)
	if errors.Is(err, db.ErrNoRows) {
		return nil
	}
	return err
}

// putFooter stores the footer. Who stores it at the same time waits and sees it.
func putFooter(tx *db.Tx, scope access.Scope, f *MailFooter) {
	tx.Queue(`INSERT INTO organization_mail_footer (organization_id, html, version, updated_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (organization_id) DO UPDATE SET html = excluded.html, version = excluded.version, updated_at = excluded.updated_at`,
		scope.Organization(), f.HTML, f.Version, f.UpdatedAt)
	if f.Version == 1 {
		db.Count(tx, scope, "organization_mail_footer", 1)
	}
}
