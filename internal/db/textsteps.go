package db

import (
	"context"
	"encoding/binary"
	"math"
	"slices"
	"sort"
	"strings"

	"sede/internal/ident"
)

// The rows of a segment have the default order of their collection, ascending, where
// that is one by a Fixed column and the key: then a search can read what is first in
// that order and leave the rest. What is known of the column are its values and how
// many rows have them, which are few where it is a day.

// step is a value, and the number of the first row that has it.
type step struct {
	at   int64
	from int
}

// mostSteps is up to how many values are known; a segment with more has none.
const mostSteps = 4096

// textOrder is the order of rows in segments: without a column that of their keys.
func (l *Listing) textOrder() (o anchorOrder) {
	column, _, _ := strings.Cut(l.Order, ",")
	column = strings.TrimSuffix(column, " DESC")
	for _, c := range l.Columns {
		if c.Fixed != "" && c.SQL == column {
			return anchorOrder{column: c.SQL, kind: c.Fixed}
		}
	}
	return o
}

// order puts the rows of the draft into the order of their values and ids.
func (d *draft) order() {
	was := make([]int, len(d.ids)) // by number what it was before
	for n := range was {
		was[n] = n
	}
	slices.SortFunc(was, func(a, b int) int {
		return anchorOrder{}.compare(anchor{at: d.values[a], key: d.ids[a]}, anchor{at: d.values[b], key: d.ids[b]})
	})
	is, ids := make([]uint64, len(was)), slices.Clone(d.ids)
	for n, before := range was {
		is[before], d.ids[n] = uint64(n), ids[before]
		if at := d.values[before]; len(d.steps) == 0 || at != d.steps[len(d.steps)-1].at {
			d.steps = append(d.steps, step{at, n})
		}
	}
	for n, key := range d.keys {
		d.keys[n] = key&^rowMask | is[key&rowMask]
	}
	if len(d.steps) > mostSteps {
		d.steps = nil
	}
}

func encodeSteps(steps []step) []byte {
	b := make([]byte, 0, 8*len(steps))
	var last step
	for _, s := range steps {
		b = binary.AppendVarint(b, s.at-last.at)
		b = binary.AppendUvarint(b, uint64(s.from-last.from))
		last = s
	}
	return b
}

func decodeSteps(b []byte) (steps []step, err error) {
	var s step
	for len(b) > 0 {
		at, n := binary.Varint(b)
		if n <= 0 {
			return nil, errTextIndex
		}
		from, m := binary.Uvarint(b[n:])
		if m <= 0 {
			return nil, errTextIndex
		}
		s.at, s.from, b = s.at+at, s.from+int(from), b[n+m:]
		steps = append(steps, s)
	}
	return steps, nil
}

// before is how many rows of the segment have a smaller value.
func (s *segment) before(at int64) int {
	n := sort.Search(len(s.steps), func(i int) bool { return s.steps[i].at >= at })
	if n == len(s.steps) {
		return s.rows
	}
	return s.steps[n].from
}

// valueOf is the value of a row.
func (s *segment) valueOf(row int) int64 {
	n := sort.Search(len(s.steps), func(i int) bool { return s.steps[i].from > row })
	return s.steps[n-1].at
}

// order makes a segment anew that was made when rows had the order of their ids.
func (i *indexing) order(ctx context.Context, segments []segment) (bool, error) {
	n := slices.IndexFunc(segments, func(s segment) bool { return s.old })
	if n < 0 || i.l.textOrder().column == "" {
		return false, nil
	}
	var ids []ident.ID
	err := i.d.Read(ctx, i.scope, func(tx *Tx) (err error) {
		ids, err = tx.rowIDs(i.name, &segments[n])
		return err
	})
	if err != nil {
		return false, ignoreDamage(err)
	}
	made, err := i.make(ctx, ids, math.MaxInt)
	if err != nil {
		return false, err
	}
	return i.store(ctx, made, segments, segments[n:n+1])
}
