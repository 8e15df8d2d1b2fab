package taxid

import (
	"strings"
	"testing"
)

// published are valid numbers as public sources show them.
var published = map[string][]string{
	"AT": {"U13585627"}, "BE": {"0428759497"}, "BG": {"175074752"}, "CY": {"10259033P"}, "CZ": {"25123891"},
	"DE": {"136695976"}, "DK": {"13585628"}, "EE": {"100931558"}, "EL": {"094259216"},
	"ES": {"B58378431", "54362315K", "X2482300W"}, "FI": {"20774740"}, "FR": {"40303265045", "23334175221"},
	"HR": {"33392005961"}, "HU": {"12892312"}, "IE": {"6433435F", "6433435OA", "8D79739I"}, "IT": {"00743110157"},
	"LT": {"119511515", "100001919017"}, "LU": {"15027442"}, "LV": {"40003521600"}, "MT": {"11679112"},
	"NL": {"004495445B01"}, "PL": {"8567346215"}, "PT": {"501964843"}, "RO": {"18547290"}, "SE": {"556188840401"},
	"SI": {"50223054"}, "SK": {"2022749619"}, "GB": {"980780684", "GD001", "HA500"}, "XI": {"980780684"},
	"NO": {"995525828MVA"}, "CH": {"E107787577IVA"},
}

func TestPublished(t *testing.T) {
	t.Parallel()
	for prefix := range vatRules {
		if len(published[prefix]) == 0 {
			t.Errorf("%s: no example", prefix)
		}
	}
	for prefix, numbers := range published {
		for _, n := range numbers {
			if canonical, known, ok := VAT(prefix+n, "US"); !known || !ok || canonical != prefix+n {
				t.Errorf("%s%s: %q %v %v", prefix, n, canonical, known, ok)
			}
			spaced := strings.ToLower(prefix) + " " + n[:3] + "." + n[3:]
			if canonical, _, ok := VAT(spaced, ""); !ok || canonical != prefix+n {
				t.Errorf("%q: %q %v", spaced, canonical, ok)
			}
		}
	}
}

// TestDamaged changes one digit, and the number of digits.
func TestDamaged(t *testing.T) {
	t.Parallel()
	for prefix, numbers := range published {
		rule := vatRules[prefix]
		for _, n := range numbers {
			if len(n) == 5 {
				continue // has no check digit
			}
			passed, tried := 0, 0
			for i := range n {
				if !isDigit(n[i]) {
					continue
				}
				for d := byte('0'); d <= '9'; d++ {
					if d == n[i] {
						continue
					}
					tried++
					if rule(n[:i] + string(d) + n[i+1:]) {
						passed++
					}
				}
			}
			if passed*5 > tried {
				t.Errorf("%s%s: %d of %d wrong numbers pass", prefix, n, passed, tried)
			}
			for _, wrong := range []string{"", n[:1], n + "1234567", strings.Repeat("A", len(n)), "ä" + n[1:], strings.Repeat("\x00", len(n))} {
				if rule(wrong) {
					t.Errorf("%s: %q passes", prefix, wrong)
				}
			}
		}
	}
}

func TestVAT(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		number, country, canonical string
		known, ok                  bool
	}{
		{"856-734-62-15", "PL", "PL8567346215", true, true},
		{"094259216", "GR", "EL094259216", true, true},
		{"GR094259216", "GR", "ELGR094259216", true, false},
		{"DE 136 695 976", "PL", "DE136695976", true, true}, // a company may be registered elsewhere
		{"DE 136 695 977", "US", "DE136695977", true, false},
		{"12-3456789", "US", "123456789", false, true},
		{"", "US", "", false, false},
		{"PL", "PL", "PL", true, false},
		{"<script>", "US", "<SCRIPT>", false, false},
	} {
		canonical, known, ok := VAT(c.number, c.country)
		if canonical != c.canonical || known != c.known || ok != c.ok {
			t.Errorf("%q in %s: %q %v %v", c.number, c.country, canonical, known, ok)
		}
	}
}

func TestTIN(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		number, country, canonical string
		ok                         bool
	}{
		{"PL 856-734-62-15", "PL", "8567346215", true}, {"8567346216", "PL", "8567346216", false},
		{"501 964 843", "PT", "501964843", true}, {"501964842", "PT", "501964842", false},
		{"B-58378431", "ES", "B58378431", true}, {"B-58378432", "ES", "B58378432", false}, {"54362315k", "ES", "54362315K", true},
		{"93/815/08152", "DE", "9381508152", true}, {"a_b", "DE", "A_B", false},
	} {
		if canonical, _, ok := TIN(c.number, c.country); canonical != c.canonical || ok != c.ok {
			t.Errorf("%q in %s: %q %v", c.number, c.country, canonical, ok)
		}
	}
}

func FuzzVAT(f *testing.F) {
	for prefix, numbers := range published {
		f.Add(prefix+numbers[0], prefix)
	}
	f.Fuzz(func(t *testing.T, number, country string) {
		canonical, _, ok := VAT(number, country)
		if !ok {
			return
		}
		if again, _, still := VAT(canonical, country); !still || again != canonical {
			t.Errorf("%q in %q is kept as %q, and that as %q %v", number, country, canonical, again, still)
		}
	})
}
