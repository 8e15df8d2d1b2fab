package kontomatik

import "errors"

// ErrAmount says that an amount can't be read.
var ErrAmount = errors.New("kontomatik: not an amount")

// Minor reads a decimal such as "-25.00" as an integer of the currency's minor
// unit, of which digits decimals are one. Decimals beyond these must be zeros;
// nothing is rounded.
func Minor(text string, digits int) (int64, error) {
	negative := false
	if text != "" && (text[0] == '-' || text[0] == '+') {
		negative = text[0] == '-'
		text = text[1:]
	}
	var n int64
	point, seen := -1, 0
	for i := range len(text) {
		c := text[i]
		if c == '.' && point < 0 && i > 0 {
			point = 0
			continue
		}
		if c < '0' || c > '9' {
			return 0, ErrAmount
		}
		seen++
		if point >= 0 {
			if point++; point > digits {
				if c != '0' {
					return 0, ErrAmount
				}
				continue
			}
		}
		if n > (maxMinor-9)/10 {
			return 0, ErrAmount
		}
		n = n*10 + int64(c-'0')
	}
	if seen == 0 || point == 0 {
		return 0, ErrAmount
	}
	for point = max(point, 0); point < digits; point++ {
		if n > (maxMinor-9)/10 {
			return 0, ErrAmount
		}
		n *= 10
	}
	if negative {
		n = -n
	}
	return n, nil
}

// maxMinor bounds amounts, so that sums of many stay within an int64.
const maxMinor = 1_000_000_000_000_000
