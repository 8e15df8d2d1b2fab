package organization

import (
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/null"
)

// removedAt is when an organization was hidden for good, or until it has come in.
func removedAt(tx *db.Tx, id ident.ID) (at null.Value[time.Time], err error) {
	err = orMissing(tx.Row(`SELECT removed_at FROM organization WHERE id = $1`, id).Scan(&at))
	return at, err
}

// insertHidden stores an organization that nobody finds.
func insertHidden(tx *db.Tx, id ident.ID, kind string, now time.Time) error {
	_, err := tx.Exec(`INSERT INTO organization (id, type, status, name, name_fold, slug, manual_billing, production, version, created_at, updated_at, removed_at)
		VALUES ($1, $2, $3, '', '', $4, $5, $5, 1, $6, $6, $6)`, id, kind, Active, id.String(), false, now)
	return err
}

// show stores what an organization is that was hidden, and takes it into what can
// be found.
func show(tx *db.Tx, o *Organization) error {
	_, err := tx.Exec(`UPDATE organization SET type = $2, status = $3, name = $4, name_fold = $5, slug = $6, stripe_customer_id = $7,
			manual_billing = $8, production = $9, seat_limit = $10, icon = $11, logo = $12, status_reason = $13, version = $14,
			created_at = $15, updated_at = $16, removal_at = NULL, removed_at = NULL WHERE id = $1`,
		o.ID, o.Type, o.Status, o.Name, db.Fold(o.Name), o.Slug, o.StripeCustomerID, o.ManualBilling, o.Production, o.SeatLimit,
		o.iconSet, o.logoSet, o.StatusReason, o.Version, o.CreatedAt, o.UpdatedAt)
	return err
}

func deleteHidden(tx *db.Tx, id ident.ID) {
	tx.Queue(`DELETE FROM organization WHERE id = $1 AND removed_at IS NOT NULL`, id)
}

// insertArrived stores a member who comes in with the organization.
func insertArrived(tx *db.Tx, scope access.Scope, m *Member) error {
	_, err := tx.Exec(`INSERT INTO organization_user (organization_id, id, user_id, name, name_fold, email, email_fold,
			role, status, joined_at, version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		scope.Organization(), m.ID, m.User, m.Name, db.Fold(m.Name), m.Email, db.Fold(m.Email),
		m.Role, m.Status, m.JoinedAt, m.Version, m.CreatedAt, m.UpdatedAt)
	return err
}
