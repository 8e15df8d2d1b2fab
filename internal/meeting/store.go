package meeting

import (
	"errors"
	"maps"
	"strconv"
	"strings"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/page"
)

const columns = `id, employee_id, location_id, date_from, date_to, starts_at, duration, allow_overlap, notes,
	sequence, cancelled_at, version, created_at, updated_at`

func (m *Meeting) scan(into func(...any) error) error {
	return into(&m.ID, &m.Employee, &m.Location, &m.DateFrom, &m.DateTo, &m.Time, &m.Duration, &m.AllowOverlap, &m.Notes,
		&m.Sequence, &m.CancelledAt, &m.Version, &m.CreatedAt, &m.UpdatedAt)
}

var filterColumns = map[string]db.Column{
	"employee":     {SQL: "employee_id"},
	"location":     {SQL: "location_id"},
	"dateFrom":     {SQL: "date_from", NotNull: true},
	"dateTo":       {SQL: "date_to", NotNull: true},
	"time":         {SQL: "starts_at"},
	"duration":     {SQL: "duration", NotNull: true},
	"allowOverlap": {SQL: "allow_overlap", NotNull: true},
	"notes":        {SQL: "notes", Fold: "notes_fold"},
	"status": {NotNull: true, SQL: "CASE WHEN cancelled_at IS NOT NULL THEN '" + Cancelled +
		"' WHEN starts_at IS NULL THEN '" + Proposed + "' ELSE '" + Scheduled + "' END"},
	"createdAt": {SQL: "created_at", NotNull: true},
	"updatedAt": {SQL: "updated_at", NotNull: true},
}

// selection is which meetings a list is about. Its zero value is all that are not
// cancelled.
type selection struct {
	employee null.Value[ident.ID] // only this one's
	gone     bool                 // cancelled ones too
	span     null.Value[stretch]  // whose window touches it
}

// listing returns the collection and the arguments of its conditions.
func (s *selection) listing() (*db.Listing, []any) {
	var args []any
	if s.employee.Valid {
		args = append(args, s.employee.V)
	}
	if s.span.Valid {
		args = append(args, s.span.V.from, s.span.V.to)
	}
	return listings[s.employee.Valid][s.gone][s.span.Valid], args
}

// listings are the collections by what is selected: whether one employee's,
// whether with cancelled ones, whether in a stretch of time.
var listings = map[bool]map[bool]map[bool]*db.Listing{
	false: {false: collections(false, false), true: collections(false, true)},
	true:  {false: collections(true, false), true: collections(true, true)},
}

// collections makes a collection and its twin in a stretch of time.
func collections(ofOne, gone bool) map[bool]*db.Listing {
	condition, next := "", 2
	if ofOne {
		condition, next = " AND employee_id = $2", 3
	}
	where := "organization_id = $1" + condition
	if !gone {
		where += " AND cancelled_at IS NULL"
	}
	all := db.Listing{Table: "meeting", Select: columns, Columns: filterColumns, Where: where, Order: "id", Counted: !ofOne && !gone}
	touched := db.Listing{Table: "meeting", Select: touchedColumns, Columns: touchedFilters(), Where: where, Order: touchedOrder, From: touching(condition, next)}
	return map[bool]*db.Listing{false: &all, true: &touched}
}

// What is read of the table that touching makes, and in what order. A merge of
// its ranges comes about only when the order is by columns that are read.
const (
	touchedColumns = columns + ", from_s"
	touchedOrder   = "from_s, id"
)

// scanTouched reads touchedColumns.
func (m *Meeting) scanTouched(into func(...any) error) error {
	var seconds int64
	return m.scan(func(dest ...any) error { return into(append(dest, &seconds)...) })
}

// touchedFilters are filterColumns for a stretch of time. Orders are such that no
// index has them but the one of the ranges: a database that may choose walks
// along another and reads the whole collection.
func touchedFilters() map[string]db.Column {
	filters := maps.Clone(filterColumns)
	for field, c := range filters {
		c.Order = "COALESCE(" + c.SQL + ", " + c.SQL + ")"
		if field == "dateFrom" {
			c.Order = "from_s"
		}
		filters[field] = c
	}
	return filters
}

