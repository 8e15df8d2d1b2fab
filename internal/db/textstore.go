package db

import (
	"context"
	"crypto/rand"
	"slices"
	"time"

	"sede/internal/ident"
)

// Segments are written and removed a few blocks at a time, so that nobody waits
// long. While that goes on their row in text_segment has a draft_at, and no search
// sees them.

const (
	// textStep is how many blocks or rows are written before it is seen whether
	// others wait, textTurn how many at once when nobody does.
	textStep = 64
	textTurn = 512
	// draftTime is how long making a segment may take; after that others take its
	// draft for abandoned.
	draftTime = time.Hour
)

// steps runs do for parts of a list of n, in as many transactions as it takes.
func (i *indexing) steps(ctx context.Context, n int, do func(tx *Tx, from, to int) error) error {
	for done := 0; done < n; {
		var now int
		err := i.d.Write(ctx, i.scope, func(tx *Tx) error {
			for now = done; now < min(n, done+textTurn) && (now == done || !tx.OthersWait()); {
				to := min(n, now+textStep)
				if err := do(tx, now, to); err != nil {
					return err
				}
				now = to
			}
			return nil
		})
		if err != nil {
			return err
		}
		done = now
	}
	return nil
}

// lock waits for the turn of those who change the index.
func (i *indexing) lock(tx *Tx) error {
	return tx.Lock("text index " + i.name.collection + " " + i.name.organization.String())
}

// unchanged reports whether the complete segments still are those of before.
func (i *indexing) unchanged(tx *Tx, before []segment) (bool, error) {
	now, err := tx.segments(i.name)
	if err != nil {
		return false, ignoreDamage(err)
	}
	return slices.EqualFunc(now, before, func(a, b segment) bool { return a.stamp == b.stamp }), nil
}

// store writes the segment, and removes those that it takes the place of, unless
// another process has changed segments since before was read.
func (i *indexing) store(ctx context.Context, made *draft, before, replaced []segment) (done bool, err error) {
	if err := i.sweep(ctx); err != nil {
		return false, err
	}
	var base int64
	var stamp ident.ID
	if len(made.ids) > 0 {
		if base, stamp, err = i.begin(ctx); err != nil {
			return false, err
		}
		err = i.steps(ctx, len(made.content), func(tx *Tx, from, to int) error {
			for n, content := range made.content[from:to] {
				tx.Queue(`INSERT INTO text_block (organization_id, collection, number, content) VALUES ($1, $2, $3, $4)`,
					i.name.organization, i.name.collection, base+int64(from+n), content)
			}
			return nil
		})
		if err != nil {
			return false, err
		}
	}
	err = i.d.Write(ctx, i.scope, func(tx *Tx) (err error) {
		if err := i.lock(tx); err != nil {
			return err
		}
		if done, err = i.unchanged(tx, before); err != nil {
			return err
		}
		if done && len(made.ids) > 0 {
			n, err := tx.Exec(`UPDATE text_segment SET stamp = $5, rows = $6, directory = $7, steps = $8, draft_at = NULL
				WHERE organization_id = $1 AND collection = $2 AND base = $3 AND stamp = $4`,
				i.name.organization, i.name.collection, base, stamp, newStamp(), int64(len(made.ids)), encodeDirectory(made.firsts), encodeSteps(made.steps))
			if err != nil || n == 0 {
				done = false
				return err
			}
		}
		if !done {
			if len(made.ids) == 0 {
				return nil
			}
			return i.discard(tx, base)
		}
		for n := range replaced {
			if err := i.discard(tx, replaced[n].base); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	return done, i.sweep(ctx)
}

func newStamp() (stamp ident.ID) {
	_, _ = rand.Read(stamp[:]) // which never fails
	return stamp
}

// begin makes an empty draft and returns the number of its first block.
func (i *indexing) begin(ctx context.Context) (base int64, stamp ident.ID, err error) {
	stamp = newStamp()
	err = i.d.Write(ctx, i.scope, func(tx *Tx) error {
		if err := i.lock(tx); err != nil {
			return err
		}
		err := tx.Row(`SELECT COALESCE(max(base) + $3, 0) FROM text_segment WHERE organization_id = $1 AND collection = $2`,
			i.name.organization, i.name.collection, int64(mostBlocks)).Scan(&base)
		if err != nil {
			return err
		}
		tx.Queue(`INSERT INTO text_segment (organization_id, collection, base, stamp, rows, directory, draft_at) VALUES ($1, $2, $3, $4, 0, $5, $6)`,
			i.name.organization, i.name.collection, base, stamp, []byte{}, i.d.cfg.Clock.Now())
		return nil
	})
	return base, stamp, err
}

// discard has sweep remove a segment.
func (i *indexing) discard(tx *Tx, base int64) error {
	_, err := tx.Exec(`UPDATE text_segment SET draft_at = $4 WHERE organization_id = $1 AND collection = $2 AND base = $3`,
		i.name.organization, i.name.collection, base, time.Unix(0, 0).UTC())
	return err
}

// extent is where the blocks of a segment are, the last excluded.
type extent struct {
	from, to int64
	stamp    ident.ID
}

// sweep removes the segments that are discarded, and drafts that are abandoned.
func (i *indexing) sweep(ctx context.Context) error {
	var list []extent
	err := i.d.Read(ctx, i.scope, func(tx *Tx) error {
		list = nil
		rows := tx.Query(`SELECT base, stamp, COALESCE((SELECT min(n.base) FROM text_segment n
				WHERE n.organization_id = s.organization_id AND n.collection = s.collection AND n.base > s.base), s.base + $4)
			FROM text_segment s WHERE s.organization_id = $1 AND s.collection = $2 AND s.draft_at < $3`,
			i.name.organization, i.name.collection, i.d.cfg.Clock.Now().Add(-draftTime), int64(mostBlocks))
		defer rows.Close()
		for rows.Next() {
			var e extent
			if err := rows.Scan(&e.from, &e.stamp, &e.to); err != nil {
				return err
			}
			list = append(list, e)
		}
		return rows.Err()
	})
	if err != nil {
		return err
	}
	for _, e := range list {
		if err := i.clear(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// clear removes blocks and the segment they are of, unless somebody else has: then
// the numbers may be those of another one.
func (i *indexing) clear(ctx context.Context, e extent) error {
	for more := true; more; {
		err := i.d.Write(ctx, i.scope, func(tx *Tx) (err error) {
			more, err = i.clearSome(tx, e)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (i *indexing) clearSome(tx *Tx, e extent) (more bool, err error) {
	if err := i.lock(tx); err != nil {
		return false, err
	}
	const segment = ` FROM text_segment WHERE organization_id = $1 AND collection = $2 AND base = $3 AND stamp = $4 AND draft_at IS NOT NULL`
	var there int64
	err = tx.Row(`SELECT count(*)`+segment, i.name.organization, i.name.collection, e.from, e.stamp).Scan(&there)
	if err != nil || there == 0 {
		return false, err
	}
	for n := 0; n == 0 || n < textTurn && !tx.OthersWait(); n += textStep {
		gone, err := tx.Exec(`DELETE FROM text_block WHERE organization_id = $1 AND collection = $2 AND number IN (
			SELECT number FROM text_block WHERE organization_id = $1 AND collection = $2 AND number >= $3 AND number < $4 ORDER BY number LIMIT $5)`,
			i.name.organization, i.name.collection, e.from, e.to, int64(textStep))
		if err != nil {
			return false, err
		}
		if gone == 0 {
			_, err := tx.Exec(`DELETE`+segment, i.name.organization, i.name.collection, e.from, e.stamp)
			return false, err
		}
	}
	return true, nil
}
