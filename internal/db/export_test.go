package db

import (
	"context"
	"strings"
	"text/template"

	"sede/internal/access"
)

// What the tests in db_test need from the inside.

// MaxStatements is how many statements a connection keeps.
const MaxStatements = maxStatements

// AnchorEvery is how many rows lie between two anchors.
const AnchorEvery = anchorEvery

// MigrateTo migrates up to a version.
func (d *DB) MigrateTo(ctx context.Context, version int) error {
	_, err := d.migrateTo(ctx, int64(version))
	return err
}

// Versions lists the versions of the migrations.
func Versions() []int {
	var list []int
	for _, m := range migrationFiles() {
		list = append(list, m.version)
	}
	return list
}

// Render executes a text with the macros of the migrations.
func (d *DB) Render(text string) string {
	var b strings.Builder
	if err := template.Must(template.New("").Parse(text)).Execute(&b, dialect{engine: d.engine}); err != nil {
		panic(err)
	}
	return b.String()
}

// Script runs statements that are divided by semicolons, in a transaction.
func (tx *Tx) Script(text string) error {
	for s := range strings.SplitSeq(text, ";") {
		if strings.TrimSpace(s) == "" {
			continue
		}
		if _, err := tx.Exec(s); err != nil {
			return err
		}
	}
	return nil
}

// ConstraintName is the name of a unique constraint over columns.
func ConstraintName(columns []string) string { return constraintName(columns, false) }

// Cached returns how many statements each connection of the pool keeps.
func (tx *Tx) Cached() int {
	if tx.lite != nil {
		return len(tx.lite.cache.byKey)
	}
	return len(tx.pg.cache.byKey)
}

// Anchors returns how many anchors there are.
func (d *DB) Anchors() int {
	d.anchors.mu.Lock()
	defer d.anchors.mu.Unlock()
	n := 0
	for _, l := range d.anchors.lists {
		n += l.size
	}
	return n
}

// SmallTexts makes all ways of searching in texts happen in small collections.
func (d *DB) SmallTexts() {
	d.texts.limits = textLimits{pending: 1500, blocks: 12, found: 150, walk: 400, sorted: 3000}
}

// TextSegments returns how many rows each segment of an index has.
func (d *DB) TextSegments(ctx context.Context, scope access.Scope, table string) (rows []int, err error) {
	err = d.Read(ctx, scope, func(tx *Tx) error {
		list, err := tx.segments(textName{scope.Organization(), table})
		for _, s := range list {
			rows = append(rows, s.rows)
		}
		return err
	})
	return rows, err
}
