package organization

import "strings"

// addressRule is what holds for the addresses of a country.
type addressRule struct {
	// codes are the forms of postal codes: N is a digit, A a letter, X either; the
	// rest is written as it stands. None: anything is taken.
	codes     []string
	prefix    string // stands before all of them
	needsCode bool   // an address without postal code is not complete
	noCity    bool   // the country is the city
}

// forms is a rule for a country whose addresses need a postal code.
func forms(codes ...string) addressRule { return addressRule{codes: codes, needsCode: true} }

// addressRules are the rules of the countries whose posts publish them through the
// Universal Postal Union: Europe and where most trade goes. Elsewhere a street
// and a city are needed, and postal codes are taken as they are.
var addressRules = map[string]addressRule{
	"AT": forms("NNNN"), "BE": forms("NNNN"), "BG": forms("NNNN"), "CH": forms("NNNN"), "CY": forms("NNNN"),
	"CZ": forms("NNN NN"), "DE": forms("NNNNN"), "DK": forms("NNNN"), "EE": forms("NNNNN"), "ES": forms("NNNNN"),
	"FI": forms("NNNNN"), "FR": forms("NNNNN"), "GR": forms("NNN NN"), "HR": forms("NNNNN"), "HU": forms("NNNN"),
	"IS": forms("NNN"), "IT": forms("NNNNN"), "LI": forms("NNNN"), "LT": {codes: []string{"NNNNN"}, prefix: "LT-", needsCode: true}, "LU": forms("NNNN"),
	"LV": {codes: []string{"NNNN"}, prefix: "LV-", needsCode: true}, "MT": forms("AAA NNNN"), "NL": forms("NNNN AA"), "NO": forms("NNNN"), "PL": forms("NN-NNN"),
	"PT": forms("NNNN-NNN"), "RO": forms("NNNNNN"), "SE": forms("NNN NN"), "SI": forms("NNNN"), "SK": forms("NNN NN"),
	"GB": forms("ANN NAA", "AN NAA", "AANN NAA", "AAN NAA", "ANA NAA", "AANA NAA"),
	"RS": forms("NNNNN"), "UA": forms("NNNNN"), "TR": forms("NNNNN"), "AU": forms("NNNN"), "BR": forms("NNNNN-NNN"),
	"CA": forms("ANA NAN"), "IN": forms("NNNNNN"), "JP": forms("NNN-NNNN"), "KR": forms("NNNNN"), "MX": forms("NNNNN"),
	"NZ": forms("NNNN"), "US": forms("NNNNN", "NNNNN-NNNN"), "ZA": forms("NNNN"), "CN": forms("NNNNNN"),
	"IE": {codes: []string{"ANN XXXX", "ANA XXXX"}}, // the Eircode may be left out
	"MC": {codes: []string{"NNNNN"}, needsCode: true, noCity: true},
	"SG": {codes: []string{"NNNNNN"}, needsCode: true, noCity: true},
	"VA": {codes: []string{"NNNNN"}, needsCode: true, noCity: true},
	"HK": {noCity: true}, "MO": {noCity: true}, "GI": {noCity: true},
}

func addressRuleOf(country string) addressRule { return addressRules[country] }

// example is a postal code of the first form.
func (r *addressRule) example() string {
	code := []byte(r.codes[0])
	for i, c := range code {
		switch c {
		case 'N', 'X':
			code[i] = byte('1' + i%9)
		case 'A':
			code[i] = byte('A' + i%26)
		}
	}
	return r.prefix + string(code)
}

// postCode spells a postal code as the country's post does, and reports whether
// it is one. Blanks, hyphens and the country's code in front are as one likes.
func (r *addressRule) postCode(country, code string) (string, bool) {
	if len(r.codes) == 0 {
		return code, true
	}
	compact := strings.NewReplacer(" ", "", "-", "", "\u00a0", "").Replace(strings.ToUpper(code))
	for _, text := range []string{compact, strings.TrimPrefix(compact, country)} {
		for _, form := range r.codes {
			if spelled, ok := fill(form, text); ok {
				return r.prefix + spelled, true
			}
		}
	}
	return code, false
}

// maxPostCode is the longest postal code, in characters.
const maxPostCode = 20

// fill puts the letters and digits of a code into a form, if they fit.
func fill(form, code string) (string, bool) {
	var b strings.Builder
	for i := range len(form) {
		place := form[i]
		if place != 'N' && place != 'A' && place != 'X' {
			b.WriteByte(place)
			continue
		}
		if code == "" {
			return "", false
		}
		digit, letter := '0' <= code[0] && code[0] <= '9', 'A' <= code[0] && code[0] <= 'Z'
		if place == 'N' && !digit || place == 'A' && !letter || !digit && !letter {
			return "", false
		}
		b.WriteByte(code[0])
		code = code[1:]
	}
	return b.String(), code == ""
}
