package sedetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/sealing"
	"sede/internal/secret"
)

// CheckIntegrity returns nil when what must always hold in a database does: the
// chains of the audit log are whole, and what was counted is there. It runs at
// the end of every test with an Instance.
func CheckIntegrity(ctx context.Context, d *db.DB) error {
	return d.Read(ctx, access.Instance(), func(tx *db.Tx) error {
		if _, err := audit.Verify(tx); err != nil {
			return err
		}
		return checkCounts(tx)
	})
}

// sealable is the schema, the same for all tests of a process.
var sealable = sync.OnceValues(func() (map[string]*db.Table, error) { return db.Schema(context.Background()) })

// checkSealed returns nil when nothing is sealed with the key but what
// sealing.Columns lists.
func checkSealed(ctx context.Context, d *db.DB, key secret.KeyID) error {
	tables, err := sealable()
	if err != nil {
		return err
	}
	var parts []string
	for _, table := range tables {
		for _, c := range table.Columns {
			known := slices.ContainsFunc(sealing.Columns(), func(s sealing.Column) bool { return s.Table == table.Name && s.Name == c.Name })
			if c.Kind == db.KindBytes && !known {
				parts = append(parts, `SELECT '`+table.Name+"."+c.Name+`' FROM `+table.Name+` WHERE substr(`+c.Name+`, 1, 5) = $1`)
			}
		}
	}
	return d.Read(ctx, access.Instance(), func(tx *db.Tx) error {
		var column string
		err := tx.Row(strings.Join(parts, " UNION ALL ")+" LIMIT 1", secret.Mark(key)).Scan(&column)
		if errors.Is(err, db.ErrNoRows) {
			return nil
		}
		if err == nil {
			err = fmt.Errorf("%s holds something sealed: add it to sealing.Columns", column)
		}
		return err
	})
}

// counted says which rows a counter counts: those of the table it is named
// after, or of one group of them.
func counted(resource string) (from string) {
	switch group := strings.Split(resource, "/"); {
	case resource == "seat":
		return `organization_user WHERE status = 'active' AND role <> 'guest' AND organization_id = $1`
	case resource == "meeting":
		return `meeting WHERE cancelled_at IS NULL AND organization_id = $1`
	case len(group) > 1 && group[0] == "location":
		return `location WHERE COALESCE(country, '/') = '` + strings.TrimPrefix(resource, "location/") + `' AND organization_id = $1`
	case len(group) == 3 && group[0] == "organization_user":
		return `organization_user WHERE role = '` + group[1] + `' AND status = '` + group[2] + `' AND organization_id = $1`
	}
	return resource + ` WHERE organization_id = $1`
}

// checkCounts compares the counters with the rows.
func checkCounts(tx *db.Tx) error {
	type counter struct {
		organization ident.ID
		table        string
		rows         int64
	}
	var counters []counter
	rows := tx.Query(`SELECT organization_id, resource, rows FROM row_count`)
	defer rows.Close()
	for rows.Next() {
		var c counter
		if err := rows.Scan(&c.organization, &c.table, &c.rows); err != nil {
			return err
		}
		c.table = strings.Clone(c.table)
		counters = append(counters, c)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, c := range counters {
		var there int64
		row := tx.Row(`SELECT count(*) FROM `+counted(c.table), c.organization)
		if c.organization.IsZero() {
			row = tx.Row(`SELECT count(*) FROM ` + c.table)
		}
		if err := row.Scan(&there); err != nil {
			return fmt.Errorf("rows of %s: %w", c.table, err)
		}
		if there != c.rows {
			return fmt.Errorf("%d rows of %s were counted for organization %s, there are %d", c.rows, c.table, c.organization, there)
		}
	}
	return nil
}
