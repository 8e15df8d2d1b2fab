package jobs

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
)

// Due is a table whose rows know when something happens to them next. A schedule
// goes through those whose time has come, in the order of their times and in
// constant memory, in short transactions: a crash leaves every row
// either before or after. What Do does moves the row's time, so nothing happens
// twice, also when several processes go through the table. A row that fails does not
// hold up the others; it is tried again with the next run.
type Due struct {
	Name   string // of the schedule; never changed
	Table  string // with an index over Column, organization and id where Column is not null
	Column string // the time; empty: next_at
	Own    bool   // the table is that of the organizations, whose id is the organization
	Every  time.Duration
	AtOnce int // transactions; 0: one after the other

	// Together is how many rows share a transaction, to spare round trips and commits;
	// 0: each has its own. When one fails, each of them is done by itself, so still no
	// row holds up another.
	Together int

	// Lock keeps others from changing the row until the transaction ends.
	Lock func(tx *db.Tx, scope access.Scope, id ident.ID) error
	// Do does what has come to pass. It may be run again.
	Do func(tx *db.Tx, scope access.Scope, id ident.ID) error
}

const (
	dueBatch = 200
	dueTime  = 30 * time.Minute // of one run
	told     = 10               // failures whose errors are kept
)

func (d *Due) schedule(q *Queue) Schedule {
	return Schedule{Name: d.Name, Every: d.Every, Timeout: dueTime, Do: func(ctx context.Context) error { return q.goThrough(ctx, d) }}
}

func (d *Due) column() string {
	if d.Column == "" {
		return "next_at"
	}
	return d.Column
}

func (d *Due) organization() string {
	if d.Own {
		return "id"
	}
	return "organization_id"
}

// dueRow is a row whose time has come.
type dueRow struct {
	at               time.Time
	organization, id ident.ID
}

// GoThrough does what is due in the table of that name now, without waiting for its
// schedule.
func (q *Queue) GoThrough(ctx context.Context, name string) error {
	for _, d := range q.due {
		if d.Name == name {
			return q.goThrough(ctx, d)
		}
	}
	return fmt.Errorf("jobs: nothing is due by the name %s", name)
}

// goThrough does what is due in the table.
func (q *Queue) goThrough(ctx context.Context, d *Due) error {
	now := q.Clock.Now()
	var failed failures
	found := make([]dueRow, 0, dueBatch)
	for last := (dueRow{}); ; last = found[len(found)-1] {
		err := q.DB.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
			found, err = d.after(tx, now, last, found[:0])
			return err
		})
		if err != nil {
			return errors.Join(failed.err(), err)
		}
		q.doSome(ctx, d, found, &failed)
		if len(found) < dueBatch || ctx.Err() != nil {
			return errors.Join(failed.err(), ctx.Err())
		}
	}
}

// after lists those of all organizations that are due, in order, behind the last.
func (d *Due) after(tx *db.Tx, now time.Time, last dueRow, into []dueRow) ([]dueRow, error) {
	at, organization := d.column(), d.organization()
	rows := tx.Query(`SELECT `+at+`, `+organization+`, id FROM `+d.Table+`
		WHERE `+at+` IS NOT NULL AND `+at+` <= $1 AND (`+at+`, `+organization+`, id) > ($2, $3, $4)
		ORDER BY `+at+`, `+organization+`, id LIMIT $5`, now, last.at, last.organization, last.id, dueBatch)
	defer rows.Close()
	for rows.Next() {
		var r dueRow
		if err := rows.Scan(&r.at, &r.organization, &r.id); err != nil {
			return nil, err
		}
		into = append(into, r)
	}
	return into, rows.Err()
}

func (q *Queue) doSome(ctx context.Context, d *Due, found []dueRow, failed *failures) {
	var group sync.WaitGroup
	var taken atomic.Int64
	size := max(d.Together, 1)
	for range min(max(d.AtOnce, 1), len(found)) {
		group.Go(func() {
			for end := int(taken.Add(int64(size))); end-size < len(found) && ctx.Err() == nil; end = int(taken.Add(int64(size))) {
				q.doThese(ctx, d, found[end-size:min(end, len(found))], failed)
			}
		})
	}
	group.Wait()
}

// doThese does what is due to rows, in one transaction if that succeeds.
func (q *Queue) doThese(ctx context.Context, d *Due, rows []dueRow, failed *failures) {
	if len(rows) > 1 && q.doTogether(ctx, d, slices.Clone(rows)) == nil {
		return
	}
	for _, r := range rows {
		if err := q.doOne(ctx, d, r.organization, r.id); err != nil {
			failed.add(fmt.Errorf("%s %s: %w", d.Table, r.id, err))
		}
	}
}

