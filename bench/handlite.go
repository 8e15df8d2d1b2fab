package main

import (
	"crypto/sha256"
	"errors"
	"path/filepath"
	"strconv"
	"time"

	"zombiezen.com/go/sqlite"

	"sede/internal/db"
	"sede/internal/ident"
)

// handLite is SQLite through zombiezen's API, without layers: four reading
// connections, and one goroutine that writes and commits what waits together.
type handLite struct {
	audit   bool
	ids     *ident.Source
	readers chan *sqlite.Conn
	queue   chan *handWrite
}

// handWrite is one request to the writer.
type handWrite struct {
	do   func(c *sqlite.Conn) error
	err  error
	done chan struct{}
}

func openHandSQLite(s *handSettings) (*handLite, error) {
	h := &handLite{audit: s.Audit, ids: ids(), readers: make(chan *sqlite.Conn, 4), queue: make(chan *handWrite, 1024)}
	open := func(pragmas ...string) (*sqlite.Conn, error) {
		c, err := sqlite.OpenConn(filepath.Join(s.Dir, "sede.db"), sqlite.OpenReadWrite)
		if err != nil {
			return nil, err
		}
		c.SetBusyTimeout(10 * time.Second)
		for _, pragma := range append(pragmas, "temp_store = MEMORY", "mmap_size = 268435456", "foreign_keys = ON") {
			stmt, _, err := c.PrepareTransient("PRAGMA " + pragma)
			if err != nil {
				return nil, err
			}
			for more := true; more && err == nil; {
				more, err = stmt.Step()
			}
			if err := errors.Join(err, stmt.Finalize()); err != nil {
				return nil, err
			}
		}
		return c, nil
	}
	writer, err := open("journal_mode = WAL", "synchronous = FULL", "cache_size = -16384", "wal_autocheckpoint = 4000")
	if err != nil {
		return nil, err
	}
	for range cap(h.readers) {
		c, err := open("cache_size = -12288")
		if err != nil {
			return nil, err
		}
		h.readers <- c
	}
	go h.write(writer)
	return h, nil
}

const handColumns = `id, name, office_open_hour, office_close_hour, time_zone, country, address, version, created_at, updated_at`

func (l *handLocation) scan(s *sqlite.Stmt) {
	s.ColumnBytes(0, l.id[:])
	l.name = s.ColumnText(1)
	l.open = nullInt{s.ColumnInt64(2), s.ColumnType(2) != sqlite.TypeNull}
	l.close = nullInt{s.ColumnInt64(3), s.ColumnType(3) != sqlite.TypeNull}
	l.zone = s.ColumnText(4)
	l.country = nullText{s.ColumnText(5), s.ColumnType(5) != sqlite.TypeNull}
	l.address = nullText{s.ColumnText(6), s.ColumnType(6) != sqlite.TypeNull}
	l.version, l.created, l.updated = s.ColumnInt64(7), s.ColumnInt64(8), s.ColumnInt64(9)
}

func (h *handLite) get(organization, id ident.ID, l *handLocation) (bool, error) {
	c := <-h.readers
	defer func() { h.readers <- c }()
	return handFind(c, organization, id, l)
}

func handFind(c *sqlite.Conn, organization, id ident.ID, l *handLocation) (bool, error) {
	s := c.Prep("SELECT " + handColumns + " FROM location WHERE organization_id = ? AND id = ?")
	s.BindBytes(1, organization[:])
	s.BindBytes(2, id[:])
	found, err := s.Step()
	if found {
		l.scan(s)
	}
	return found, errors.Join(err, s.Reset())
}

func (h *handLite) page(organization ident.ID, country, text string, each func(*handLocation)) (total int64, err error) {
	c := <-h.readers
	defer func() { h.readers <- c }()
	where, argument := "organization_id = ?", ""
	switch {
	case country != "":
		where, argument = where+" AND country = ?", country
	case text != "":
		where, argument = where+" AND instr(name_fold, ?) > 0", text
	}
	s := c.Prep("SELECT " + handColumns + " FROM location WHERE " + where + " ORDER BY id LIMIT 31")
	bind := func() {
		s.BindBytes(1, organization[:])
		if argument != "" {
			s.BindText(2, argument)
		}
	}
	bind()
	var l handLocation
	for {
		more, err := s.Step()
		if err != nil {
			return 0, err
		}
		if !more {
			break
		}
		l.scan(s)
		each(&l)
	}
	if err := s.Reset(); err != nil {
		return 0, err
	}
	switch {
	case country != "":
		s = c.Prep("SELECT rows FROM row_count WHERE organization_id = ? AND resource = 'location/' || ?")
	case argument == "":
		s = c.Prep("SELECT rows FROM row_count WHERE organization_id = ? AND resource = 'location'")
	default:
		s = c.Prep("SELECT count(*) FROM (SELECT 1 FROM location WHERE " + where + " LIMIT 1001)")
	}
	bind()
	if _, err := s.Step(); err != nil {
		return 0, err
	}
	total = s.ColumnInt64(0)
	return total, s.Reset()
}

// submit has the writer do something and waits until it is on disk.
func (h *handLite) submit(do func(c *sqlite.Conn) error) error {
	w := &handWrite{do: do, done: make(chan struct{})}
	h.queue <- w
	<-w.done
	return w.err
}

