package fault

import (
	"fmt"
	"testing"
)

// TestStored: a sentence comes back as it was, and one from before is still one.
func TestStored(t *testing.T) {
	t.Parallel()
	say := func(t Text) string { return fmt.Sprintf(t.Format, t.Args...) }
	for _, text := range []Text{
		Textf("Nothing."),
		Textf("The archive is damaged in %s.", "data/100%.jsonl"),
		Textf("Version %d of %d, and %q.", 64, int64(1)<<60, `a"b`),
	} {
		if got := Stored(text.Store()); got.Format != text.Format || say(got) != say(text) {
			t.Errorf("%v came back as %v", text, got)
		}
	}
	if got := say(Stored("It was 100 % plain.")); got != "It was 100 % plain." {
		t.Error(got)
	}
	if !Stored("").IsZero() {
		t.Error("no sentence became one")
	}
}
