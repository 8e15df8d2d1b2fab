package organization

import (
	"net/mail"
	"strings"
	"time"

	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/taxid"
)

// Address is where an organization is reached, and the name and numbers under
// which it is invoiced. What it must hold depends on its country.
type Address struct {
	ID             ident.ID
	Organization   ident.ID
	Name           string
	StreetLine     null.Value[string]
	BuildingNumber null.Value[string]
	LocaleNumber   null.Value[string] // of the flat or office in the building
	PostCode       null.Value[string] // as the country's post writes it
	City           null.Value[string]
	Country        string // ISO 3166-1 alpha-2
	PhoneNumber    null.Value[string]
	Email          null.Value[string]
	TIN            null.Value[string] // national tax number
	VATNumber      null.Value[string] // with the prefix of its country
	Version        int64
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// Validate returns the broken rules of the address's country.
func (a *Address) Validate() []fault.Violation {
	c := *a
	return c.normalize()
}

// normalize spells codes and numbers as they are kept, blank parts as null, and
// returns what is missing or wrong.
func (a *Address) normalize() (list []fault.Violation) {
	for _, part := range []*null.Value[string]{&a.StreetLine, &a.BuildingNumber, &a.LocaleNumber, &a.PostCode, &a.City,
		&a.PhoneNumber, &a.Email, &a.TIN, &a.VATNumber} {
		if part.V = strings.TrimSpace(part.V); part.V == "" {
			*part = null.Value[string]{}
		}
	}
	if a.Country == "" {
		return nil // said with the country
	}
	rule := addressRuleOf(a.Country)
	for _, path := range a.Missing() {
		list = append(list, fault.Violation{Path: path, Code: fault.CodeBlank, Text: fault.Textf("This value should not be blank.")})
	}
	if a.PostCode.Valid {
		code, ok := rule.postCode(a.Country, a.PostCode.V)
		if a.PostCode.V = code; !ok {
			list = append(list, fault.Violation{Path: "postCode", Code: fault.CodeRegex,
				Text: fault.Textf("This is no postal code of the country. Example: %s.", rule.example())})
		}
	}
	return append(list, a.normalizeNumbers()...)
}

// Missing names the fields that the address lacks to be one of its country. Those that
// were stored before a rule, or were brought in, may lack some.
func (a *Address) Missing() (fields []string) {
	rule := addressRuleOf(a.Country)
	for _, f := range []struct {
		path   string
		part   null.Value[string]
		needed bool
	}{{"streetLine", a.StreetLine, true}, {"postCode", a.PostCode, rule.needsCode}, {"city", a.City, !rule.noCity}} {
		if f.needed && !f.part.Valid {
			fields = append(fields, f.path)
		}
	}
	return fields
}

// normalizeNumbers is normalize for what is no place.
func (a *Address) normalizeNumbers() (list []fault.Violation) {
	if a.PhoneNumber.Valid && !isPhone(a.PhoneNumber.V) {
		list = append(list, fault.Violation{Path: "phoneNumber", Code: fault.CodeRegex,
			Text: fault.Textf("This value is not a valid phone number. Example: %s.", "+351 213 000 000")})
	}
	if a.Email.Valid {
		if parsed, err := mail.ParseAddress(a.Email.V); err != nil || parsed.Address != a.Email.V || len(a.Email.V) > maxEmail {
			list = append(list, fault.Violation{Path: "email", Code: fault.CodeEmail, Text: fault.Textf("This value is not a valid email address.")})
		}
	}
	if a.TIN.Valid {
		number, _, ok := taxid.TIN(a.TIN.V, a.Country)
		if a.TIN.V = number; !ok {
			list = append(list, fault.Violation{Path: "tin", Code: fault.CodeRegex, Text: fault.Textf("This is not a valid tax number of the country.")})
		}
	}
	if a.VATNumber.Valid {
		number, _, ok := taxid.VAT(a.VATNumber.V, a.Country)
		if a.VATNumber.V = number; !ok {
			list = append(list, fault.Violation{Path: "vatNumber", Code: fault.CodeRegex, Text: fault.Textf("This is not a valid VAT number.")})
		}
	}
	return list
}

// maxEmail is the longest address that mail can be sent to, in octets (RFC 5321,
// 4.5.3.1.3, without the angle brackets).
const maxEmail = 254

// isPhone reports whether the text has 3 to 15 digits (ITU-T E.164) and nothing
// else than what people write between them.
func isPhone(text string) bool {
	digits := 0
	for i, r := range text {
		switch {
		case '0' <= r && r <= '9':
			digits++
		case r == '+' && i == 0, strings.ContainsRune(" -./()", r):
		default:
			return false
		}
	}
	return 3 <= digits && digits <= 15
}
