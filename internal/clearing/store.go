package clearing

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/organization"
)

const columns = `c.organization_id, c.id, c.state, c.counts, c.blob_key, c.error, c.created_at, c.finished_at, c.restorable_until, c.restored_at`

func scan(r *record, into func(...any) error) error {
	var counts string
	err := into(&r.organization, &r.id, &r.state, &counts, &r.blob, &r.err, &r.createdAt, &r.finishedAt, &r.restorableUntil, &r.restoredAt)
	if err != nil {
		return err
	}
	r.rows = nil
	return json.Unmarshal([]byte(counts), &r.rows)
}

// find loads a clearing; Missing when there is no such one.
func find(tx *db.Tx, org, id ident.ID, r *record) error {
	err := scan(r, tx.Row(`SELECT `+columns+` FROM organization_clearing c WHERE c.organization_id = $1 AND c.id = $2`, org, id).Scan)
	if errors.Is(err, db.ErrNoRows) {
		return fault.Missing()
	}
	return err
}

// latest loads the newest clearing that is in the state; Missing when there is none.
func latest(tx *db.Tx, org ident.ID, state string, r *record) error {
	err := scan(r, tx.Row(`SELECT `+columns+` FROM organization_clearing c WHERE c.organization_id = $1 AND c.state = $2
		ORDER BY c.id DESC LIMIT 1`, org, state).Scan)
	if errors.Is(err, db.ErrNoRows) {
		return fault.Missing()
	}
	return err
}

func insert(tx *db.Tx, r *record) error {
	_, err := tx.Exec(`INSERT INTO organization_clearing (organization_id, id, state, counts, created_at) VALUES ($1, $2, $3, $4, $5)`,
		r.organization, r.id, r.state, countsJSON(r), r.createdAt)
	return err
}

// update stores a clearing that is still in the state from. Else another run has
// gone on with it.
func update(tx *db.Tx, r *record, from string) error {
	n, err := tx.Exec(`UPDATE organization_clearing SET state = $4, counts = $5, blob_key = $6, error = $7, finished_at = $8, restorable_until = $9, restored_at = $10
		WHERE organization_id = $1 AND id = $2 AND state = $3`,
		r.organization, r.id, from, r.state, countsJSON(r), r.blob, r.err, r.finishedAt, r.restorableUntil, r.restoredAt)
	if err == nil && n == 0 {
		err = errOvertaken
	}
	return err
}

// errOvertaken says that another run goes on with the work.
var errOvertaken = errors.New("clearing: another run has gone on with this")

func countsJSON(r *record) string {
	if r.rows == nil {
		return "[]"
	}
	content, err := json.Marshal(r.rows)
	if err != nil {
		panic("clearing: " + err.Error())
	}
	return string(content)
}

// setWindow lets an organization be cleared until then; a past time does not.
func setWindow(tx *db.Tx, org ident.ID, until time.Time) {
	tx.Queue(`INSERT INTO organization_clear_window (organization_id, until) VALUES ($1, $2)
		ON CONFLICT (organization_id) DO UPDATE SET until = excluded.until`, org, until)
}

func closeWindow(tx *db.Tx, org ident.ID) {
	tx.Queue(`DELETE FROM organization_clear_window WHERE organization_id = $1`, org)
}

// moving is 1 for a clearing that is at work, of which there is one at a time.
func moving(alias string) string {
	return `CASE WHEN ` + alias + `.state IN ('` + archiving + `', '` + removing + `', '` + restoring + `', '` + undoing + `') THEN 1 ELSE 0 END`
}

// fill adds the clearings that are at work, or else the newest ones, and open windows
// to organizations.
func fill(tx *db.Tx, items []organization.Organization, now time.Time) error {
	place := make(map[ident.ID]*organization.Organization, len(items))
	ids, marks := make([]any, len(items)), make([]string, len(items))
	for i := range items {
		ids[i], marks[i], place[items[i].ID] = items[i].ID, "$"+strconv.Itoa(i+1), &items[i]
	}
	in := "(" + strings.Join(marks, ", ") + ")"
	rows := tx.Query(`SELECT `+columns+` FROM organization_clearing c
		WHERE c.organization_id IN `+in+` AND NOT EXISTS (SELECT 1 FROM organization_clearing d WHERE d.organization_id = c.organization_id
			AND (`+moving("d")+`, d.id) > (`+moving("c")+`, c.id))`, ids...)
	for rows.Next() {
		var r record
		if err := scan(&r, rows.Scan); err != nil {
			rows.Close()
			return err
		}
		place[r.organization].Clearing = r.public()
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return err
	}
	return fillWindows(tx, place, in, ids, now)
}

func fillWindows(tx *db.Tx, place map[ident.ID]*organization.Organization, in string, ids []any, now time.Time) error {
	rows := tx.Query(`SELECT organization_id, until FROM organization_clear_window WHERE organization_id IN `+in, ids...)
	defer rows.Close()
	for rows.Next() {
		var org ident.ID
		var until time.Time
		if err := rows.Scan(&org, &until); err != nil {
			return err
		}
		if until.After(now) {
			place[org].ClearableUntil = null.Of(until)
		}
	}
	return rows.Err()
}

// overdue lists clearings whose archive is not needed any more.
func overdue(tx *db.Tx, now time.Time) (list []record, err error) {
	rows := tx.Query(`SELECT `+columns+` FROM organization_clearing c
		WHERE c.blob_key IS NOT NULL AND (c.restorable_until <= $1 AND c.state IN ('`+cleared+`', '`+restored+`') OR c.state = '`+failed+`')
		ORDER BY c.restorable_until, c.id LIMIT 100`, now)
	defer rows.Close()
	for rows.Next() {
		var r record
		if err := scan(&r, rows.Scan); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// stored lists where the organization's archives are.
func stored(tx *db.Tx, org ident.ID) (keys []string, err error) {
	rows := tx.Query(`SELECT blob_key FROM organization_clearing WHERE organization_id = $1 AND blob_key IS NOT NULL`, org)
	defer rows.Close()
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, rows.Err()
}
