package db

import (
	"cmp"
	"slices"
	"strconv"
	"sync"

	"sede/internal/ident"
)

// anchors lets a page far from the beginning of a large collection begin near
// its first row, instead of skipping all rows before. For an organization and a
// resource it remembers keys all along the collection, every anchorEvery rows,
// and how many rows come before each.
//
// That stays true as long as no row before a key is removed or added. Rows are
// counted in the transaction that adds or removes them: row_count.removed only
// grows, so while it stands still, nothing was removed. Then, if the number of
// rows at and after the last key is the whole number less the rows before it,
// nothing was added before the last key either, wherever the keys of new rows
// come from. So two numbers read with the page, and after additions a count
// over the few rows behind the last key, prove the anchors, whichever process
// wrote. Rows removed by this process and named to Count are taken out of the
// numbers; in all other cases the anchors are made anew, once, which costs what
// skipping all rows costs.
type anchors struct {
	mu    sync.Mutex
	lists map[anchorName]*anchorList
	total int    // anchors in all lists
	clock uint64 // grows with every use
}

type anchorName struct {
	organization ident.ID
	resource     string
}

// anchor is a key and how many rows have a smaller one.
type anchor struct {
	before int64
	key    ident.ID
}

type anchorList struct {
	used uint64 // clock of the last use, guarded by anchors.mu
	size int    // of list, guarded by anchors.mu

	mu      sync.Mutex
	list    []anchor // ascending
	numbers numbers  // that list is true for
}

const (
	deepFrom    = 256     // smaller offsets are skipped
	anchorEvery = 64      // rows between two anchors
	anchorsMost = 400_000 // in all lists together, about 10 MB
	listsMost   = 10_000
)

// has reports whether there are anchors for a resource.
func (as *anchors) has(organization ident.ID, resource string) bool {
	as.mu.Lock()
	defer as.mu.Unlock()
	return as.lists[anchorName{organization, resource}] != nil
}

// get returns the list for a name, new if there is none.
func (as *anchors) get(name anchorName) *anchorList {
	as.mu.Lock()
	defer as.mu.Unlock()
	if as.lists == nil {
		as.lists = make(map[anchorName]*anchorList)
	}
	l := as.lists[name]
	if l == nil {
		l = &anchorList{}
		as.lists[name] = l
	}
	as.clock++
	l.used = as.clock
	return l
}

// sized notes how large a list is now, and forgets the lists that were not used
// for the longest time when all together are too large.
func (as *anchors) sized(name anchorName, list *anchorList, n int) {
	as.mu.Lock()
	defer as.mu.Unlock()
	if as.lists[name] != list {
		return // forgotten meanwhile
	}
	as.total += n - list.size
	list.size = n
	for len(as.lists) > 1 && (as.total > anchorsMost || len(as.lists) > listsMost) {
		as.forget(list)
	}
}

// forget drops the list that was not used for the longest time, but not keep.
func (as *anchors) forget(keep *anchorList) {
	var name anchorName
	var oldest *anchorList
	for n, l := range as.lists {
		if l != keep && (oldest == nil || l.used < oldest.used) {
			name, oldest = n, l
		}
	}
	as.total -= oldest.size
	delete(as.lists, name)
}

// removed takes rows out that were removed in a transaction after which
// row_count.removed was total.
func (as *anchors) removed(organization ident.ID, resource string, total int64, keys []ident.ID) {
	as.mu.Lock()
	l := as.lists[anchorName{organization, resource}]
	as.mu.Unlock()
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.numbers.removed != total-int64(len(keys)) {
		return // something else was removed in between: find makes the list anew
	}
	l.numbers.removed = total
	l.numbers.rows -= int64(len(keys))
	for _, key := range keys {
		i, found := slices.BinarySearchFunc(l.list, key, func(a anchor, k ident.ID) int { return compareIDs(a.key, k) })
		if found {
			i++ // as many rows come before the removed one as did
		}
		for ; i < len(l.list); i++ {
			l.list[i].before--
		}
	}
}

