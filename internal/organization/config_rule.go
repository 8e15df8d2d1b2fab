package organization

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bojanz/currency"
	"golang.org/x/net/idna"

	"sede/internal/clock"
	"sede/internal/fault"
	"sede/internal/reference"
)

// configRule is what holds for the settings of one key.
type configRule struct {
	key      string
	initial  string // what counts where the setting is not there; empty: nothing does
	optional bool   // may be set to nothing
	// canonical returns the one spelling under which a value is kept, or what is
	// wrong with it.
	canonical func(value string) (string, *fault.Violation)
}

// configRules are the settings there are, in the order they are shown.
var configRules = []configRule{
	{key: KeyCurrency, initial: "EUR", canonical: canonicalCurrency},
	{key: KeyLanguage, initial: "en", canonical: canonicalLanguage},
	{key: KeyLegalLanguage, initial: "en", canonical: canonicalLanguage},
	{key: KeyTimeZone, initial: "UTC", canonical: canonicalTimeZone},
	{key: KeyDateFormat, initial: "yyyy-MM-dd", canonical: canonicalDateFormat},
	{key: KeyAmountFormat, initial: "en", canonical: canonicalLanguage},
	{key: KeyWorkingDays, initial: "1,2,3,4,5", canonical: canonicalWorkingDays},
	{key: KeyCompanyStartDate, optional: true, canonical: canonicalDate},
	{key: KeyWebsite, optional: true, canonical: canonicalWebsite},
	{key: KeyShortName, canonical: canonicalShortName},
}

// configKeys lists the keys.
func configKeys() []string {
	keys := make([]string, len(configRules))
	for i, r := range configRules {
		keys[i] = r.key
	}
	return keys
}

func configRuleOf(key string) *configRule {
	i := slices.IndexFunc(configRules, func(r configRule) bool { return r.key == key })
	if i < 0 {
		return nil
	}
	return &configRules[i]
}

// canonical returns the setting's value as it is kept, or what is wrong with
// it. Blanks around a value do not count.
func (c *Config) canonical() (string, *fault.Violation) {
	rule, value := configRuleOf(c.Key), strings.TrimSpace(c.Value)
	switch {
	case rule == nil:
		return "", nil // the key is complained about
	case value != "":
		return rule.canonical(value)
	case rule.optional:
		return "", nil
	}
	return "", broken(fault.CodeBlank, "This value should not be blank.")
}

// Validate returns the broken rules that declarations can't express.
func (c *Config) Validate() []fault.Violation {
	if _, v := c.canonical(); v != nil {
		v.Path = "value"
		return []fault.Violation{*v}
	}
	return nil
}

func broken(code, format string, args ...any) *fault.Violation {
	return &fault.Violation{Text: fault.Textf(format, args...), Code: code}
}

// canonicalCurrency takes the codes of ISO 4217 that CLDR knows, in any case.
func canonicalCurrency(value string) (string, *fault.Violation) {
	code := strings.ToUpper(value)
	if !currency.IsValid(code) {
		return "", broken(fault.CodeCurrency, "This value is not a valid currency.")
	}
	return code, nil
}

// canonicalLanguage takes language tags (BCP 47).
func canonicalLanguage(value string) (string, *fault.Violation) {
	tag, ok := reference.CanonicalLanguage(value)
	if !ok {
		return "", broken(fault.CodeLanguage, "This value is not a valid language tag. Examples: %s.", "en, pt-BR, zh-Hant")
	}
	return tag, nil
}

func canonicalTimeZone(value string) (string, *fault.Violation) {
	if !clock.IsZone(value) {
		return "", broken(fault.CodeTimezone, "This value is not a valid timezone.")
	}
	return value, nil
}

// maxDateFormat is the longest pattern, in characters.
const maxDateFormat = 40

