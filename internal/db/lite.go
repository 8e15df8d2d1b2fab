package db

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"zombiezen.com/go/sqlite"

	"sede/internal/access"
)

// lite is a SQLite database: one connection that writes and a few that read.
// The readers are opened when they are first needed, and the one used last is
// taken first, so that a quiet instance keeps one cache warm and no more.
type lite struct {
	cfg    *Config
	path   string
	file   *os.File // the database, see checkpointer
	writer *writer
	back   *checkpointer

	tokens chan struct{} // one for each reader that may be taken
	mu     sync.Mutex
	idle   []*liteConn // opened and not taken, the one used last at the end
	all    []*liteConn
	closed atomic.Bool
	watch  watch
}

// liteFile is the name of the database in its folder.
const liteFile = "sede.db"

func openLite(cfg *Config) (*lite, error) {
	if cfg.Synchronous != "" && cfg.Synchronous != "full" && cfg.Synchronous != "normal" {
		return nil, fmt.Errorf("db: synchronous is %q, must be full or normal", cfg.Synchronous)
	}
	l := &lite{cfg: cfg, path: filepath.Join(cfg.Dir, liteFile), tokens: make(chan struct{}, cfg.Readers)}
	var err error
	if l.file, err = prepareFile(cfg.Dir, l.path); err != nil {
		return nil, err
	}
	conn, err := l.connect(true)
	if err == nil {
		if l.back, err = l.startCheckpointer(l.file); err != nil {
			conn.close()
		}
	}
	if err != nil {
		l.file.Close()
		return nil, fmt.Errorf("db: can't open %s: %w", l.path, err)
	}
	l.writer = startWriter(cfg, conn, l.back)
	l.watch.start()
	for range cfg.Readers {
		l.tokens <- struct{}{}
	}
	return l, nil
}

// prepareFile makes the folder and the file, readable for their owner only, opens it,
// and checks that both can be written: SQLite keeps its log beside the file.
func prepareFile(dir, path string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("db: the folder for the database can't be made: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("db: the database file can't be opened for writing: %w", err)
	}
	probe, err := os.CreateTemp(dir, ".sede-probe-*")
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("db: the folder of the database can't be written: %w", err)
	}
	probe.Close()
	return f, os.Remove(probe.Name())
}

// connect opens one connection. Memory is taken as pages are used: at most
// 16 MiB of cache for the writer and 12 for each reader; the rest of the file
// is mapped.
func (l *lite) connect(writes bool) (*liteConn, error) {
	conn, err := sqlite.OpenConn(l.path, sqlite.OpenReadWrite)
	if err != nil {
		return nil, err
	}
	conn.SetBusyTimeout(busyTimeout)
	c := newLiteConn(conn)
	if writes {
		if err := c.useLog(); err != nil {
			c.close()
			return nil, err
		}
	}
	for _, pragma := range l.pragmas(writes) {
		if err := c.pragma(pragma); err != nil {
			c.close()
			return nil, err
		}
	}
	return c, nil
}

// busyTimeout is how long a connection waits for the locks of other processes.
const busyTimeout = 10 * time.Second

// useLog switches the file to a write-ahead log. While another connection does the
// same SQLite refuses at once instead of waiting.
func (c *liteConn) useLog() (err error) {
	const pause = 5 * time.Millisecond
	for range busyTimeout / pause {
		err = c.pragma("PRAGMA journal_mode = WAL")
		if sqlite.ErrCode(err).ToPrimary() != sqlite.ResultBusy {
			break
		}
		time.Sleep(pause)
	}
	return err
}

func (l *lite) pragmas(writes bool) []string {
	list := []string{
		"PRAGMA temp_store = MEMORY",
		"PRAGMA mmap_size = 268435456",
		"PRAGMA foreign_keys = ON",
		"PRAGMA trusted_schema = OFF",
	}
	if !writes {
		return append(list, "PRAGMA cache_size = -12288", "PRAGMA query_only = ON")
	}
	level := "FULL"
	if l.cfg.Synchronous == "normal" {
		level = "NORMAL"
	}
	list = append(list, "PRAGMA synchronous = "+level, "PRAGMA cache_size = -16384", "PRAGMA wal_autocheckpoint = 0",
		"PRAGMA journal_size_limit = 67108864")
	if runtime.GOOS == "darwin" && level == "FULL" {
		list = append(list, "PRAGMA fullfsync = ON", "PRAGMA checkpoint_fullfsync = ON")
	}
	return list
}

