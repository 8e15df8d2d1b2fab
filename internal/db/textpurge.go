package db

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"

	"sede/internal/ident"
)

// taken ends that rows are pending which a segment has now. Those that were changed
// or removed while it was made are in it as they were.
func (i *indexing) taken(ctx context.Context, list []pendingRow) error {
	return i.steps(ctx, len(list), func(tx *Tx, from, to int) error {
		now, err := i.stillPending(tx, list[from:to])
		if err != nil {
			return err
		}
		for _, p := range list[from:to] {
			if n, ok := now[p.id]; ok && n == p.changes {
				tx.Queue(`DELETE FROM text_pending WHERE organization_id = $1 AND collection = $2 AND id = $3 AND changes = $4 AND NOT stale`,
					i.name.organization, i.name.collection, p.id, p.changes)
				continue
			}
			tx.Queue(`INSERT INTO text_pending (organization_id, collection, id, changes, stale) VALUES ($1, $2, $3, $4, true)
				ON CONFLICT (organization_id, collection, id) DO UPDATE SET changes = text_pending.changes + $4, stale = true`,
				i.name.organization, i.name.collection, p.id, another())
		}
		return nil
	})
}

// another is what is added to the changes of a row, so that no process that saw the
// row before takes it for what it saw.
func another() int64 { return 1 + rand.Int64N(1<<40) }

// stillPending tells how often those of the rows changed that are pending and not
// stale.
func (i *indexing) stillPending(tx *Tx, list []pendingRow) (map[ident.ID]int64, error) {
	ids := make([]ident.ID, len(list))
	for n := range list {
		ids[n] = list[n].id
	}
	rows := tx.Query(tx.selectListed("id, changes", "text_pending", "organization_id = $1 AND collection = $2 AND NOT stale", "id", "$3", KindID),
		i.name.organization, i.name.collection, tx.idList(ids))
	defer rows.Close()
	found := make(map[ident.ID]int64, len(list))
	for rows.Next() {
		var p pendingRow
		if err := rows.Scan(&p.id, &p.changes); err != nil {
			return nil, err
		}
		found[p.id] = p.changes
	}
	return found, rows.Err()
}

// purge makes segments anew that may have rows as they were before they were changed
// or removed, without these rows. Segments that never had them stay. Other rows that
// are pending stay in them too: they may be so no more before that is done.
func (i *indexing) purge(ctx context.Context, pending []pendingRow, before []segment) (bool, error) {
	var stale []pendingRow
	for _, p := range pending {
		if p.stale {
			stale = append(stale, p)
		}
	}
	isStale := func(id ident.ID) bool {
		_, ok := slices.BinarySearchFunc(stale, id, func(p pendingRow, id ident.ID) int { return compareIDs(p.id, id) })
		return ok
	}
	for n := range before {
		var ids []ident.ID
		err := i.d.Read(ctx, i.scope, func(tx *Tx) (err error) {
			ids, err = tx.rowIDs(i.name, &before[n])
			return err
		})
		if err != nil {
			return i.orAnew(ctx, err, before)
		}
		if !slices.ContainsFunc(ids, isStale) {
			continue
		}
		made, err := i.make(ctx, slices.DeleteFunc(ids, isStale), math.MaxInt)
		if err != nil {
			return false, err
		}
		return i.store(ctx, made, before, before[n:n+1]) // and once more, for the next one
	}
	return i.settle(ctx, stale, before)
}

// settle ends that rows are stale that no segment has. Those that are there stay
// pending.
func (i *indexing) settle(ctx context.Context, stale []pendingRow, before []segment) (bool, error) {
	done := true
	err := i.steps(ctx, len(stale), func(tx *Tx, from, to int) error {
		if err := i.lock(tx); err != nil {
			return err
		}
		same, err := i.unchanged(tx, before)
		if err != nil || !same {
			done = false
			return err
		}
		there, err := i.there(tx, stale[from:to])
		if err != nil {
			return err
		}
		for _, p := range stale[from:to] {
			const row = ` WHERE organization_id = $1 AND collection = $2 AND id = $3 AND changes = $4`
			if !there[p.id] {
				tx.Queue(`DELETE FROM text_pending`+row, i.name.organization, i.name.collection, p.id, p.changes)
				continue
			}
			tx.Queue(`UPDATE text_pending SET stale = false, changes = changes + $5`+row, i.name.organization, i.name.collection, p.id, p.changes, another())
		}
		return nil
	})
	return done && err == nil, err
}

// there tells which of the rows there are.
func (i *indexing) there(tx *Tx, list []pendingRow) (map[ident.ID]bool, error) {
	ids := make([]ident.ID, len(list))
	for n := range list {
		ids[n] = list[n].id
	}
	rows := tx.Query(tx.selectListed("id", i.l.Table, "organization_id = $1", "id", "$2", KindID), i.name.organization, tx.idList(ids))
	defer rows.Close()
	found := make(map[ident.ID]bool, len(list))
	for rows.Next() {
		var id ident.ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		found[id] = true
	}
	return found, rows.Err()
}

// orAnew has the whole index made anew when the error is that it is damaged.
func (i *indexing) orAnew(ctx context.Context, cause error, before []segment) (bool, error) {
	if !errors.Is(cause, errTextIndex) {
		return false, cause
	}
	same := false
	unless := func(tx *Tx) (err error) {
		if err = i.lock(tx); err == nil {
			same, err = i.unchanged(tx, before)
		}
		return err
	}
	if err := i.d.Write(ctx, i.scope, unless); err != nil || !same {
		return false, err // another process is at work
	}
	var last ident.ID
	for more := true; more; {
		err := i.d.Write(ctx, i.scope, func(tx *Tx) (err error) {
			last, more, err = i.notePending(tx, last)
			return err
		})
		if err != nil {
			return false, err
		}
	}
	err := i.d.Write(ctx, i.scope, func(tx *Tx) error {
		if err := unless(tx); err != nil || !same {
			return err
		}
		for n := range before {
			if err := i.discard(tx, before[n].base); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	return same, i.sweep(ctx)
}

// notePending notes some of the rows after one as pending, and returns the last.
func (i *indexing) notePending(tx *Tx, after ident.ID) (last ident.ID, more bool, err error) {
	part := `SELECT id FROM ` + i.l.Table + ` WHERE organization_id = $1 AND id > $2 ORDER BY id LIMIT $3`
	rows := tx.Query(part, i.name.organization, after, int64(textTurn))
	for rows.Next() {
		more = true
		if err := rows.Scan(&last); err != nil {
			rows.Close()
			return last, false, err
		}
	}
	rows.Close()
	if err := rows.Err(); err != nil || !more {
		return after, false, err
	}
	_, err = tx.Exec(`INSERT INTO text_pending (organization_id, collection, id, changes)
		SELECT $1, $2, id, 1 FROM `+i.l.Table+` WHERE organization_id = $1 AND id > $3 AND id <= $4
		ON CONFLICT (organization_id, collection, id) DO UPDATE SET changes = text_pending.changes + 1`,
		i.name.organization, i.name.collection, after, last)
	return last, true, err
}
