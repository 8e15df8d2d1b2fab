package db

import (
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"sede/internal/ident"
	"sede/internal/page"
)

// The fields that Listing.Texts names have an index of trigrams, so that a filter
// on a part of a text does not read the whole collection.
//
// A trigger on the table, see dialect.Searchable, notes every row whose texts are
// new or changed in text_pending. IndexTexts takes what is noted there, in the
// background, and makes segments of it: sorted lists of keys, each of which is
// three letters of a text and the row they are in. Segments never change; small
// ones are replaced by larger ones, made anew from the rows, and those that have what
// was changed or removed by ones without it, see purge. The index tells which
// rows may match: those that are pending, and those that a segment has under all
// trigrams of what is searched for. Whether they do is always asked of the rows
// themselves, so what the index has of rows that were changed or removed costs
// time but is never seen.
//
// The rows of text_pending, text_segment and text_block begin with the
// organization, as all others do, so a search reads nothing of others.

// A key is, from the highest bit on: 6 bits for the field, 14 for each of three
// letters, 16 for the row within its segment. A text ends with two zero letters,
// so that each letter and each two letters are the beginning of a trigram too, and
// terms of one and two letters are ranges of keys. Letters beyond 14 bits share a
// key with others, which costs time only.
const (
	letterBits = 14
	letterMask = 1<<letterBits - 1
	rowBits    = 16
	rowMask    = 1<<rowBits - 1
	fieldShift = 3*letterBits + rowBits
	mostTexts  = 1 << (62 - fieldShift) // fields of a collection
)

// span is a range of keys, both ends included.
type span struct{ lo, hi uint64 }

// textKeys appends the keys of a text, in no order and with repetitions.
func textKeys(keys []uint64, field int, text string, row int) []uint64 {
	if text == "" {
		return keys
	}
	var window uint64
	n := 0
	add := func(letter uint64) {
		window = (window<<letterBits | letter) & (1<<(3*letterBits) - 1)
		if n++; n >= 3 {
			keys = append(keys, uint64(field)<<fieldShift|window<<rowBits|uint64(row))
		}
	}
	for _, r := range text {
		add(uint64(r) & letterMask)
	}
	add(0)
	add(0)
	return keys
}

// textSpans returns the ranges in each of which a row that contains the term has a
// key: one for each trigram, or one for a shorter term; none for the empty one.
func textSpans(field int, term string) (spans []span) {
	n := utf8.RuneCountInString(term)
	if n == 0 {
		return nil
	}
	var window uint64
	seen := 0
	for _, r := range term {
		window = (window<<letterBits | uint64(r)&letterMask) & (1<<(3*letterBits) - 1)
		if seen++; seen < min(n, 3) {
			continue
		}
		free := max(0, 3-n)*letterBits + rowBits
		lo := uint64(field)<<fieldShift | window<<free
		spans = append(spans, span{lo, lo | (1<<free - 1)})
	}
	slices.SortFunc(spans, func(a, b span) int { return int(int64(a.lo>>rowBits) - int64(b.lo>>rowBits)) })
	return slices.Compact(spans)
}

// textName says whose texts an index has.
type textName struct {
	organization ident.ID
	collection   string
}

// textIndexes is what a DB knows of its indexes of texts.
type textIndexes struct {
	mu       sync.Mutex
	listings map[string]*Listing  // by table
	noticed  map[textName]int64   // about how many rows are pending, where some were seen
	erased   map[textName]erasure // where rows were removed
	next     time.Time            // when all pending rows are counted again
	cache    segmentCache
	limits   textLimits // which only tests change
}

// RegisterTexts tells which collections IndexTexts works on: those with Texts. Their
// tables hold working data, since clearing removes all indexes of an organization.
// It is called before the first Read and Write.
func (d *DB) RegisterTexts(listings ...*Listing) {
	d.texts.mu.Lock()
	defer d.texts.mu.Unlock()
	if d.texts.listings == nil {
		d.texts.listings = map[string]*Listing{}
	}
	for _, l := range listings {
		if len(l.Texts) == 0 || len(l.Texts) > mostTexts || l.Wide || l.From != "" || l.key() != "id" {
			panic("db: texts of " + l.Table + " can't be indexed")
		}
		d.texts.listings[l.Table] = l
	}
}

// notice notes that rows of a collection became pending.
func (t *textIndexes) notice(name textName, rows int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.listings[name.collection] == nil {
		return
	}
	if t.noticed == nil {
		t.noticed = map[textName]int64{}
	}
	t.noticed[name] += rows
}

// erasure is when rows of a collection were removed, at first and last.
type erasure struct{ first, last time.Time }

// noticeErasure notes that rows of a collection were removed.
func (t *textIndexes) noticeErasure(name textName, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, ok := t.erased[name]
	if !ok {
		e.first = at
	}
	e.last = at
	if t.erased == nil {
		t.erased = map[textName]erasure{}
	}
	t.erased[name] = e
}

// indexed reports whether the table's texts are indexed.
func (t *textIndexes) indexed(table string) bool {
	return t.listings[table] != nil // which does not change any more
}

// textColumn is the expression whose value a filter on the field looks at, and how
// the term is prepared.
func (c *Column) textColumn() (column string, prepare func(string) string) {
	if c.Fold == "" {
		return "lower(" + c.SQL + ")", lowerASCII
	}
	return c.Fold, Fold
}

// textFilter is a filter on an indexed field: one of the terms must be contained,
// each of which has keys in all its spans.
type textFilter [][]span

// textFilter returns the filter for the index; false when the index can't help.
func (p *pager) textFilter(f *page.Filter) (textFilter, bool) {
	field := slices.Index(p.l.Texts, f.Field)
	if field < 0 || f.Op != page.Contains || !p.tx.db.texts.indexed(p.l.Table) {
		return nil, false
	}
	c := p.l.Columns[f.Field]
	_, prepare := c.textColumn()
	var terms textFilter
	for _, v := range f.Values {
		if bad(v) || len(v.Text) > likeLimit {
			continue // nothing contains it
		}
		spans := textSpans(field, prepare(v.Text))
		if len(spans) == 0 {
			return nil, false
		}
		terms = append(terms, spans)
	}
	return terms, len(terms) > 0
}
