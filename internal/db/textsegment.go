package db

import (
	"encoding/binary"
	"errors"
	"slices"
	"sync"

	"sede/internal/ident"
	"sede/internal/null"
)

// A segment is stored as blocks with consecutive numbers: first those with keys,
// each the differences of ascending keys as varints, then those with the ids of
// its rows. What a block begins with is in the directory, in text_segment. Blocks
// are so small that SQLite keeps them in one page with others.
const (
	blockBytes = 900
	blockIDs   = blockBytes / len(ident.ID{})
	// segmentRows is how many rows a segment has at most, for row bits of keys.
	segmentRows = 1 << rowBits
	// segmentKeys is with how many keys it is full, so that making one takes no
	// more than some 32 MiB.
	segmentKeys = 4 << 20
)

// mostBlocks is more than a segment ever has, so that the numbers of one that is
// being made are nobody else's.
const mostBlocks = 1 << 20

// errTextIndex says that the index is not what it should be; searches do without.
var errTextIndex = errors.New("db: the index of texts is damaged")

// segment is what a search knows of a segment.
type segment struct {
	stamp  ident.ID // no other segment has the same, ever
	base   int64    // the number of the first block
	rows   int
	firsts []uint64 // the first key of each block with keys
	steps  []step   // the values by which its rows are ordered, if they are
	old    bool     // it was made when there were no steps
}

// blocks is how many blocks the segment has in all.
func (s *segment) blocks() int { return len(s.firsts) + (s.rows+blockIDs-1)/blockIDs }

// idBlock is the number of the block with the row's id.
func (s *segment) idBlock(row int) int64 { return s.base + int64(len(s.firsts)+row/blockIDs) }

// around returns the numbers of the blocks that keys of the span may be in, from
// the first to before the last.
func (s *segment) around(of span) (from, to int) {
	to, found := slices.BinarySearch(s.firsts, of.hi)
	if found {
		to++
	}
	from, found = slices.BinarySearch(s.firsts, of.lo)
	if !found && from > 0 {
		from--
	}
	return min(from, to), to
}

// encodeBlocks cuts ascending keys into blocks.
func encodeBlocks(keys []uint64) (firsts []uint64, blocks [][]byte) {
	var block []byte
	var last uint64
	for _, key := range keys {
		if block == nil || len(block) > blockBytes-binary.MaxVarintLen64 {
			if block != nil {
				blocks = append(blocks, block)
			}
			firsts, block, last = append(firsts, key), make([]byte, 0, blockBytes), key
			continue
		}
		block, last = binary.AppendUvarint(block, key-last), key
	}
	if block != nil {
		blocks = append(blocks, block)
	}
	return firsts, blocks
}

// rowsIn appends the rows that have a key of the span in a block.
func rowsIn(rows []uint16, first uint64, block []byte, of span) ([]uint16, error) {
	for key := first; ; {
		if key > of.hi {
			return rows, nil
		}
		if key >= of.lo {
			rows = append(rows, uint16(key&rowMask))
		}
		if len(block) == 0 {
			return rows, nil
		}
		d, n := binary.Uvarint(block)
		if n <= 0 {
			return nil, errTextIndex
		}
		key, block = key+d, block[n:]
	}
}

// encodeDirectory and decodeDirectory store what blocks begin with.
func encodeDirectory(firsts []uint64) []byte {
	b := make([]byte, 0, 5*len(firsts))
	var last uint64
	for _, first := range firsts {
		b, last = binary.AppendUvarint(b, first-last), first
	}
	return b
}

func decodeDirectory(b []byte) (firsts []uint64, err error) {
	var last uint64
	for len(b) > 0 {
		d, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, errTextIndex
		}
		last += d
		firsts, b = append(firsts, last), b[n:]
	}
	return firsts, nil
}

// segmentCache keeps the directories used last; they never change.
type segmentCache struct {
	mu      sync.Mutex
	byStamp map[ident.ID]*cached
	firsts  int // in all
	clock   uint64
}

type cached struct {
	firsts []uint64
	steps  []step
	old    bool
	used   uint64
}

func (c *cached) size() int { return len(c.firsts) + 2*len(c.steps) + 8 } // 8 are for the entry itself

