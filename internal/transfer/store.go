package transfer

import (
	"encoding/json"
	"errors"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/page"
)

const columns = `organization_id, id, state, user_id, operator, name, source_id, rows_total, rows_done, bytes, left_out,
	blob_key, error, created_at, updated_at, finished_at, direction, expires_at`

func (t *Transfer) scan(into func(...any) error) error {
	var left string
	err := into(&t.Organization, &t.ID, &t.State, &t.User, &t.Operator, &t.Name, &t.Source, &t.Rows, &t.Done, &t.Bytes, &left,
		&t.blob, &t.Error, &t.CreatedAt, &t.UpdatedAt, &t.FinishedAt, &t.Direction, &t.ExpiresAt)
	if err != nil {
		return err
	}
	t.LeftOut = nil
	return json.Unmarshal([]byte(left), &t.LeftOut)
}

var filterColumns = map[string]db.Column{
	"createdAt": {SQL: "created_at", NotNull: true},
}

// own lists the transfers that the user in $1 asked for, all those of everybody.
var (
	own = db.Listing{Table: "organization_transfer", Wide: true, Select: columns, Order: "id DESC", Where: "user_id = $1 AND state <> '" + receiving + "'", Columns: filterColumns}
	all = db.Listing{Table: "organization_transfer", Wide: true, Select: columns, Order: "id DESC", Where: "state <> '" + receiving + "'", Columns: filterColumns}
)

func list(tx *db.Tx, who *access.Caller, q *page.Query) (page.Result[Transfer], error) {
	if who.Operator {
		return db.PageOf(&all, tx, tx.Scope(), q, nil, (*Transfer).scan)
	}
	return db.PageOf(&own, tx, tx.Scope(), q, []any{who.User}, (*Transfer).scan)
}

// find loads a transfer by its id alone; the transaction is one of the instance.
func find(tx *db.Tx, id ident.ID, t *Transfer) error {
	return orMissing(t.scan(tx.Row(`SELECT `+columns+` FROM organization_transfer WHERE id = $1 AND state <> '`+receiving+`'`, id).Scan))
}

func orMissing(err error) error {
	if errors.Is(err, db.ErrNoRows) {
		return fault.Missing()
	}
	return err
}

func insert(tx *db.Tx, t *Transfer) error {
	_, err := tx.Exec(`INSERT INTO organization_transfer (`+columns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
		t.Organization, t.ID, t.State, t.User, t.Operator, t.Name, t.Source, t.Rows, t.Done, t.Bytes, leftJSON(t.LeftOut),
		t.blob, t.Error, t.CreatedAt, t.UpdatedAt, t.FinishedAt, t.Direction, t.ExpiresAt)
	return err
}

// update stores a transfer that is still in the state from. Else another run has
// gone on with it.
func update(tx *db.Tx, t *Transfer, from string) error {
	n, err := tx.Exec(`UPDATE organization_transfer SET state = $4, rows_total = $5, rows_done = $6, bytes = $7, blob_key = $8, error = $9,
			updated_at = $10, finished_at = $11, expires_at = $12 WHERE organization_id = $1 AND id = $2 AND state = $3`,
		t.Organization, t.ID, from, t.State, t.Rows, t.Done, t.Bytes, t.blob, t.Error, t.UpdatedAt, t.FinishedAt, t.ExpiresAt)
	if err == nil && n == 0 {
		err = errOvertaken
	}
	return err
}

// progress notes how many rows are behind a running transfer.
func progress(tx *db.Tx, t *Transfer, done int64, now time.Time) error {
	n, err := tx.Exec(`UPDATE organization_transfer SET rows_done = $3, updated_at = $4 WHERE organization_id = $1 AND id = $2 AND state = '`+Running+`'`,
		t.Organization, t.ID, done, now)
	if err == nil && n == 0 {
		err = errOvertaken
	}
	return err
}

// errOvertaken says that another run goes on with the work.
var errOvertaken = errors.New("transfer: another run has gone on with this")

func leftJSON(list []Left) string {
	if list == nil {
		return "[]"
	}
	content, err := json.Marshal(list)
	if err != nil {
		panic("transfer: " + err.Error())
	}
	return string(content)
}

