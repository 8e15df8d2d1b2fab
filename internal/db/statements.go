package db

// statements keeps a connection's prepared statements by their text, the ones
// used last, so that the many texts which filters make can't fill the memory.
type statements[S any] struct {
	most  int
	byKey map[string]*prepared[S]
	ends  prepared[S] // of the ring: next is the one used last
}

// prepared is a place in the ring.
type prepared[S any] struct {
	sql        string
	stmt       S
	prev, next *prepared[S]
}

// maxStatements is how many statements a connection keeps prepared. sede's own
// are fewer.
const maxStatements = 256

func newStatements[S any](most int) *statements[S] {
	s := &statements[S]{most: most, byKey: make(map[string]*prepared[S])}
	s.ends.prev, s.ends.next = &s.ends, &s.ends
	return s
}

// get returns the statement for the text, if it is there.
func (s *statements[S]) get(sql string) (stmt S, ok bool) {
	p := s.byKey[sql]
	if p == nil {
		return stmt, false
	}
	if s.ends.next != p {
		p.unlink()
		s.front(p)
	}
	return p.stmt, true
}

// put adds a statement. When there is no room it returns the one that was not
// used for the longest time and is no longer kept.
func (s *statements[S]) put(sql string, stmt S) (dropped S, full bool) {
	if len(s.byKey) >= s.most {
		last := s.ends.prev
		last.unlink()
		delete(s.byKey, last.sql)
		dropped, full = last.stmt, true
	}
	p := &prepared[S]{sql: sql, stmt: stmt}
	s.byKey[sql] = p
	s.front(p)
	return dropped, full
}

func (s *statements[S]) front(p *prepared[S]) {
	p.prev, p.next = &s.ends, s.ends.next
	p.prev.next, p.next.prev = p, p
}

func (p *prepared[S]) unlink() { p.prev.next, p.next.prev = p.next, p.prev }
