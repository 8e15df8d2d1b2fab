package archive

import (
	"errors"
	"runtime"
	"strconv"
	"strings"
	"time"

	"sede/internal/db"
	"sede/internal/ident"
)

// Loader adds rows of archives to the database, in transactions that hold up others
// for a short time only. It reads ahead while the database works, and its memory
// does not grow with the number of rows.
type Loader struct {
	Organization ident.ID // whose the rows become
	// Again is set when some of the rows may be there, from a run before. Without it
	// that is an error (db.IsTaken), and nobody looks for them.
	Again bool
	// Write runs a step in a transaction; the step can be repeated.
	Write func(do func(tx *db.Tx) error) error
	// Added is the last thing in each transaction, which has added n rows. If it
	// fails none of them are.
	Added func(tx *db.Tx, n int64) error
	// Budget is how long a transaction goes on once others wait to write. While nobody
	// comes each one may take twice as long as the one before, up to alone budgets:
	// many small ones cost more, since each writes the pages of all indexes anew.
	Budget time.Duration
	// Now is the time.
	Now func() time.Time
}

const (
	// chunkValues is how many values one statement takes, and mostChunk how many
	// bytes of JSON they come from, but for rows that are larger.
	chunkValues = 600
	mostChunk   = 64 << 10
	// readAhead is how many chunks are kept ready.
	readAhead = 128
	// alone is how many budgets a transaction may take while nobody waits.
	alone = 128
	// mostLoaded is how many rows a transaction adds at most.
	mostLoaded = 5000
)

// errQuit ends the reading of a file whose loading has ended.
var errQuit = errors.New("archive: the loading has ended")

// chunk is the rows that one statement adds: the organization and then the columns
// of each.
type chunk struct {
	args []any
	rows int
	err  error // instead of rows
}

// Load adds the rows of a file of the archive to their table; again, those that are
// there are left as they are. change, unless it is nil, is given the values of
// each row before, in the order of f.Columns, on another goroutine.
func (l *Loader) Load(r *Reader, f *File, t Table, schema *db.Table, change func(values []any)) error {
	c, err := newCodec(t, schema, f.Columns)
	if err != nil {
		return damaged(err, "The archive is damaged in %s.", f.Name)
	}
	s := &loading{Loader: l, codec: c, most: max(1, chunkValues/max(1, len(c.columns))), ready: make(chan *chunk, readAhead), quit: make(chan struct{}), turn: l.Budget}
	s.full, s.single = c.insertSQL(s.most, l.Again), c.insertSQL(1, l.Again)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		s.read(r, f, change)
	}()
	err = s.work()
	close(s.quit)
	<-gone // it reads the archive
	return err
}

// loading is one file being loaded.
type loading struct {
	*Loader
	codec        *codec
	most         int // rows in a chunk
	full, single string
	ready        chan *chunk // the last one has an error, or no rows
	quit         chan struct{}
	waiting      []*chunk      // taken from ready and not yet in the database
	turn         time.Duration // how long a transaction may take while nobody waits
	met          bool          // somebody waited for the last one
}

// read makes chunks until the file or the loading ends.
func (s *loading) read(r *Reader, f *File, change func(values []any)) {
	next, bytes := &chunk{}, 0
	send := func() bool {
		select {
		case s.ready <- next:
			next, bytes = &chunk{}, 0
			return true
		case <-s.quit:
			return false
		}
	}
	err := r.lines(f, s.codec, func(values []any, size int) error {
		if change != nil {
			change(values)
		}
		if next.args == nil {
			next.args = append(make([]any, 0, 1+s.most*len(values)), s.Organization)
		}
		next.args = append(next.args, values...)
		next.rows++
		if bytes += size; next.rows < s.most && bytes < mostChunk {
			return nil
		}
		if !send() {
			return errQuit
		}
		runtime.Gosched() // see pieceRows
		return nil
	})
	if next.rows > 0 && err == nil && !send() {
		return
	}
	next = &chunk{err: err}
	send()
}

// work adds chunks until the last one.
func (s *loading) work() error {
	for {
		if len(s.waiting) == 0 {
			s.waiting = append(s.waiting, <-s.ready)
		}
		if first := s.waiting[0]; first.rows == 0 {
			return first.err
		}
		used := 0
		err := s.Write(func(tx *db.Tx) error {
			used, s.met = 0, false
			n := int64(0)
			for began := s.Now(); s.more(used) && !s.enough(tx, s.Now().Sub(began), n); used++ {
				s.add(tx, s.waiting[used])
				n += int64(s.waiting[used].rows)
			}
			return s.Added(tx, n)
		})
		if err != nil {
			return err
		}
		if s.turn = min(2*s.turn, alone*s.Budget); s.met {
			s.turn = s.Budget
		}
		clear(s.waiting[:used])
		s.waiting = append(s.waiting[:0], s.waiting[used:]...)
	}
}

// more reports whether there is a chunk at the place, without waiting for one.
func (s *loading) more(at int) bool {
	if at == len(s.waiting) {
		select {
		case next := <-s.ready:
			s.waiting = append(s.waiting, next)
		default:
			return false
		}
	}
	return s.waiting[at].rows > 0
}

// enough reports whether a transaction has added as much as it may.
func (s *loading) enough(tx *db.Tx, took time.Duration, n int64) bool {
	switch {
	case n == 0:
		return false
	case n >= mostLoaded || took >= s.turn:
		return true
	}
	s.met = s.met || tx.OthersWait()
	return s.met && took >= s.Budget
}

// add adds the rows of a chunk.
func (s *loading) add(tx *db.Tx, c *chunk) {
	if c.rows == s.most {
		tx.Queue(s.full, c.args...)
		return
	}
	columns := len(s.codec.columns)
	args := make([]any, 1+columns)
	args[0] = s.Organization
	for i := range c.rows {
		copy(args[1:], c.args[1+i*columns:])
		tx.Queue(s.single, args...)
	}
}

// insertSQL adds some rows; again, none whose key is there.
func (c *codec) insertSQL(rows int, again bool) string {
	var b strings.Builder
	b.WriteString(`INSERT INTO ` + c.table.Name + ` (` + strings.Join(append([]string{c.table.OwnerColumn()}, c.list()...), ", ") + `) VALUES `)
	for i := range rows {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(`($1`)
		for j := range c.columns {
			b.WriteString(`, $` + strconv.Itoa(2+i*len(c.columns)+j))
		}
		b.WriteString(`)`)
	}
	if again {
		b.WriteString(` ON CONFLICT (` + strings.Join(append([]string{c.table.OwnerColumn()}, c.table.KeyColumns()...), ", ") + `) DO NOTHING`)
	}
	return b.String()
}
