package taxid

import "strings"

// vatRules say, by prefix, whether what follows is right: the member states of
// the European Union, Northern Ireland (XI), the United Kingdom, Norway and
// Switzerland.
var vatRules = map[string]func(string) bool{
	"AT": austrian, "BE": belgian, "BG": bulgarian, "CY": cypriot, "CZ": czech, "DE": german, "DK": danish,
	"EE": estonian, "EL": greek, "ES": spanish, "FI": finnish, "FR": french, "HR": croatian, "HU": hungarian,
	"IE": irish, "IT": italian, "LT": lithuanian, "LU": luxembourgish, "LV": latvian, "MT": maltese, "NL": dutch,
	"PL": polish, "PT": portuguese, "RO": romanian, "SE": swedish, "SI": slovenian, "SK": slovak,
	"XI": british, "GB": british, "NO": norwegian, "CH": swiss,
}

func austrian(n string) bool {
	if len(n) != 9 || n[0] != 'U' || !digits(n[1:], 8) {
		return false
	}
	n = n[1:]
	total := sum(n, 1, 0, 1, 0, 1, 0, 1) + 4
	for _, i := range []int{1, 3, 5} {
		d := int(n[i] - '0')
		total += d/5 + d*2%10
	}
	return (10-total%10)%10 == last(n)
}

func belgian(n string) bool {
	if len(n) == 9 { // before 2008 numbers had no zero in front
		n = "0" + n
	}
	return digits(n, 10) && n[0] <= '1' && 97-value(n[:8], 97) == value(n[8:], 100)
}

func bulgarian(n string) bool {
	if digits(n, 10) {
		return true // of people; several kinds, without a rule in common
	}
	if !digits(n, 9) {
		return false
	}
	check := sum(n, 1, 2, 3, 4, 5, 6, 7, 8) % 11
	if check == 10 {
		check = sum(n, 3, 4, 5, 6, 7, 8, 9, 10) % 11 % 10
	}
	return check == last(n)
}

func cypriot(n string) bool {
	if len(n) != 9 || !digits(n[:8], 8) || strings.HasPrefix(n, "12") {
		return false
	}
	total := sum(n, 0, 1, 0, 1, 0, 1, 0, 1)
	for i := 0; i < 8; i += 2 {
		total += []int{1, 0, 5, 7, 9, 13, 15, 17, 19, 21}[n[i]-'0']
	}
	return n[8] == byte('A'+total%26)
}

func czech(n string) bool {
	if digits(n, 9) || digits(n, 10) {
		return true // of people: dates of birth
	}
	if !digits(n, 8) || n[0] == '9' {
		return false
	}
	check := (11 - sum(n, 8, 7, 6, 5, 4, 3, 2)%11) % 11
	if check == 0 {
		check = 1
	}
	return check%10 == last(n)
}

func german(n string) bool { return digits(n, 9) && n[0] != '0' && mod1110(n) }

