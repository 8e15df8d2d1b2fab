package db

import (
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"text/template"

	"sede/internal/access"
	"sede/internal/ident"
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
	d.texts.limits = textLimits{pending: 1500, blocks: 12, found: 150, walk: 400, keys: 900, sorted: 3000, parts: 400}
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

// TextContent returns all that an index has: which three letters of which field, and
// the ids of its rows. stray are blocks that belong to no segment.
func (d *DB) TextContent(ctx context.Context, scope access.Scope, table string) (trigrams map[uint64]bool, ids []ident.ID, stray int64, err error) {
	name := textName{scope.Organization(), table}
	trigrams = map[uint64]bool{}
	err = d.Read(ctx, scope, func(tx *Tx) error {
		if err := tx.Row("SELECT count(*) FROM text_block WHERE organization_id = $1 AND collection = $2", name.organization, table).Scan(&stray); err != nil {
			return err
		}
		list, err := tx.segments(name)
		if err != nil {
			return err
		}
		for n := range list {
			s := &list[n]
			stray -= int64(s.blocks())
			part, err := tx.rowIDs(name, s)
			if err != nil {
				return err
			}
			ids = append(ids, part...)
			for b, first := range s.firsts {
				blocks, err := tx.blocks(name, []int64{s.base + int64(b)})
				if err != nil {
					return err
				}
				for key, rest := first, blocks[s.base+int64(b)]; ; {
					trigrams[key>>rowBits] = true
					if len(rest) == 0 {
						break
					}
					d, n := binary.Uvarint(rest)
					key, rest = key+d, rest[n:]
				}
			}
		}
		return nil
	})
	return trigrams, ids, stray, err
}

// AddTrigrams adds those of a text of a field.
func AddTrigrams(trigrams map[uint64]bool, field int, text string) {
	for _, key := range textKeys(nil, field, text, 0) {
		trigrams[key>>rowBits] = true
	}
}

// FullLog and MostLog are how many pages of log are written back, and how many wait.
const (
	FullLog = fullLog
	MostLog = mostLog
)

// LogState is how many pages SQLite's log has, and how many of them are in the file.
func (d *DB) LogState(t testing.TB) (pages, done int64) {
	c, err := d.lite.connect(false)
	if err == nil {
		defer c.close()
		err = c.pragma("SELECT count(*) FROM sqlite_schema")
	}
	s, _, e := c.checkpoint("NOOP")
	if err = errors.Join(err, e); err != nil {
		t.Fatal(err)
	}
	return s.pages, s.done
}

// Queued is how many Writes wait for their turn on SQLite.
func (d *DB) Queued() int { return len(d.lite.writer.queue) }
