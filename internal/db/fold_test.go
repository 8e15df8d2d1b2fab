package db_test

import (
	"testing"
	"unicode/utf8"

	"sede/internal/db"
)

func TestFold(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                       "",
		"Plain ASCII, 100 % _\\": "plain ascii, 100 % _\\",
		"Łódź":                   "lodz",
		"São João":               "sao joao",
		"Sa\u0303o":              "sao",
		"STRASSE Straße ẞ":       "strasse strasse ss",
		"Ørsted Ærø Œuvre":       "orsted aero oeuvre",
		"Þór Đura Ħal ıI":        "thor dura hal ii",
		"İstanbul":               "istanbul",
		"ΟΔΥΣΣΕΥΣ Οδυσσεύς":      "οδυσσευσ οδυσσευσ",
		"ﬁne ①":                  "fine 1",
		"Ёлка":                   "елка",
		"東京":                     "東京",
	} {
		if got := db.Fold(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func FuzzFold(f *testing.F) {
	for _, s := range []string{"Łódź", "a\xffb", "ẞ", "\u1e9b\u0323", "K", "ǅ", "ΐ", "\u0345"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := db.Fold(s)
		if !utf8.ValidString(once) {
			t.Errorf("Fold(%q) is %q", s, once)
		}
		if twice := db.Fold(once); twice != once {
			t.Errorf("Fold(%q) is %q, folded again %q", s, once, twice)
		}
		if a, b := db.Fold(s+"x"), once+"x"; len(s) > 0 && utf8.ValidString(s) && a != b {
			t.Errorf("Fold(%q) is %q, not %q", s+"x", a, b)
		}
	})
}
