package db_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/page"
)

// forgetting is a collection whose index is to forget what is removed.
type forgetting struct {
	t     *testing.T
	d     *db.DB
	l     *db.Listing
	clock *clock.Fake
	scope access.Scope
	names map[ident.ID]string
	made  int
}

// eachForgetting runs the test with 5,000 rows that are in segments of several sizes.
func eachForgetting(t *testing.T, test func(t *testing.T, f *forgetting)) {
	each(t, func(t *testing.T, open opener) {
		f := &forgetting{t: t, clock: clock.NewFake(time.Date(2029, 1, 1, 0, 0, 0, 0, time.UTC)), names: map[ident.ID]string{}}
		f.d = open(t, func(c *db.Config) { c.Clock = f.clock })
		ids := newIDs()
		f.l, f.scope = searchable(t, f.d), org(ids)
		for part := range 4 {
			var items []item
			for n := range 1250 {
				items = append(items, item{id: ids.New(), name: fmt.Sprintf("row %d in part %d %x", n, part, n*7919)})
				f.names[items[n].id] = items[n].name
			}
			insert(t, f.d, f.scope, items)
			f.index()
		}
		test(t, f)
	})
}

func (f *forgetting) index() {
	f.t.Helper()
	must(f.t, f.d.IndexTexts(f.t.Context()))
}

// remove removes every nth row as features do.
func (f *forgetting) remove(nth int) {
	must(f.t, f.d.Write(f.t.Context(), f.scope, func(tx *db.Tx) error {
		n, gone := 0, int64(0)
		for id := range f.names {
			if n++; n%nth == 0 {
				tx.Queue("DELETE FROM thing WHERE organization_id = $1 AND id = $2", f.scope.Organization(), id)
				delete(f.names, id)
				gone++
			}
		}
		db.Count(tx, f.scope, "thing", -gone)
		return nil
	}))
}

// rename renames every nth row.
func (f *forgetting) rename(nth int) {
	must(f.t, f.d.Write(f.t.Context(), f.scope, func(tx *db.Tx) error {
		n := 0
		for id := range f.names {
			if n++; n%nth == 0 {
				f.made++
				f.names[id] = fmt.Sprint("renamed ", f.made)
				tx.Queue("UPDATE thing SET name = $3, name_fold = $3 WHERE organization_id = $1 AND id = $2", f.scope.Organization(), id, f.names[id])
			}
		}
		return nil
	}))
}

// check fails unless the index holds of rows only what they are now.
func (f *forgetting) check() {
	f.t.Helper()
	found, ids, stray, err := f.d.TextContent(f.t.Context(), f.scope, "thing")
	must(f.t, err)
	if stray != 0 {
		f.t.Errorf("%d blocks belong to nothing", stray)
	}
	may := map[uint64]bool{}
	for _, name := range f.names {
		db.AddTrigrams(may, 0, name)
		db.AddTrigrams(may, 1, name)
	}
	for trigram := range found {
		if !may[trigram] {
			f.t.Fatalf("the index has %x, which is in no row", trigram)
		}
	}
	for _, id := range ids {
		if f.names[id] == "" {
			f.t.Fatalf("the index has %v, which is gone", id)
		}
	}
}

// find counts the rows with a text.
func (f *forgetting) find(text string) int {
	q := &page.Query{Number: 1, Size: 30, Filters: []page.Filter{{Field: "name", Op: page.Contains, Values: []page.Value{{Text: text}}}}}
	return len(list(f.t, f.d, f.l, f.scope, q).ids)
}

// What is removed or renamed is soon in no block of the index.
func TestTextsForget(t *testing.T) {
	eachForgetting(t, func(t *testing.T, f *forgetting) {
		f.remove(3)
		f.index() // others may go on removing
		f.clock.Advance(6 * time.Second)
		f.index()
		f.check()
		f.rename(5)
		f.clock.Advance(61 * time.Minute) // others renamed something, which nobody counts
		f.index()
		f.check()
		if n := f.find("renamed 10"); n == 0 {
			t.Error("a renamed row is not found")
		}
		f.rename(1)
		f.clock.Advance(61 * time.Minute)
		f.index()
		f.check()
		f.remove(1)
		f.clock.Advance(6 * time.Second)
		f.index()
		found, ids, _, err := f.d.TextContent(t.Context(), f.scope, "thing")
		if err != nil || len(found) != 0 || len(ids) != 0 {
			t.Errorf("of nothing the index has %d trigrams, %d rows, %v", len(found), len(ids), err)
		}
	})
}

// Removing goes on and on: the index forgets all the same, within minutes.
func TestTextsForgetMeanwhile(t *testing.T) {
	eachForgetting(t, func(t *testing.T, f *forgetting) {
		for range 25 {
			f.remove(40)
			f.clock.Advance(3 * time.Second)
			f.index()
		}
		f.clock.Advance(6 * time.Second)
		f.index()
		f.check()
	})
}

// An index that lost a part is made anew when it is to forget.
func TestTextsForgetDamaged(t *testing.T) {
	eachForgetting(t, func(t *testing.T, f *forgetting) {
		must(t, f.d.Write(t.Context(), f.scope, func(tx *db.Tx) error {
			return second(tx.Exec("DELETE FROM text_block WHERE organization_id = $1 AND number % 2 = 0", f.scope.Organization()))
		}))
		f.remove(3)
		f.clock.Advance(6 * time.Second)
		f.index()
		f.check()
		if _, ids, _, _ := f.d.TextContent(t.Context(), f.scope, "thing"); len(ids) < len(f.names)/2 {
			t.Errorf("the index has %d of %d rows", len(ids), len(f.names))
		}
	})
}

// A process dies while it makes a segment: what it left is removed.
func TestTextsForgetDraft(t *testing.T) {
	eachForgetting(t, func(t *testing.T, f *forgetting) {
		must(t, f.d.Write(context.Background(), f.scope, func(tx *db.Tx) error {
			tx.Queue(`INSERT INTO text_segment (organization_id, collection, base, stamp, rows, directory, draft_at) VALUES ($1, 'thing', $2, $3, 0, $4, $5)`,
				f.scope.Organization(), int64(1)<<40, newIDs().New(), []byte{}, f.clock.Now())
			tx.Queue(`INSERT INTO text_block (organization_id, collection, number, content) VALUES ($1, 'thing', $2, $3)`,
				f.scope.Organization(), int64(1)<<40+7, []byte{1})
			return nil
		}))
		f.clock.Advance(2 * time.Hour)
		f.index()
		f.check()
	})
}
