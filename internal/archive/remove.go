package archive

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"sede/internal/db"
	"sede/internal/ident"
)

// Remover removes the rows that an organization has in a table, all but lasting ones,
// some at a time. Rows that point at them must be gone. It counts nothing: see
// ForgetCounts.
type Remover struct {
	table        Table
	organization ident.ID
	size         *db.Sizer
	now          func() time.Time
	last         []any // the key up to which rows are removed; nil: begin with the first
	met          bool  // others waited for the last turn
}

// NewRemover returns one for a table, which looks at the time with now.
func NewRemover(t Table, organization ident.ID, engine db.Engine, now func() time.Time) *Remover {
	// On SQLite whoever writes might wait for the end of a transaction, on PostgreSQL
	// nobody, since the organization has no other writers.
	turn := 6 * time.Millisecond
	if engine == db.PostgreSQL {
		turn = 30 * time.Millisecond
	}
	return &Remover{table: t, organization: organization, size: db.NewSizer(turn), now: now}
}

const (
	// removeStep is how many rows are removed before it is seen whether others wait.
	removeStep = 32
	// restTime is how long nothing is removed after others had to wait.
	restTime = 2 * time.Millisecond
)

// Turn removes as many rows as a transaction should, fewer when others wait to write,
// and returns how many: 0 when none are left.
func (r *Remover) Turn(tx *db.Tx) (removed int64, err error) {
	began, n := r.now(), r.size.Rows()
	if tx.Engine() == db.PostgreSQL {
		removed, err = r.next(tx, n)
	} else {
		removed, err = r.steps(tx, n)
	}
	r.size.Took(r.now().Sub(began))
	return removed, err
}

// Rest is to be called between two transactions. When others had to wait for the last
// one it gives them a while in which they need not.
func (r *Remover) Rest(ctx context.Context) {
	if r.met {
		select {
		case <-time.After(restTime):
		case <-ctx.Done():
		}
	}
}

func (r *Remover) steps(tx *db.Tx, n int64) (removed int64, err error) {
	for r.met = false; removed < n && !r.met; r.met = tx.OthersWait() {
		now, err := tx.Exec(`DELETE`+r.some(``, ``), r.organization, min(removeStep, n-removed))
		if err != nil || now == 0 {
			return removed, err
		}
		removed += now
	}
	return removed, nil
}

// next removes rows behind the last ones. PostgreSQL keeps those that are removed for
// a while, and would pass all of them by in each turn.
func (r *Remover) next(tx *db.Tx, n int64) (removed int64, err error) {
	keys := r.table.KeyColumns()
	if len(keys) == 0 {
		return tx.Exec(`DELETE`+r.some(``, ``), r.organization, n)
	}
	last, dest := make([]string, len(keys)), []any{&removed}
	texts, places := make([]string, len(keys)), make([]string, len(keys))
	for i := range keys {
		texts[i], places[i] = keys[i]+"::text", "$"+strconv.Itoa(3+i)
		dest = append(dest, &last[i])
	}
	columns, behind := strings.Join(keys, ", "), ``
	if r.last != nil {
		behind = ` AND (` + columns + `) > (` + strings.Join(places, ", ") + `)`
	}
	err = tx.Row(`WITH gone AS (DELETE`+r.some(behind, ` ORDER BY `+columns)+` RETURNING `+columns+`)
		SELECT count(*) OVER (), `+strings.Join(texts, ", ")+` FROM gone ORDER BY `+strings.Join(keys, " DESC, ")+` DESC LIMIT 1`,
		append([]any{r.organization, n}, r.last...)...).Scan(dest...)
	if errors.Is(err, db.ErrNoRows) {
		if r.last == nil {
			return 0, nil
		}
		r.last = nil // some may have come before it meanwhile
		return r.next(tx, n)
	}
	if err != nil {
		return 0, err
	}
	r.last = make([]any, len(last))
	for i := range last {
		r.last[i] = last[i]
	}
	return removed, nil
}

// some is what follows DELETE for $2 rows of the organization $1 that a condition
// holds for, in an order.
func (r *Remover) some(behind, order string) string {
	columns := strings.Join(append([]string{r.table.OwnerColumn()}, r.table.KeyColumns()...), ", ")
	return ` FROM ` + r.table.Name + ` WHERE (` + columns + `) IN (SELECT ` + columns + ` FROM ` + r.table.Name +
		` WHERE ` + r.table.OwnerColumn() + ` = $1` + behind + r.table.passing() + order + ` LIMIT $2)`
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
