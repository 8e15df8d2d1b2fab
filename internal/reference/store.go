package reference

import (
	"sede/internal/db"
	"sede/internal/fault"
)

// all returns the languages, ordered by id. The transaction's scope is the
// instance.
func all(tx *db.Tx) ([]Language, error) {
	var list []Language
	rows := tx.Query(`SELECT id FROM language ORDER BY id`)
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		list = append(list, newLanguage(id))
	}
	return list, rows.Err()
}

// insert stores the language; Conflict when it is there already.
func insert(tx *db.Tx, l *Language) error {
	_, err := tx.Exec(`INSERT INTO language (id) VALUES ($1)`, l.ID)
	if db.IsUnique(err, "language_pkey") {
		return fault.New(fault.Conflict, "The language %s is present already.", l.ID)
	}
	return err
}
