package throttle

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/clock"
	"sede/internal/fault"
	"sede/internal/ident"
)

var noon = time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)

// desk is a Limiter under test with its clock.
type desk struct {
	*Limiter
	clock *clock.Fake
}

func newDesk(t testing.TB, settings map[string]string) *desk {
	t.Helper()
	var limits Limits
	if err := limits.Set(settings); err != nil {
		t.Fatal(err)
	}
	now := clock.NewFake(noon)
	return &desk{New(limits, now), now}
}

// ask checks one request and returns the header and how long to wait, 0 when it
// may be.
func (d *desk) ask(t testing.TB, who *access.Caller, address string, class Class) (http.Header, time.Duration) {
	t.Helper()
	h := http.Header{}
	err := d.Check(h, who, address, class)
	if err == nil {
		return h, 0
	}
	e := fault.As(err)
	if e.Kind != fault.TooManyRequests || e.RetryAfter <= 0 {
		t.Fatalf("%v", err)
	}
	return h, e.RetryAfter
}

// through counts how many of n requests at once may be.
func (d *desk) through(t testing.TB, who *access.Caller, address string, class Class, n int) (count int) {
	t.Helper()
	for range n {
		if _, wait := d.ask(t, who, address, class); wait == 0 {
			count++
		}
	}
	return count
}

func user(n byte) *access.Caller {
	return &access.Caller{User: ident.ID{0: 1, 15: n}, Organization: ident.ID{0: 2, 15: n}}
}

func TestQuotaAtOnceAndOverTime(t *testing.T) {
	t.Parallel()
	d := newDesk(t, map[string]string{"read-user": "60/1m"})
	if n := d.through(t, user(1), "", Read, 100); n != 60 {
		t.Errorf("%d at once, want 60", n)
	}
	if _, wait := d.ask(t, user(1), "", Read); wait != time.Second {
		t.Errorf("wait %s, want 1s", wait)
	}
	d.clock.Advance(10 * time.Second)
	if n := d.through(t, user(1), "", Read, 100); n != 10 {
		t.Errorf("%d after 10 s, want 10", n)
	}
	d.clock.Advance(time.Hour)
	if n := d.through(t, user(1), "", Read, 100); n != 60 {
		t.Errorf("%d after an hour, want 60", n)
	}
	if n := d.through(t, user(2), "", Read, 100); n != 60 {
		t.Errorf("somebody else: %d, want 60", n)
	}
	if n := d.through(t, user(1), "", Write, 100); n != 100 {
		t.Errorf("a class without a policy: %d, want all", n)
	}
	if n := d.through(t, nil, "192.0.2.1", Read, 100); n != 100 {
		t.Errorf("nobody, under a policy for users: %d, want all", n)
	}
}

// TestRetryAfterIsTrue waits as long as it is told, for odd quotas: the next
// request may be then, and not a second earlier.
func TestRetryAfterIsTrue(t *testing.T) {
	t.Parallel()
	for _, quota := range []string{"1/1s", "1/24h", "3/1m", "7/1h", "20/1h", "120/15m", "13/17s", "1000/1m", "999983/24h"} {
		d := newDesk(t, map[string]string{"sign-up-address": quota})
		for round := range 20 {
			h, wait := d.ask(t, nil, "192.0.2.1", SignUp)
			for wait == 0 {
				h, wait = d.ask(t, nil, "192.0.2.1", SignUp)
			}
			if want := fmt.Sprintf(`"sign-up-address";r=0;t=%d`, int(wait.Seconds())); h.Get("RateLimit") != want {
				t.Fatalf("%s: RateLimit %s, want %s", quota, h.Get("RateLimit"), want)
			}
			if early := wait - time.Second; early > 0 {
				d.clock.Advance(early)
				if _, again := d.ask(t, nil, "192.0.2.1", SignUp); again == 0 {
					t.Fatalf("%s: round %d: told to wait %s, was let in after %s", quota, round, wait, early)
				}
				wait -= early
			}
			d.clock.Advance(wait)
			if _, again := d.ask(t, nil, "192.0.2.1", SignUp); again != 0 {
				t.Fatalf("%s: round %d: waited as told and must wait %s more", quota, round, again)
			}
		}
	}
}

func TestTightestIsTold(t *testing.T) {
	t.Parallel()
	d := newDesk(t, map[string]string{"write-user": "5/1m", "write-organization": "7/1m", "write-address": "20/1h"})
	both := user(1)
	same := user(2)
	same.Organization = both.Organization
	want := func(who *access.Caller, limit string) {
		t.Helper()
		h, _ := d.ask(t, who, "192.0.2.1", Write)
		if got := h.Get("RateLimit"); got != limit {
			t.Errorf("RateLimit %s, want %s", got, limit)
		}
		if got, want := h.Get("RateLimit-Policy"), `"write-user";q=5;w=60, "write-organization";q=7;w=60, "write-address";q=20;w=3600`; got != want {
			t.Errorf("RateLimit-Policy %s, want %s", got, want)
		}
	}
	want(both, `"write-user";r=4;t=12`)
	want(both, `"write-user";r=3;t=24`)
	want(both, `"write-user";r=2;t=36`)
	want(same, `"write-organization";r=3;t=35`)
	want(same, `"write-organization";r=2;t=43`)
	want(same, `"write-organization";r=1;t=52`)
	want(same, `"write-organization";r=0;t=9`)
	want(same, `"write-organization";r=0;t=9`) // refused: used up before
	want(both, `"write-organization";r=0;t=9`)
	h, wait := d.ask(t, nil, "192.0.2.1", Write)
	if got := h.Get("RateLimit-Policy"); got != `"write-address";q=20;w=3600` || wait != 0 {
		t.Errorf("nobody: RateLimit-Policy %s, wait %s", got, wait)
	}
}

