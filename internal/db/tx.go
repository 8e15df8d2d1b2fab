package db

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sede/internal/access"
	"sede/internal/ident"
)

// Tx runs statements for one Read or Write. It belongs to the closure it was
// given to: it is not safe for concurrent use and dead after the closure's end.
//
// Arguments may be ident.ID, time.Time, bool, int, int64, float64, string,
// []byte, nil, a null.Value of one of these, or a pointer to one of these (nil
// is NULL). A plain []byte is never NULL. Scan takes pointers to all of these
// and to pointers to them. Nothing else is accepted: convert named types.
//
//	Go          SQLite                          PostgreSQL
//	ident.ID    BLOB of 16 bytes                uuid
//	time.Time   INTEGER, Unix microseconds      timestamptz; Scan returns UTC
//	bool        INTEGER 0 or 1                  boolean
//	int, int64  INTEGER                         smallint, integer, bigint
//	float64     REAL                            double precision
//	string      TEXT                            text
//	[]byte      BLOB                            bytea
//
// A string with a NUL or invalid UTF-8 is refused by both engines, and so is a
// statement while the Rows of another are open.
//
// Once a statement of a Write failed the transaction is lost: every further
// statement, and Write itself, return that first error.
type Tx struct {
	db    *DB
	ctx   context.Context
	scope access.Scope
	lite  *liteConn  // SQLite only
	pg    *pgSession // PostgreSQL only

	write  bool
	still  bool // a Snapshot
	done   bool
	failed error          // what lost the transaction
	before []func() error // BeforeCommit
	after  []func()       // AfterCommit
	seq    uint32         // counts statements, so that an old Row is noticed
	rows   Rows           // of the running statement

	kept      map[any]any                // Keep
	entered   ahead                      // PostgreSQL: the answer to enterSQL
	clocks    map[ident.ID]time.Duration // by how much those that are known are ahead
	clockless error                      // why a clock could not be read
}

// Errors of using a Tx in a way it can't be used.
var (
	errDone   = errors.New("db: Tx used after its end")
	errOpen   = errors.New("db: statement while rows are open")
	errReadTx = errors.New("db: a Read can't write")
	errStale  = errors.New("db: Scan of a Row after another statement")
)

// Scope returns what the transaction may reach.
func (tx *Tx) Scope() access.Scope { return tx.scope }

// Engine returns the engine in use.
func (tx *Tx) Engine() Engine { return tx.db.engine }

// AfterCommit has fn run once after the commit is durable and before Write
// returns, on the goroutine that called Write, in the order the functions were
// added. Of two transactions that commit at nearly the same time the second may
// run its functions first. After a rollback fn does not run.
func (tx *Tx) AfterCommit(fn func()) { tx.after = append(tx.after, fn) }

// Keep remembers a value for the rest of the transaction, for a package that would
// ask again for what it knows. A closure that is run again begins without any.
func (tx *Tx) Keep(key, value any) {
	if tx.kept == nil {
		tx.kept = map[any]any{}
	}
	tx.kept[key] = value
}

// Kept returns what was kept under the key, nil without.
func (tx *Tx) Kept(key any) any { return tx.kept[key] }

// BeforeCommit has fn run as the last of the transaction, once the closure and what
// hooks do are done, for work that is best left until then. Its error rolls back.
func (tx *Tx) BeforeCommit(fn func() error) { tx.before = append(tx.before, fn) }

// committed runs what AfterCommit collected.
func (tx *Tx) committed() {
	for _, fn := range tx.after {
		fn()
	}
}

// begin makes ready for a statement: it refuses what can't be and ends the Row
// before.
func (tx *Tx) begin(op string, writes bool) error {
	switch {
	case tx.done:
		return errDone
	case tx.failed != nil:
		return tx.failed
	case writes && !tx.write:
		return errReadTx
	case tx.rows.open && !tx.rows.single:
		return tx.fail(errOpen)
	}
	if err := tx.ctx.Err(); err != nil {
		return tx.fail(err)
	}
	if tx.lite != nil && tx.rows.open && !tx.write {
		if err := tx.lite.hold(); err != nil {
			return err
		}
	}
	tx.closeRows()
	tx.seq++
	if err := tx.db.interrupt(op); err != nil {
		return tx.fail(err)
	}
	return nil
}

// fail notes the error that loses a Write and returns it.
func (tx *Tx) fail(err error) error {
	if tx.write && tx.failed == nil {
		tx.failed = err
	}
	return err
}

