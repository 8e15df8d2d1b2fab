package meeting

import (
	"testing"
	"time"
)

func TestSpans(t *testing.T) {
	t.Parallel()
	for class, bound := range bounds {
		if got := spanOf(bound); got != int64(class) {
			t.Errorf("%s is of class %d, want %d", bound, got, class)
		}
		if got := spanOf(bound + time.Second); class < len(bounds)-1 && got != int64(class+1) {
			t.Errorf("more than %s is of class %d, want %d", bound, got, class+1)
		}
	}
	if spanOf(time.Second) != 0 || bounds[len(bounds)-1] != maxWindow {
		t.Errorf("the shortest are of class %d, the last bound is %s", spanOf(time.Second), bounds[len(bounds)-1])
	}
	if got, want := eachClass("{class} {reach}"), "0 7200 UNION ALL 1 86400 UNION ALL 2 691200 UNION ALL 3 5356800 UNION ALL 4 31622400"; got != want {
		t.Errorf("classes: %s", got)
	}
}
