package meeting

import (
	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
)

// imported is an event that became a meeting before.
type imported struct {
	uid, occurrence string
	meeting         ident.ID
	starts          int64 // seconds since 1970, when it was meant to begin
}

// uidsAtOnce is how many UIDs one statement looks for.
const uidsAtOnce = 256

// importedOf returns what became of the events with those UIDs.
func importedOf(tx *db.Tx, scope access.Scope, employee ident.ID, uids []string) (list []imported, err error) {
	for len(uids) > 0 {
		some := uids[:min(len(uids), uidsAtOnce)]
		uids = uids[len(some):]
		args := []any{scope.Organization(), employee}
		for _, uid := range some {
			args = append(args, uid)
		}
		for n := len(some); n&(n-1) != 0; n++ { // so that few statements are made of it
			args = append(args, some[0])
		}
		rows := tx.Query(`SELECT uid, occurrence, meeting_id, starts_s FROM meeting_import
			WHERE organization_id = $1 AND employee_id = $2 AND uid IN (`+placeholders(3, len(args)-2)+`)`, args...)
		for rows.Next() {
			var i imported
			if err := rows.Scan(&i.uid, &i.occurrence, &i.meeting, &i.starts); err != nil {
				rows.Close()
				return nil, err
			}
			list = append(list, i)
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func insertImported(tx *db.Tx, scope access.Scope, employee ident.ID, i imported) {
	tx.Queue(`INSERT INTO meeting_import (organization_id, employee_id, uid, occurrence, meeting_id, starts_s) VALUES ($1, $2, $3, $4, $5, $6)`,
		scope.Organization(), employee, i.uid, i.occurrence, i.meeting, i.starts)
}