// touching returns the SQL of a table of the meetings whose windows touch a
// stretch of time: from and to are two parameters from the first on. Each class
// is one range of an index, in the order of date_from, so that a page of many
// meetings need not read all of them.
func touching(condition string, first int) string {
	from, to := "CAST($"+strconv.Itoa(first)+" AS bigint)", "$"+strconv.Itoa(first+1)
	return "(" + eachClass("SELECT organization_id, notes_fold, "+touchedColumns+" FROM meeting WHERE organization_id = $1"+condition+
		" AND span = {class} AND from_s > "+from+" - {reach} AND from_s < "+to+" AND to_s > "+from) + ") AS meeting"
}

// list returns a page of the selection.
func list(tx *db.Tx, scope access.Scope, s selection, q *page.Query) (page.Result[Meeting], error) {
	from, args := s.listing()
	if s.span.Valid {
		return db.PageOf(from, tx, scope, q, args, (*Meeting).scanTouched)
	}
	return db.PageOf(from, tx, scope, q, args, (*Meeting).scan)
}

// find loads a meeting. One that is not there, or not in scope, is Missing.
func find(tx *db.Tx, scope access.Scope, id ident.ID, m *Meeting) error {
	err := m.scan(tx.Row(`SELECT `+columns+` FROM meeting WHERE organization_id = $1 AND id = $2`, scope.Organization(), id).Scan)
	if errors.Is(err, db.ErrNoRows) {
		return fault.Missing()
	}
	return err
}

// busy is the occupied time as the table keeps it.
type busy struct {
	from, to           null.Value[time.Time]
	span, fromS, untoS null.Value[int64]
}

func busyOf(m *Meeting) (b busy) {
	if from, to, ok := m.occupied(); ok {
		b = busy{null.Of(from), null.Of(to), null.Of(spanOf(to.Sub(from))), null.Of(from.Unix()), null.Of(to.Unix())}
	}
	return b
}

func insert(tx *db.Tx, scope access.Scope, m *Meeting) error {
	b := busyOf(m)
	_, err := tx.Exec(`INSERT INTO meeting (organization_id, id, employee_id, location_id, date_from, date_to, span, from_s, to_s,
			starts_at, ends_at, busy_span, starts_s, ends_s, duration, allow_overlap, notes, notes_fold,
			sequence, version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)`,
		scope.Organization(), m.ID, m.Employee, m.Location, m.DateFrom, m.DateTo, spanOf(m.DateTo.Sub(m.DateFrom)), m.DateFrom.Unix(), m.DateTo.Unix(),
		b.from, b.to, b.span, b.fromS, b.untoS, m.Duration, m.AllowOverlap, m.Notes, fold(m.Notes),
		m.Sequence, m.Version, m.CreatedAt, m.UpdatedAt)
	if err != nil {
		return err
	}
	db.Count(tx, scope, "meeting", 1)
	return nil
}

// update stores the meeting if it still has the version before its own; else
// somebody was faster.
func update(tx *db.Tx, scope access.Scope, m *Meeting) error {
	b := busyOf(m)
	changed, err := tx.Exec(`UPDATE meeting SET employee_id = $3, location_id = $4, date_from = $5, date_to = $6, span = $7, from_s = $8, to_s = $9,
			starts_at = $10, ends_at = $11, busy_span = $12, starts_s = $13, ends_s = $14, duration = $15, allow_overlap = $16,
			notes = $17, notes_fold = $18, sequence = $19, cancelled_at = $20, version = $21, updated_at = $22
		WHERE organization_id = $1 AND id = $2 AND version = $21 - 1`,
		scope.Organization(), m.ID, m.Employee, m.Location, m.DateFrom, m.DateTo, spanOf(m.DateTo.Sub(m.DateFrom)), m.DateFrom.Unix(), m.DateTo.Unix(),
		b.from, b.to, b.span, b.fromS, b.untoS, m.Duration, m.AllowOverlap, m.Notes, fold(m.Notes),
		m.Sequence, m.CancelledAt, m.Version, m.UpdatedAt)
	if err == nil && changed == 0 {
		return fault.New(fault.Conflict, "Somebody else has changed this in the meantime. Read it again and repeat your change.")
	}
	return err
}

