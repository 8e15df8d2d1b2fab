package employee

import (
	"errors"
	"strconv"
	"strings"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/page"
)

const columns = `id, first_name, last_name, email, location_id, user_id, active, version, created_at, updated_at`

func (e *Employee) scan(into func(...any) error) error {
	return into(&e.ID, &e.FirstName, &e.LastName, &e.Email, &e.Location, &e.User, &e.Active,
		&e.Version, &e.CreatedAt, &e.UpdatedAt)
}

var listing = db.Listing{
	Table:  "employee",
	Select: columns,
	Columns: map[string]db.Column{
		"firstName": {SQL: "first_name", Fold: "first_name_fold", NotNull: true},
		"lastName":  {SQL: "last_name", Fold: "last_name_fold", NotNull: true},
		"name":      {SQL: "name_fold", Fold: "name_fold", NotNull: true},
		"email":     {SQL: "email", Fold: "email_fold"},
		"location":  {SQL: "location_id"},
		"user":      {SQL: "user_id"},
		"active":    {SQL: "active", NotNull: true},
		"createdAt": {SQL: "created_at", NotNull: true},
		"updatedAt": {SQL: "updated_at", NotNull: true},
	},
	Order:   "id",
	Counted: true,
	Texts:   []string{"firstName", "lastName", "name", "email"},
}

func list(tx *db.Tx, scope access.Scope, q *page.Query) (page.Result[Employee], error) {
	return db.PageOf(&listing, tx, scope, q, nil, (*Employee).scan)
}

// find loads an employee. One that is not there, or not in scope, is Missing.
func find(tx *db.Tx, scope access.Scope, id ident.ID, e *Employee) error {
	return orMissing(e.scan(tx.Row(`SELECT `+columns+` FROM employee WHERE organization_id = $1 AND id = $2`,
		scope.Organization(), id).Scan))
}

// some loads those of the employees that are in scope. The number of parameters
// is a power of two, so that few statements are made of it.
func some(tx *db.Tx, scope access.Scope, ids []ident.ID) (list []Employee, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	args := []any{scope.Organization()}
	var in strings.Builder
	for n := 0; n < len(ids) || n&(n-1) != 0; n++ {
		args = append(args, ids[min(n, len(ids)-1)])
		in.WriteString(", $" + strconv.Itoa(n+2))
	}
	rows := tx.Query(`SELECT `+columns+` FROM employee WHERE organization_id = $1 AND id IN (`+in.String()[2:]+`)`, args...)
	defer rows.Close()
	for rows.Next() {
		var e Employee
		if err := e.scan(rows.Scan); err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, rows.Err()
}

func orMissing(err error) error {
	if errors.Is(err, db.ErrNoRows) {
		return fault.Missing()
	}
	return err
}

// linked returns the employee that the user is linked to; Missing when there is
// none.
func linked(tx *db.Tx, scope access.Scope, user ident.ID) (id ident.ID, err error) {
	err = orMissing(tx.Row(`SELECT id FROM employee WHERE organization_id = $1 AND user_id = $2`,
		scope.Organization(), user).Scan(&id))
	return id, err
}

func insert(tx *db.Tx, scope access.Scope, e *Employee) error {
	_, err := tx.Exec(`INSERT INTO employee (organization_id, id, first_name, first_name_fold, last_name, last_name_fold, name_fold,
			email, email_fold, location_id, user_id, active, version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		scope.Organization(), e.ID, e.FirstName, db.Fold(e.FirstName), e.LastName, db.Fold(e.LastName), db.Fold(e.Name()),
		e.Email, fold(e.Email), e.Location, e.User, e.Active, e.Version, e.CreatedAt, e.UpdatedAt)
	if err != nil {
		return err
	}
	db.Count(tx, scope, "employee", 1)
	return nil
}

// update stores the employee if it still has the version before its own; else
// somebody was faster.
func update(tx *db.Tx, scope access.Scope, e *Employee) error {
	changed, err := tx.Exec(`UPDATE employee SET first_name = $3, first_name_fold = $4, last_name = $5, last_name_fold = $6,
			name_fold = $7, email = $8, email_fold = $9, location_id = $10, user_id = $11, active = $12, version = $13, updated_at = $14
		WHERE organization_id = $1 AND id = $2 AND version = $13 - 1`,
		scope.Organization(), e.ID, e.FirstName, db.Fold(e.FirstName), e.LastName, db.Fold(e.LastName),
		db.Fold(e.Name()), e.Email, fold(e.Email), e.Location, e.User, e.Active, e.Version, e.UpdatedAt)
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
