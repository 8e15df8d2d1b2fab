package throttle

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// The bounds of a table. Up to twice as many buckets are kept.
const (
	shards   = 16
	perShard = 512
)

// setBack is how far back a clock must be to have been set back. Requests at the
// same time come here in any order.
const setBack = time.Second

// member is who is counted within a partition: an id, or an address.
type member [16]byte

// table keeps the buckets of one policy. A bucket that was not used for a
// window is full again, so it can be forgotten; every shard does so by
// generations. Under more members at once than it holds, those that were not
// seen for the longest time are forgotten early and begin with a full bucket:
// the memory is bounded whatever is sent. When the clock is set back everything
// is forgotten, since a bucket gets nothing back until the time of its last
// request comes again.
type table struct {
	quota  Quota
	shards [shards]shard
}

type shard struct {
	mu         sync.Mutex
	young, old map[member]*rate.Limiter
	turned     time.Time // when young was begun
	_          [64]byte  // keeps the locks of two shards out of one cache line
}

// bucket returns the member's bucket, a full one for a new member.
func (t *table) bucket(of member, now time.Time) *rate.Limiter {
	s := &t.shards[(of[7]^of[15])%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	switch age := now.Sub(s.turned); {
	case s.young == nil, age < -setBack:
		s.old, s.young, s.turned = nil, map[member]*rate.Limiter{}, now
	case len(s.young) >= perShard, age >= t.quota.Window:
		s.old, s.young, s.turned = s.young, map[member]*rate.Limiter{}, now
	}
	b := s.young[of]
	if b == nil {
		if b = s.old[of]; b == nil {
			b = rate.NewLimiter(t.quota.rate(), t.quota.Requests)
		}
		s.young[of] = b
	}
	return b
}

// rate is how many requests come back in a second.
func (q Quota) rate() rate.Limit { return rate.Limit(float64(q.Requests) / q.Window.Seconds()) }
