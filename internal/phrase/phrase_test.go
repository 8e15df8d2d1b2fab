package phrase

import (
	"fmt"
	"testing"

	"golang.org/x/text/language"

	"sede/internal/fault"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	blank := fault.Textf("This value should not be blank.")
	const en, pt, pl = "This value should not be blank.", "Este valor não deve estar em branco.", "Ta wartość nie powinna być pusta."
	for _, test := range []struct{ header, tag, text string }{
		{"", "en", en},
		{"en", "en", en},
		{"en-US,en;q=0.9", "en", en},
		{"en-GB", "en-GB", en},
		{"pt", "pt-PT", pt},
		{"pt-PT,pt;q=0.9,en;q=0.8", "pt-PT", pt},
		{"pt-BR", "pt", pt},
		{"pl", "pl", pl},
		{"PL-pl", "pl", pl},
		{"en;q=0.3, pl;q=0.7", "pl", pl},
		{"pl;q=0, en", "en", en},
		{"de", "de", en},
		{"de, pl;q=0.5", "de", pl},
		{"tlh, pt;q=0.1", "pt-PT", pt},
		{"*", "en", en},
		{"nonsense in a header;;;q=,", "en", en},
		{"\xff\xfe", "en", en},
	} {
		got := Match(test.header)
		if got.Tag().String() != test.tag {
			t.Errorf("Match(%q).Tag() = %s, want %s", test.header, got.Tag(), test.tag)
		}
		if text := got.Text(blank); text != test.text {
			t.Errorf("Match(%q).Text = %q, want %q", test.header, text, test.text)
		}
		if again := Match(test.header); again != got {
			t.Errorf("Match(%q) differs the second time", test.header)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	pl := Match("pl")
	if got := pl.Text(fault.Textf("This value should be between %d and %d.", 0, 24)); got != "Ta wartość powinna mieścić się między 0 a 24." {
		t.Error(got)
	}
	if got := pl.Text(fault.Textf("Nobody translated %s.", "this")); got != "Nobody translated this." {
		t.Error(got)
	}
	if got := (Language{}).Text(fault.Textf("100%%")); got != "100%" {
		t.Error(got)
	}
	if (Language{}).Tag() != language.English {
		t.Error("the zero Language is not English")
	}
}

// TestCacheIsBounded sends more headers than are kept.
func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	var c cache
	for i := range 10 * maxSeen {
		c.put(fmt.Sprintf("x-%d", i), nil)
		if _, ok := c.get("x-0"); !ok {
			t.Fatal("a header in use was forgotten")
		}
	}
	if n := len(c.young) + len(c.old); n > 2*maxSeen {
		t.Errorf("%d headers are kept", n)
	}
}

func TestMatchDoesNotAllocate(t *testing.T) {
	Match("pt-PT,pt;q=0.9")
	if n := testing.AllocsPerRun(100, func() { Match("pt-PT,pt;q=0.9") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("pt-PT,pt;q=0.9,en-US;q=0.8")
	f.Add("de-CH-1996-u-co-phonebk, *;q=0.1")
	f.Fuzz(func(t *testing.T, header string) {
		first := Match(header)
		if first != Match(header) && len(header) <= maxHeader {
			t.Error("two answers for one header")
		}
		_ = first.Tag()
	})
}

func BenchmarkMatch(b *testing.B) {
	for b.Loop() {
		Match("pt-PT,pt;q=0.9,en-US;q=0.8")
	}
}
