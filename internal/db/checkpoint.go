package db

import (
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"zombiezen.com/go/sqlite"
)

// checkpointer writes what SQLite's log holds back into the file, beside the writer:
// with a connection and a goroutine of its own it copies the pages and waits for the
// disk, again and again until few are left that were written meanwhile. Those the
// writer itself writes back between two of its transactions, since SQLite begins the
// log anew only when nothing is left to write back and nobody reads from it.
type checkpointer struct {
	log  *slog.Logger
	conn *liteConn
	file *os.File // the database, to wait for the disk; closed after all connections

	wake  chan struct{} // capacity 1
	quit  chan struct{}
	gone  chan struct{}
	few   atomic.Int64 // so many pages are in the file, the rest is the writer's; 0: none is
	round sync.Mutex   // held while pages are copied
}

const (
	// fullLog is how many pages of log are written back.
	fullLog = 4000
	// fewPages is how many pages may be left for the writer.
	fewPages = 200
	// mostRounds is how often the log is copied before the rest is left for the
	// writer, however much that is.
	mostRounds = 4
	// mostLog is how many pages the log may have: then the writer writes no more before
	// all is written back that nobody reads.
	mostLog = 4 * fullLog
	// restAfter is how long nothing is done after the log was written back as far as
	// readers let.
	restAfter = 20 * time.Millisecond
)

// logState is how many pages the log holds and how many of them are in the file.
type logState struct{ pages, done int64 }

func (s logState) left() int64 { return s.pages - s.done }

// checkpoint runs PRAGMA wal_checkpoint: NOOP only looks, PASSIVE copies what it can
// without waiting for anybody. busy: somebody else is at it.
func (c *liteConn) checkpoint(mode string) (s logState, busy bool, err error) {
	stmt, err := c.conn.Prepare("PRAGMA wal_checkpoint(" + mode + ")")
	if err != nil {
		return s, false, err
	}
	defer stmt.Reset()
	if _, err := stmt.Step(); err != nil {
		return s, sqlite.ErrCode(err).ToPrimary() == sqlite.ResultBusy, err
	}
	return logState{stmt.ColumnInt64(1), stmt.ColumnInt64(2)}, stmt.ColumnInt64(0) != 0, nil
}

// startCheckpointer opens a connection of its own. The caller closes file after all
// connections: closing it sooner would drop their locks.
func (l *lite) startCheckpointer(file *os.File) (*checkpointer, error) {
	conn, err := l.connect(true)
	if err != nil {
		return nil, err
	}
	for _, pragma := range []string{"PRAGMA mmap_size = 0", "PRAGMA cache_size = 0"} {
		if err := conn.pragma(pragma); err != nil {
			conn.close()
			return nil, err
		}
	}
	p := &checkpointer{log: l.cfg.Log, conn: conn, file: file,
		wake: make(chan struct{}, 1), quit: make(chan struct{}), gone: make(chan struct{})}
	go p.loop()
	return p, nil
}

// stop ends what is under way and closes the connection.
func (p *checkpointer) stop() error {
	close(p.quit)
	<-p.gone
	return p.conn.close()
}

func (p *checkpointer) loop() {
	defer close(p.gone)
	for {
		select {
		case <-p.wake:
		case <-p.quit:
			return
		}
		p.work()
		select {
		case <-time.After(restAfter):
		case <-p.quit:
			return
		}
	}
}

// work copies the log into the file until few pages are left, or as far as readers
// let.
func (p *checkpointer) work() {
	s, _, err := p.conn.checkpoint("NOOP")
	for n := 0; err == nil && s.pages >= fullLog; n++ {
		if s.left() == 0 || n > 0 && s.left() <= fewPages || n == mostRounds {
			p.few.Store(s.done) // also if none are left: the writer may be about to commit
			return
		}
		done := s.done
		if s, err = p.copy(); s.done == done {
			break // a reader holds what is behind
		}
	}
	if err != nil {
		p.log.Error("db: the log can't be written back", "error", err)
	}
}

// copy runs one round and waits for the disk, which SQLite does only when nobody has
// written meanwhile.
func (p *checkpointer) copy() (s logState, err error) {
	p.round.Lock()
	defer p.round.Unlock()
	if _, _, err = p.conn.checkpoint("PASSIVE"); err != nil {
		return s, err
	}
	if s, _, err = p.conn.checkpoint("NOOP"); err != nil || s.left() == 0 {
		return s, err
	}
	if err = p.file.Sync(); err != nil {
		return s, fmt.Errorf("db: waiting for the disk: %w", err)
	}
	s, _, err = p.conn.checkpoint("NOOP")
	return s, err
}

// afterCommit is the writer's part: c is its connection, which is in no transaction.
func (p *checkpointer) afterCommit(c *liteConn) {
	s, _, err := c.checkpoint("NOOP")
	if err != nil || s.pages < fullLog || s.left() == 0 {
		return
	}
	if few := p.few.Swap(0); few != s.done || few == 0 {
		select {
		case p.wake <- struct{}{}:
		default:
		}
		if s.pages < mostLog {
			return
		}
	}
	p.round.Lock() // or SQLite would have us come back later
	defer p.round.Unlock()
	if _, _, err := c.checkpoint("PASSIVE"); err != nil {
		p.log.Error("db: the log can't be written back", "error", err)
	}
}
