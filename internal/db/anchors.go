package db

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"sede/internal/ident"
)

// anchors lets a page far from the beginning of a large collection begin near
// its first row, instead of skipping all rows before. For an organization, a
// resource and an order it remembers rows from the beginning to the pages that were
// asked for, and how many rows come before each.
//
// That stays true as long as no row before an anchor is removed, added or moved.
// Rows don't move in orders by the key and by columns that are Fixed. Rows are
// counted in the transaction that adds or removes them: row_count.removed only
// grows, so while it stands still, nothing was removed. Then, if as many rows have
// a key beyond the newest one that was known as the number of rows has grown by,
// these are all that were added, wherever the keys of new rows come from, and they
// are put in. So two numbers read with the page, and after additions a look at
// the new rows, prove the anchors, whichever process wrote. Rows removed by this
// process and named to Count are taken out of the orders by the key; in all other
// cases the anchors are made anew, which costs what skipping rows up to the page
// costs.
type anchors struct {
	mu    sync.Mutex
	lists map[anchorName]*anchorList
	total int    // anchors in all lists
	clock uint64 // grows with every use
}

type anchorName struct {
	organization ident.ID
	resource     string
	order        anchorOrder
}

// anchorOrder is an order by a column and then the key, or by the key alone, both in
// one direction.
type anchorOrder struct {
	column     string // empty: by the key alone
	kind       Kind   // of the column
	descending bool
}

// anchor is a row and how many rows come before it.
type anchor struct {
	before int64
	at     int64 // the column's value: the integer, or the microseconds of the time
	key    ident.ID
}

type anchorList struct {
	used uint64 // clock of the last use, guarded by anchors.mu
	size int    // of list, guarded by anchors.mu

	mu      sync.Mutex
	list    []anchor // in the order
	numbers numbers  // that list is true for
	newest  ident.ID // all rows that numbers count have a key up to this one
	proven  bool     // numbers and newest are set
}

const (
	deepFrom     = 256     // smaller offsets are skipped
	anchorEvery  = 64      // rows between two anchors where pages are asked for, or up to twice as many
	anchorFirst  = 1024    // and on the way there
	anchorsMost  = 400_000 // in all lists together, about 16 MB
	arrivalsMost = 10_000  // up to so many new rows are put in
	listsMost    = 10_000
)

// byKey are the names of the lists in the orders by the key alone.
func byKey(organization ident.ID, resource string) [2]anchorName {
	return [2]anchorName{{organization, resource, anchorOrder{}}, {organization, resource, anchorOrder{descending: true}}}
}

// has reports whether there are anchors for a resource in an order by the key.
func (as *anchors) has(organization ident.ID, resource string) bool {
	as.mu.Lock()
	defer as.mu.Unlock()
	names := byKey(organization, resource)
	return as.lists[names[0]] != nil || as.lists[names[1]] != nil
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
		name.resource, name.order.column = strings.Clone(name.resource), strings.Clone(name.order.column)
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
	for _, name := range byKey(organization, resource) {
		as.mu.Lock()
		l := as.lists[name]
		as.mu.Unlock()
		if l != nil {
			l.removed(name.order, total, keys)
		}
	}
}

func (l *anchorList) removed(order anchorOrder, total int64, keys []ident.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.numbers.removed != total-int64(len(keys)) {
		return // something else was removed in between: find makes the list anew
	}
	l.numbers.removed = total
	for _, key := range keys {
		if compareIDs(key, l.newest) > 0 {
			continue // not among those that were known
		}
		l.numbers.rows--
		i, found := slices.BinarySearchFunc(l.list, anchor{key: key}, order.compare)
		if found {
			i++ // as many rows come before the removed one as did
		}
		for ; i < len(l.list); i++ {
			l.list[i].before--
		}
	}
}

func compareIDs(a, b ident.ID) int { return slices.Compare(a[:], b[:]) }

// compare tells which of two rows comes first.
func (o anchorOrder) compare(a, b anchor) int {
	c := cmp.Compare(a.at, b.at)
	if c == 0 {
		c = compareIDs(a.key, b.key)
	}
	if o.descending {
		return -c
	}
	return c
}

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

// find returns the last anchor at or before the row with so many rows before it.
// Anchors that are not true for the numbers are proved or made anew, unless
// numbers are only a guess. false means that there is no anchor, or that
// somebody else is making them just now.
func (as *anchors) find(p *pager, name anchorName, n numbers, index int64, guess bool) (anchor, bool, error) {
	l := as.get(name)
	if !l.mu.TryLock() {
		return anchor{}, false, nil
	}
	defer l.mu.Unlock()
	i, near := l.last(index)
	if l.proven && l.numbers == n && near {
		return l.list[i], true, nil
	}
	if guess {
		return anchor{}, false, nil
	}
	err := l.prove(p, name.order, n)
	if i, near = l.last(index); err == nil && !near {
		i, err = l.fill(p, name.order, i, index)
	}
	if err == nil && p.tx.pg != nil { // where each statement sees what was committed until then
		var now numbers
		if err = p.tx.Row(numbersSQL, p.org, p.l.Table).Scan(&now.rows, &now.removed); now != n {
			l.list, l.proven, i = nil, false, -1
		}
	}
	if err != nil {
		l.list, l.proven = nil, false
	}
	as.sized(name, l, len(l.list))
	if err != nil || i < 0 {
		return anchor{}, false, err
	}
	return l.list[i], true, nil
}

// last returns the number of the last anchor at or before a row, and whether that is
// near.
func (l *anchorList) last(index int64) (i int, near bool) {
	i, _ = slices.BinarySearchFunc(l.list, index+1, func(a anchor, n int64) int { return cmp.Compare(a.before, n) })
	i--
	return i, i >= 0 && index-l.list[i].before < 2*anchorEvery
}