// acquire takes a reader, waiting while all are busy.
func (l *lite) acquire(ctx context.Context) (*liteConn, error) {
	select {
	case <-l.tokens:
	default:
		select {
		case <-l.tokens:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if l.closed.Load() {
		l.tokens <- struct{}{}
		return nil, ErrClosed
	}
	l.mu.Lock()
	if n := len(l.idle); n > 0 {
		c := l.idle[n-1]
		l.idle = l.idle[:n-1]
		l.mu.Unlock()
		l.watch.enter(c, ctx)
		return c, nil
	}
	l.mu.Unlock()
	return l.grow(ctx)
}

// grow opens one more reader; the caller holds a token for it.
func (l *lite) grow(ctx context.Context) (*liteConn, error) {
	c, err := l.connect(false)
	if err != nil {
		l.tokens <- struct{}{}
		return nil, fmt.Errorf("db: can't open %s: %w", l.path, err)
	}
	c.renew()
	l.mu.Lock()
	l.all = append(l.all, c)
	l.mu.Unlock()
	l.watch.add(c)
	l.watch.enter(c, ctx)
	return c, nil
}

func (l *lite) release(c *liteConn) {
	if l.watch.leave(c) {
		c.renew()
	}
	l.mu.Lock()
	l.idle = append(l.idle, c)
	l.mu.Unlock()
	l.tokens <- struct{}{}
}

func (l *lite) read(ctx context.Context, d *DB, scope access.Scope, fn func(*Tx) error) error {
	c, err := l.acquire(ctx)
	if err != nil {
		return err
	}
	defer l.release(c)
	return l.readOn(ctx, c, d, scope, fn)
}

// snapshot is read with a connection of its own, since it takes long, and without a
// mapping of the file: what it goes through is needed once, and would count as
// memory of the process.
func (l *lite) snapshot(ctx context.Context, d *DB, scope access.Scope, fn func(*Tx) error) error {
	shared, err := l.acquire(ctx) // so that nothing is read after close
	if err != nil {
		return err
	}
	defer l.release(shared)
	c, err := l.connect(false)
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.pragma("PRAGMA mmap_size = 0"); err != nil {
		return err
	}
	c.conn.SetInterrupt(ctx.Done())
	return l.readOn(ctx, c, d, scope, fn)
}

func (l *lite) readOn(ctx context.Context, c *liteConn, d *DB, scope access.Scope, fn func(*Tx) error) (err error) {
	tx := &Tx{db: d, ctx: ctx, scope: scope, lite: c}
	defer func() {
		tx.end()
		c.letGo()
	}()
	if err = fn(tx); err == nil {
		err = tx.clockless
	}
	if err != nil && ctx.Err() != nil && sqlite.ErrCode(err) == sqlite.ResultInterrupt {
		return ctx.Err()
	}
	return err
}

// close finishes queued writes, waits for the reads and closes everything. The
// writer goes last: closing the last connection writes the log back.
func (l *lite) close() error {
	if l.closed.Swap(true) {
		return nil
	}
	l.writer.drain()
	errs := []error{l.back.stop()}
	for range l.cfg.Readers {
		<-l.tokens
	}
	l.watch.stop()
	for _, c := range l.all {
		errs = append(errs, c.close())
	}
	errs = append(errs, l.writer.conn.pragma("PRAGMA optimize"),
		l.writer.conn.pragma("PRAGMA wal_checkpoint(TRUNCATE)"), l.writer.conn.close(), l.file.Close())
	for range l.cfg.Readers {
		l.tokens <- struct{}{} // wakes those who wait, for ErrClosed
	}
	return errors.Join(errs...)
}

func (l *lite) status(ctx context.Context, d *DB, s *Status) error {
	s.Version, s.RowSecurity = sqlite.Version, true
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(l.path + suffix); err == nil {
			s.Bytes += info.Size()
		}
	}
	return nil
}

// watchEvery is how late the end of a context may be noticed by a statement
// that is running.
const watchEvery = 50 * time.Millisecond

// watch interrupts reading connections whose context has ended. Arming each
// statement would cost more than most of them; one goroutine looks at all
// readers at times, and sleeps when nothing is read.
type watch struct {
	mu     sync.Mutex
	conns  []*liteConn
	active atomic.Int64
	wake   chan struct{}
	quit   chan struct{}
	gone   chan struct{}
}

func (w *watch) start() {
	w.wake, w.quit, w.gone = make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	go w.loop()
}

func (w *watch) stop() {
	close(w.quit)
	<-w.gone
}

func (w *watch) add(c *liteConn) {
	w.mu.Lock()
	w.conns = append(w.conns, c)
	w.mu.Unlock()
}

// enter notes that c works for ctx.
func (w *watch) enter(c *liteConn, ctx context.Context) {
	if ctx.Done() == nil {
		return
	}
	c.mu.Lock()
	c.ctx = ctx
	c.mu.Unlock()
	if w.active.Add(1) == 1 {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// leave ends what enter began and reports whether c was interrupted.
func (w *watch) leave(c *liteConn) (interrupted bool) {
	c.mu.Lock()
	watched := c.ctx != nil
	c.ctx = nil
	interrupted = c.interrupted
	c.mu.Unlock()
	if watched {
		w.active.Add(-1)
	}
	return interrupted
}

func (w *watch) loop() {
	defer close(w.gone)
	timer := time.NewTimer(watchEvery)
	defer timer.Stop()
	for {
		select {
		case <-w.wake:
		case <-w.quit:
			return
		}
		for idle := 0; idle < 4; {
			timer.Reset(watchEvery)
			select {
			case <-timer.C:
			case <-w.quit:
				return
			}
			w.look()
			if w.active.Load() == 0 {
				idle++
			} else {
				idle = 0
			}
		}
	}
}

func (w *watch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		c.mu.Lock()
		if c.ctx != nil && c.ctx.Err() != nil && !c.interrupted {
			c.interrupted = true
			close(c.stop)
		}
		c.mu.Unlock()
	}
}
