package db

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"sede/internal/access"
)

// pgSession runs the statements of one Tx after another on one connection.
//
// Statements are put into a pipeline and sent as late as possible. A flight is
// what goes out together and ends with a Sync: in a Read the setting of the
// organization, the Ahead statements and the one whose rows are wanted, which
// PostgreSQL treats as one transaction; in a Write the same, with BEGIN at the
// front of the first flight and COMMIT at the end of the last.
type pgSession struct {
	pc     *pgconn.PgConn
	cache  *statements[*pgconn.StatementDescription]
	names  int // statements named so far
	stale  bool
	values []byte // arguments of the statement being put into the pipeline
	params [][]byte
	format []int16

	tx     *Tx
	pipe   *pgconn.Pipeline
	ready  bool                 // BEGIN or the setting is in the pipeline
	synced bool                 // what is in the pipeline ends with a Sync
	flying []flight             // results to be read, in order
	begun  bool                 // BEGIN was put into the pipeline
	sent   bool                 // COMMIT was sent
	reader *pgconn.ResultReader // of the statement whose rows are being read
	sql    string               // of that statement
}

// flight is a result to be read.
type flight struct {
	ahead *ahead // copies its first row there; nil: it is only checked
	stmt  *pgconn.StatementDescription
}

const sessionKey = "sede.session"

func newSession(pc *pgconn.PgConn) *pgSession {
	return &pgSession{
		pc: pc, cache: newStatements[*pgconn.StatementDescription](maxStatements),
		values: make([]byte, 0, 512),
	}
}

// begin readies the session for a Tx.
func (s *pgSession) begin(tx *Tx) {
	s.tx, s.pipe, s.reader = tx, nil, nil
	s.ready, s.synced, s.begun, s.sent = false, true, false, false
	s.flying = s.flying[:0]
}

const (
	scopeSQL = "SELECT set_config('sede.organization', $1, true)"
	readSQL  = "SELECT set_config('sede.organization', $1, true), set_config('transaction_read_only', 'on', true)"
)

// put adds a statement to the pipeline, after what must come before it.
func (s *pgSession) put(sql string, args []any, a *ahead) (*pgconn.StatementDescription, error) {
	if s.pipe == nil {
		s.pipe = s.pc.StartPipeline(s.tx.ctx)
	}
	if !s.ready {
		if err := s.prelude(); err != nil {
			return nil, err
		}
	}
	return s.add(sql, args, a)
}

// prelude begins the transaction and sets its organization.
func (s *pgSession) prelude() error {
	s.ready = true
	text := readSQL
	if begin := s.tx.beginSQL(); begin != "" {
		text = scopeSQL
		if _, err := s.add(begin, nil, nil); err != nil {
			return err
		}
		s.begun = true
	}
	var buffer [36]byte
	if _, err := s.add(text, []any{string(scopeSetting(buffer[:0], s.tx.scope))}, nil); err != nil {
		return err
	}
	if organization := s.tx.scope.Organization(); s.tx.entering() {
		if _, err := s.add(enterSQL, []any{organization, lockKey(holdName(organization))}, &s.tx.entered); err != nil {
			return err
		}
	}
	return nil
}

// scopeSetting is the value of sede.organization for a scope.
func scopeSetting(b []byte, scope access.Scope) []byte {
	switch {
	case scope.IsInstance():
		return append(b, everything...)
	case scope.Organization().IsZero():
		return b
	}
	return scope.Organization().Append(b)
}

func (s *pgSession) add(sql string, args []any, a *ahead) (*pgconn.StatementDescription, error) {
	stmt, err := s.describe(sql)
	if err != nil {
		return nil, err
	}
	if len(args) != len(stmt.ParamOIDs) {
		return nil, &statementError{fmt.Errorf("%d arguments for %d parameters", len(args), len(stmt.ParamOIDs)), sql}
	}
	s.values, s.params, s.format = s.values[:0], s.params[:0], s.format[:0]
	for i, arg := range args {
		if err := s.encode(stmt.ParamOIDs[i], arg); err != nil {
			return nil, &statementError{err, sql}
		}
	}
	s.pipe.SendQueryStatement(stmt, s.params, s.format, binaryResults)
	s.synced = false
	s.flying = append(s.flying, flight{a, stmt})
	return stmt, nil
}

