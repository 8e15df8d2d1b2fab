package location

import (
	"errors"
	"strconv"
	"strings"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/page"
)

const columns = `id, name, office_open_hour, office_close_hour, time_zone, country, address, version, created_at, updated_at`

func (l *Location) scan(into func(...any) error) error {
	return into(&l.ID, &l.Name, &l.OfficeOpenHour, &l.OfficeCloseHour, &l.TimeZone, &l.Country, &l.Address,
		&l.Version, &l.CreatedAt, &l.UpdatedAt)
}

var listing = db.Listing{
	Table:  "location",
	Select: columns,
	Columns: map[string]db.Column{
		"name":            {SQL: "name", Fold: "name_fold", NotNull: true},
		"officeOpenHour":  {SQL: "office_open_hour"},
		"officeCloseHour": {SQL: "office_close_hour"},
		"timeZone":        {SQL: "time_zone", NotNull: true},
		"country":         {SQL: "country"},
		"address":         {SQL: "address"},
		"createdAt":       {SQL: "created_at", NotNull: true},
		"updatedAt":       {SQL: "updated_at", NotNull: true},
	},
	Order:   "id",
	Counted: true,
	Groups:  []string{"country"},
	Texts:   []string{"name"},
}

func list(tx *db.Tx, scope access.Scope, q *page.Query) (page.Result[Location], error) {
	return db.PageOf(&listing, tx, scope, q, nil, (*Location).scan)
}

// find loads a location. One that is not there, or not in scope, is Missing.
func find(tx *db.Tx, scope access.Scope, id ident.ID, l *Location) error {
	err := l.scan(tx.Row(`SELECT `+columns+` FROM location WHERE organization_id = $1 AND id = $2`,
		scope.Organization(), id).Scan)
	if errors.Is(err, db.ErrNoRows) {
		return fault.Missing()
	}
	return err
}

// some loads those of the locations that are there. The list of parameters is
// filled up to a power of two, so that few statements are made of it.
func some(tx *db.Tx, scope access.Scope, ids []ident.ID) (list []Location, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	args := []any{scope.Organization()}
	var in strings.Builder
	for n := 0; n < len(ids) || n&(n-1) != 0; n++ {
		args = append(args, ids[min(n, len(ids)-1)])
		in.WriteString(", $" + strconv.Itoa(n+2))
	}
	rows := tx.Query(`SELECT `+columns+` FROM location WHERE organization_id = $1 AND id IN (`+in.String()[2:]+`)`, args...)
	defer rows.Close()
	for rows.Next() {
		var l Location
		if err := l.scan(rows.Scan); err != nil {
			return nil, err
		}
		list = append(list, l)
	}
	return list, rows.Err()
}

func insert(tx *db.Tx, scope access.Scope, l *Location) {
	tx.Queue(`INSERT INTO location (organization_id, id, name, name_fold, office_open_hour, office_close_hour,
			time_zone, country, address, version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		scope.Organization(), l.ID, l.Name, db.Fold(l.Name), l.OfficeOpenHour, l.OfficeCloseHour,
		l.TimeZone, l.Country, l.Address, l.Version, l.CreatedAt, l.UpdatedAt)
	db.Count(tx, scope, "location", 1)
	db.CountGroup(tx, scope, "location", 1, l.group())
}

// group is what the location is counted under: its country, a slash for none.
func (l *Location) group() string { return l.Country.Or("/") }

// update stores the location if it still has the version before its own; else
// somebody was faster.
func update(tx *db.Tx, scope access.Scope, before, l *Location) error {
	changed, err := tx.Exec(`UPDATE location SET name = $3, name_fold = $4, office_open_hour = $5, office_close_hour = $6,
			time_zone = $7, country = $8, address = $9, version = $10, updated_at = $11
		WHERE organization_id = $1 AND id = $2 AND version = $10 - 1`,
		scope.Organization(), l.ID, l.Name, db.Fold(l.Name), l.OfficeOpenHour, l.OfficeCloseHour,
		l.TimeZone, l.Country, l.Address, l.Version, l.UpdatedAt)
	switch {
	case err != nil:
		return err
	case changed == 0:
		return fault.New(fault.Conflict, "Somebody else has changed this in the meantime. Read it again and repeat your change.")
	case l.Country != before.Country:
		db.CountGroup(tx, scope, "location", -1, before.group())
		db.CountGroup(tx, scope, "location", 1, l.group())
	}
	return nil
}
