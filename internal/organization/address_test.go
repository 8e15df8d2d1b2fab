package organization

import (
	"testing"

	"sede/internal/null"
)

// TestPostCodes spells codes and looks at what is kept; no second value: it is
// refused.
func TestPostCodes(t *testing.T) {
	t.Parallel()
	for country, codes := range map[string]map[string]string{
		"PT": {"1100-048": "1100-048", "1100048": "1100-048", "PT-1100 048": "1100-048", "1100": "", "1100-04A": ""},
		"PL": {"00-950": "00-950", "00950": "00-950", " PL 00 950": "00-950", "0-950": "", "00-95O": ""},
		"GB": {"sw1a1aa": "SW1A 1AA", "M1 1AE": "M1 1AE", "B338TH": "B33 8TH", "CR2 6XH": "CR2 6XH", "DN55 1PT": "DN55 1PT", "W1A 0AX": "W1A 0AX", "SW1A": "", "12345": ""},
		"NL": {"1234ab": "1234 AB", "1234": "", "NL-1012 JS": "1012 JS"},
		"IE": {"d02 x285": "D02 X285", "D6WXY00": "D6W XY00", "D02": ""},
		"LT": {"LT-01100": "LT-01100", "01100": "LT-01100", "1100": ""},
		"MT": {"vlt1117": "VLT 1117", "1117": ""},
		"CZ": {"11000": "110 00", "1100": ""}, "US": {"94043": "94043", "94043-1351": "94043-1351", "9404": ""},
		"BR": {"01310100": "01310-100"}, "CA": {"k1a0b1": "K1A 0B1", "11A 0B1": ""}, "JP": {"1000001": "100-0001"},
		"KE": {"00100 anything": "00100 anything"},
	} {
		rule := addressRuleOf(country)
		for code, want := range codes {
			got, ok := rule.postCode(country, code)
			if ok != (want != "") || ok && got != want {
				t.Errorf("%s %q: %q %v, want %q", country, code, got, ok, want)
			}
		}
	}
}

// TestExamples takes its own examples, whatever the country.
func TestExamples(t *testing.T) {
	t.Parallel()
	for country, rule := range addressRules {
		if len(rule.codes) == 0 {
			continue
		}
		if got, ok := rule.postCode(country, rule.example()); !ok || got != rule.example() {
			t.Errorf("%s: %q becomes %q %v", country, rule.example(), got, ok)
		}
	}
}

// TestRequiredParts leaves everything out.
func TestRequiredParts(t *testing.T) {
	t.Parallel()
	for country, want := range map[string]int{"PT": 3, "IE": 2, "KE": 2, "SG": 2, "HK": 1, "": 0} {
		a := Address{Name: "A", Country: country, StreetLine: null.Of(" "), City: null.Of("\t")}
		if list := a.Validate(); len(list) != want {
			t.Errorf("%s: %v", country, list)
		}
	}
}

// TestNormalizeStays normalizes what was normalized: it stays as it is.
func TestNormalizeStays(t *testing.T) {
	t.Parallel()
	a := Address{Name: "A", Country: "PL", StreetLine: null.Of(" Marszałkowska "), PostCode: null.Of("00950"), City: null.Of("Warszawa"),
		TIN: null.Of("856-734-62-15"), VATNumber: null.Of("8567346215"), LocaleNumber: null.Of(" ")}
	if list := a.normalize(); len(list) > 0 {
		t.Fatal(list)
	}
	if a.PostCode.V != "00-950" || a.TIN.V != "8567346215" || a.VATNumber.V != "PL8567346215" || a.LocaleNumber.Valid || a.StreetLine.V != "Marszałkowska" {
		t.Errorf("%+v", a)
	}
	before := a
	if list := a.normalize(); len(list) > 0 || a != before {
		t.Errorf("%v %+v", list, a)
	}
}