// mostFirsts is how many entries of directories are kept, about 8 MB.
const mostFirsts = 1 << 20

// get sets what is kept of the segment; false when nothing is.
func (c *segmentCache) get(s *segment) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	have := c.byStamp[s.stamp]
	if have == nil {
		return false
	}
	c.clock++
	have.used = c.clock
	s.firsts, s.steps, s.old = have.firsts, have.steps, have.old
	return true
}

func (c *segmentCache) put(s *segment) {
	stamp := s.stamp
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byStamp == nil {
		c.byStamp = map[ident.ID]*cached{}
	}
	if c.byStamp[stamp] != nil {
		return
	}
	c.clock++
	entry := &cached{s.firsts, s.steps, s.old, c.clock}
	c.byStamp[stamp] = entry
	c.firsts += entry.size()
	for c.firsts > mostFirsts && len(c.byStamp) > 1 {
		c.forget(stamp)
	}
}

// forget drops the directory that was not used for the longest time, but not keep.
func (c *segmentCache) forget(keep ident.ID) {
	var stamp ident.ID
	var oldest *cached
	for s, each := range c.byStamp {
		if s != keep && (oldest == nil || each.used < oldest.used) {
			stamp, oldest = s, each
		}
	}
	c.firsts -= oldest.size()
	delete(c.byStamp, stamp)
}

// segmentsSQL lists the segments, the newest first.
const segmentsSQL = `SELECT base, stamp, rows FROM text_segment WHERE organization_id = $1 AND collection = $2 AND draft_at IS NULL ORDER BY base DESC`

// segments loads the segments of an index with their directories.
func (tx *Tx) segments(name textName) ([]segment, error) {
	var list []segment
	rows := tx.Query(segmentsSQL, name.organization, name.collection)
	for rows.Next() {
		var s segment
		if err := rows.Scan(&s.base, &s.stamp, &s.rows); err != nil {
			rows.Close()
			return nil, err
		}
		list = append(list, s)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for i := range list {
		s := &list[i]
		if tx.db.texts.cache.get(s) {
			continue
		}
		var directory []byte
		var steps null.Value[[]byte]
		err := tx.Row(`SELECT directory, steps FROM text_segment WHERE organization_id = $1 AND collection = $2 AND base = $3 AND stamp = $4`,
			name.organization, name.collection, s.base, s.stamp).Scan(&directory, &steps)
		if errors.Is(err, ErrNoRows) {
			return nil, errTextIndex // replaced a moment ago
		}
		if err != nil {
			return nil, err
		}
		if s.firsts, err = decodeDirectory(directory); err != nil {
			return nil, err
		}
		if s.steps, err = decodeSteps(steps.V); err != nil {
			return nil, err
		}
		s.old = !steps.Valid
		tx.db.texts.cache.put(s)
	}
	return list, nil
}

// rowIDs are the ids of a segment's rows, in its order.
func (tx *Tx) rowIDs(name textName, s *segment) (ids []ident.ID, err error) {
	var numbers []int64
	for n := len(s.firsts); n < s.blocks(); n++ {
		numbers = append(numbers, s.base+int64(n))
	}
	blocks, err := tx.blocks(name, numbers)
	if err != nil {
		return nil, err
	}
	for _, n := range numbers {
		for block := blocks[n]; len(block) >= len(ident.ID{}); block = block[len(ident.ID{}):] {
			ids = append(ids, ident.ID(block))
		}
	}
	return ids, nil
}

// blocks loads blocks by their numbers. It fails with errTextIndex when one is
// not there.
func (tx *Tx) blocks(name textName, numbers []int64) (map[int64][]byte, error) {
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	found := make(map[int64][]byte, len(numbers))
	for part := range slices.Chunk(numbers, 4096) {
		rows := tx.Query(tx.selectListed("number, content", "text_block", "organization_id = $1 AND collection = $2", "number", "$3", KindInt),
			name.organization, name.collection, tx.numberList(part))
		for rows.Next() {
			var number int64
			var content []byte
			if err := rows.Scan(&number, &content); err != nil {
				rows.Close()
				return nil, err
			}
			found[number] = content
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return nil, err
		}
	}
	if len(found) != len(numbers) {
		return nil, errTextIndex
	}
	return found, nil
}
