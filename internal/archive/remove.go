package archive

import (
	"slices"
	"strings"

	"sede/internal/db"
	"sede/internal/ident"
)

// RemoveSome removes up to n rows that the organization has in the table, all but
// lasting ones, and returns how many there were. Rows that point at them must be
// gone. It counts nothing: see ForgetCounts.
func RemoveSome(tx *db.Tx, t *Table, organization ident.ID, n int64) (int64, error) {
	columns := strings.Join(append([]string{t.OwnerColumn()}, t.KeyColumns()...), ", ")
	return tx.Exec(`DELETE FROM `+t.Name+` WHERE (`+columns+`) IN (SELECT `+columns+` FROM `+t.Name+
		` WHERE `+t.OwnerColumn()+` = $1`+t.passing()+` LIMIT $2)`, organization, n)
}

// removeStep is how many rows are removed before it is seen whether others wait.
const removeStep = 32

// RemoveTurn is RemoveSome, but when others wait to write it ends early: fewer than n
// removed does not mean that none are left, 0 does.
func RemoveTurn(tx *db.Tx, t *Table, organization ident.ID, n int64) (removed int64, err error) {
	if tx.Engine() != db.SQLite {
		return RemoveSome(tx, t, organization, n)
	}
	for removed < n && (removed == 0 || !tx.OthersWait()) {
		now, err := RemoveSome(tx, t, organization, min(removeStep, n-removed))
		if err != nil || now == 0 {
			return removed, err
		}
		removed += now
	}
	return removed, nil
}

// passing is a condition behind others that holds for rows which may be removed.
func (t *Table) passing() string {
	if t.Lasting == "" {
		return ""
	}
	return " AND NOT (" + t.Lasting + ")"
}

// Whole is the table without its condition for rows that stay, for organizations
// that nobody has seen yet.
func (t Table) Whole() Table {
	t.Lasting = ""
	return t
}

// Any reports whether the organization has rows in one of the tables.
func Any(tx *db.Tx, tables []Table, organization ident.ID) (bool, error) {
	parts := make([]string, len(tables))
	for i := range tables {
		parts[i] = `EXISTS (SELECT 1 FROM ` + tables[i].Name + ` WHERE ` + tables[i].OwnerColumn() + ` = $1)`
	}
	var yes bool
	err := tx.Row(`SELECT `+strings.Join(parts, " OR "), organization).Scan(&yes)
	return yes, err
}

// Count is how many rows of a table there are.
type Count struct {
	Table string
	Rows  int64
}

// Counts counts the rows that the organization has in each of the tables. It reads
// an index over all of them.
func Counts(tx *db.Tx, tables []Table, organization ident.ID) ([]Count, error) {
	parts := make([]string, len(tables))
	list := make([]Count, len(tables))
	dest := make([]any, len(tables))
	for i := range tables {
		parts[i] = `(SELECT count(*) FROM ` + tables[i].Name + ` WHERE ` + tables[i].OwnerColumn() + ` = $1)`
		list[i].Table, dest[i] = tables[i].Name, &list[i].Rows
	}
	err := tx.Row(`SELECT `+strings.Join(parts, ", "), organization).Scan(dest...)
	return list, err
}

// ForgetCounts sets what db.Count and db.CountGroup have counted of the tables to
// nothing, once all their rows are removed.
func ForgetCounts(tx *db.Tx, tables []Table, organization ident.ID) {
	for i := range tables {
		tx.Queue(`UPDATE row_count SET removed = removed + rows, rows = 0
			WHERE organization_id = $1 AND (resource = $2 OR resource LIKE $3 ESCAPE '\')`,
			organization, tables[i].Name, strings.ReplaceAll(tables[i].Name, "_", `\_`)+"/%")
	}
}

// Counters reads what was counted of the organization's rows.
func Counters(tx *db.Tx, organization ident.ID) (list []Counter, err error) {
	rows := tx.Query(`SELECT resource, rows FROM row_count WHERE organization_id = $1 ORDER BY resource`, organization)
	defer rows.Close()
	for rows.Next() {
		var c Counter
		if err := rows.Scan(&c.Resource, &c.Rows); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

// SetCount sets what was counted of a resource.
func SetCount(tx *db.Tx, organization ident.ID, c Counter) {
	tx.Queue(`INSERT INTO row_count (organization_id, resource, rows) VALUES ($1, $2, $3)
		ON CONFLICT (organization_id, resource) DO UPDATE SET rows = excluded.rows`, organization, c.Resource, c.Rows)
}

// Counted reports whether a counter is one of rows of the tables.
func Counted(tables []Table, resource string) bool {
	table, _, _ := strings.Cut(resource, "/")
	return slices.ContainsFunc(tables, func(t Table) bool { return t.Name == table })
}
