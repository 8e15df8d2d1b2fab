package organization

import (
	"slices"
	"strings"
	"testing"
	"testing/quick"
	"time"
)

// TestCanonical spells values and looks at what is kept; no second value: it is
// refused.
func TestCanonical(t *testing.T) {
	t.Parallel()
	for key, values := range map[string]map[string]string{
		KeyCurrency:      {"eur": "EUR", " PLN\t": "PLN", "XXX": "", "EURO": "", "€": "", "": ""},
		KeyLanguage:      {"EN": "en", "pt-br": "pt-BR", "zh-hant-tw": "zh-Hant-TW", "iw": "he", "en_US": "", "und": "", "mul": "", "xyzzy-": "", "e": ""},
		KeyLegalLanguage: {"pl": "pl", "qq": ""},
		KeyAmountFormat:  {"de-at": "de-AT", "1": ""},
		KeyTimeZone:      {"Europe/Lisbon": "Europe/Lisbon", "UTC": "UTC", "Local": "", "../etc/passwd": "", "Mars/Base": "", "/UTC": ""},
		KeyDateFormat: {
			"yyyy-MM-dd": "yyyy-MM-dd", "d.M.yy": "d.M.yy", "EEEE, d 'de' MMMM 'de' y": "EEEE, d 'de' MMMM 'de' y",
			"y年M月d日": "y年M月d日", "LLLL d, y": "LLLL d, y", "d MMM y ''": "d MMM y ''",
			"yyyy-MM": "", "dd/MM": "", "yyyy-MM-dd HH:mm": "", "d M L y": "", "ddd.MM.yyyy": "", "yyyyy-MM-dd": "", "d. 'M y": "", "d de M de y": "",
			"yyyy-MM-dd" + strings.Repeat("-", 40): "",
		},
		KeyWorkingDays:      {"1,2,3,4,5": "1,2,3,4,5", "7,6,7": "6,7", " 1 , 2 ": "1,2", "0": "", "8": "", "1,": "", ",": "", "1;2": "", "Mon": "", "1-5": "", "٣": ""},
		KeyCompanyStartDate: {"2019-09-01": "2019-09-01", "2020-02-29": "2020-02-29", "2019-02-29": "", "01.09.2019": "", "2019-9-1": "", "0000-01-01": "", "2019-09-01T00:00:00Z": ""},
		KeyWebsite: {
			"https://acme.example": "https://acme.example/", "HTTP://ACME.example:80/A?b=C#d": "http://acme.example/A?b=C#d",
			"https://bücher.example/": "https://xn--bcher-kva.example/", "https://acme.example:8443": "https://acme.example:8443/",
			"https://127.0.0.1/": "https://127.0.0.1/",
			"acme.example":       "", "//acme.example": "", "ftp://acme.example": "", "javascript:alert(1)": "", "https://": "", "https:acme.example": "",
			"https://user:secret@acme.example/": "", "https://localhost/": "", "https://acme.example:99999/": "", "https://acme .example/": "",
			"https://acme.example/" + strings.Repeat("a", 250): "",
		},
		KeyShortName: {"Acme": "Acme", strings.Repeat("ż", 20): strings.Repeat("ż", 20), strings.Repeat("ż", 21): "", " ": ""},
	} {
		for value, want := range values {
			c := Config{Key: key, Value: value}
			got, violation := c.canonical()
			if got != want || (violation == nil) != (want != "") {
				t.Errorf("%s %q: %q %v, want %q", key, value, got, violation, want)
			}
		}
	}
}

// TestOptional clears what may be cleared.
func TestOptional(t *testing.T) {
	t.Parallel()
	for _, r := range configRules {
		c := Config{Key: r.key, Value: "  "}
		if value, violation := c.canonical(); value != "" || (violation == nil) != r.optional {
			t.Errorf("%s: %q %v", r.key, value, violation)
		}
	}
}

// TestCanonicalStays spells canonical values again: they stay as they are. The
// values a new organization begins with are canonical.
func TestCanonicalStays(t *testing.T) {
	t.Parallel()
	for _, c := range initial("  A company with a long name ") {
		if value, violation := c.canonical(); value != c.Value || violation != nil {
			t.Errorf("%s begins with %q, canonical is %q %v", c.Key, c.Value, value, violation)
		}
	}
	for _, key := range configKeys() {
		check := func(text string) bool {
			c := Config{Key: key, Value: text}
			once, violation := c.canonical()
			if violation != nil {
				return once == ""
			}
			c.Value = once
			twice, violation := c.canonical()
			return violation == nil && twice == once
		}
		for _, text := range []string{"EUR", "7,1", "https://a.b", "pt-br", "2020-01-01", "x", "d.M.y"} {
			if !check(text) {
				t.Errorf("%s: %q is not stable", key, text)
			}
		}
		if err := quick.Check(check, nil); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	s := settingsOf("Acme Company with a long name", nil)
	if s.Currency != "EUR" || s.TimeZone != "UTC" || s.ShortName != "Acme Company with a" || s.CompanyStartDate.Valid {
		t.Errorf("%+v", s)
	}
	s = settingsOf("Acme", map[string]string{KeyWorkingDays: "1,7", KeyCompanyStartDate: "2019-09-01", KeyLanguage: "pl"})
	if !slices.Equal(s.WorkingDays, []time.Weekday{time.Monday, time.Sunday}) || s.CompanyStartDate.V.Year() != 2019 || s.Language != "pl" {
		t.Errorf("%+v", s)
	}
}
