package invitation

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/page"
)

const table = "organization_user_invitation"

// columns are those of the table, and expiresHere.
var columns = `organization_id, id, email, role, status, language, invited_by, token_hash, mailed, sent_at, expires_at,
	accepted_by, accepted_at, version, created_at, updated_at, ` + expiresHere

// expiresHere is when an invitation expires, by the instance's clock.
var expiresHere = db.ByClock(table+".expires_at", table+".organization_id")

func (i *Invitation) scan(into func(...any) error) error {
	err := into(&i.Organization, &i.ID, &i.Email, &i.Role, &i.Status, &i.Language, &i.InvitedBy, &i.tokenHash, &i.Mailed,
		&i.SentAt, &i.ExpiresAt, &i.AcceptedBy, &i.AcceptedAt, &i.Version, &i.CreatedAt, &i.UpdatedAt, &i.expiresHere)
	i.tokenHash = append([]byte(nil), i.tokenHash...)
	return err
}

var listColumns = map[string]db.Column{
	"email":     {SQL: "email", Fold: "email_fold", NotNull: true},
	"role":      {SQL: "role", NotNull: true},
	"status":    {SQL: "status", NotNull: true},
	"expiresAt": {SQL: "expires_at", NotNull: true},
	"createdAt": {SQL: "created_at", NotNull: true},
}

// stored lists invitations by the states that are stored, timely with a filter on
// those that hold at the moment in $2.
var (
	stored = db.Listing{Table: table, Select: columns, Order: "id", Counted: true, Columns: listColumns}
	timely = db.Listing{Table: table, Select: columns, Order: "id", Columns: timelyColumns()}
)

func timelyColumns() map[string]db.Column {
	list := map[string]db.Column{}
	for field, column := range listColumns {
		list[field] = column
	}
	list["status"] = db.Column{SQL: "CASE WHEN status = 'pending' AND expires_at <= $2 THEN 'expired' ELSE status END", NotNull: true}
	return list
}

func list(tx *db.Tx, scope access.Scope, q *page.Query, now time.Time) (page.Result[Invitation], error) {
	listing, args := &stored, []any(nil)
	q, plain := storedStates(q, now)
	if !plain {
		listing, args = &timely, []any{now}
	}
	r, err := db.PageOf(listing, tx, scope, q, args, (*Invitation).scan)
	for n := range r.Items {
		r.Items[n].derive(tx.Now(access.Instance()))
	}
	return r, err
}

// storedStates puts filters on one state into the words of the table, so that an
// index finds the rows. It is false when there is a filter on several.
func storedStates(q *page.Query, now time.Time) (*page.Query, bool) {
	words := *q
	words.Filters = nil
	for _, f := range q.Filters {
		if f.Field != "status" {
			words.Filters = append(words.Filters, f)
			continue
		}
		if len(f.Values) != 1 {
			return q, false
		}
		state, op := f.Values[0].Text, page.StrictlyAfter
		if state == Expired {
			state, op = Pending, page.Before
		}
		words.Filters = append(words.Filters, page.Filter{Field: "status", Op: page.Equal, Values: []page.Value{{Text: state}}})
		if state == Pending {
			words.Filters = append(words.Filters, page.Filter{Field: "expiresAt", Op: op, Values: []page.Value{{Time: now, Kind: page.Time}}})
		}
	}
	return &words, true
}

// find loads one invitation of the organization, or Missing.
func find(tx *db.Tx, scope access.Scope, id ident.ID, i *Invitation) error {
	return i.load(tx, tx.Row(`SELECT `+columns+` FROM organization_user_invitation WHERE organization_id = $1 AND id = $2`,
		scope.Organization(), id))
}

// findWaiting loads the pending or expired invitation of the organization for the
// address, or Missing.
func findWaiting(tx *db.Tx, scope access.Scope, email string, i *Invitation) error {
	return i.load(tx, tx.Row(`SELECT `+columns+` FROM organization_user_invitation
		WHERE organization_id = $1 AND email = $2 AND status = 'pending'`, scope.Organization(), email))
}