func compareIDs(a, b ident.ID) int { return slices.Compare(a[:], b[:]) }

// numbers are what row_count says of a resource.
type numbers struct {
	rows, removed int64
}

// known returns the numbers that the anchors were proved with; false when there
// are none, or somebody works on them.
func (as *anchors) known(name anchorName) (n numbers, ok bool) {
	as.mu.Lock()
	l := as.lists[name]
	as.mu.Unlock()
	if l == nil || !l.mu.TryLock() {
		return n, false
	}
	defer l.mu.Unlock()
	return l.numbers, len(l.list) > 0
}

// find returns the anchor to begin at for the row with so many rows before it:
// the last one at or before that row, or, descending, the first one behind it.
// Anchors that are not true for the numbers are proved or made anew, unless
// numbers are only a guess. false means that there is no anchor, or that
// somebody else is making them just now.
func (as *anchors) find(p *pager, n numbers, index int64, guess bool) (anchor, bool, error) {
	name := anchorName{p.org, p.l.Table}
	l := as.get(name)
	if !l.mu.TryLock() {
		return anchor{}, false, nil
	}
	defer l.mu.Unlock()
	if len(l.list) == 0 || l.numbers != n {
		if guess {
			return anchor{}, false, nil
		}
		if err := l.prove(p, n); err != nil {
			l.list = nil
			return anchor{}, false, err
		}
		as.sized(name, l, len(l.list))
	}
	i, _ := slices.BinarySearchFunc(l.list, index+1, func(a anchor, n int64) int { return cmp.Compare(a.before, n) })
	if !p.descending() {
		i--
	}
	if i < 0 || i >= len(l.list) {
		return anchor{}, false, nil
	}
	return l.list[i], true, nil
}

// prove makes the list true for the numbers just read.
func (l *anchorList) prove(p *pager, n numbers) error {
	if len(l.list) > 0 && l.numbers.removed == n.removed {
		last := l.list[len(l.list)-1]
		var behind int64
		args := append(p.args[:len(p.args):len(p.args)], last.key)
		err := p.tx.Row("SELECT count(*) FROM "+p.l.from()+" WHERE "+p.where+" AND "+p.l.key()+" >= "+placeholder(len(args)), args...).Scan(&behind)
		if err != nil {
			return err
		}
		if last.before != n.rows-behind {
			l.list = l.list[:0]
		}
	} else {
		l.list = l.list[:0]
	}
	l.numbers = n
	return l.extend(p)
}

// extend adds anchors from the last one to the end of the collection.
func (l *anchorList) extend(p *pager) error {
	key, args, from := p.l.key(), p.args, ""
	before := int64(-anchorEvery)
	if n := len(l.list); n > 0 {
		args = append(args[:len(args):len(args)], l.list[n-1].key)
		from = " AND " + key + " >= " + placeholder(len(args))
		before = l.list[n-1].before
		before -= anchorEvery
		l.list = l.list[:n-1] // read again as the first
	}
	table := " FROM " + p.l.from() + " WHERE " + p.where
	rows := p.tx.Query("WITH RECURSIVE anchor (at) AS (SELECT (SELECT "+key+table+from+" ORDER BY "+key+" LIMIT 1)"+
		" UNION ALL SELECT (SELECT "+key+table+" AND "+key+" >= anchor.at ORDER BY "+key+" LIMIT 1 OFFSET "+strconv.Itoa(anchorEvery)+")"+
		" FROM anchor WHERE anchor.at IS NOT NULL) SELECT at FROM anchor WHERE at IS NOT NULL", args...)
	defer rows.Close()
	for rows.Next() {
		before += anchorEvery
		a := anchor{before: before}
		if err := rows.Scan(&a.key); err != nil {
			return err
		}
		l.list = append(l.list, a)
	}
	return rows.Err()
}