func TestNoPolicyNoFields(t *testing.T) {
	t.Parallel()
	d := &desk{New(Limits{}, clock.NewFake(noon)), clock.NewFake(noon)}
	for c := Read; c < classes; c++ {
		if h, wait := d.ask(t, user(1), "192.0.2.1", c); len(h) != 0 || wait != 0 {
			t.Errorf("%s: %v, wait %s", c, h, wait)
		}
	}
}

func TestClockJumps(t *testing.T) {
	t.Parallel()
	for _, jump := range []time.Duration{-24 * time.Hour, -time.Minute, -30 * time.Second, 1000 * time.Hour} {
		d := newDesk(t, map[string]string{"read-user": "60/1m"})
		d.through(t, user(1), "", Read, 100)
		d.clock.Advance(jump)
		d.through(t, user(1), "", Read, 100)
		d.clock.Advance(time.Minute)
		if n := d.through(t, user(1), "", Read, 100); n != 60 {
			t.Errorf("a minute after a jump of %s %d of 60", jump, n)
		}
		if n := d.through(t, user(1), "", Read, 100); n != 0 {
			t.Errorf("after a jump of %s %d beyond the quota", jump, n)
		}
	}
}

func TestEveryRacerCounts(t *testing.T) {
	t.Parallel()
	d := newDesk(t, map[string]string{"read-user": "500/1m"})
	var wg sync.WaitGroup
	counts := make([]int, 50)
	for i := range counts {
		wg.Go(func() { counts[i] = d.through(t, user(1), "", Read, 20) })
	}
	wg.Wait()
	total := 0
	for _, n := range counts {
		total += n
	}
	if total != 500 {
		t.Errorf("%d got through, want 500", total)
	}
}

// TestMemoryIsBounded asks from more addresses than are kept, and from one in
// between: that one is never forgotten.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	d := newDesk(t, map[string]string{"sign-in-address": "3/15m"})
	d.through(t, nil, "192.0.2.1", SignIn, 3)
	for i := range 20 * shards * perShard {
		d.through(t, nil, fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), SignIn, 1)
		if i%100 == 0 && d.through(t, nil, "192.0.2.1", SignIn, 1) != 0 {
			t.Fatalf("forgotten after %d others", i)
		}
	}
	kept := 0
	for i := range d.policies[SignIn][Address].buckets.shards {
		s := &d.policies[SignIn][Address].buckets.shards[i]
		kept += len(s.young) + len(s.old)
	}
	if kept > 2*shards*perShard {
		t.Errorf("%d buckets are kept", kept)
	}
}

func TestNetwork(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::", "2001:db8:1:2::9": "2001:db8:1:2::",
		"fe80::1%eth0": "fe80::", "::ffff:192.0.2.1": "192.0.2.1", "": "invalid IP", "strange": "invalid IP",
	} {
		if got := Network(address).String(); got != want {
			t.Errorf("Network(%q) = %s, want %s", address, got, want)
		}
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	limits := Default()
	err := limits.Set(map[string]string{"all": "2x", "read-user": "9/1m30s", "write-key": "5/h", "sign-up-address": "off"})
	if err != nil {
		t.Fatal(err)
	}
	want := Default().Times(2)
	want[Read][User], want[Write][Key], want[SignUp][Address] = Quota{9, 90 * time.Second}, Quota{5, time.Hour}, Quota{}
	if limits != want {
		t.Errorf("%v\nwant %v", limits, want)
	}
	if err := limits.Set(map[string]string{"all": "off", "heavy-user": "1/1s"}); err != nil {
		t.Fatal(err)
	}
	if want := (Limits{Heavy: {User: {1, time.Second}}}); limits != want {
		t.Errorf("%v\nwant %v", limits, want)
	}
	for name, values := range map[string][]string{
		"all":       {"", "on", "0x", "-1x", "x", "10"},
		"read-user": {"", "on", "600", "600/", "/1m", "0/1m", "-1/1m", "1/0s", "1/500ms", "1/1500ms", "1/25h", "1/m/m", "1.5/1m", "2000000000/1m"},
		"read":      {"off"}, "reed-user": {"off"}, "-user": {"off"},
	} {
		for _, value := range values {
			err := limits.Set(map[string]string{name: value})
			if err == nil || !strings.Contains(err.Error(), name) && !strings.Contains(err.Error(), value) {
				t.Errorf("%s=%s: error %v", name, value, err)
			}
		}
	}
}

// TestDocumented holds the table of the settings' page to the limits that there
// are.
func TestDocumented(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("../../docs/operate/configure.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented Limits
	settings := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| ([0-9]+/[0-9]+[smh]) \\|").FindAllStringSubmatch(string(content), -1) {
		settings[row[1]] = row[2]
	}
	if err := documented.Set(settings); err != nil {
		t.Fatal(err)
	}
	if documented != Default() {
		t.Errorf("documented are\n%v\nbut there are\n%v", documented, Default())
	}
}

// ticking is a clock that moves by itself, so that buckets fill up again.
type ticking struct{ now time.Time }

// Now returns the time, 20 microseconds later than before.
func (c *ticking) Now() time.Time {
	c.now = c.now.Add(20 * time.Microsecond)
	return c.now
}

// BenchmarkCheck is what a request with a user, an organization and an address
// costs.
func BenchmarkCheck(b *testing.B) {
	var limits Limits
	err := limits.Set(map[string]string{"read-user": "60000/1s", "read-organization": "60000/1s", "read-address": "60000/1s"})
	if err != nil {
		b.Fatal(err)
	}
	l, who, h := New(limits, &ticking{noon}), user(1), http.Header{}
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Check(h, who, "192.0.2.1", Read); err != nil {
			b.Fatal(err)
		}
	}
}