// Query runs a statement that returns rows. They are read as they come, so they
// must be closed, or read to the end, before the next statement. An error is
// kept until Err or Scan asks for it. The Rows are dead after the next statement.
func (tx *Tx) Query(sql string, args ...any) *Rows {
	r := &tx.rows
	if err := tx.begin("query", false); err != nil {
		r.err = err
		return r
	}
	*r = Rows{tx: tx, open: true}
	if tx.lite != nil {
		r.err = tx.lite.query(tx, r, sql, args)
	} else {
		r.err = tx.pg.query(tx, r, sql, args)
	}
	if r.err != nil {
		r.open = false
		tx.fail(r.err)
	}
	return r
}

// Row runs a statement of which one row is wanted.
func (tx *Tx) Row(sql string, args ...any) Row {
	r := &tx.rows
	if err := tx.begin("query", false); err != nil {
		return Row{err: err}
	}
	*r = Rows{tx: tx, open: true, single: true}
	if tx.lite != nil {
		r.err = tx.lite.query(tx, r, sql, args)
	} else {
		r.err = tx.pg.query(tx, r, sql, args)
	}
	if r.err != nil {
		r.open = false
		return Row{err: tx.fail(r.err)}
	}
	return Row{tx: tx, seq: tx.seq}
}

// Ahead runs a statement of which one row is wanted, but not yet: on PostgreSQL
// it travels with the next statement or the commit, on SQLite it runs at once.
// Its Row may be scanned at any time until the closure's end, and also in an
// AfterCommit function.
func (tx *Tx) Ahead(sql string, args ...any) Row {
	if err := tx.begin("query", false); err != nil {
		return Row{err: err}
	}
	a := &ahead{}
	var err error
	if tx.lite != nil {
		err = tx.lite.ahead(tx, a, sql, args)
	} else {
		err = tx.pg.ahead(tx, a, sql, args)
	}
	if err != nil {
		return Row{err: tx.fail(err)}
	}
	return Row{tx: tx, ahead: a}
}

// Exec runs a statement that returns no rows and reports how many it changed.
func (tx *Tx) Exec(sql string, args ...any) (affected int64, err error) {
	if err := tx.begin("exec", true); err != nil {
		return 0, err
	}
	if tx.lite != nil {
		affected, err = tx.lite.exec(sql, args)
	} else {
		affected, err = tx.pg.exec(tx, sql, args)
	}
	if err != nil {
		return 0, tx.fail(err)
	}
	return affected, nil
}

// Queue runs a statement whose result nobody waits for: on PostgreSQL it travels
// with the next statement or the commit, on SQLite it runs at once. Its error
// comes up at the next statement or at the commit.
func (tx *Tx) Queue(sql string, args ...any) {
	if err := tx.begin("exec", true); err != nil {
		tx.fail(err)
		return
	}
	var err error
	if tx.lite != nil {
		_, err = tx.lite.exec(sql, args)
	} else {
		err = tx.pg.queue(tx, sql, args)
	}
	if err != nil {
		tx.fail(err)
	}
}

// Lock waits for the named lock and holds it until the transaction ends. On
// SQLite it is always held, because there is one writer.
func (tx *Tx) Lock(name string) error {
	if tx.lite != nil {
		return tx.begin("query", true)
	}
	return tx.lockRow(lockSQL, name).Scan(new(bool))
}

// LockAhead is Lock, but on PostgreSQL it travels with the next statement: that and all
// that follow run under the lock, what the closure does before them does not.
func (tx *Tx) LockAhead(name string) error {
	switch {
	case tx.lite != nil:
		return tx.begin("query", true)
	case !tx.write:
		return errReadTx
	}
	return tx.Ahead(lockSQL, lockKey(name)).err
}

// TryLock takes the named lock until the transaction ends if nobody has it, and
// reports whether it did. On SQLite it always does, because there is one writer.
func (tx *Tx) TryLock(name string) (got bool, err error) {
	if tx.lite != nil {
		err := tx.begin("query", true)
		return err == nil, err
	}
	err = tx.lockRow("SELECT pg_try_advisory_xact_lock($1)", name).Scan(&got)
	return got, err
}

// OthersWait reports whether others wait for the end of this transaction, as all who
// write do on SQLite: work that can be done in parts then does the next one later.
func (tx *Tx) OthersWait() bool {
	return tx.lite != nil && tx.write && tx.db.lite.writer.othersWait()
}

type inPartsKey struct{}

// InParts returns a context for Writes that are parts of long work. On SQLite such a
// part begins only once everything before it is committed, so that nobody's commit
// waits for it; those who come while it runs it finds by OthersWait.
func InParts(ctx context.Context) context.Context {
	return context.WithValue(ctx, inPartsKey{}, true)
}

