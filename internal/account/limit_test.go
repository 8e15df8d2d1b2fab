package account

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

var noon = time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)

// try counts how many attempts in a row are let through at once.
func try(l *limiter, key string, now time.Time, n int) (through int) {
	for range n {
		if _, wait := l.attempt(key, now); wait == 0 {
			through++
		}
	}
	return through
}

func TestLimiterDelaysGrow(t *testing.T) {
	t.Parallel()
	l := newLimiter(limitPerAccount, limitFree)
	if got := try(l, "ana", noon, 20); got != limitFree+1 {
		t.Fatalf("%d attempts at once, want %d", got, limitFree+1)
	}
	now, waited := noon, []string{}
	for {
		wait := l.wait("ana", now)
		if wait > time.Minute {
			if end := now.Add(wait); !end.Equal(noon.Add(limitWindow)) {
				t.Errorf("shut until %s, want the end of the window", end)
			}
			break
		}
		waited = append(waited, wait.String())
		now = now.Add(wait)
		if _, refused := l.attempt("ana", now.Add(-time.Millisecond)); refused == 0 {
			t.Fatal("an attempt before its time")
		}
		if _, refused := l.attempt("ana", now); refused != 0 {
			t.Fatal("no attempt at its time")
		}
	}
	if got := fmt.Sprint(waited); got != "[1s 2s 4s 8s 16s]" {
		t.Errorf("waits: %s", got)
	}
	if got := try(l, "ana", noon.Add(limitWindow), 3); got != 3 {
		t.Errorf("after the window %d attempts of 3", got)
	}
	if got := try(l, "bob", noon, 3); got != 3 {
		t.Errorf("somebody else: %d attempts of 3", got)
	}
}

func TestLimiterForgives(t *testing.T) {
	t.Parallel()
	l := newLimiter(limitPerAddress, limitPerAddress)
	for range 200 {
		if got := try(l, "192.0.2.1", noon, 1); got != 1 {
			t.Fatal("a success counted")
		}
		l.pardon("192.0.2.1", noon)
	}
	if got := try(l, "192.0.2.1", noon, 100); got != limitPerAddress {
		t.Errorf("%d attempts, want %d", got, limitPerAddress)
	}
	l.clear("192.0.2.1")
	if l.wait("192.0.2.1", noon) != 0 {
		t.Error("still waiting after clear")
	}
}

func TestLimiterClockJumps(t *testing.T) {
	t.Parallel()
	l := newLimiter(limitPerAccount, limitPerAccount)
	try(l, "ana", noon, 20)
	past := noon.Add(-24 * time.Hour)
	if wait := l.wait("ana", past); wait > limitWindow {
		t.Errorf("a clock set back makes people wait for %s", wait)
	}
	if wait := l.wait("ana", past.Add(limitWindow)); wait != 0 {
		t.Errorf("still %s after a window", wait)
	}
	try(l, "bob", past, 20)
	if wait := l.wait("bob", past.Add(1000*time.Hour)); wait != 0 {
		t.Errorf("still %s after a jump ahead", wait)
	}
}

func TestLimiterIsBounded(t *testing.T) {
	t.Parallel()
	l := newLimiter(limitPerAccount, limitFree)
	for i := range 5 * limitKeys {
		l.attempt(fmt.Sprint(i), noon)
	}
	if n := len(l.young) + len(l.old); n > 2*limitKeys {
		t.Errorf("%d counters", n)
	}
}

func TestLimiterCountsEveryRacer(t *testing.T) {
	t.Parallel()
	l := newLimiter(limitPerAccount, limitPerAccount)
	var wg sync.WaitGroup
	var mu sync.Mutex
	through := 0
	for range 50 {
		wg.Go(func() {
			n := try(l, "ana", noon, 1)
			mu.Lock()
			through += n
			mu.Unlock()
		})
	}
	wg.Wait()
	if through != limitPerAccount {
		t.Errorf("%d got through, want %d", through, limitPerAccount)
	}
}

func TestAddressKey(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "2001:db8:1:2::9": "2001:db8:1:2::/64",
		"::ffff:192.0.2.1": "::ffff:192.0.2.1", "": "", "strange": "strange",
	} {
		if got := addressKey(address); got != want {
			t.Errorf("addressKey(%q) = %q, want %q", address, got, want)
		}
	}
}