// planned is who is who here of the people in the transfer's archive; nil: nobody has
// looked yet.
func planned(tx *db.Tx, t *Transfer) (users map[ident.ID]ident.ID, err error) {
	var content null.Value[string]
	err = tx.Row(`SELECT people FROM organization_transfer WHERE organization_id = $1 AND id = $2`, t.Organization, t.ID).Scan(&content)
	if err != nil || !content.Valid {
		return nil, orMissing(err)
	}
	return users, json.Unmarshal([]byte(content.V), &users)
}

// keepPlan writes down who is who.
func keepPlan(tx *db.Tx, t *Transfer, users map[ident.ID]ident.ID) error {
	content, err := json.Marshal(users)
	if err != nil {
		return err
	}
	n, err := tx.Exec(`UPDATE organization_transfer SET people = $3 WHERE organization_id = $1 AND id = $2 AND state = '`+Running+`'`,
		t.Organization, t.ID, string(content))
	if err == nil && n == 0 {
		err = errOvertaken
	}
	return err
}

// linkEmployee makes an employee a user.
func linkEmployee(tx *db.Tx, scope access.Scope, employee, user ident.ID) {
	tx.Queue(`UPDATE employee SET user_id = $3 WHERE organization_id = $1 AND id = $2`, scope.Organization(), employee, user)
}

// chainLength is how many entries the organization's audit log has.
func chainLength(tx *db.Tx, organization ident.ID) (n int64, err error) {
	err = tx.Row(`SELECT COALESCE(max(seq), 0) FROM audit_head WHERE organization_id = $1`, organization).Scan(&n)
	return n, err
}

// setHead stores the end of the organization's audit chain.
func setHead(tx *db.Tx, scope access.Scope, seq int64, hash []byte) {
	tx.Queue(`INSERT INTO audit_head (organization_id, seq, hash) VALUES ($1, $2, $3)
		ON CONFLICT (organization_id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash`, scope.Organization(), seq, hash)
}

// old lists transfers that ended before a time, and those of which nothing but a
// file came, if that, before another.
func old(tx *db.Tx, ended, received time.Time) ([]Transfer, error) {
	return collect(tx.Query(`SELECT `+columns+` FROM organization_transfer
		WHERE finished_at <= $1 OR state = '`+receiving+`' AND created_at <= $2 ORDER BY id LIMIT 100`, ended, received))
}

// expired lists transfers whose file is not kept any more.
func expired(tx *db.Tx, now time.Time) ([]Transfer, error) {
	return collect(tx.Query(`SELECT `+columns+` FROM organization_transfer WHERE expires_at <= $1 AND blob_key IS NOT NULL ORDER BY expires_at LIMIT 100`, now))
}

// ofOrganization lists the organization's transfers that have a file.
func ofOrganization(tx *db.Tx, organization ident.ID) ([]Transfer, error) {
	return collect(tx.Query(`SELECT `+columns+` FROM organization_transfer WHERE organization_id = $1 AND blob_key IS NOT NULL`, organization))
}

// making loads the transfer that makes the organization's archive for the user.
func making(tx *db.Tx, organization, user ident.ID, t *Transfer) error {
	return orMissing(t.scan(tx.Row(`SELECT `+columns+` FROM organization_transfer
		WHERE organization_id = $1 AND user_id = $2 AND direction = '`+Out+`' AND state = '`+Running+`' ORDER BY id LIMIT 1`, organization, user).Scan))
}

// made lists the archives of the organization that were made for the user before.
func made(tx *db.Tx, organization, user, before ident.ID) ([]Transfer, error) {
	return collect(tx.Query(`SELECT `+columns+` FROM organization_transfer
		WHERE organization_id = $1 AND user_id = $2 AND direction = '`+Out+`' AND state = '`+Done+`' AND id < $3 AND blob_key IS NOT NULL`, organization, user, before))
}

// countImports is how many imports of the user are under way, with those whose file
// is coming.
func countImports(tx *db.Tx, user ident.ID) (n int64, err error) {
	err = tx.Row(`SELECT count(*) FROM organization_transfer
		WHERE user_id = $1 AND direction = '`+In+`' AND state IN ('`+receiving+`', '`+Running+`', '`+undoing+`')`, user).Scan(&n)
	return n, err
}

func collect(rows *db.Rows) (list []Transfer, err error) {
	defer rows.Close()
	for rows.Next() {
		var t Transfer
		if err := t.scan(rows.Scan); err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, rows.Err()
}

func remove(tx *db.Tx, t *Transfer) {
	tx.Queue(`DELETE FROM organization_transfer WHERE organization_id = $1 AND id = $2`, t.Organization, t.ID)
}