// write takes what waits, runs each in a savepoint, commits once and answers.
func (h *handLite) write(c *sqlite.Conn) {
	command := func(sql string) error {
		s := c.Prep(sql)
		_, err := s.Step()
		return errors.Join(err, s.Reset())
	}
	var group []*handWrite
	for w := range h.queue {
		group = append(group[:0], w)
		err := command("BEGIN IMMEDIATE")
		for more := true; more && err == nil; {
			if err = command("SAVEPOINT one"); err != nil {
				break
			}
			if w.err = w.do(c); w.err != nil {
				err = command("ROLLBACK TO one")
			}
			if err == nil {
				err = command("RELEASE one")
			}
			select {
			case w = <-h.queue:
				group = append(group, w)
			default:
				more = false
			}
		}
		if err == nil {
			err = command("COMMIT")
		}
		for _, w := range group {
			w.err = errors.Join(w.err, err)
			close(w.done)
		}
	}
}

func run(s *sqlite.Stmt) error {
	_, err := s.Step()
	return errors.Join(err, s.Reset())
}

func (h *handLite) create(who *handCaller, l *handLocation) error {
	return h.submit(func(c *sqlite.Conn) error {
		if l.zone == "" {
			l.zone = "UTC"
		}
		s := c.Prep(`INSERT INTO location (organization_id, id, name, name_fold, office_open_hour, office_close_hour,
			time_zone, country, address, version, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
		s.BindBytes(1, who.organization[:])
		s.BindBytes(2, l.id[:])
		l.bind(s, 3)
		s.BindInt64(11, l.created)
		s.BindInt64(12, l.updated)
		if err := run(s); err != nil || !h.audit {
			return err
		}
		s = c.Prep("UPDATE row_count SET rows = rows + 1 WHERE organization_id = ? AND resource IN ('location', ?)")
		s.BindBytes(1, who.organization[:])
		s.BindText(2, l.group())
		if err := run(s); err != nil {
			return err
		}
		return h.record(c, who, "create", l.id, nil, l.json())
	})
}

// bind sets name to version, from parameter i on.
func (l *handLocation) bind(s *sqlite.Stmt, i int) {
	s.BindText(i, l.name)
	s.BindText(i+1, db.Fold(l.name))
	for at, n := range []nullInt{l.open, l.close} {
		if n.valid {
			s.BindInt64(i+2+at, n.v)
		} else {
			s.BindNull(i + 2 + at)
		}
	}
	s.BindText(i+4, l.zone)
	for at, t := range []nullText{l.country, l.address} {
		if t.valid {
			s.BindText(i+5+at, t.v)
		} else {
			s.BindNull(i + 5 + at)
		}
	}
	s.BindInt64(i+7, l.version)
}

func (h *handLite) patch(who *handCaller, id ident.ID, l *handLocation, change func() error) (found bool, err error) {
	err = h.submit(func(c *sqlite.Conn) (err error) {
		if found, err = handFind(c, who.organization, id, l); err != nil || !found {
			return err
		}
		before := l.json()
		if err := change(); err != nil {
			return err
		}
		s := c.Prep(`UPDATE location SET name = ?, name_fold = ?, office_open_hour = ?, office_close_hour = ?, time_zone = ?,
			country = ?, address = ?, version = ?, updated_at = ? WHERE organization_id = ? AND id = ?`)
		l.bind(s, 1)
		s.BindInt64(9, l.updated)
		s.BindBytes(10, who.organization[:])
		s.BindBytes(11, id[:])
		if err := run(s); err != nil || !h.audit {
			return err
		}
		return h.record(c, who, "update", id, before, l.json())
	})
	return found, err
}

// record appends to the audit log as sede does.
func (h *handLite) record(c *sqlite.Conn, who *handCaller, action string, id ident.ID, before, after []byte) error {
	s := c.Prep("UPDATE audit_head SET seq = seq + 1 WHERE organization_id = ? RETURNING seq, hash")
	s.BindBytes(1, who.organization[:])
	if _, err := s.Step(); err != nil {
		return err
	}
	seq, previous := s.ColumnInt64(0), make([]byte, sha256.Size)
	s.ColumnBytes(1, previous)
	if err := s.Reset(); err != nil {
		return err
	}
	key := id.String()
	hash := handHash(who, seq, action, key, before, after, previous)
	s = c.Prep(`INSERT INTO audit_log (organization_id, seq, id, at, actor, actor_name, operator, address, agent,
		action, resource, resource_key, before, after, previous_hash, hash)
		VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?, 'Location', ?, ?, ?, ?, ?)`)
	own := h.ids.New()
	s.BindBytes(1, who.organization[:])
	s.BindInt64(2, seq)
	s.BindBytes(3, own[:])
	s.BindInt64(4, time.Now().UnixMicro())
	s.BindBytes(5, who.user[:])
	for i, text := range []string{who.username, who.address, who.from, action, key} {
		s.BindText(6+i, text)
	}
	s.BindNull(11)
	if before != nil {
		s.BindText(11, string(before))
	}
	s.BindText(12, string(after))
	s.BindBytes(13, previous)
	s.BindBytes(14, hash)
	if err := run(s); err != nil {
		return err
	}
	s = c.Prep("UPDATE audit_head SET hash = ? WHERE organization_id = ?")
	s.BindBytes(1, hash)
	s.BindBytes(2, who.organization[:])
	return run(s)
}

// handHash chains an entry to the one before.
func handHash(who *handCaller, seq int64, action, key string, before, after, previous []byte) []byte {
	b := make([]byte, 0, 1024)
	b = append(append(b, who.organization[:]...), who.user[:]...)
	b = strconv.AppendInt(b, seq, 10)
	for _, part := range []string{who.username, who.address, who.from, action, key} {
		b = append(append(b, part...), 0)
	}
	b = append(append(append(b, before...), after...), previous...)
	sum := sha256.Sum256(b)
	return sum[:]
}

// json is the location as the audit log keeps it.
func (l *handLocation) json() []byte {
	return append(l.append(append(make([]byte, 0, 512), '{')), '}')
}
