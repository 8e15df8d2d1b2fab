package meeting

import (
	"fmt"
	"strings"
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
		if row := fmt.Sprintf("%d", int64(bound/time.Second)); !strings.Contains(classes, row) {
			t.Errorf("the table of classes lacks %s", row)
		}
	}
	if spanOf(time.Second) != 0 || bounds[len(bounds)-1] != maxWindow || strings.Count(classes, ", ") != len(bounds)*2 {
		t.Errorf("classes: %s", classes)
	}
}
