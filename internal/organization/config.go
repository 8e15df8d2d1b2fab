package organization

import (
	"time"

	"sede/internal/ident"
)

// Config is one setting of an organization.
type Config struct {
	ID           ident.ID
	Organization ident.ID
	Key          string
	Value        string
	Version      int64
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// The keys of settings.
const (
	KeyCurrency         = "currency"         // ISO 4217 code
	KeyLanguage         = "language"         // BCP 47 tag
	KeyLegalLanguage    = "legalLanguage"    // BCP 47 tag
	KeyTimeZone         = "timeZone"         // IANA name
	KeyDateFormat       = "dateFormat"       // Unicode date pattern
	KeyAmountFormat     = "amountFormat"     // locale whose amounts are written
	KeyWorkingDays      = "workingDays"      // ISO 8601 weekday numbers with commas
	KeyCompanyStartDate = "companyStartDate" // date
	KeyWebsite          = "website"          // URL
	KeyShortName        = "shortName"        // a few characters
)

// initial are the settings that a new organization starts with, in the order
// they are shown.
func initial(name string) []Config {
	return []Config{
		{Key: KeyCurrency, Value: "EUR"},
		{Key: KeyLanguage, Value: "en"},
		{Key: KeyLegalLanguage, Value: "en"},
		{Key: KeyTimeZone, Value: "UTC"},
		{Key: KeyDateFormat, Value: "yyyy-MM-dd"},
		{Key: KeyAmountFormat, Value: "en"},
		{Key: KeyWorkingDays, Value: "1,2,3,4,5"},
		{Key: KeyCompanyStartDate},
		{Key: KeyWebsite},
		{Key: KeyShortName, Value: shortName(name)},
	}
}

// shortName is the name itself, cut to 20 characters.
func shortName(name string) string {
	runes := []rune(name)
	return string(runes[:min(len(runes), 20)])
}
