// Package taxid checks the numbers under which companies are known to tax
// offices: the VAT numbers of the European Union and its neighbours, and national
// numbers. A number is taken in any usual spelling and kept in one. Only its form
// and check digits are looked at; nobody is asked whether it was ever given out.
package taxid

import "strings"

// compact takes away what people write between the digits.
func compact(number string) string {
	return strings.NewReplacer(" ", "", "\u00a0", "", "-", "", ".", "", "/", "").Replace(strings.ToUpper(strings.TrimSpace(number)))
}

// prefixOf is what VAT numbers of the country begin with.
func prefixOf(country string) string {
	if country == "GR" {
		return "EL"
	}
	return country
}

// VAT returns a VAT number as it is kept: the prefix of its country, then the
// number without blanks. Without a prefix it is one of the country's. ok says
// whether form and check digits are right; known, whether there is a rule for
// it: without one, up to 20 letters and digits are taken.
func VAT(number, country string) (canonical string, known, ok bool) {
	number = compact(number)
	if len(number) > 2 {
		if rule, found := vatRules[number[:2]]; found && rule(number[2:]) {
			return number, true, true
		}
	}
	prefix := prefixOf(country)
	rule, found := vatRules[prefix]
	if !found {
		if len(number) > 2 && vatRules[number[:2]] != nil {
			return number, true, false
		}
		return number, false, plain(number, 20)
	}
	number = strings.TrimPrefix(number, prefix)
	return prefix + number, true, rule(number)
}

// TIN returns a national tax number as it is kept. known and ok are as for VAT;
// there are rules for Poland (NIP), Portugal (NIF) and Spain (NIF, NIE).
func TIN(number, country string) (canonical string, known, ok bool) {
	number = compact(number)
	rule := tinRules[country]
	if rule == nil {
		return number, false, plain(number, 30)
	}
	if without := strings.TrimPrefix(number, country); rule(without) {
		number = without
	}
	return number, true, rule(number)
}

// tinRules are the national numbers, which are their countries' VAT numbers too.
var tinRules = map[string]func(string) bool{"PL": polish, "PT": portuguese, "ES": spanish}

// plain reports whether the number has letters and digits only, and not too many.
func plain(number string, most int) bool {
	for _, c := range []byte(number) {
		if !isDigit(c) && !isLetter(c) {
			return false
		}
	}
	return 0 < len(number) && len(number) <= most
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'A' <= c && c <= 'Z' }

// digits reports whether the number has that many digits and nothing else.
func digits(number string, count int) bool {
	for _, c := range []byte(number) {
		if !isDigit(c) {
			return false
		}
	}
	return len(number) == count
}

// sum adds up the digits, each times its weight.
func sum(number string, weights ...int) int {
	total := 0
	for i, w := range weights {
		total += w * int(number[i]-'0')
	}
	return total
}

// value reads digits as a number, modulo m.
func value(number string, m int) int {
	v := 0
	for _, c := range []byte(number) {
		v = (v*10 + int(c-'0')) % m
	}
	return v
}

// luhn reports whether the digits add up as ISO/IEC 7812-1, annex B, says.
func luhn(number string) bool {
	total := 0
	for i := range len(number) {
		d := int(number[len(number)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		total += d
	}
	return total%10 == 0
}

// mod1110 reports whether the digits are right by ISO/IEC 7064, MOD 11,10.
func mod1110(number string) bool {
	check := 10
	for _, c := range []byte(number[:len(number)-1]) {
		check = (check + int(c-'0')) % 10
		if check == 0 {
			check = 10
		}
		check = check * 2 % 11
	}
	return (check+int(number[len(number)-1]-'0'))%10 == 1
}

// last is the last digit.
func last(number string) int { return int(number[len(number)-1] - '0') }