// findToken loads the invitation of any organization whose last token has the
// hash, or Missing. The transaction's scope is the instance.
func findToken(tx *db.Tx, hash []byte, i *Invitation) error {
	return i.load(tx, tx.Row(`SELECT `+columns+` FROM organization_user_invitation WHERE token_hash = $1`, hash))
}

// findFor loads the invitation of any organization that the user with the address
// may see: one that waits for the address, or that the user accepted. Else it is
// Missing. The transaction's scope is the instance.
func findFor(tx *db.Tx, id ident.ID, email string, user ident.ID, i *Invitation) error {
	err := i.load(tx, tx.Row(`SELECT `+columns+` FROM organization_user_invitation
		WHERE id = $1 AND (email = $2 AND status = 'pending' OR accepted_by = $3)`, id, email, user))
	if err == nil && i.Status == Expired {
		err = fault.Missing()
	}
	return err
}

var received = db.Listing{
	Table: table, Select: columns, Order: "id", Wide: true, Where: "email = $1 AND status = 'pending' AND " + expiresHere + " > $2",
	Columns: map[string]db.Column{},
}

// listFor returns a page of what waits for the address, of all organizations. The
// transaction's scope is the instance.
func listFor(tx *db.Tx, email string, q *page.Query, now time.Time) (page.Result[Invitation], error) {
	return db.PageOf(&received, tx, access.Instance(), q, []any{email, now}, (*Invitation).scan)
}

// firstWaiting returns the ids of the first pending invitations of each
// organization, up to a number. The transaction's scope is the instance.
func firstWaiting(tx *db.Tx, organizations []ident.ID, most int, now time.Time) (map[ident.ID][]ident.ID, error) {
	var sql strings.Builder
	args := []any{now}
	for n, id := range organizations {
		if n > 0 {
			sql.WriteString(" UNION ALL ")
		}
		args = append(args, id)
		sql.WriteString("SELECT * FROM (SELECT organization_id, id FROM organization_user_invitation WHERE organization_id = $" + strconv.Itoa(n+2) +
			" AND status = 'pending' AND " + expiresHere + " > $1 ORDER BY id LIMIT " + strconv.Itoa(most) + ") AS first" + strconv.Itoa(n))
	}
	first := make(map[ident.ID][]ident.ID, len(organizations))
	rows := tx.Query(sql.String(), args...)
	defer rows.Close()
	for rows.Next() {
		var organization, id ident.ID
		if err := rows.Scan(&organization, &id); err != nil {
			return nil, err
		}
		first[organization] = append(first[organization], id)
	}
	return first, rows.Err()
}

// load reads the invitation that a row holds, as it is by its organization's clock.
func (i *Invitation) load(tx *db.Tx, row db.Row) error {
	if err := i.scan(row.Scan); err != nil {
		return orMissing(err)
	}
	i.derive(tx.Now(access.Instance()))
	return nil
}

func orMissing(err error) error {
	if errors.Is(err, db.ErrNoRows) {
		return fault.Missing()
	}
	return err
}

func insert(tx *db.Tx, scope access.Scope, i *Invitation) {
	tx.Queue(`INSERT INTO organization_user_invitation (organization_id, id, email, email_fold, role, status, language, invited_by,
			token_hash, mailed, sent_at, expires_at, version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		scope.Organization(), i.ID, i.Email, db.Fold(i.Email), i.Role, i.Status, i.Language, i.InvitedBy,
		i.tokenHash, i.Mailed, i.SentAt, i.ExpiresAt, i.Version, i.CreatedAt, i.UpdatedAt)
	db.Count(tx, scope, table, 1)
}

func update(tx *db.Tx, scope access.Scope, i *Invitation) {
	tx.Queue(`UPDATE organization_user_invitation SET role = $3, status = $4, language = $5, invited_by = $6, token_hash = $7,
			mailed = $8, sent_at = $9, expires_at = $10, accepted_by = $11, accepted_at = $12, version = $13, updated_at = $14
		WHERE organization_id = $1 AND id = $2`,
		scope.Organization(), i.ID, i.Role, i.Status, i.Language, i.InvitedBy, i.tokenHash,
		i.Mailed, i.SentAt, i.ExpiresAt, i.AcceptedBy, i.AcceptedAt, i.Version, i.UpdatedAt)
}
