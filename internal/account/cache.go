package account

import "sync"

// cache keeps values that are expensive to find out, at most about twice size of
// them: what was not asked for while size others came in goes. It is safe for
// concurrent use.
//
// A value must not come in after what it was made from has changed. So whoever
// fills the cache takes its mark before reading and hands it to put, and put
// keeps nothing that began before the last drop.
type cache[K comparable, V any] struct {
	size int

	mu         sync.RWMutex
	young, old map[K]V
	drops      uint64
}

func newCache[K comparable, V any](size int) *cache[K, V] {
	return &cache[K, V]{size: size, young: map[K]V{}}
}

// get returns the value of a key.
func (c *cache[K, V]) get(k K) (V, bool) {
	c.mu.RLock()
	v, ok := c.young[k]
	aged := false
	if !ok {
		v, aged = c.old[k]
	}
	drops := c.drops
	c.mu.RUnlock()
	if aged {
		c.put(k, v, drops)
	}
	return v, ok || aged
}

// mark returns what put wants to know.
func (c *cache[K, V]) mark() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.drops
}

// put keeps a value that was read after mark.
func (c *cache[K, V]) put(k K, v V, mark uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drops != mark {
		return
	}
	if len(c.young) >= c.size {
		c.old, c.young = c.young, make(map[K]V, c.size/4)
	}
	c.young[k] = v
}

// drop forgets one key.
func (c *cache[K, V]) drop(k K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.young, k)
	delete(c.old, k)
	c.drops++
}

// clear forgets everything.
func (c *cache[K, V]) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.young, c.old = map[K]V{}, nil
	c.drops++
}