// describe returns the prepared statement for the text. One that is new to the
// connection is prepared by the server first, which takes a round trip.
func (s *pgSession) describe(sql string) (*pgconn.StatementDescription, error) {
	if stmt, ok := s.cache.get(sql); ok {
		return stmt, nil
	}
	s.names++
	name := "sede" + strconv.Itoa(s.names)
	s.pipe.SendPrepare(name, sql, nil)
	s.pipe.SendFlushRequest()
	s.synced = false
	if err := s.pipe.Flush(); err != nil {
		return nil, s.broken(err, sql)
	}
	if err := s.land(); err != nil {
		return nil, err
	}
	result, err := s.pipe.GetResults()
	if err != nil {
		return nil, s.broken(err, sql)
	}
	stmt, ok := result.(*pgconn.StatementDescription)
	if !ok {
		return nil, s.broken(fmt.Errorf("unexpected answer %T", result), sql)
	}
	stmt.Name, stmt.SQL = name, sql
	if old, full := s.cache.put(sql, stmt); full {
		s.pipe.SendDeallocate(old.Name)
		s.flying = append(s.flying, flight{})
	}
	return stmt, nil
}

// land reads all results that are due before what comes next. The first error
// ends the transaction.
func (s *pgSession) land() error {
	for _, f := range s.flying {
		result, err := s.pipe.GetResults()
		if err == nil {
			if r, ok := result.(*pgconn.ResultReader); ok {
				if f.ahead != nil {
					copyRow(f.ahead, f.stmt, r)
				}
				_, err = r.Close()
			}
		}
		if err != nil {
			if f.ahead != nil {
				f.ahead.ready, f.ahead.err = true, err
			}
			sql := ""
			if f.stmt != nil {
				sql = f.stmt.SQL
			}
			return s.broken(err, sql)
		}
		if f.ahead != nil {
			f.ahead.ready = true
		}
	}
	s.flying = s.flying[:0]
	return nil
}

func copyRow(a *ahead, stmt *pgconn.StatementDescription, r *pgconn.ResultReader) {
	if a.found = r.NextRow(); !a.found {
		return
	}
	a.pg.fields = stmt.Fields
	for _, v := range r.Values() {
		if v != nil {
			v = append([]byte{}, v...)
		}
		a.pg.raw = append(a.pg.raw, v)
	}
}

// broken notes an error of the server or the connection, and leaves the
// pipeline, since the server skips what is in it behind the error.
func (s *pgSession) broken(err error, sql string) error {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		if pg.Code == "26000" || pg.Code == "0A000" && pg.Routine == "RevalidateCachedQuery" {
			s.stale = true
		}
	}
	s.leave()
	return &statementError{err, sql}
}

// leave ends the pipeline, if there is one, and drops all unread results.
func (s *pgSession) leave() {
	if s.pipe == nil {
		return
	}
	if !s.synced {
		s.pipe.Sync()
	}
	s.pipe.Close()
	s.pipe, s.reader = nil, nil
	s.ready, s.synced = s.begun, true
	s.flying = s.flying[:0]
}

// sync sends what is in the pipeline.
func (s *pgSession) sync(sql string) error {
	if err := s.pipe.Sync(); err != nil {
		return s.broken(err, sql)
	}
	s.synced = true
	return nil
}

// arrive reads the end of a flight.
func (s *pgSession) arrive(sql string) error {
	if _, err := s.pipe.GetResults(); err != nil {
		return s.broken(err, sql)
	}
	if !s.begun {
		s.ready = false // the next flight is a transaction of its own
	}
	return nil
}

