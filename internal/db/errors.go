package db

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"zombiezen.com/go/sqlite"
)

// IsUnique reports whether err says that a row broke the unique constraint of
// the given name. The name is the table's and then those of the columns without
// organization_id, joined by "_": organization_slug, location_name. Migrations
// give that name to every unique index. The primary key is table_pkey.
func IsUnique(err error, constraint string) bool {
	name, ok := uniqueName(err)
	return ok && name == constraint
}

// uniqueName returns the name, by the convention, of the constraint that err
// says was broken.
func uniqueName(err error) (string, bool) {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.ConstraintName, pg.Code == "23505"
	}
	primary := false
	switch sqlite.ErrCode(err) {
	case sqlite.ResultConstraintPrimaryKey, sqlite.ResultConstraintRowID:
		primary = true
	case sqlite.ResultConstraintUnique:
	default:
		return "", false
	}
	_, text, ok := strings.Cut(err.Error(), "UNIQUE constraint failed: ")
	if !ok {
		return "", false
	}
	text, _, _ = strings.Cut(text, " (in: ")
	if index, ok := strings.CutPrefix(text, "index '"); ok { // an index over an expression
		index, _, _ = strings.Cut(index, "'")
		return index, true
	}
	return constraintName(strings.Split(text, ", "), primary), true
}

// constraintName joins "table.column" texts.
func constraintName(columns []string, primary bool) string {
	table, _, _ := strings.Cut(columns[0], ".")
	if primary {
		return table + "_pkey"
	}
	name := table
	for _, c := range columns {
		_, column, _ := strings.Cut(c, ".")
		if column == "organization_id" && len(columns) > 1 {
			continue
		}
		name += "_" + column
	}
	return name
}

// IsExclusion reports whether err says that a row broke the exclusion constraint
// of the given name; only PostgreSQL has those.
func IsExclusion(err error, constraint string) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == "23P01" && pg.ConstraintName == constraint
}

// IsTaken reports whether err says that a value is there already that may be there
// once, whatever value that is.
func IsTaken(err error) bool {
	_, ok := uniqueName(err)
	return ok
}

// IsForeignKey reports whether err says that a row refers to one that is not
// there, or is still referred to.
func IsForeignKey(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == "23503" || pg.Code == "23001"
	}
	return sqlite.ErrCode(err) == sqlite.ResultConstraintForeignKey
}

// newerSchema is the refusal to work on a database of a newer sede.
func newerSchema(current, latest int) error {
	return fmt.Errorf("db: the database has schema version %d, this sede knows versions up to %d: run a newer one", current, latest)
}