func fold(text null.Value[string]) null.Value[string] {
	if text.Valid {
		text.V = db.Fold(text.V)
	}
	return text
}

// maxNamed is how many meetings that are in the way are named.
const maxNamed = 10

var overlappingSQL = `SELECT id, starts_at, ends_at FROM (` + eachClass(`SELECT id, starts_at, ends_at, starts_s FROM meeting
	WHERE organization_id = $1 AND employee_id = $2 AND busy_span = {class}
		AND starts_s > CAST($4 AS bigint) - {reach} AND starts_s < $5
		AND starts_s IS NOT NULL AND cancelled_at IS NULL AND ends_s > CAST($4 AS bigint) AND id <> $3`) + `) AS busy
	ORDER BY starts_s, id LIMIT `

// overlapping returns the first scheduled meetings of the employee, without the
// one given, that occupy some of the time.
func overlapping(tx *db.Tx, scope access.Scope, employee, without ident.ID, s stretch, limit int) (list []taken, err error) {
	rows := tx.Query(overlappingSQL+strconv.Itoa(limit),
		scope.Organization(), employee, without, s.from, s.to)
	defer rows.Close()
	for rows.Next() {
		var t taken
		if err := rows.Scan(&t.id, &t.from, &t.to); err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, rows.Err()
}

// maxConflicts is how many conflicts of one meeting are listed.
const maxConflicts = 100

// touchingPlanned is the SQL of a table of pairs: one of those planned, and a
// meeting of the same employee whose window touches its own.
var touchingPlanned = eachClass(`SELECT p.id AS ours, m.id AS other, m.from_s FROM planned p CROSS JOIN meeting m
	WHERE m.organization_id = $1 AND m.employee_id = p.employee_id AND m.span = {class}
		AND m.from_s > p.from_s - {reach} AND m.from_s < p.to_s
		AND m.to_s > p.from_s AND m.id <> p.id AND m.cancelled_at IS NULL`)

// conflicts fills the meetings' conflicts, with one statement.
func conflicts(tx *db.Tx, scope access.Scope, items []Meeting) error {
	ids, place := assigned(items)
	if len(ids) == 0 {
		return nil
	}
	rows := tx.Query(`WITH planned AS (
			SELECT id, employee_id, from_s, to_s FROM meeting WHERE organization_id = $1 AND id IN (`+placeholders(2, len(ids))+`))
		SELECT ours, other FROM (SELECT ours, other, row_number() OVER (PARTITION BY ours ORDER BY from_s, other) AS place
			FROM (`+touchingPlanned+`) AS touching) AS placed
		WHERE place <= `+strconv.Itoa(maxConflicts)+` ORDER BY ours, place`,
		append([]any{scope.Organization()}, ids...)...)
	defer rows.Close()
	for rows.Next() {
		var ours, other ident.ID
		if err := rows.Scan(&ours, &other); err != nil {
			return err
		}
		m := &items[place[ours]]
		m.Conflicts = append(m.Conflicts, other)
	}
	return rows.Err()
}

// assigned returns the ids of the meetings that can have conflicts, filled up to
// a power of two so that few statements are made of it, and where they stand.
func assigned(items []Meeting) (ids []any, place map[ident.ID]int) {
	place = map[ident.ID]int{}
	for i := range items {
		if m := &items[i]; m.Employee.Valid && !m.CancelledAt.Valid {
			ids = append(ids, m.ID)
			place[m.ID] = i
		}
	}
	for n := len(ids); n > 0 && n&(n-1) != 0; n++ {
		ids = append(ids, ids[0])
	}
	return ids, place
}

// placeholders lists n parameters from $first on.
func placeholders(first, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("$" + strconv.Itoa(first+i))
	}
	return b.String()
}

// forgetBatch is how many meetings forget removes at most.
const forgetBatch = 500

// forget removes meetings of all organizations that were cancelled before a
// time, up to a batch, and returns how many it removed. They are counted no more
// since they were cancelled.
func forget(tx *db.Tx, before time.Time) (int64, error) {
	return tx.Exec(`DELETE FROM meeting WHERE (organization_id, id) IN (
		SELECT organization_id, id FROM meeting WHERE cancelled_at < $1 ORDER BY cancelled_at LIMIT $2)`, before, forgetBatch)
}
