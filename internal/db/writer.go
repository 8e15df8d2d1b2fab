package db

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"sede/internal/access"
)

// writer is the one goroutine that writes to SQLite. It takes a request, runs
// it, and as long as others wait it runs them too, up to maxGroup; then it
// commits once and answers them all. It never waits for company. The first
// request of a group needs no savepoint: when it fails the transaction holds
// nothing else and is rolled back as a whole. Each later one has a savepoint,
// so that its failure undoes its own work only. A failed request is answered
// with the group, since what it saw becomes true with the commit; when the
// commit fails, everybody gets that error and nothing of the group is kept.
type writer struct {
	cfg   *Config
	conn  *liteConn
	back  *checkpointer
	queue chan *request
	gone  chan struct{}

	mu     sync.RWMutex // held for reading while something is put into queue
	closed bool

	group []*request // what the running transaction holds
	begun bool
}

// maxGroup is the largest number of requests committed together.
const maxGroup = 128

// request is one Write on its way through the writer.
type request struct {
	tx    *Tx
	fn    func(*Tx) error
	part  bool          // of long work, see InParts
	state atomic.Uint32 // one of the states below
	err   error
	reply chan error // capacity 1
}

const (
	waiting uint32 = iota
	taken          // the writer has it: there will be a reply
	givenUp        // the caller left before its turn
)

// errGoexit is what a closure gets that ended its goroutine, as t.FailNow does.
var errGoexit = errors.New("db: the closure ended the writing goroutine")

func startWriter(cfg *Config, conn *liteConn, back *checkpointer) *writer {
	w := &writer{cfg: cfg, conn: conn, back: back, queue: make(chan *request, 1024), gone: make(chan struct{})}
	go w.loop()
	return w
}

// write queues one request and waits for its answer.
func (w *writer) write(ctx context.Context, d *DB, scope access.Scope, fn func(*Tx) error) error {
	r := &request{
		tx:    &Tx{db: d, ctx: ctx, scope: scope, lite: w.conn, write: true},
		fn:    fn,
		part:  ctx.Value(inPartsKey{}) != nil,
		reply: make(chan error, 1),
	}
	if err := w.enqueue(ctx, r); err != nil {
		return err
	}
	var err error
	select {
	case err = <-r.reply:
	case <-ctx.Done():
		if r.state.CompareAndSwap(waiting, givenUp) {
			return ctx.Err()
		}
		err = <-r.reply
	}
	if err == nil {
		r.tx.committed()
	}
	return err
}

func (w *writer) enqueue(ctx context.Context, r *request) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return ErrClosed
	}
	select {
	case w.queue <- r:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// drain refuses further requests and returns when the queued ones are answered.
func (w *writer) drain() {
	w.mu.Lock()
	w.closed = true
	close(w.queue)
	w.mu.Unlock()
	<-w.gone
}

// loop serves until the queue is closed and empty.
func (w *writer) loop() {
	clean := false
	defer func() {
		if clean {
			close(w.gone)
			return
		}
		// A closure ended this goroutine: answer and go on in a new one.
		w.group[len(w.group)-1].tx.end()
		w.abort(errGoexit)
		go w.loop()
	}()
	for r := range w.queue {
		w.serve(r)
	}
	clean = true
}

// serve runs a group that begins with r.
func (w *writer) serve(r *request) {
	for more := true; more; {
		if r.part {
			w.commit()
			runtime.Gosched() // those who were answered go on first
		}
		w.admit(r)
		if len(w.group) >= maxGroup {
			break
		}
		r, more = w.next()
	}
	w.commit()
}

// othersWait reports whether somebody waits beside the request that is running. It
// lets those run first who are about to.
func (w *writer) othersWait() bool {
	if len(w.group) > 1 || len(w.queue) > 0 {
		return true
	}
	runtime.Gosched()
	return len(w.queue) > 0
}

// next returns a request that waits. When there seems to be none it lets those
// run first who are ready to, often the ones answered a moment ago: that costs
// nothing when nobody is, and a commit saved when somebody has a request.
func (w *writer) next() (r *request, ok bool) {
	for try := range 2 {
		if try > 0 {
			runtime.Gosched()
		}
		select {
		case r, ok = <-w.queue:
			return r, ok
		default:
		}
	}
	return nil, false
}

// admit runs one request inside the group's transaction.
func (w *writer) admit(r *request) {
	if !r.state.CompareAndSwap(waiting, taken) {
		return
	}
	if err := r.tx.ctx.Err(); err != nil {
		r.reply <- err
		return
	}
	if !w.begun {
		if err := w.conn.command("BEGIN IMMEDIATE"); err != nil {
			r.reply <- fmt.Errorf("db: begin: %w", err)
			return
		}
		w.begun = true
	}
	w.group = append(w.group, r)
	nested := len(w.group) > 1
	if nested {
		if r.err = w.conn.command("SAVEPOINT request"); r.err != nil {
			w.check()
			return
		}
	}
	if r.err = r.tx.enterLite(); r.err == nil {
		r.err = r.tx.db.call(r.tx, r.fn)
	}
	r.tx.end()
	w.settle(r, nested)
}

// settle keeps or undoes the work of the request that just ran.
func (w *writer) settle(r *request, nested bool) {
	switch {
	case r.err == nil && nested:
		r.err = w.conn.command("RELEASE request")
	case r.err != nil && nested:
		if w.conn.command("ROLLBACK TO request") == nil {
			w.conn.command("RELEASE request")
		}
	case r.err != nil:
		w.conn.command("ROLLBACK")
		w.begun = false
		w.group = w.group[:0]
		r.reply <- r.err
		return
	}
	w.check()
}

// check notices that SQLite gave up the whole transaction, as it does when the
// disk is full: then nobody in the group has anything.
func (w *writer) check() {
	if !w.conn.conn.AutocommitEnabled() {
		return
	}
	err := errors.New("db: the transaction was given up by SQLite")
	for _, r := range w.group {
		if r.err != nil {
			err = fmt.Errorf("%w: %w", err, r.err)
			break
		}
	}
	w.abort(err)
}

// commit makes the group durable and answers it.
func (w *writer) commit() {
	if !w.begun {
		return
	}
	err := w.group[0].tx.db.interrupt("commit")
	if err == nil {
		err = w.conn.command("COMMIT")
	}
	if err != nil {
		w.abort(fmt.Errorf("db: commit: %w", err))
		return
	}
	w.begun = false
	for i, r := range w.group {
		r.reply <- r.err
		w.group[i] = nil
	}
	w.group = w.group[:0]
	runtime.Gosched() // those who were answered go on before the log is written back
	w.back.afterCommit(w.conn)
}

// abort undoes the group and answers everybody in it with err.
func (w *writer) abort(err error) {
	if len(w.group) > 0 && w.group[0].tx.db.holds.known.Load() {
		w.group[0].tx.db.holds.look.Store(true)
	}
	if w.begun && !w.conn.conn.AutocommitEnabled() {
		w.conn.command("ROLLBACK")
	}
	w.begun = false
	for i, r := range w.group {
		r.reply <- err
		w.group[i] = nil
	}
	w.group = w.group[:0]
}
