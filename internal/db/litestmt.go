package db

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"zombiezen.com/go/sqlite"
)

// liteConn is one SQLite connection with its prepared statements.
type liteConn struct {
	conn  *sqlite.Conn
	cache *statements[*liteStmt]
	held  bool // a snapshot is held by BEGIN

	mu          sync.Mutex // guards what watch looks at
	ctx         context.Context
	stop        chan struct{}
	interrupted bool
}

// liteStmt is a prepared statement.
type liteStmt struct {
	stmt    *sqlite.Stmt
	sql     string
	order   []int // for each SQLite parameter the argument that goes there
	args    int   // how many arguments there must be
	columns int
}

func newLiteConn(conn *sqlite.Conn) *liteConn {
	return &liteConn{conn: conn, cache: newStatements[*liteStmt](maxStatements)}
}

// renew gives the connection a fresh way to be interrupted.
func (c *liteConn) renew() {
	c.stop = make(chan struct{})
	c.conn.SetInterrupt(c.stop)
	c.mu.Lock()
	c.interrupted = false
	c.mu.Unlock()
}

func (c *liteConn) close() error { return c.conn.Close() }

// pragma runs a statement that is used once, and drops what it returns.
func (c *liteConn) pragma(sql string) error {
	stmt, _, err := c.conn.PrepareTransient(sql)
	if err != nil {
		return err
	}
	defer stmt.Finalize()
	for {
		if more, err := stmt.Step(); err != nil || !more {
			return err
		}
	}
}

// prepare returns the statement for the text, from the cache if it is there.
func (c *liteConn) prepare(sql string) (*liteStmt, error) {
	if s, ok := c.cache.get(sql); ok {
		return s, nil
	}
	stmt, err := c.conn.Prepare(sql)
	if err != nil {
		return nil, err
	}
	s := &liteStmt{stmt: stmt, sql: sql, columns: stmt.ColumnCount()}
	if err := s.number(); err != nil {
		stmt.Finalize()
		return nil, err
	}
	if last, full := c.cache.put(sql, s); full {
		last.stmt.Finalize()
	}
	return s, nil
}

// number finds out which argument each parameter stands for: SQLite counts $1,
// $2 as names, in the order they appear. Like PostgreSQL it refuses gaps.
func (s *liteStmt) number() error {
	s.order = make([]int, s.stmt.BindParamCount())
	seen := 0
	for i := range s.order {
		name := s.stmt.BindParamName(i + 1)
		n, err := strconv.Atoi(strings.TrimPrefix(name, "$"))
		if err != nil || n < 1 {
			return fmt.Errorf("db: parameter %q: only $1, $2 and so on are known", name)
		}
		s.order[i] = n - 1
		s.args = max(s.args, n)
		seen++
	}
	if seen != s.args {
		return fmt.Errorf("db: %d parameters are used, the highest is $%d", seen, s.args)
	}
	return nil
}

// start prepares and binds.
func (c *liteConn) start(sql string, args []any) (*liteStmt, error) {
	s, err := c.prepare(sql)
	if err != nil {
		return nil, &statementError{err, sql}
	}
	if len(args) != s.args {
		return nil, &statementError{fmt.Errorf("%d arguments for %d parameters", len(args), s.args), sql}
	}
	for i, n := range s.order {
		if err := bindLite(s.stmt, i+1, args[n]); err != nil {
			return nil, &statementError{err, sql}
		}
	}
	return s, nil
}

// step moves on; an error leaves the statement reset.
func (s *liteStmt) step() (bool, error) {
	more, err := s.stmt.Step()
	if err != nil {
		return false, &statementError{err, s.sql}
	}
	return more, nil
}

// query begins a statement and makes its first step.
func (c *liteConn) query(tx *Tx, r *Rows, sql string, args []any) error {
	if !tx.write && !r.single {
		if err := c.hold(); err != nil {
			return err
		}
	}
	s, err := c.start(sql, args)
	if err != nil {
		return err
	}
	r.stmt = s
	if r.has, err = s.step(); err != nil {
		return err
	}
	r.ready = true
	return nil
}

// next hands out the step that was made already, or makes one.
func (c *liteConn) next(r *Rows) (bool, error) {
	if r.ready {
		r.ready = false
		return r.has, nil
	}
	return r.stmt.step()
}

// finish ends the statement of r.
func (c *liteConn) finish(r *Rows) {
	if r.stmt != nil {
		r.stmt.stmt.Reset() // repeats the error of a failed step, known already
		r.stmt = nil
	}
}

// exec runs a statement to its end and returns how many rows it changed.
func (c *liteConn) exec(sql string, args []any) (int64, error) {
	s, err := c.start(sql, args)
	if err != nil {
		return 0, err
	}
	for {
		more, err := s.step()
		if err != nil {
			return 0, err
		}
		if !more {
			break
		}
	}
	s.stmt.Reset()
	return int64(c.conn.Changes()), nil
}

// ahead runs a statement and keeps a copy of its first row.
func (c *liteConn) ahead(tx *Tx, a *ahead, sql string, args []any) error {
	if !tx.write {
		if err := c.hold(); err != nil {
			return err
		}
	}
	s, err := c.start(sql, args)
	if err != nil {
		return err
	}
	if a.found, err = s.step(); err != nil {
		return err
	}
	if a.found {
		a.cells = copyCells(s.stmt, s.columns)
	}
	a.ready = true
	s.stmt.Reset()
	return nil
}

// hold makes all further reads see the moment of the statement that still runs,
// or of the next one.
func (c *liteConn) hold() error {
	if c.held {
		return nil
	}
	c.held = true
	return c.command("BEGIN")
}

// letGo ends what hold began.
func (c *liteConn) letGo() {
	if c.held {
		c.held = false
		if c.command("COMMIT") != nil && !c.conn.AutocommitEnabled() {
			c.conn.SetInterrupt(nil) // an interrupted connection refuses COMMIT too
			c.command("ROLLBACK")
		}
	}
}

// command runs a statement without arguments and rows, such as BEGIN.
func (c *liteConn) command(sql string) error {
	s, err := c.prepare(sql)
	if err != nil {
		return err
	}
	_, err = s.step()
	s.stmt.Reset()
	return err
}
