package db

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fold returns the text without case and accents, the form in which texts are
// searched and sorted: "Łódź" becomes "lodz". Stores keep it in a column beside
// the text (see Column). Fold(Fold(s)) is Fold(s); invalid UTF-8 becomes U+FFFD.
func Fold(s string) string {
	if folded, ok := foldASCII(s); ok {
		return folded
	}
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range norm.NFKD.String(strings.ToValidUTF8(s, "\uFFFD")) {
		foldRune(&b, r)
	}
	// What was put together from parts may now compose or fold further.
	return b.String()
}

// foldASCII is Fold for text that has nothing else; false when it has.
func foldASCII(s string) (string, bool) {
	upper := false
	for i := range len(s) {
		c := s[i]
		if c >= utf8.RuneSelf {
			return "", false
		}
		upper = upper || 'A' <= c && c <= 'Z'
	}
	if upper {
		return strings.ToLower(s), true
	}
	return s, true
}

// foldRune adds what is left of one decomposed rune.
func foldRune(b *strings.Builder, r rune) {
	if unicode.Is(unicode.Mn, r) {
		return
	}
	r = unicode.ToLower(r)
	if to, ok := foldLetter(r); ok {
		b.WriteString(to)
		return
	}
	b.WriteRune(r)
}

// foldLetter replaces letters that Unicode does not take apart.
func foldLetter(r rune) (string, bool) {
	switch r {
	case 'ł':
		return "l", true
	case 'ø':
		return "o", true
	case 'đ', 'ð':
		return "d", true
	case 'ħ':
		return "h", true
	case 'ı':
		return "i", true
	case 'ŧ':
		return "t", true
	case 'ß', 'ẞ':
		return "ss", true
	case 'æ':
		return "ae", true
	case 'œ':
		return "oe", true
	case 'þ':
		return "th", true
	case 'ŋ':
		return "n", true
	case 'ς':
		return "σ", true
	}
	return "", false
}
