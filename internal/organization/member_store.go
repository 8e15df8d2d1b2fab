package organization

import (
	"errors"
	"strconv"
	"strings"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/mail"
	"sede/internal/null"
	"sede/internal/page"
)

const memberTable = "organization_user"

const memberColumns = `organization_id, id, user_id, name, email, role, status, joined_at, version, created_at, updated_at`

func (m *Member) scan(into func(...any) error) error {
	return into(&m.Organization, &m.ID, &m.User, &m.Name, &m.Email, &m.Role, &m.Status, &m.JoinedAt, &m.Version, &m.CreatedAt, &m.UpdatedAt)
}

var members = db.Listing{
	Table: memberTable, Select: memberColumns, Order: "id", Counted: true, Groups: []string{"role", "status"},
	Columns: map[string]db.Column{
		"member":    {SQL: "user_id", NotNull: true},
		"name":      {SQL: "name", Fold: "name_fold", NotNull: true},
		"email":     {SQL: "email", Fold: "email_fold", NotNull: true},
		"role":      {SQL: "role", NotNull: true},
		"status":    {SQL: "status", NotNull: true},
		"joinedAt":  {SQL: "joined_at", NotNull: true},
		"createdAt": {SQL: "created_at", NotNull: true},
		"updatedAt": {SQL: "updated_at", NotNull: true},
	},
}

func listMembers(tx *db.Tx, scope access.Scope, q *page.Query) (page.Result[Member], error) {
	return db.PageOf(&members, tx, scope, q, nil, (*Member).scan)
}

func findMember(tx *db.Tx, scope access.Scope, id ident.ID, m *Member) error {
	return orMissing(m.scan(tx.Row(`SELECT `+memberColumns+` FROM organization_user WHERE organization_id = $1 AND id = $2`,
		scope.Organization(), id).Scan))
}

// findMemberOf loads what a user is in the organization; Missing when the user
// is no member.
func findMemberOf(tx *db.Tx, scope access.Scope, user ident.ID, m *Member) error {
	return orMissing(m.scan(tx.Row(`SELECT `+memberColumns+` FROM organization_user WHERE organization_id = $1 AND user_id = $2`,
		scope.Organization(), user).Scan))
}

// hasEmail reports whether a member of the organization has the address, which is
// in its normal form.
func hasEmail(tx *db.Tx, scope access.Scope, email string) (yes bool, err error) {
	err = tx.Row(`SELECT EXISTS (SELECT 1 FROM organization_user WHERE organization_id = $1 AND email_fold = $2 AND email = $3)`,
		scope.Organization(), db.Fold(email), email).Scan(&yes)
	return yes, err
}

// roleOf is the role of an active member, None for others.
func roleOf(tx *db.Tx, organization, user ident.ID) (access.Role, error) {
	var name string
	err := tx.Row(`SELECT role FROM organization_user WHERE organization_id = $1 AND user_id = $2 AND status = 'active'`,
		organization, user).Scan(&name)
	if errors.Is(err, db.ErrNoRows) {
		return access.None, nil
	}
	role, _ := access.ParseRole(name)
	return role, err
}

