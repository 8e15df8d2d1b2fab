package organization

import (
	"strings"
	"time"

	"sede/internal/ident"
	"sede/internal/null"
)

// Config is one setting of an organization. Keys are the ones below, at most one
// of each; the value of one that was removed is its default again.
type Config struct {
	ID           ident.ID
	Organization ident.ID
	Key          string
	Value        string // canonical; empty: set to nothing
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
	KeyAmountFormat     = "amountFormat"     // BCP 47 tag of the locale whose amounts are written
	KeyWorkingDays      = "workingDays"      // ISO 8601 weekday numbers with commas
	KeyCompanyStartDate = "companyStartDate" // date
	KeyWebsite          = "website"          // URL
	KeyShortName        = "shortName"        // a few characters
)

// initial are the settings that a new organization starts with, in the order
// they are shown.
func initial(name string) []Config {
	list := make([]Config, len(configRules))
	for i, r := range configRules {
		list[i] = Config{Key: r.key, Value: r.initial}
		if r.key == KeyShortName {
			list[i].Value = shortName(name)
		}
	}
	return list
}

// shortName is the name itself, cut to 20 characters.
func shortName(name string) string {
	runes := []rune(strings.TrimSpace(name))
	return strings.TrimSpace(string(runes[:min(len(runes), maxShortName)]))
}

// Settings are all settings of an organization, with the defaults where there is
// none.
type Settings struct {
	Currency         string // ISO 4217
	Language         string // BCP 47
	LegalLanguage    string // BCP 47, of contracts and invoices
	TimeZone         string // IANA
	DateFormat       string // Unicode TS 35
	AmountFormat     string // BCP 47
	WorkingDays      []time.Weekday
	CompanyStartDate null.Value[time.Time] // midnight UTC
	Website          string                // empty: none
	ShortName        string
}

// settingsOf reads the stored values of an organization with that name.
func settingsOf(name string, values map[string]string) Settings {
	of := func(key string) string {
		if value, ok := values[key]; ok {
			return value
		}
		return configRuleOf(key).initial
	}
	s := Settings{
		Currency: of(KeyCurrency), Language: of(KeyLanguage), LegalLanguage: of(KeyLegalLanguage), TimeZone: of(KeyTimeZone),
		DateFormat: of(KeyDateFormat), AmountFormat: of(KeyAmountFormat), WorkingDays: workingDays(of(KeyWorkingDays)),
		Website: of(KeyWebsite), ShortName: of(KeyShortName),
	}
	if s.ShortName == "" {
		s.ShortName = shortName(name)
	}
	if date, err := time.Parse(time.DateOnly, of(KeyCompanyStartDate)); err == nil {
		s.CompanyStartDate = null.Of(date)
	}
	return s
}

// workingDays reads a canonical list of weekday numbers, Monday first.
func workingDays(value string) []time.Weekday {
	var days []time.Weekday
	for _, number := range strings.Split(value, ",") {
		if len(number) == 1 && '1' <= number[0] && number[0] <= '7' {
			days = append(days, time.Weekday((number[0]-'0')%7))
		}
	}
	return days
}
