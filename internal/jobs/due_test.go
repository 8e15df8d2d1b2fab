package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/sedetest"
)

// rooms puts n rows into the demo organization that are due since then.
func (b *bench) rooms(n int, since time.Time) (ids []ident.ID) {
	b.t.Helper()
	source := ident.NewSource(b.in.Clock.Now, nil)
	b.write(func(tx *db.Tx) error {
		ids = ids[:0]
		for i := range n {
			id := source.New()
			tx.Queue(`INSERT INTO location (organization_id, id, name, name_fold, time_zone, version, created_at, updated_at)
				VALUES ($1, $2, $3, $3, 'UTC', 1, $4, $4)`, demo(b.in), id, fmt.Sprint(i), since.Add(time.Duration(i)*time.Second))
			ids = append(ids, id)
		}
		db.Count(tx, access.System(demo(b.in)), "location", int64(n))
		return nil
	})
	return ids
}

// dueRooms are rows that are due by the time of their creation.
func dueRooms(name string, later time.Time, do func(id ident.ID) error) jobs.Due {
	return jobs.Due{Name: name, Table: "location", Column: "created_at", Every: time.Minute, AtOnce: 8,
		Lock: func(tx *db.Tx, _ access.Scope, id ident.ID) error { return tx.Lock("room/" + id.String()) },
		Do: func(tx *db.Tx, scope access.Scope, id ident.ID) error {
			n, err := tx.Exec(`UPDATE location SET version = version + 1, created_at = $3 WHERE organization_id = $1 AND id = $2`, scope.Organization(), id, later)
			if err == nil && n != 1 {
				err = errors.New("the row is gone")
			}
			if err == nil {
				err = do(id)
			}
			return err
		}}
}

// TestDueRowsHappenOnce: two processes go through more than one batch at a time; each
// row happens once, and those that fail hold up nobody and are tried again. That is so
// too where several rows share a transaction.
func TestDueRowsHappenOnce(t *testing.T) {
	t.Parallel()
	for _, together := range []int{0, 16} {
		t.Run(fmt.Sprint(together), func(t *testing.T) { dueRowsHappenOnce(t, together) })
	}
}

// TestDueRowsOfHeldOrganizations: they wait until the organization is released.
func TestDueRowsOfHeldOrganizations(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		b := newBench(t, engine)
		now := b.in.Clock.Now()
		b.rooms(5, now.Add(-time.Hour))
		d := dueRooms("test.rooms", now.AddDate(1, 0, 0), func(ident.ID) error { return nil })
		d.Together = 16
		if err := b.q.RegisterDue([]jobs.Due{d}); err != nil {
			t.Fatal(err)
		}
		b.write(func(tx *db.Tx) error { return db.Hold(tx, demo(b.in), "test", now) })
		for _, want := range []int{0, 5} {
			if err := b.q.GoThrough(t.Context(), "test.rooms"); err != nil {
				t.Fatal(err)
			}
			if did, _ := b.roomsByVersion(); did != want {
				t.Errorf("%d happened, want %d", did, want)
			}
			b.write(func(tx *db.Tx) error { db.Release(tx, demo(b.in)); return nil })
		}
	})
}

func dueRowsHappenOnce(t *testing.T, together int) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		b := newBench(t, engine)
		now := b.in.Clock.Now()
		ids := b.rooms(450, now.Add(-2000*time.Second))
		var broken atomic.Bool
		broken.Store(true)
		do := func(id ident.ID) error {
			switch {
			case broken.Load() && id == ids[3]:
				return errors.New("out of order")
			case broken.Load() && id == ids[300]:
				panic("room")
			}
			return nil
		}
		// Of one name one process would run the schedule; two names let two at it.
		other := newQueue(t, b.in)
		for i, q := range []*jobs.Queue{b.q, other} {
			d := dueRooms(fmt.Sprint("test.rooms", i), now.AddDate(1, 0, 0), do)
			d.Together = together
			if err := q.RegisterDue([]jobs.Due{d}); err != nil {
				t.Fatal(err)
			}
		}
		turn := func() {
			var group sync.WaitGroup
			for _, q := range []*jobs.Queue{b.q, other} {
				group.Go(func() {
					if _, err := q.RunDue(context.Background()); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
		}
		turn() // the schedules are seen
		b.in.Clock.Advance(time.Minute)
		turn()
		if did, left := b.roomsByVersion(); did != 448 || left != 2 {
			t.Fatalf("%d happened and %d are left, want 448 and 2", did, left)
		}
		if text := strings.Join(b.jobErrors(), " "); !strings.Contains(text, "out of order") || !strings.Contains(text, "location "+ids[300].String()) {
			t.Errorf("the errors do not say what failed: %s", text)
		}
		broken.Store(false)
		b.in.Clock.Advance(time.Hour)
		turn()
		if did, left := b.roomsByVersion(); did != 450 || left != 0 {
			t.Errorf("%d happened and %d are left, want 450 and 0", did, left)
		}
	})
}

// roomsByVersion counts the rows to which something happened once, and those to which
// nothing did; it fails when something happened twice.
func (b *bench) roomsByVersion() (once, never int) {
	b.t.Helper()
	err := b.in.App.Database().Read(b.t.Context(), access.Instance(), func(tx *db.Tx) error {
		var twice int
		err := tx.Row(`SELECT count(CASE WHEN version = 2 THEN 1 END), count(CASE WHEN version = 1 THEN 1 END), count(CASE WHEN version > 2 THEN 1 END)
			FROM location WHERE time_zone = 'UTC'`).Scan(&once, &never, &twice)
		if twice > 0 {
			b.t.Errorf("%d happened more than once", twice)
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return once, never
}

func (b *bench) jobErrors() (list []string) {
	b.t.Helper()
	err := b.in.App.Database().Read(b.t.Context(), access.Instance(), func(tx *db.Tx) error {
		rows := tx.Query(`SELECT error FROM job WHERE error IS NOT NULL`)
		defer rows.Close()
		for rows.Next() {
			var text string
			if err := rows.Scan(&text); err != nil {
				return err
			}
			list = append(list, text)
		}
		return rows.Err()
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return list
}
