package account

import (
	"strings"
	"testing"
	"unicode/utf8"

	"sede/internal/fault"
)

func TestNormalizeUsername(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"ana@acme.example":                     "ana@acme.example",
		"  Ana.Silva+Test@ACME.Example\t":      "ana.silva+test@acme.example",
		"root@localhost":                       "root@localhost",
		"ana@Łódź.example":                     "ana@xn--d-uga0v4h.example",
		"ana@BÜCHER.example":                   "ana@xn--bcher-kva.example",
		"ana@xn--bcher-kva.example":            "ana@xn--bcher-kva.example",
		"ana@acme。example":                     "ana@acme.example",
		"JOSÉ@acme.example":                    "josé@acme.example",
		"jose\u0301@acme.example":              "josé@acme.example",
		strings.Repeat("a", 64) + "@a.example": strings.Repeat("a", 64) + "@a.example",
		"":                                     "",
		"ana":                                  "",
		"@acme.example":                        "",
		"ana@":                                 "",
		"ana@@acme.example":                    "",
		"ana silva@acme.example":               "",
		".ana@acme.example":                    "",
		"ana.@acme.example":                    "",
		"a..na@acme.example":                   "",
		`"ana"@acme.example`:                   "",
		"ana@[192.0.2.1]":                      "",
		"ana@acme_b.example":                   "",
		"ana@-acme.example":                    "",
		"ana@acme.example.":                    "",
		"ana\x00@acme.example":                 "",
		"ana@acme\xff.example":                 "",
		strings.Repeat("a", 65) + "@a.example": "",
		"a@" + strings.Repeat("b.", 130) + "c": "",
	} {
		if got, ok := NormalizeUsername(typed); got != want || ok != (want != "") {
			t.Errorf("NormalizeUsername(%q) = %q, %v; want %q", typed, got, ok, want)
		}
	}
}

func FuzzNormalizeUsername(f *testing.F) {
	for _, s := range []string{"Ana@Acme.Example", "ana@bücher.example", "İ@İ.example", "ὈΔΥΣΣΕΎΣ@x.example", "ﬀ@ﬀ.example", "a\u0345@b", "ß@ß.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		normal, ok := NormalizeUsername(typed)
		if !ok {
			if normal != "" {
				t.Fatalf("%q: not valid, but %q", typed, normal)
			}
			return
		}
		again, ok := NormalizeUsername(normal)
		if !ok || again != normal {
			t.Fatalf("%q becomes %q, which becomes %q, %v", typed, normal, again, ok)
		}
		if len(normal) > maxUsername || !utf8.ValidString(normal) || strings.ContainsAny(normal, " \x00\r\n") || strings.Count(normal, "@") != 1 {
			t.Fatalf("%q becomes %q", typed, normal)
		}
	})
}

func TestPasswordRules(t *testing.T) {
	t.Parallel()
	for candidate, want := range map[string]string{
		"":                         fault.CodeTooShort,
		"123456789":                fault.CodeTooShort,
		"1234567890":               "",
		"ąęłńóśźżćĄ":               "",
		strings.Repeat("a", 200):   "",
		strings.Repeat("ż", 200):   "",
		strings.Repeat("a", 201):   fault.CodeTooLong,
		"ana@acme.example":         fault.CodeEqual,
		" ANA@acme.EXAMPLE ":       fault.CodeEqual,
		"bob@acme.example":         "",
		"broken \xff\xff utf-8 !!": fault.CodeRegex,
	} {
		got := ""
		if v := checkPassword(candidate, "ana@acme.example"); v != nil {
			got = v.Code
		}
		if got != want {
			t.Errorf("checkPassword(%q) = %q, want %q", candidate, got, want)
		}
	}
}

func TestNewUserNamesAllBrokenRules(t *testing.T) {
	t.Parallel()
	n := NewUser{Username: "nobody", Name: strings.Repeat("x", 256), Password: "short"}
	_, list := n.check()
	var paths []string
	for _, v := range list {
		paths = append(paths, v.Path)
	}
	if got := strings.Join(paths, " "); got != "username name password" {
		t.Errorf("broken: %s", got)
	}
	for _, name := range []string{"nul\x00", "a\nb", "\xff"} {
		n := NewUser{Username: "ana@acme.example", Name: name, Password: "1234567890"}
		if _, list := n.check(); len(list) != 1 || list[0].Path != "name" {
			t.Errorf("name %q: %v", name, list)
		}
	}
}

func TestLanguagesAndTimeZones(t *testing.T) {
	t.Parallel()
	for tag, valid := range map[string]bool{"pt-PT": true, "PL": true, "en-GB-oxendict": true, "": false, "und": false, "no such": false, "x": false} {
		if text := checkLanguage(tag); text.IsZero() != valid {
			t.Errorf("checkLanguage(%q) = %v", tag, text)
		}
	}
	if got := canonicalLanguage("PT-pt"); got != "pt-PT" {
		t.Errorf("canonicalLanguage = %s", got)
	}
	for zone, valid := range map[string]bool{"Europe/Lisbon": true, "UTC": true, "": false, "Local": false, "Mars/Olympus": false, "../etc/passwd": false} {
		if text := checkTimeZone(zone); text.IsZero() != valid {
			t.Errorf("checkTimeZone(%q) = %v", zone, text)
		}
	}
}
