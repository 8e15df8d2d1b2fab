package account

// NormalizeLanguage returns the canonical form of a BCP 47 tag; false when it is
// none.
func NormalizeLanguage(tag string) (string, bool) {
	if text := checkLanguage(tag); !text.IsZero() {
		return "", false
	}
	return canonicalLanguage(tag), true
}
