package db_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/page"
)

// searchable has the texts of things indexed.
func searchable(t testing.TB, d *db.DB) *db.Listing {
	t.Helper()
	l := things()
	l.Texts = []string{"name", "exact"}
	l.Order = "rank DESC, id DESC"
	l.Counted = false // tests remove rows without counting them
	d.RegisterTexts(l)
	must(t, d.Write(t.Context(), access.Instance(), func(tx *db.Tx) error {
		text := d.Render(`{{.Searchable "thing" "name_fold" "name"}}{{.Erasable "thing" "name_fold" "name"}}`)
		return macros(tx, text)
	}))
	return l
}

// macros runs what macros of a migration were rendered to.
func macros(tx *db.Tx, text string) error {
	for part := range strings.SplitSeq(text, "-- +goose StatementBegin\n") {
		whole, rest, ok := strings.Cut(part, "-- +goose StatementEnd\n")
		if ok {
			if _, err := tx.Exec(strings.TrimSpace(whole)); err != nil {
				return err
			}
		} else {
			rest = whole
		}
		if err := tx.Script(rest); err != nil {
			return err
		}
	}
	return nil
}

// textHistory is a collection that changes, and what it should be.
type textHistory struct {
	t     *testing.T
	d     *db.DB
	l     *db.Listing
	r     *rand.Rand
	scope access.Scope
	items []item
	owner []ident.ID
	made  int
}

func (h *textHistory) add(n int) {
	items := randomItems(h.r, n, h.owner)
	for i := range items {
		items[i].name = fmt.Sprint(word(h.r), word(h.r), items[i].name, ":", h.made)
	}
	h.made++
	insert(h.t, h.d, h.scope, items)
	h.items = append(h.items, items...)
}

func (h *textHistory) rename(n int) {
	must(h.t, h.d.Write(h.t.Context(), h.scope, func(tx *db.Tx) error {
		for range n {
			i := &h.items[h.r.IntN(len(h.items))]
			h.made++
			i.name = fmt.Sprint(word(h.r), word(h.r), "!", h.made)
			tx.Queue("UPDATE thing SET name = $3, name_fold = $4 WHERE organization_id = $1 AND id = $2", h.scope.Organization(), i.id, i.name, db.Fold(i.name))
		}
		return nil
	}))
}

func (h *textHistory) remove(n int) {
	must(h.t, h.d.Write(h.t.Context(), h.scope, func(tx *db.Tx) error {
		for range n {
			at := h.r.IntN(len(h.items))
			tx.Queue("DELETE FROM thing WHERE organization_id = $1 AND id = $2", h.scope.Organization(), h.items[at].id)
			h.items = slices.Delete(h.items, at, at+1)
		}
		return nil
	}))
}

// replace removes rows and adds others in their place, with the same keys.
func (h *textHistory) replace(n int) {
	must(h.t, h.d.Write(h.t.Context(), h.scope, func(tx *db.Tx) error {
		for range n {
			i := &h.items[h.r.IntN(len(h.items))]
			h.made++
			i.name, i.rank = fmt.Sprint(word(h.r), word(h.r), "?", h.made), int64(h.r.IntN(40)-20)
			i.size, i.at, i.owner, i.active = null.Value[int64]{}, null.Value[time.Time]{}, null.Value[ident.ID]{}, true
			tx.Queue("DELETE FROM thing WHERE organization_id = $1 AND id = $2", h.scope.Organization(), i.id)
			tx.Queue("INSERT INTO thing (organization_id, id, name, name_fold, rank, born) VALUES ($1, $2, $3, $4, $5, $6)",
				h.scope.Organization(), i.id, i.name, db.Fold(i.name), i.rank, i.born)
		}
		return nil
	}))
}

// query is random, with a filter on a text: often a part of one that is there.
func (h *textHistory) query() *page.Query {
	q := randomQuery(h.r, h.items, h.owner)
	switch n := h.r.IntN(4); {
	case n < 2 || len(q.Order) == 0:
		q.Order = []page.Order{{Field: "rank", Descending: n%2 == 0}} // that of segments
	case n == 2:
		q.Filters = nil
	}
	for range 1 + h.r.IntN(2) {
		f := page.Filter{Field: []string{"name", "exact"}[h.r.IntN(2)], Op: page.Contains}
		for range 1 + h.r.IntN(2) {
			text := word(h.r)
			if runes := []rune(h.items[h.r.IntN(len(h.items))].name); h.r.IntN(2) == 0 {
				from := h.r.IntN(len(runes))
				text = string(runes[from:min(len(runes), from+1+h.r.IntN(8))])
			}
			f.Values = append(f.Values, page.Value{Text: text})
		}
		q.Filters = append(q.Filters, f)
	}
	return q
}

func (h *textHistory) check(n int) {
	h.t.Helper()
	for range n {
		q := h.query()
		got, want := list(h.t, h.d, h.l, h.scope, q), model(h.items, q)
		if !slices.Equal(got.ids, want.ids) || !tells(got, want) || got.more != want.more {
			h.t.Fatalf("of %d rows, query %+v\n got %v\nwant %v", len(h.items), q, got, want)
		}
	}
}

