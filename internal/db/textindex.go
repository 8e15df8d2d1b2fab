package db

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"sede/internal/access"
	"sede/internal/ident"
)

const (
	// indexFrom is from how many pending rows on a segment is made of them. What
	// is pending is looked at by each search, and segments are as well.
	indexFrom = 1024
	// fanout is how many segments of about the same size are made one.
	fanout = 4
	// recount is how often all pending rows are counted. In between those are known
	// that were seen: new rows by Count, others by searches.
	recount = time.Hour
	// textBatch is how many rows are read at once.
	textBatch = 2048
)

// IndexTexts brings the indexes of texts up to date as far as it pays: it returns
// when no collection that it knows of has many pending rows. Several processes may
// do so at once. It is to be called again and again.
func (d *DB) IndexTexts(ctx context.Context) error {
	names, err := d.dueTexts(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		i := &indexing{d: d, l: d.texts.listings[name.collection], name: name, scope: access.System(name.organization)}
		for worked := true; worked; {
			worked, err = i.step(ctx)
			if err != nil {
				d.texts.notice(name, indexFrom) // which is gone on with at the next call
			}
			if ctx.Err() != nil || IsHeld(err) {
				break
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// dueTexts are the collections that may have enough pending rows.
func (d *DB) dueTexts(ctx context.Context) (names []textName, err error) {
	t := &d.texts
	t.mu.Lock()
	now := d.cfg.Clock.Now()
	all := len(t.listings) > 0 && !now.Before(t.next)
	if all {
		t.next = now.Add(recount)
	}
	maps.DeleteFunc(t.noticed, func(name textName, rows int64) bool {
		if rows < indexFrom {
			return false
		}
		names = append(names, name)
		return true
	})
	t.mu.Unlock()
	if !all {
		return names, nil
	}
	err = d.Read(ctx, access.Instance(), func(tx *Tx) error {
		rows := tx.Query(`SELECT organization_id, collection FROM text_pending GROUP BY organization_id, collection HAVING count(*) >= $1`, int64(indexFrom))
		defer rows.Close()
		for rows.Next() {
			var name textName
			if err := rows.Scan(&name.organization, &name.collection); err != nil {
				return err
			}
			if t.indexed(name.collection) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		return rows.Err()
	})
	return names, err
}

// indexing is the work on one index.
type indexing struct {
	d     *DB
	l     *Listing
	name  textName
	scope access.Scope
}

// pendingRow is a row that waits; changes tells whether it changed again.
type pendingRow struct {
	id      ident.ID
	changes int64
}

// draft is a segment in the making, from ids whose texts are still to be read.
type draft struct {
	ids     []ident.ID // ascending, of rows that are there
	keys    []uint64   // ascending
	taken   int        // how many of the wanted ids were read
	firsts  []uint64
	content [][]byte
}

// step makes one segment, of pending rows or of smaller segments.
func (i *indexing) step(ctx context.Context) (worked bool, err error) {
	var pending []pendingRow
	var segments []segment
	err = i.d.Read(ctx, i.scope, func(tx *Tx) (err error) {
		if pending, err = i.pending(tx); err != nil {
			return err
		}
		segments, err = tx.segments(i.name)
		return err
	})
	if errors.Is(err, errTextIndex) {
		return false, nil // another process is at work
	}
	if err != nil {
		return false, err
	}
	if len(pending) >= indexFrom {
		return i.take(ctx, pending, segments)
	}
	if small := mergeable(segments); small != nil {
		return i.merge(ctx, small, segments)
	}
	return false, nil
}

// pending lists the rows that wait, up to what a segment holds.
func (i *indexing) pending(tx *Tx) (list []pendingRow, err error) {
	rows := tx.Query(`SELECT id, changes FROM text_pending WHERE organization_id = $1 AND collection = $2 ORDER BY id LIMIT $3`,
		i.name.organization, i.name.collection, int64(segmentRows))
	defer rows.Close()
	for rows.Next() {
		var p pendingRow
		if err := rows.Scan(&p.id, &p.changes); err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, rows.Err()
}

// level is the class of sizes of a segment; those of the last are not merged.
func level(rows int) int {
	n := 0
	for size := indexFrom * fanout; rows >= size && size <= segmentRows/2; size *= fanout {
		n++
	}
	return n
}

// mergeable are segments of one level that are to be one; nil when none are.
func mergeable(segments []segment) (list []segment) {
	for n := 0; n < level(segmentRows); n++ {
		list = nil
		for _, s := range segments {
			if level(s.rows) == n && !s.full() {
				list = append(list, s)
			}
		}
		if len(list) >= fanout {
			return list[:fanout]
		}
	}
	return nil
}

// full reports whether no more fits into the segment.
func (s *segment) full() bool { return len(s.firsts)*blockBytes > segmentKeys/2 }

// take makes a segment of pending rows.
func (i *indexing) take(ctx context.Context, pending []pendingRow, before []segment) (bool, error) {
	ids := make([]ident.ID, len(pending))
	for n, p := range pending {
		ids[n] = p.id
	}
	made, err := i.make(ctx, ids)
	if err != nil {
		return false, err
	}
	return i.store(ctx, made, before, func(tx *Tx) (bool, error) {
		for n, p := range pending[:made.taken] {
			// What changed since is not deleted, and not missed: it stays pending.
			err := queueOrExec(tx, n, `DELETE FROM text_pending WHERE organization_id = $1 AND collection = $2 AND id = $3 AND changes = $4`,
				i.name.organization, i.name.collection, p.id, p.changes)
			if err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

// merge makes one segment of several.
func (i *indexing) merge(ctx context.Context, small, before []segment) (bool, error) {
	var ids []ident.ID
	err := i.d.Read(ctx, i.scope, func(tx *Tx) error {
		ids = nil
		for n := range small {
			s := &small[n]
			var numbers []int64
			for b := len(s.firsts); b < s.blocks(); b++ {
				numbers = append(numbers, s.base+int64(b))
			}
			blocks, err := tx.blocks(i.name, numbers)
			if err != nil {
				return err
			}
			for _, n := range numbers {
				for block := blocks[n]; len(block) >= len(ident.ID{}); block = block[len(ident.ID{}):] {
					ids = append(ids, ident.ID(block))
				}
			}
		}
		return nil
	})
	if err != nil {
		return false, ignoreDamage(err)
	}
	slices.SortFunc(ids, compareIDs)
	ids = slices.Compact(ids)
	made, err := i.make(ctx, ids)
	if err != nil || made.taken < len(ids) {
		return false, err // together they are too large
	}
	return i.store(ctx, made, before, func(tx *Tx) (bool, error) {
		for n := range small {
			if err := i.drop(tx, &small[n]); err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

// drop removes a segment.
func (i *indexing) drop(tx *Tx, s *segment) error {
	_, err := tx.Exec(`DELETE FROM text_segment WHERE organization_id = $1 AND collection = $2 AND base = $3`,
		i.name.organization, i.name.collection, s.base)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`DELETE FROM text_block WHERE organization_id = $1 AND collection = $2 AND number >= $3 AND number < $4`,
		i.name.organization, i.name.collection, s.base, s.base+int64(s.blocks()))
	return err
}

// make reads the texts of the rows, in short reads, until there are none left or
// the segment is full.
func (i *indexing) make(ctx context.Context, ids []ident.ID) (*draft, error) {
	columns := make([]string, len(i.l.Texts))
	for n, field := range i.l.Texts {
		c := i.l.Columns[field]
		columns[n], _ = c.textColumn()
	}
	made := &draft{}
	for made.taken < len(ids) && len(made.keys) < segmentKeys {
		part := ids[made.taken:min(made.taken+textBatch, len(ids))]
		err := i.d.Read(ctx, i.scope, func(tx *Tx) error {
			return i.readTexts(tx, strings.Join(columns, ", "), part, made)
		})
		if err != nil {
			return nil, err
		}
		made.taken += len(part)
	}
	slices.Sort(made.keys)
	made.keys = slices.Compact(made.keys)
	made.firsts, made.content = encodeBlocks(made.keys)
	made.keys = nil
	for part := range slices.Chunk(made.ids, blockIDs) {
		block := make([]byte, 0, blockIDs*len(ident.ID{}))
		for n := range part {
			block = append(block, part[n][:]...)
		}
		made.content = append(made.content, block)
	}
	return made, nil
}

// readTexts adds rows to the draft.
func (i *indexing) readTexts(tx *Tx, columns string, ids []ident.ID, made *draft) error {
	rowsBefore, keysBefore := len(made.ids), len(made.keys)
	made.ids, made.keys = made.ids[:rowsBefore], made.keys[:keysBefore] // of a read that is repeated
	rows := tx.Query(tx.selectListed("id, "+columns, i.l.Table, "organization_id = $1", "id", "$2", KindID)+" ORDER BY id",
		i.name.organization, tx.idList(ids))
	defer rows.Close()
	var id ident.ID
	texts := make([]*string, len(i.l.Texts))
	dest := []any{&id}
	for n := range texts {
		dest = append(dest, &texts[n])
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		for field, text := range texts {
			if text != nil {
				made.keys = textKeys(made.keys, field, *text, len(made.ids))
			}
		}
		made.ids = append(made.ids, id)
	}
	return rows.Err()
}

// queueOrExec queues the nth of many statements, and waits at times.
func queueOrExec(tx *Tx, n int, sql string, args ...any) error {
	if n%256 < 255 {
		tx.Queue(sql, args...)
		return nil
	}
	_, err := tx.Exec(sql, args...)
	return err
}

// store writes the segment and does what goes with it, unless another process has
// made one since before was read.
func (i *indexing) store(ctx context.Context, made *draft, before []segment, with func(tx *Tx) (bool, error)) (done bool, err error) {
	var stamp ident.ID
	_, _ = rand.Read(stamp[:]) // which never fails
	err = i.d.Write(ctx, i.scope, func(tx *Tx) (err error) {
		done = false
		if err := tx.Lock("text index " + i.name.collection + " " + i.name.organization.String()); err != nil {
			return err
		}
		now, err := tx.segments(i.name)
		if err != nil {
			return ignoreDamage(err)
		}
		if !slices.EqualFunc(now, before, func(a, b segment) bool { return a.stamp == b.stamp }) {
			return nil
		}
		if done, err = with(tx); err != nil || !done || len(made.ids) == 0 {
			return err
		}
		var base int64
		for n := range now {
			base = max(base, now[n].base+int64(now[n].blocks()))
		}
		for n, content := range made.content {
			err := queueOrExec(tx, n, `INSERT INTO text_block (organization_id, collection, number, content) VALUES ($1, $2, $3, $4)`,
				i.name.organization, i.name.collection, base+int64(n), content)
			if err != nil {
				return err
			}
		}
		tx.Queue(`INSERT INTO text_segment (organization_id, collection, base, stamp, rows, directory) VALUES ($1, $2, $3, $4, $5, $6)`,
			i.name.organization, i.name.collection, base, stamp, int64(len(made.ids)), encodeDirectory(made.firsts))
		return nil
	})
	return done && err == nil, err
}
