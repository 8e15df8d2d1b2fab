package db

import (
	"context"
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
	// eraseAfter is how long after the last removal the index forgets what was
	// removed, and eraseWithin how long after the first at most.
	eraseAfter  = 5 * time.Second
	eraseWithin = time.Minute
)

// IndexTexts brings the indexes of texts up to date as far as it pays: it returns
// when no collection that it knows of has many pending rows, and none has rows that
// were removed some time ago in its index. Several processes may
// do so at once. It is to be called again and again.
func (d *DB) IndexTexts(ctx context.Context) error {
	names, err := d.dueTexts(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		i := &indexing{d: d, l: d.texts.listings[name.collection], name: name, scope: access.System(name.organization)}
		err := i.sweep(ctx)
		for worked := true; worked && err == nil; {
			worked, err = i.step(ctx)
		}
		if err != nil {
			d.texts.notice(name, indexFrom) // which is gone on with at the next call
		}
		if err != nil && ctx.Err() == nil && !IsHeld(err) {
			return err
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
	maps.DeleteFunc(t.erased, func(name textName, e erasure) bool {
		if now.Sub(e.last) < eraseAfter && now.Sub(e.first) < eraseWithin {
			return false
		}
		names = append(names, name)
		return true
	})
	maps.DeleteFunc(t.noticed, func(name textName, rows int64) bool {
		if _, wait := t.erased[name]; rows < indexFrom || wait {
			return false
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		return true
	})
	t.mu.Unlock()
	if !all {
		return names, nil
	}
	err = d.Read(ctx, access.Instance(), func(tx *Tx) error {
		rows := tx.Query(`SELECT organization_id, collection FROM text_pending GROUP BY organization_id, collection
			HAVING count(*) >= $1 OR count(CASE WHEN stale THEN 1 END) > 0
			UNION SELECT organization_id, collection FROM text_segment WHERE draft_at IS NOT NULL OR steps IS NULL`, int64(indexFrom))
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

// pendingRow is a row that waits; changes tells whether it changed again, stale that
// segments may have it as it was.
type pendingRow struct {
	id      ident.ID
	changes int64
	stale   bool
}

// draft is a segment in the making, from ids whose texts are still to be read.
type draft struct {
	ids     []ident.ID // of rows that are there, in the order of the segment
	values  []int64    // by which they are ordered, if they are not by their ids
	keys    []uint64   // ascending
	taken   int        // how many of the wanted ids were read
	firsts  []uint64
	steps   []step
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
	if slices.ContainsFunc(pending, func(p pendingRow) bool { return p.stale }) {
		worked, err := i.purge(ctx, pending, segments)
		if !worked {
			i.d.texts.noticeErasure(i.name, i.d.cfg.Clock.Now()) // which is gone on with later
		}
		return worked, err
	}
	if len(pending) >= indexFrom {
		return i.take(ctx, pending, segments)
	}
	if small := mergeable(segments); small != nil {
		return i.merge(ctx, small, segments)
	}
	return i.order(ctx, segments)
}

// pending lists the rows that wait, up to what a segment holds.
func (i *indexing) pending(tx *Tx) (list []pendingRow, err error) {
	rows := tx.Query(`SELECT id, changes, stale FROM text_pending WHERE organization_id = $1 AND collection = $2 ORDER BY id LIMIT $3`,
		i.name.organization, i.name.collection, int64(segmentRows))
	defer rows.Close()
	for rows.Next() {
		var p pendingRow
		if err := rows.Scan(&p.id, &p.changes, &p.stale); err != nil {
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
	made, err := i.make(ctx, ids, segmentKeys)
	if err != nil {
		return false, err
	}
	done, err := i.store(ctx, made, before, nil)
	if err != nil || !done {
		return false, err
	}
	return true, i.taken(ctx, pending[:made.taken])
}

// merge makes one segment of several.
func (i *indexing) merge(ctx context.Context, small, before []segment) (bool, error) {
	var ids []ident.ID
	err := i.d.Read(ctx, i.scope, func(tx *Tx) error {
		ids = nil
		for n := range small {
			part, err := tx.rowIDs(i.name, &small[n])
			if err != nil {
				return err
			}
			ids = append(ids, part...)
		}
		return nil
	})
	if err != nil {
		return false, ignoreDamage(err)
	}
	slices.SortFunc(ids, compareIDs)
	ids = slices.Compact(ids)
	made, err := i.make(ctx, ids, segmentKeys)
	if err != nil || made.taken < len(ids) {
		return false, err // together they are too large
	}
	return i.store(ctx, made, before, small)
}

// make reads the texts of the rows, in short reads, until there are none left or
// the segment has so many keys.
func (i *indexing) make(ctx context.Context, ids []ident.ID, most int) (*draft, error) {
	columns := make([]string, len(i.l.Texts))
	for n, field := range i.l.Texts {
		c := i.l.Columns[field]
		columns[n], _ = c.textColumn()
	}
	made := &draft{}
	for made.taken < len(ids) && len(made.keys) < most {
		part := ids[made.taken:min(made.taken+textBatch, len(ids))]
		err := i.d.Read(ctx, i.scope, func(tx *Tx) error {
			return i.readTexts(tx, strings.Join(columns, ", ")+", "+i.l.textOrder().value()+", id", part, made)
		})
		if err != nil {
			return nil, err
		}
		made.taken += len(part)
	}
	if i.l.textOrder().column != "" {
		made.order()
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
	made.ids, made.keys, made.values = made.ids[:rowsBefore], made.keys[:keysBefore], made.values[:rowsBefore] // of a read that is repeated
	rows := tx.Query(tx.selectListed(columns, i.l.Table, "organization_id = $1", "id", "$2", KindID)+" ORDER BY id",
		i.name.organization, tx.idList(ids))
	defer rows.Close()
	var row anchor
	order := i.l.textOrder()
	texts := make([]*string, len(i.l.Texts))
	var dest []any
	for n := range texts {
		dest = append(dest, &texts[n])
	}
	for rows.Next() {
		if err := order.scan(rows, &row, dest...); err != nil {
			return err
		}
		for field, text := range texts {
			if text != nil {
				made.keys = textKeys(made.keys, field, *text, len(made.ids))
			}
		}
		made.ids, made.values = append(made.ids, row.key), append(made.values, row.at)
	}
	return rows.Err()
}