func danish(n string) bool {
	return digits(n, 8) && n[0] != '0' && sum(n, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0
}

func estonian(n string) bool { return digits(n, 9) && sum(n, 3, 7, 1, 3, 7, 1, 3, 7, 1)%10 == 0 }

func greek(n string) bool {
	return digits(n, 9) && sum(n, 256, 128, 64, 32, 16, 8, 4, 2)%11%10 == last(n)
}

// spanish takes the NIF of companies, residents (DNI) and foreigners (NIE).
func spanish(n string) bool {
	const letters = "TRWAGMYFPDXBNJZSQVHLCKE"
	if len(n) != 9 || !digits(n[1:8], 7) {
		return false
	}
	switch {
	case digits(n[:8], 8):
		return n[8] == letters[value(n[:8], 23)]
	case 'X' <= n[0] && n[0] <= 'Z':
		return n[8] == letters[value(string('0'+n[0]-'X')+n[1:8], 23)]
	case strings.IndexByte("KLM", n[0]) >= 0:
		return n[8] == letters[value(n[1:8], 23)]
	case strings.IndexByte("ABCDEFGHJNPQRSUVW", n[0]) < 0:
		return false
	}
	total := sum(n[1:], 0, 1, 0, 1, 0, 1, 0)
	for i := 1; i < 8; i += 2 {
		d := int(n[i]-'0') * 2
		total += d/10 + d%10
	}
	check := (10 - total%10) % 10
	asDigit, asLetter := n[8] == byte('0'+check), n[8] == "JABCDEFGHI"[check]
	switch {
	case strings.IndexByte("ABEH", n[0]) >= 0:
		return asDigit
	case strings.IndexByte("NPQRSW", n[0]) >= 0:
		return asLetter
	}
	return asDigit || asLetter
}

func finnish(n string) bool { return digits(n, 8) && sum(n, 7, 9, 10, 5, 8, 4, 2, 1)%11 == 0 }

func french(n string) bool {
	if len(n) != 11 || !digits(n[2:], 9) {
		return false
	}
	siren := n[2:]
	if !strings.HasPrefix(siren, "000") && !luhn(siren) { // 000: Monaco
		return false
	}
	if digits(n[:2], 2) {
		return value(n[:2], 100) == (12+3*value(siren, 97))%97
	}
	return plain(n[:2], 2) && !strings.ContainsAny(n[:2], "IO")
}

func croatian(n string) bool { return digits(n, 11) && mod1110(n) }

func hungarian(n string) bool { return digits(n, 8) && sum(n, 9, 7, 3, 1, 9, 7, 3, 1)%10 == 0 }

// irish takes seven digits, a check letter and perhaps another letter, and the old
// numbers with a letter or sign in the second place.
func irish(n string) bool {
	const letters = "WABCDEFGHIJKLMNOPQRSTUV"
	if len(n) == 8 && isDigit(n[0]) && !isDigit(n[1]) && digits(n[2:7], 5) && (isLetter(n[1]) || n[1] == '+' || n[1] == '*') {
		n = "0" + n[2:7] + n[:1] + n[7:]
	}
	if len(n) < 8 || len(n) > 9 || !digits(n[:7], 7) {
		return false
	}
	total := sum(n, 8, 7, 6, 5, 4, 3, 2)
	if len(n) == 9 {
		if n[8] != 'W' && (n[8] < 'A' || n[8] > 'I') {
			return false
		}
		total += 9 * strings.IndexByte(letters, n[8])
	}
	return n[7] == letters[total%23]
}

func italian(n string) bool { return digits(n, 11) && n[:7] != "0000000" && luhn(n) }

func lithuanian(n string) bool {
	if !digits(n, 9) && !digits(n, 12) || n[len(n)-2] != '1' {
		return false
	}
	check := func(first int) int {
		total := 0
		for i := range len(n) - 1 {
			total += (1 + (i+first)%9) * int(n[i]-'0')
		}
		return total % 11
	}
	c := check(0)
	if c == 10 {
		c = check(2) % 10
	}
	return c == last(n)
}

func luxembourgish(n string) bool { return digits(n, 8) && value(n[:6], 89) == value(n[6:], 100) }

func latvian(n string) bool {
	if !digits(n, 11) {
		return false
	}
	return n[0] <= '3' || sum(n, 9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1)%11 == 3 // up to 3: of people
}

func maltese(n string) bool {
	return digits(n, 8) && n[0] != '0' && sum(n, 3, 4, 6, 7, 8, 9, 10, 1)%37 == 0
}

// dutch takes numbers of companies, and those of people since 2020 (ISO/IEC 7064,
// MOD 97-10).
func dutch(n string) bool {
	if len(n) != 12 || n[9] != 'B' || !digits(n[:9], 9) || !digits(n[10:], 2) || n[10:] == "00" {
		return false
	}
	if check := sum(n, 9, 8, 7, 6, 5, 4, 3, 2) % 11; check == int(n[8]-'0') {
		return true
	}
	return value("2321"+n[:9]+"11"+n[10:], 97) == 1 // N is 23, L 21, B 11
}

// polish takes the NIP.
func polish(n string) bool { return digits(n, 10) && sum(n, 6, 5, 7, 2, 3, 4, 5, 6, 7)%11 == last(n) }

// portuguese takes the NIF.
func portuguese(n string) bool {
	return digits(n, 9) && n[0] != '0' && (11-sum(n, 9, 8, 7, 6, 5, 4, 3, 2)%11)%11%10 == last(n)
}

func romanian(n string) bool {
	if len(n) < 2 || len(n) > 10 || !digits(n, len(n)) || n[0] == '0' {
		return false
	}
	n = strings.Repeat("0", 10-len(n)) + n
	return 10*sum(n, 7, 5, 3, 2, 1, 7, 5, 3, 2)%11%10 == last(n)
}

func swedish(n string) bool { return digits(n, 12) && n[10:] != "00" && luhn(n[:10]) }

func slovenian(n string) bool {
	if !digits(n, 8) || n[0] == '0' {
		return false
	}
	check := 11 - sum(n, 8, 7, 6, 5, 4, 3, 2)%11
	return check != 11 && check%10 == last(n)
}

func slovak(n string) bool {
	return digits(n, 10) && n[0] != '0' && strings.IndexByte("234789", n[2]) >= 0 && value(n, 11) == 0
}

func british(n string) bool {
	if len(n) == 5 { // of the government (below 500) and of health authorities
		return digits(n[2:], 3) && (n[:2] == "GD" && n[2] < '5' || n[:2] == "HA" && n[2] >= '5')
	}
	if !digits(n, 9) && !digits(n, 12) {
		return false
	}
	rest := sum(n, 8, 7, 6, 5, 4, 3, 2, 10, 1) % 97
	return rest == 0 || rest == 42 && n[:3] >= "100"
}

func norwegian(n string) bool {
	n = strings.TrimSuffix(n, "MVA")
	return digits(n, 9) && sum(n, 3, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0
}

func swiss(n string) bool {
	for _, suffix := range []string{"MWST", "TVA", "IVA", "TPV"} {
		n = strings.TrimSuffix(n, suffix)
	}
	n, found := strings.CutPrefix(n, "E")
	return found && digits(n, 9) && sum(n, 5, 4, 3, 2, 7, 6, 5, 4, 1)%11 == 0
}