// query sends a statement and what waits before it, and stands before its first
// row.
func (s *pgSession) query(tx *Tx, r *Rows, sql string, args []any) error {
	stmt, err := s.put(sql, args, nil)
	if err != nil {
		return err
	}
	s.flying = s.flying[:len(s.flying)-1]
	if err := s.sync(sql); err != nil {
		return err
	}
	if err := s.land(); err != nil {
		return err
	}
	result, err := s.pipe.GetResults()
	if err != nil {
		return s.broken(err, sql)
	}
	reader, ok := result.(*pgconn.ResultReader)
	if !ok {
		return s.broken(fmt.Errorf("unexpected answer %T", result), sql)
	}
	s.reader, s.sql = reader, sql
	r.values.fields = stmt.Fields
	return nil
}

// next moves to the next row.
func (s *pgSession) next(r *Rows) (bool, error) {
	if s.reader == nil || !s.reader.NextRow() {
		return false, nil // finish reports errors
	}
	r.values.raw = s.reader.Values()
	return true, nil
}

// finish ends the statement being read.
func (s *pgSession) finish(r *Rows) error {
	if s.reader == nil {
		return nil
	}
	_, err := s.reader.Close()
	s.reader = nil
	if err != nil {
		return s.broken(err, s.sql)
	}
	return s.arrive(s.sql)
}

// exec sends a statement and returns how many rows it changed.
func (s *pgSession) exec(tx *Tx, sql string, args []any) (int64, error) {
	if err := s.query(tx, &tx.rows, sql, args); err != nil {
		return 0, err
	}
	tag, err := s.reader.Close()
	s.reader = nil
	if err != nil {
		return 0, s.broken(err, sql)
	}
	return tag.RowsAffected(), s.arrive(sql)
}

func (s *pgSession) queue(tx *Tx, sql string, args []any) error {
	_, err := s.put(sql, args, nil)
	return err
}

func (s *pgSession) ahead(tx *Tx, a *ahead, sql string, args []any) error {
	_, err := s.put(sql, args, a)
	return err
}

// flushAhead sends what waits because somebody wants a result of it.
func (s *pgSession) flushAhead(tx *Tx) error {
	if tx.rows.open && !tx.rows.single {
		return errOpen
	}
	tx.closeRows()
	if s.pipe == nil || len(s.flying) == 0 {
		return errDone
	}
	if err := s.sync(""); err != nil {
		return err
	}
	if err := s.land(); err != nil {
		return err
	}
	return s.arrive("")
}

// commit sends what waits together with COMMIT. A Write without statements has
// nothing to commit.
func (s *pgSession) commit() error {
	if !s.begun {
		s.leave()
		return nil
	}
	if _, err := s.put("COMMIT", nil, nil); err != nil {
		s.rollback()
		return err
	}
	s.sent = true
	s.flying = s.flying[:len(s.flying)-1]
	err := s.sync("COMMIT")
	if err == nil {
		err = s.land()
	}
	if err == nil {
		err = s.committed()
	}
	if err != nil {
		s.rollback()
		return err
	}
	s.leave()
	return nil
}

// committed reads the answer to COMMIT. A server that rolled back instead says
// so in the command's tag.
func (s *pgSession) committed() error {
	result, err := s.pipe.GetResults()
	if err != nil {
		return s.broken(err, "COMMIT")
	}
	if r, ok := result.(*pgconn.ResultReader); ok {
		tag, err := r.Close()
		if err != nil {
			return s.broken(err, "COMMIT")
		}
		if tag.String() != "COMMIT" {
			return errors.New("the server rolled back")
		}
	}
	return s.arrive("COMMIT")
}

// rollback ends the transaction on the server, whatever state it is in.
func (s *pgSession) rollback() {
	s.leave()
	if s.pc.IsClosed() || s.pc.TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	s.pc.Exec(ctx, "ROLLBACK").Close()
}

// abandon is for a closure that never returned.
func (s *pgSession) abandon() { s.rollback() }

// again reports whether a closure that failed with err may succeed when it is
// run again: the server gave it up for others, or the connection broke while
// COMMIT was not yet sent.
func (s *pgSession) again(err error) bool {
	if err == nil {
		return false
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch pg.Code {
		case "40001", "40P01":
			return true
		case "57P01", "57P02", "57P03": // the server ended the connection
			return !s.sent
		}
		return s.stale
	}
	return !s.sent && s.pc.IsClosed()
}
