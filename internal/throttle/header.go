package throttle

import (
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// The header fields, as net/http spells their names.
const (
	fieldPolicy = "Ratelimit-Policy"
	fieldLimit  = "Ratelimit"
)

// cells remembers values of the field RateLimit, the latest by what is left: most
// requests come while little is used, and there are few such values. Values are
// shared, so nobody may write to them.
type cells [256]atomic.Pointer[cell]

type cell struct {
	left  int
	value [1]string
}

// announce is the value of RateLimit-Policy for policies that apply together,
// nil for none.
func announce(list []*policy) []string {
	if len(list) == 0 {
		return nil
	}
	items := make([]string, len(list))
	for i, p := range list {
		items[i] = `"` + p.name + `";q=` + strconv.Itoa(p.quota.Requests) + `;w=` + strconv.Itoa(int(p.quota.Window/time.Second))
	}
	return []string{strings.Join(items, ", ")}
}

// limit is the value of RateLimit when so much is left: then the quota is whole
// again after t seconds. When nothing is left, t is the time until the next
// request can be, the same as in Retry-After.
func (p *policy) limit(left int, wait time.Duration) []string {
	if left == 0 {
		return []string{p.item(0, seconds(wait))}
	}
	remembered := &p.cells[left%len(p.cells)]
	c := remembered.Load()
	if c == nil || c.left != left {
		c = &cell{left, [1]string{p.item(left, p.refill(left))}}
		remembered.Store(c)
	}
	return c.value[:]
}

func (p *policy) item(left, t int) string {
	return `"` + p.name + `";r=` + strconv.Itoa(left) + `;t=` + strconv.Itoa(t)
}

// refill is how many seconds it takes from left to the whole quota.
func (p *policy) refill(left int) int {
	missing := time.Duration(p.quota.Requests - left)
	return seconds(time.Duration(float64(missing) / float64(p.quota.rate()) * float64(time.Second)))
}

// seconds is a time in whole seconds, rounded up, at least 1.
func seconds(d time.Duration) int { return max(1, int((d+time.Second-1)/time.Second)) }