// tells reports whether a total is as exact as it should be: what is more than 1,000
// is only told where the page is the last one.
func tells(got, want listed) bool {
	return got.total == want.total || got.total == page.Total{Rows: 1000} && want.total.Rows > 1000 && (want.more || len(want.ids) == 0)
}

// TestTextsAreTheModel compares searches with a model while rows are added,
// renamed and removed and the index is made of them, in every size of both.
func TestTextsAreTheModel(t *testing.T) {
	with(t, func(t *testing.T, d *db.DB) {
		ids := newIDs()
		h := &textHistory{t: t, d: d, l: searchable(t, d), r: rand.New(rand.NewPCG(11, uint64(time.Now().UnixNano()))), scope: org(ids), owner: []ident.ID{ids.New(), ids.New()}}
		other := *h
		other.scope, other.items = org(ids), nil
		other.add(1500)
		for step := range 8 {
			h.add(500 + h.r.IntN(700))
			h.check(10)
			h.rename(60)
			h.remove(40)
			h.replace(20)
			h.check(10)
			if step == 4 {
				d.SmallTexts()
			}
			must(t, d.IndexTexts(t.Context()))
			h.check(20)
		}
		sizes, err := d.TextSegments(t.Context(), h.scope, "thing")
		if err != nil || len(sizes) == 0 || len(sizes) > 8 || slices.Max(sizes) < 2500 {
			t.Error(sizes, err, len(h.items))
		}
		other.check(20)
	})
}

// TestTextsWhileIndexed searches while others write and the index is made.
func TestTextsWhileIndexed(t *testing.T) {
	with(t, func(t *testing.T, d *db.DB) {
		l, ids := searchable(t, d), newIDs()
		scope := org(ids)
		ctx, cancel := context.WithCancel(t.Context())
		indexed := make(chan error)
		for range 2 { // as two processes would
			go func() {
				var err error
				for ctx.Err() == nil && err == nil {
					err = d.IndexTexts(t.Context())
				}
				indexed <- err
			}()
		}
		find := func(text string) int {
			q := &page.Query{Number: 1, Size: 30, Filters: []page.Filter{{Field: "name", Op: page.Contains, Values: []page.Value{{Text: text}}}}}
			return len(list(t, d, l, scope, q).ids)
		}
		for step := range 25 {
			var items []item
			for i := range 300 {
				items = append(items, item{id: ids.New(), name: fmt.Sprintf("row %d of step %d.", i, step)})
			}
			insert(t, d, scope, items)
			must(t, d.Write(t.Context(), scope, func(tx *db.Tx) error {
				name := fmt.Sprintf("renamed %d.", step)
				return second(tx.Exec("UPDATE thing SET name = $3, name_fold = $3 WHERE organization_id = $1 AND id = $2", scope.Organization(), items[7].id, name))
			}))
			for past := range step + 1 {
				if n := find(fmt.Sprintf("renamed %d.", past)); n != 1 {
					t.Errorf("step %d: row renamed in step %d found %d times", step, past, n)
				}
				if n := find(fmt.Sprintf("row 299 of step %d.", past)); n != 1 {
					t.Errorf("step %d: row of step %d found %d times", step, past, n)
				}
			}
		}
		cancel()
		must(t, <-indexed)
		must(t, <-indexed)
		if sizes, err := d.TextSegments(t.Context(), scope, "thing"); err != nil || len(sizes) == 0 {
			t.Error(sizes, err)
		}
	})
}

// TestTextsDamaged does without an index that has lost a part.
func TestTextsDamaged(t *testing.T) {
	with(t, func(t *testing.T, d *db.DB) {
		ids := newIDs()
		h := &textHistory{t: t, d: d, l: searchable(t, d), r: rand.New(rand.NewPCG(11, 12)), scope: org(ids), owner: []ident.ID{ids.New()}}
		h.add(2000)
		must(t, d.IndexTexts(t.Context()))
		must(t, d.Write(t.Context(), h.scope, func(tx *db.Tx) error {
			return second(tx.Exec("DELETE FROM text_block WHERE organization_id = $1 AND number % 2 = 0", h.scope.Organization()))
		}))
		h.check(40)
	})
}

// TestTextsOrderedAnew has segments that were made when rows had the order of their ids
// made anew.
func TestTextsOrderedAnew(t *testing.T) {
	with(t, func(t *testing.T, d *db.DB) {
		ids := newIDs()
		h := &textHistory{t: t, d: d, l: searchable(t, d), r: rand.New(rand.NewPCG(11, 13)), scope: org(ids), owner: []ident.ID{ids.New()}}
		d.SmallTexts()
		h.add(1500)
		must(t, d.IndexTexts(t.Context()))
		must(t, d.Write(t.Context(), h.scope, func(tx *db.Tx) error {
			return second(tx.Exec("UPDATE text_segment SET steps = NULL, stamp = $2 WHERE organization_id = $1", h.scope.Organization(), ids.New()))
		}))
		h.check(10)
		h.add(1200)
		must(t, d.IndexTexts(t.Context()))
		h.check(20)
		var old int64
		must(t, d.Read(t.Context(), h.scope, func(tx *db.Tx) error {
			return tx.Row("SELECT count(*) FROM text_segment WHERE organization_id = $1 AND steps IS NULL", h.scope.Organization()).Scan(&old)
		}))
		if old > 0 {
			t.Error(old, "segments have no order")
		}
	})
}
