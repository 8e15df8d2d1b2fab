package sandbox

import (
	"crypto/sha256"
	"fmt"
	"math/big"
	"strings"
)

// target is one way to one institution.
type target struct {
	name        string
	institution string
	official    string
	country     string // lower case
	psd2        bool   // can give access several times
}

// country is where institutions are.
type country struct {
	code     string
	currency string
	digits   int    // of an account's number in its IBAN
	bank     string // in front of the digits
	words    *wording
}

var countries = []country{
	{"pl", "PLN", 24, "", &polish},
	{"pt", "EUR", 21, "", &portuguese},
	{"es", "EUR", 20, "", &english},
	{"cz", "CZK", 20, "", &english},
	{"de", "EUR", 18, "", &english},
	{"gb", "GBP", 14, "SEDE", &english},
}

// rivers tell the institutions of a country apart.
var rivers = map[string][]string{
	"pl": {"Wisła", "Odra", "Warta"}, "pt": {"Tejo", "Douro", "Mondego"}, "es": {"Ebro", "Duero"},
	"cz": {"Vltava", "Labe"}, "de": {"Elbe", "Spree"}, "gb": {"Thames", "Severn"},
}

// targets lists the ways to all institutions of a country, or of all countries
// when the code is empty. The first institution of each has a way besides that
// gives access once only.
func targets(code string) (list []target) {
	for _, c := range countries {
		if code != "" && code != c.code {
			continue
		}
		for i, river := range rivers[c.code] {
			institution := fmt.Sprintf("Sandbox%d_%s", i+1, c.code)
			t := target{name: fmt.Sprintf("Sandbox%dApi_%s", i+1, c.code), institution: institution, official: Name + " " + river, country: c.code, psd2: true}
			list = append(list, t)
			if i == 0 {
				t.name, t.psd2 = institution, false
				t.official += " (once)"
				list = append(list, t)
			}
		}
	}
	return list
}

// findTarget returns the target with that name and its country; false when there
// is none.
func findTarget(name string) (target, *country, bool) {
	for _, t := range targets("") {
		if t.name != name {
			continue
		}
		for i := range countries {
			if countries[i].code == t.country {
				return t, &countries[i], true
			}
		}
	}
	return target{}, nil, false
}

// iban returns the number of an account, with valid check digits (ISO 13616). It
// follows from the seed alone.
func (c *country) iban(seed string) string {
	sum := sha256.Sum256([]byte(seed))
	digits := new(big.Int).SetBytes(sum[:]).String()
	bban := c.bank + digits[:c.digits]
	return strings.ToUpper(c.code) + fmt.Sprintf("%02d", 98-mod97(bban+strings.ToUpper(c.code)+"00")) + bban
}

// mod97 is the remainder of ISO 7064 over digits and letters.
func mod97(text string) int {
	rest := 0
	for _, c := range []byte(text) {
		if c >= 'A' {
			rest = (rest*100 + int(c-'A') + 10) % 97
		} else {
			rest = (rest*10 + int(c-'0')) % 97
		}
	}
	return rest
}
