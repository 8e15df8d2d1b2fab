package account

import (
	"math"
	"net/netip"
	"sync"
	"time"
)

// The limits on failed sign-ins. They hold for each process by itself and are
// forgotten when it ends. They never touch sessions that exist.
const (
	limitWindow     = 15 * time.Minute
	limitPerAccount = 10
	limitPerAddress = 50
	limitFree       = 4     // failures without a delay; then 1 s, 2 s, 4 s, ...
	limitKeys       = 16384 // counters of a kind that are kept, up to twice as many
)

// limiter counts failures by a key within a window that begins with the first
// of them. It is safe for concurrent use.
type limiter struct {
	max  int
	free int // failures after which each next attempt waits twice as long; max: never

	mu         sync.Mutex
	young, old map[string]*failures
	turned     time.Time // when young was begun
}

// failures is what a limiter knows of a key.
type failures struct {
	count int
	first time.Time
	next  time.Time // no attempt before
}

func newLimiter(most, free int) *limiter {
	return &limiter{max: most, free: free, young: map[string]*failures{}}
}

// wait returns how long the key has to wait for its next attempt, 0 for not at
// all.
func (l *limiter) wait(key string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.at(key, now).wait(now)
}

// attempt counts an attempt as a failure, so that attempts at the same time
// can't get by each other, and returns how many there are now. When the key has
// to wait it counts nothing and returns for how long.
func (l *limiter) attempt(key string, now time.Time) (count int, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.at(key, now)
	if wait := f.wait(now); wait > 0 {
		return f.count, wait
	}
	if f.count == 0 {
		f.first = now
	}
	f.count++
	switch over := f.count - l.free; {
	case f.count >= l.max:
		f.next = f.first.Add(limitWindow)
	case over > 0:
		f.next = now.Add(time.Second << (over - 1))
	}
	return f.count, 0
}

// pardon takes back one counted attempt, which was no failure.
func (l *limiter) pardon(key string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f := l.at(key, now); f.count > 0 {
		f.count--
		f.next = time.Time{}
	}
}

// clear forgets all failures of the key.
func (l *limiter) clear(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.young, key)
	delete(l.old, key)
}

// at returns the counter of the key, begun anew when its window is over. The
// caller holds mu.
func (l *limiter) at(key string, now time.Time) *failures {
	if age := now.Sub(l.turned); len(l.young) >= limitKeys || age >= limitWindow || age < 0 {
		l.old, l.young, l.turned = l.young, map[string]*failures{}, now
	}
	f := l.young[key]
	if f == nil {
		if f = l.old[key]; f == nil {
			f = &failures{first: now}
		}
		l.young[key] = f
	}
	switch age := now.Sub(f.first); {
	case age >= limitWindow:
		*f = failures{first: now}
	case age < 0: // the clock was set back: nobody waits for longer than a window
		f.first = now
		f.next = time.Time{}
		if f.count >= l.max {
			f.next = now.Add(limitWindow)
		}
	}
	return f
}

func (f *failures) wait(now time.Time) time.Duration { return max(0, f.next.Sub(now)) }

// seconds is how long a wait is in the sentence for people.
func seconds(wait time.Duration) int { return max(1, int(math.Ceil(wait.Seconds()))) }

// addressKey is what counts as one address: an IPv4 address, or the /64 network
// that an IPv6 host chooses its addresses from.
func addressKey(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil || !a.Is6() || a.Is4In6() {
		return address
	}
	network, _ := a.WithZone("").Prefix(64)
	return network.String()
}
