package account

import (
	"fmt"
	"testing"
)

func TestCacheKeepsWhatIsUsed(t *testing.T) {
	t.Parallel()
	c := newCache[string, int](10)
	for i := range 1000 {
		c.put("used", 1, c.mark())
		c.put(fmt.Sprint(i), i, c.mark())
		if _, ok := c.get("used"); !ok {
			t.Fatalf("lost after %d", i)
		}
		if n := len(c.young) + len(c.old); n > 21 {
			t.Fatalf("%d entries", n)
		}
	}
}

func TestCacheRefusesWhatIsOld(t *testing.T) {
	t.Parallel()
	c := newCache[string, int](10)
	mark := c.mark()
	c.drop("other")
	c.put("a", 1, mark)
	if _, ok := c.get("a"); ok {
		t.Error("kept a value that was read before a change")
	}
	c.put("a", 1, c.mark())
	c.drop("a")
	if _, ok := c.get("a"); ok {
		t.Error("kept a dropped value")
	}
	c.put("a", 1, c.mark())
	c.clear()
	if _, ok := c.get("a"); ok {
		t.Error("kept a value after clear")
	}
}
