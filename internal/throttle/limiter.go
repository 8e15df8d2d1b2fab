package throttle

import (
	"math"
	"net/http"
	"net/netip"
	"time"

	"sede/internal/access"
	"sede/internal/clock"
	"sede/internal/fault"
)

// Limiter counts requests and refuses those that are too many. It is safe for
// concurrent use.
type Limiter struct {
	now       clock.Clock
	policies  [classes][partitions]*policy       // nil: no limit
	announced [classes][1 << partitions][]string // RateLimit-Policy, by the set of partitions that a request has
}

// policy is one quota at work.
type policy struct {
	name    string
	quota   Quota
	buckets table
	cells   cells
}

// New returns a Limiter that holds requests to the limits.
func New(limits Limits, now clock.Clock) *Limiter {
	l := &Limiter{now: now}
	for c := Read; c < classes; c++ {
		for p := range partitions {
			if q := limits[c][p]; q.Requests > 0 {
				l.policies[c][p] = &policy{name: policyName(c, p), quota: q, buckets: table{quota: q}}
			}
		}
		for set := range l.announced[c] {
			var list []*policy
			for p, policy := range l.policies[c] {
				if policy != nil && set&(1<<p) != 0 {
					list = append(list, policy)
				}
			}
			l.announced[c][set] = announce(list)
		}
	}
	return l
}

// Check counts one request of the class for all that is known of who sends it;
// who is nil for nobody. It sets the fields RateLimit-Policy and RateLimit, the
// latter for the policy with the least left. When a policy is used up, the
// request is refused with TooManyRequests, which says when the next one can be.
// class must not be ByMethod.
func (l *Limiter) Check(h http.Header, who *access.Caller, address string, class Class) error {
	var members [partitions]member
	set := membersOf(&members, who, address)
	now := l.now.Now()
	var tightest *policy
	least, wait := math.MaxInt, time.Duration(0)
	for p := range partitions {
		policy := l.policies[class][p]
		if policy == nil || set&(1<<p) == 0 {
			continue
		}
		ok, left, next := policy.take(members[p], now)
		if !ok {
			h[fieldPolicy], h[fieldLimit] = l.announced[class][set], policy.limit(0, next)
			return refusal(next)
		}
		if left < least {
			tightest, least, wait = policy, left, next
		}
	}
	if tightest != nil {
		h[fieldPolicy], h[fieldLimit] = l.announced[class][set], tightest.limit(least, wait)
	}
	return nil
}

func refusal(wait time.Duration) error {
	n := seconds(wait)
	return &fault.Error{Kind: fault.TooManyRequests, RetryAfter: time.Duration(n) * time.Second,
		Text: fault.Textf("Too many requests. Please try again in %d s.", n)}
}

// membersOf finds out for whom a request counts and returns the set of
// partitions that it has.
func membersOf(members *[partitions]member, who *access.Caller, address string) (set int) {
	put := func(p Partition, m member) {
		if m != (member{}) {
			members[p] = m
			set |= 1 << p
		}
	}
	if who != nil {
		if who.Key.IsZero() {
			put(User, member(who.User))
		} else {
			put(Key, member(who.Key))
		}
		put(Organization, member(who.Organization))
	}
	if a := Network(address); a.IsValid() {
		put(Address, a.As16())
	}
	return set
}

// Network returns what counts as one address: an IPv4 address, or the first
// address of the /64 network that an IPv6 host chooses its addresses from. It is
// not valid for what is no address.
func Network(address string) netip.Addr {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Addr{}
	}
	if a = a.Unmap(); a.Is4() {
		return a
	}
	network, err := a.WithZone("").Prefix(64)
	if err != nil {
		return netip.Addr{}
	}
	return network.Addr()
}

// slack makes up for what fractions of requests lose in floating point.
const slack = 1e-6

// take counts one request. It reports whether it may be, how many more may be at
// once, and, when that is none, after what time the next one can be.
func (p *policy) take(of member, now time.Time) (ok bool, left int, next time.Duration) {
	bucket := p.buckets.bucket(of, now)
	ok = bucket.AllowN(now, 1)
	tokens := bucket.TokensAt(now)
	if left = int(max(0, tokens+slack)); left > 0 {
		return ok, left, 0
	}
	return ok, 0, time.Duration((1 - tokens) / float64(p.quota.rate()) * float64(time.Second))
}
