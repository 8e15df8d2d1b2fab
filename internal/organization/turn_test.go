package organization

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sede/internal/ident"
)

// TestTurn: of three organizations one has many callers; the others come next all
// the same, and nobody is at work beside another.
func TestTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []byte
		var mu sync.Mutex
		turn := newTurn()
		work := func(name byte) {
			org := ident.ID{name}
			if !turn.take(t.Context(), org) {
				t.Error("no turn")
			}
			if !mu.TryLock() {
				t.Error("two at once")
			}
			order = append(order, name)
			time.Sleep(time.Second)
			mu.Unlock()
			turn.give(org)
		}
		for _, name := range []byte("AAAABC") {
			go work(name)
			synctest.Wait()
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if string(order[:4]) != "ABCA" || len(order) != 6 {
			t.Errorf("the order was %q", order)
		}
		if len(turn.lines) != 0 {
			t.Errorf("%d lines are left", len(turn.lines))
		}
	})
}

// TestTurnGivenUp: who does not wait any longer leaves nothing behind.
func TestTurnGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turn := newTurn()
		first, second := ident.ID{1}, ident.ID{2}
		turn.take(t.Context(), first)
		short, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		took := make([]bool, 2)
		for i, org := range []ident.ID{first, second} {
			go func() { took[i] = turn.take(short, org) }()
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if slices.Contains(took, true) {
			t.Error("took a turn that somebody has")
		}
		turn.give(first)
		if !turn.take(t.Context(), second) {
			t.Error("no turn, though it is free")
		}
		turn.give(second)
		if len(turn.lines) != 0 {
			t.Errorf("%d lines are left", len(turn.lines))
		}
	})
}