// canonicalDateFormat takes patterns for dates (Unicode TS 35): one day, one
// month and one year, at most one weekday, and literal text, whose letters are
// quoted.
func canonicalDateFormat(value string) (string, *fault.Violation) {
	seen, ok := map[rune]bool{}, utf8.RuneCountInString(value) <= maxDateFormat
	runes := []rune(value)
	for i := 0; i < len(runes) && ok; {
		r, n := runes[i], 1
		for i+n < len(runes) && runes[i+n] == r {
			n++
		}
		switch {
		case r == '\'':
			end := slices.Index(runes[i+1:], '\'')
			n, ok = end+2, end >= 0
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z':
			field := dateField(r, n)
			ok = field != 0 && !seen[field]
			seen[field] = true
		}
		i += n
	}
	if !ok || !seen['d'] || !seen['M'] || !seen['y'] {
		return "", broken(fault.CodeRegex, "This value is not a valid date pattern. Examples: %s.", "yyyy-MM-dd, d MMMM y, dd/MM/yyyy")
	}
	return value, nil
}

// dateField is which part of a date n letters stand for: d, M, y or E; 0 when
// they stand for none.
func dateField(letter rune, n int) rune {
	switch {
	case letter == 'd' && n <= 2, letter == 'E' && n <= 4, letter == 'M' && n <= 4:
		return letter
	case letter == 'L' && n <= 4:
		return 'M'
	case letter == 'y' && (n == 1 || n == 2 || n == 4):
		return 'y'
	}
	return 0
}

// canonicalWorkingDays takes the numbers of weekdays (ISO 8601: Monday is 1) with
// commas between, in any order and as often as one likes.
func canonicalWorkingDays(value string) (string, *fault.Violation) {
	var days []string
	for _, part := range strings.Split(value, ",") {
		day, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || day < 1 || day > 7 {
			return "", broken(fault.CodeRegex, "Working days are numbers from 1 (Monday) to 7 (Sunday) with commas between. Example: %s.", "1,2,3,4,5")
		}
		days = append(days, strconv.Itoa(day))
	}
	slices.Sort(days)
	return strings.Join(slices.Compact(days), ","), nil
}

// canonicalDate takes calendar dates (ISO 8601), year 1 to 9999.
func canonicalDate(value string) (string, *fault.Violation) {
	date, err := time.Parse(time.DateOnly, value)
	if err != nil || date.Year() < 1 {
		return "", broken(fault.CodeDate, "This value is not a valid date.")
	}
	return value, nil
}

// canonicalWebsite takes absolute http and https URLs without a user. The host
// is kept in ASCII and lower case, the scheme's own port and an empty path are
// spelled the usual way (RFC 3986, 6.2.3).
func canonicalWebsite(value string) (string, *fault.Violation) {
	refused := broken(fault.CodeURL, "This value is not a valid URL.")
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.Opaque != "" {
		return "", refused
	}
	host, err := idna.Lookup.ToASCII(u.Hostname())
	port, portErr := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil || !strings.Contains(host, ".") || u.Port() != "" && (portErr != nil || port == 0) {
		return "", refused
	}
	u.Host = host
	if usual := u.Scheme == "http" && port == 80 || u.Scheme == "https" && port == 443; port != 0 && !usual {
		u.Host += ":" + strconv.FormatUint(port, 10)
	}
	if u.Path == "" {
		u.Path = "/"
	}
	text := u.String()
	if len(text) > maxWebsite {
		return "", broken(fault.CodeTooLong, "This value is too long. It should have %d characters or less.", maxWebsite)
	}
	return text, nil
}

// maxWebsite is the longest URL kept, in bytes.
const maxWebsite = 255

// maxShortName is the longest short name, in characters.
const maxShortName = 20

func canonicalShortName(value string) (string, *fault.Violation) {
	if utf8.RuneCountInString(value) > maxShortName {
		return "", broken(fault.CodeTooLong, "This value is too long. It should have %d characters or less.", maxShortName)
	}
	return value, nil
}