// doTogether does what is due to rows in one transaction. It takes all locks before it
// does anything, always in the same order.
func (q *Queue) doTogether(ctx context.Context, d *Due, rows []dueRow) error {
	slices.SortFunc(rows, func(a, b dueRow) int {
		return cmp.Or(bytes.Compare(a.organization[:], b.organization[:]), bytes.Compare(a.id[:], b.id[:]))
	})
	organizations := make([]ident.ID, 0, len(rows))
	for _, r := range rows {
		organizations = append(organizations, r.organization)
	}
	organizations = slices.Compact(organizations)
	return q.DB.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		held, err := db.EnterAll(tx, organizations)
		if err != nil {
			return err
		}
		still := make([]db.Row, len(rows))
		for i, r := range rows {
			if err := d.Lock(tx, access.System(r.organization), r.id); err != nil {
				return err
			}
			still[i] = d.still(tx, r.organization, r.id, q.Clock.Now())
		}
		for i, r := range rows {
			due := false
			if err := still[i].Scan(&due); err != nil {
				return err
			}
			if !due || held[r.organization] {
				continue
			}
			if err := d.Do(tx, access.System(r.organization), r.id); err != nil {
				return err
			}
		}
		return nil
	})
}

// still asks whether a row is still due, with the next statement.
func (d *Due) still(tx *db.Tx, organization, id ident.ID, now time.Time) db.Row {
	return tx.Ahead(`SELECT EXISTS (SELECT 1 FROM `+d.Table+` WHERE `+d.organization()+` = $1 AND id = $2 AND `+d.column()+` <= $3)`,
		organization, id, now)
}

// doOne does what is due to a row, unless somebody was faster. In an organization
// that is held nothing happens until it is released.
func (q *Queue) doOne(ctx context.Context, d *Due, organization, id ident.ID) error {
	scope := access.System(organization)
	err := q.DB.Write(ctx, scope, func(tx *db.Tx) error {
		if err := d.Lock(tx, scope, id); err != nil {
			return err
		}
		due := false
		if err := d.still(tx, organization, id, q.Clock.Now()).Scan(&due); err != nil || !due {
			return err
		}
		return d.Do(tx, scope, id)
	})
	if db.IsHeld(err) {
		return nil
	}
	return err
}

// failures counts what failed and keeps the first errors.
type failures struct {
	mu    sync.Mutex
	count int
	first []error
}

func (f *failures) add(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.count++; len(f.first) < told {
		f.first = append(f.first, err)
	}
}

func (f *failures) err() error {
	if more := f.count - len(f.first); more > 0 {
		return errors.Join(append(f.first, fmt.Errorf("and %d more", more))...)
	}
	return errors.Join(f.first...)
}

// Advance has the organization's clock show a time, and what comes due on the way
// happens, each row at its own time and in order, in the caller's transaction. That is
// one of the instance. Nobody else writes into the organization until it ends.
func (q *Queue) Advance(tx *db.Tx, organization ident.ID, to time.Time) error {
	scope := access.System(organization)
	done := map[dueRow]bool{}
	for {
		d, next, err := q.nextOf(tx, organization)
		if err != nil {
			return err
		}
		next.at = next.at.Add(tx.AheadBy(scope))
		if d == nil || next.at.After(to) {
			return q.show(tx, organization, to)
		}
		if done[next] {
			return fmt.Errorf("jobs: %s %s is due again at once", d.Table, next.id)
		}
		done[next] = true
		if next.at.After(tx.Now(scope)) {
			if err := q.show(tx, organization, next.at); err != nil {
				return err
			}
		}
		if err := d.Lock(tx, scope, next.id); err != nil {
			return err
		}
		if err := d.Do(tx, scope, next.id); err != nil {
			return err
		}
	}
}

// PutBack has the organization's clock show what the instance's does.
func (q *Queue) PutBack(tx *db.Tx, organization ident.ID) error {
	return q.show(tx, organization, time.Time{})
}

// show sets the organization's clock. What is due at times by the instance's clock
// is due when the organization's shows what it would have shown.
func (q *Queue) show(tx *db.Tx, organization ident.ID, to time.Time) error {
	scope := access.System(organization)
	before := tx.AheadBy(scope)
	if err := db.SetClock(tx, organization, to); err != nil {
		return err
	}
	if by := before - tx.AheadBy(scope); by != 0 {
		for _, d := range q.due {
			if !d.Own {
				db.Shift(tx, d.Table, d.column(), organization, by)
			}
		}
	}
	return nil
}

// nextOf finds the row of the organization that is due first; nil: none is.
func (q *Queue) nextOf(tx *db.Tx, organization ident.ID) (first *Due, next dueRow, err error) {
	for _, d := range q.due {
		if d.Own {
			continue
		}
		r := dueRow{organization: organization}
		at := d.column()
		err := tx.Row(`SELECT `+at+`, id FROM `+d.Table+` WHERE organization_id = $1 AND `+at+` IS NOT NULL ORDER BY `+at+`, id LIMIT 1`, organization).Scan(&r.at, &r.id)
		if errors.Is(err, db.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, next, err
		}
		if first == nil || r.at.Before(next.at) {
			first, next = d, r
		}
	}
	return first, next, nil
}
