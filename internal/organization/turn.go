package organization

import (
	"context"
	"sync"

	"sede/internal/ident"
)

// turn is held by one caller at a time. Each organization has one place in the
// line, so that one that comes often does not keep others waiting.
type turn struct {
	held  chan struct{}
	mu    *sync.Mutex
	lines map[ident.ID]*line
}

// line is where the callers of one organization wait for its place.
type line struct {
	place   chan struct{}
	callers int // in the line and at its head
}

func newTurn() turn {
	return turn{held: make(chan struct{}, 1), mu: new(sync.Mutex), lines: map[ident.ID]*line{}}
}

// take waits for the turn; false when the context ends before.
func (t *turn) take(ctx context.Context, org ident.ID) bool {
	t.mu.Lock()
	l := t.lines[org]
	if l == nil {
		l = &line{place: make(chan struct{}, 1)}
		t.lines[org] = l
	}
	l.callers++
	t.mu.Unlock()
	select {
	case l.place <- struct{}{}:
	case <-ctx.Done():
		t.leave(org)
		return false
	}
	select {
	case t.held <- struct{}{}:
		return true
	case <-ctx.Done():
		<-l.place
		t.leave(org)
		return false
	}
}

// give hands the turn on.
func (t *turn) give(org ident.ID) {
	<-t.held
	t.mu.Lock()
	l := t.lines[org]
	t.mu.Unlock()
	<-l.place
	t.leave(org)
}

// leave forgets the line when nobody is in it.
func (t *turn) leave(org ident.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lines[org].callers--; t.lines[org].callers == 0 {
		delete(t.lines, org)
	}
}
