package meeting

import (
	"errors"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
)

// findInvitation loads what an employee was told of a meeting; false when nobody
// was told anything.
func findInvitation(tx *db.Tx, scope access.Scope, meeting ident.ID) (i invitation, found bool, err error) {
	err = tx.Row(`SELECT employee_id, name, email, organizer, sequence FROM meeting_invitation WHERE organization_id = $1 AND meeting_id = $2`,
		scope.Organization(), meeting).Scan(&i.employee, &i.name, &i.email, &i.organizer, &i.sequence)
	if errors.Is(err, db.ErrNoRows) {
		return i, false, nil
	}
	return i, err == nil, err
}

func insertInvitation(tx *db.Tx, scope access.Scope, meeting ident.ID, i *invitation) {
	tx.Queue(`INSERT INTO meeting_invitation (organization_id, meeting_id, employee_id, name, email, organizer, sequence)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		scope.Organization(), meeting, i.employee, i.name, i.email, i.organizer, i.sequence)
}

func updateInvitation(tx *db.Tx, scope access.Scope, meeting ident.ID, sequence int64) {
	tx.Queue(`UPDATE meeting_invitation SET sequence = $3 WHERE organization_id = $1 AND meeting_id = $2`, scope.Organization(), meeting, sequence)
}

func deleteInvitation(tx *db.Tx, scope access.Scope, meeting ident.ID) {
	tx.Queue(`DELETE FROM meeting_invitation WHERE organization_id = $1 AND meeting_id = $2`, scope.Organization(), meeting)
}