// otherOwner reports whether the organization has an active owner beside the
// given member.
func otherOwner(tx *db.Tx, scope access.Scope, id ident.ID) (bool, error) {
	var one int64
	err := tx.Row(`SELECT 1 FROM organization_user WHERE organization_id = $1 AND role = 'owner' AND status = 'active' AND id <> $2 LIMIT 1`,
		scope.Organization(), id).Scan(&one)
	if errors.Is(err, db.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// lockMembers holds the membership of the organization until the transaction
// ends: whoever changes roles, states or seats takes it first, so that what was
// counted is still true at the commit.
func lockMembers(tx *db.Tx, scope access.Scope) error {
	return tx.Lock("organization/members/" + scope.Organization().String())
}

// insertMember stores a new member and counts the seat if the role takes one.
func insertMember(tx *db.Tx, scope access.Scope, m *Member) error {
	_, err := tx.Exec(`INSERT INTO organization_user (organization_id, id, user_id, name, name_fold, email, email_fold,
			role, status, joined_at, version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		scope.Organization(), m.ID, m.User, m.Name, db.Fold(m.Name), m.Email, db.Fold(m.Email),
		m.Role, m.Status, m.JoinedAt, m.Version, m.CreatedAt, m.UpdatedAt)
	if err != nil {
		return err
	}
	db.Count(tx, scope, memberTable, 1)
	countMember(tx, scope, m, 1)
	return nil
}

// countMember counts a member, or takes it out of the count, in its group and
// among the seats.
func countMember(tx *db.Tx, scope access.Scope, m *Member, delta int64) {
	db.CountGroup(tx, scope, memberTable, delta, m.Role, m.Status)
	if m.takesSeat() {
		db.Count(tx, scope, "seat", delta)
	}
}

// updateMember stores role and status if the member still has the version before
// its own; else somebody was faster.
func updateMember(tx *db.Tx, scope access.Scope, before, m *Member) error {
	changed, err := tx.Exec(`UPDATE organization_user SET role = $3, status = $4, version = $5, updated_at = $6
		WHERE organization_id = $1 AND id = $2 AND version = $5 - 1`,
		scope.Organization(), m.ID, m.Role, m.Status, m.Version, m.UpdatedAt)
	if err != nil {
		return err
	}
	if changed == 0 {
		return fault.New(fault.Conflict, "Somebody else has changed this in the meantime. Read it again and repeat your change.")
	}
	countMember(tx, scope, before, -1)
	countMember(tx, scope, m, 1)
	return nil
}

func deleteMember(tx *db.Tx, scope access.Scope, m *Member) {
	tx.Queue(`DELETE FROM organization_user WHERE organization_id = $1 AND id = $2`, scope.Organization(), m.ID)
	db.Count(tx, scope, memberTable, -1, m.ID)
	countMember(tx, scope, m, -1)
}

// renameMembers stores a user's name and address in all their memberships. The
// transaction's scope is the instance.
func renameMembers(tx *db.Tx, user ident.ID, name, email string) {
	tx.Queue(`UPDATE organization_user SET name = $2, name_fold = $3, email = $4, email_fold = $5, version = version + 1
		WHERE user_id = $1 AND (name <> $2 OR email <> $4)`,
		user, name, db.Fold(name), email, db.Fold(email))
}

// membership is one organization that a user belongs to.
type membership struct {
	organization ident.ID
	slug         string
	status       string
	role         string
}

// membershipsOf reads all active memberships of a user. The transaction's scope
// is the instance.
func membershipsOf(tx *db.Tx, user ident.ID) (list []membership, err error) {
	rows := tx.Query(`SELECT o.id, o.slug, o.status, m.role FROM organization_user m JOIN organization o ON o.id = m.organization_id
		WHERE m.user_id = $1 AND m.status = 'active' AND o.removed_at IS NULL ORDER BY o.id`, user)
	defer rows.Close()
	for rows.Next() {
		var m membership
		if err := rows.Scan(&m.organization, &m.slug, &m.status, &m.role); err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, rows.Err()
}

// usersOf returns the users who are members of the organization.
func usersOf(tx *db.Tx, organization ident.ID) (users []ident.ID, err error) {
	rows := tx.Query(`SELECT user_id FROM organization_user WHERE organization_id = $1 ORDER BY user_id`, organization)
	defer rows.Close()
	for rows.Next() {
		var user ident.ID
		if err := rows.Scan(&user); err != nil {
			return nil, err
		}
		users = append(users, user)
	}
	return users, rows.Err()
}

// share reports whether two users are members of one organization, the first of
// them an active one.
func share(tx *db.Tx, a, b ident.ID) (bool, error) {
	var one null.Value[int64]
	err := tx.Row(`SELECT 1 FROM organization_user x JOIN organization_user y ON y.organization_id = x.organization_id
		WHERE x.user_id = $1 AND y.user_id = $2 AND x.status = 'active' LIMIT 1`, a, b).Scan(&one)
	if errors.Is(err, db.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// reach lists the addresses of the active members with one of the roles, those who
// joined first, up to reachLimit.
func reach(tx *db.Tx, scope access.Scope, roles access.Roles) (list []mail.Address, err error) {
	args := []any{scope.Organization()}
	var in []string
	for _, name := range access.RoleNames() {
		if r, ok := access.ParseRole(name); ok && roles.Has(r) {
			args = append(args, name)
			in = append(in, "$"+strconv.Itoa(len(args)))
		}
	}
	rows := tx.Query(`SELECT name, email FROM organization_user WHERE organization_id = $1 AND status = 'active' AND role IN (`+strings.Join(in, ", ")+`)
		ORDER BY id LIMIT `+strconv.Itoa(reachLimit), args...)
	defer rows.Close()
	for rows.Next() {
		var to mail.Address
		if err := rows.Scan(&to.Name, &to.Email); err != nil {
			return nil, err
		}
		list = append(list, to)
	}
	return list, rows.Err()
}