// SkipLocked returns the end of a SELECT that takes rows for an UPDATE and leaves
// out those that others have taken. On SQLite it is empty, because there is one
// writer.
func (tx *Tx) SkipLocked() string {
	if tx.lite != nil {
		return ""
	}
	return "FOR UPDATE SKIP LOCKED"
}

const lockSQL = "SELECT pg_advisory_xact_lock($1) IS NULL"

func (tx *Tx) lockRow(sql, name string) Row {
	if !tx.write {
		return Row{err: errReadTx}
	}
	return tx.Row(sql, lockKey(name))
}

// lockKey hashes a name to the number of a PostgreSQL advisory lock (FNV-1a).
func lockKey(name string) int64 {
	h := uint64(14695981039346656037)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	return int64(h)
}

// closeRows ends the statement that still runs, if any.
func (tx *Tx) closeRows() {
	if tx.rows.open {
		tx.rows.Close()
	}
}

// end marks the closure's end.
func (tx *Tx) end() {
	tx.closeRows()
	tx.done = true
}

// Rows are the rows of a Query, one at a time.
type Rows struct {
	tx     *Tx
	open   bool // the statement runs
	single bool // made by Row
	ready  bool // SQLite: the step to the next row is done already
	has    bool // there is a current row
	err    error
	stmt   *liteStmt // SQLite
	values pgValues  // PostgreSQL: the current row
}

// Next moves to the next row and reports whether there is one. After the last
// one the statement is closed.
func (r *Rows) Next() bool {
	if !r.open || r.err != nil {
		return false
	}
	var err error
	if r.tx.lite != nil {
		r.has, err = r.tx.lite.next(r)
	} else {
		r.has, err = r.tx.pg.next(r)
	}
	if err != nil {
		r.has = false
		r.err = r.tx.fail(err)
	}
	if !r.has {
		r.Close()
	}
	return r.has
}

// Scan copies the columns of the current row into dest. It returns the error of
// the statement if there is one, and its own is kept for Err.
func (r *Rows) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	if !r.has {
		return ErrNoRows
	}
	if r.tx.lite != nil {
		r.err = scanLite(liteCells{stmt: r.stmt.stmt, columns: r.stmt.columns}, dest)
	} else {
		r.err = scanPg(&r.values, dest)
	}
	return r.err
}

// Err returns the first error of the statement or of Scan.
func (r *Rows) Err() error { return r.err }

// Close ends the statement early. It may be called more than once.
func (r *Rows) Close() {
	if !r.open {
		return
	}
	r.open, r.has = false, false
	var err error
	if r.tx.lite != nil {
		r.tx.lite.finish(r)
	} else {
		err = r.tx.pg.finish(r)
	}
	if err != nil && r.err == nil {
		r.err = r.tx.fail(err)
	}
}

// Row is the one row of a statement.
type Row struct {
	tx    *Tx
	seq   uint32
	ahead *ahead
	err   error
}

// ahead is the copied result of an Ahead statement.
type ahead struct {
	ready bool // the statement was run
	found bool
	err   error
	cells []liteCell // SQLite
	pg    pgValues   // PostgreSQL
}

// Scan copies the columns into dest. It returns ErrNoRows when nothing was
// found, and the error of the statement if there is one.
func (r Row) Scan(dest ...any) error {
	switch {
	case r.err != nil:
		return r.err
	case r.ahead != nil:
		return r.scanAhead(dest)
	case r.tx.seq != r.seq:
		return errStale
	}
	rows := &r.tx.rows
	if !rows.Next() {
		if rows.err != nil {
			return rows.err
		}
		return ErrNoRows
	}
	err := rows.Scan(dest...)
	if r.tx.lite != nil && !r.tx.write {
		return err // the running statement holds the snapshot for the next one
	}
	rows.Close()
	if err == nil {
		err = rows.err
	}
	return err
}

func (r Row) scanAhead(dest []any) error {
	a := r.ahead
	if !a.ready && r.tx.pg != nil && !r.tx.done {
		if err := r.tx.pg.flushAhead(r.tx); err != nil {
			return r.tx.fail(err)
		}
	}
	switch {
	case a.err != nil:
		return a.err
	case !a.ready:
		return errDone
	case !a.found:
		return ErrNoRows
	case r.tx.lite != nil:
		return scanLite(liteCells{cells: a.cells, columns: len(a.cells)}, dest)
	}
	return scanPg(&a.pg, dest)
}

// statementError adds the text of the statement to what the engine said.
type statementError struct {
	err error
	sql string
}

func (e *statementError) Error() string { return fmt.Sprintf("db: %v (in: %s)", e.err, e.sql) }
func (e *statementError) Unwrap() error { return e.err }
