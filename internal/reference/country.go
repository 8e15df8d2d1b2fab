package reference

import (
	"fmt"
	"slices"
	"strings"

	"github.com/biter777/countries"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"sede/internal/null"
)

// Country is one country or territory with a code of its own.
type Country struct {
	ID          string             // ISO 3166-1 alpha-2
	Alpha3      string             // ISO 3166-1 alpha-3
	Numeric     string             // ISO 3166-1 numeric, three digits
	Currency    null.Value[string] // ISO 4217; nothing in Antarctica
	CallingCode string             // ITU-T E.164, with the plus sign
	position    int                // in the atlas
}

// atlas is all countries, ordered by id.
type atlas struct {
	list  []Country
	byID  map[string]*Country
	names perReader[[]string] // by position
}

func newAtlas() *atlas {
	a := &atlas{byID: map[string]*Country{}}
	for _, c := range countries.All() {
		if id := c.Alpha2(); !unassigned(id) {
			a.list = append(a.list, Country{ID: id, Alpha3: c.Alpha3(), Numeric: fmt.Sprintf("%03d", int64(c)),
				Currency: currencyOf(c), CallingCode: callingCodeOf(c)})
		}
	}
	slices.SortFunc(a.list, func(a, b Country) int { return strings.Compare(a.ID, b.ID) })
	for i := range a.list {
		a.list[i].position = i
		a.byID[a.list[i].ID] = &a.list[i]
	}
	a.names.make = a.namesFor
	return a
}

// name returns the country's name in the reader's language.
func (a *atlas) name(c *Country, reader language.Tag) string { return a.names.of(reader)[c.position] }

func (a *atlas) namesFor(reader language.Tag) []string {
	namer, english := display.Regions(reader), display.Regions(language.English)
	names := make([]string, len(a.list))
	for i := range a.list {
		region := language.MustParseRegion(a.list[i].ID)
		if namer != nil {
			names[i] = namer.Name(region)
		}
		if renamed := renamed(a.list[i].ID, reader); renamed != "" {
			names[i] = renamed
		}
		if names[i] == "" {
			names[i] = english.Name(region)
		}
	}
	return names
}

// value returns the fields by which countries are filtered and ordered.
func (a *atlas) value(reader language.Tag) value[Country] {
	names := a.names.of(reader)
	return func(c *Country, field string) null.Value[string] {
		switch field {
		case "id":
			return null.Of(c.ID)
		case "name":
			return null.Of(names[c.position])
		case "alpha3":
			return null.Of(c.Alpha3)
		case "numericCode":
			return null.Of(c.Numeric)
		case "currency":
			return c.Currency
		case "callingCode":
			return null.Of(c.CallingCode)
		}
		return null.Value[string]{}
	}
}

// unassigned reports whether the code of the library is none of ISO 3166-1: the
// states that are no more, and Kosovo, whose code is user-assigned.
func unassigned(id string) bool { return id == "AN" || id == "YU" || id == "XK" }

// currencyOf returns the currency of ISO 4217 that is legal tender. The cases
// are changes that the library's data does not have yet.
func currencyOf(c countries.CountryCode) null.Value[string] {
	switch c.Alpha2() {
	case "AQ":
		return null.Value[string]{}
	case "BG":
		return null.Of("EUR") // since 2026
	case "CU":
		return null.Of("CUP") // CUC until 2021
	case "CW", "SX":
		return null.Of("XCG") // ANG until 2025
	case "SL":
		return null.Of("SLE") // SLL until 2024
	case "SV":
		return null.Of("USD") // SVC until 2001
	case "UY":
		return null.Of("UYU") // UYI is a unit of account
	case "ZW":
		return null.Of("ZWG") // ZWL until 2024
	}
	return null.Of(c.Currency().Alpha())
}

// callingCodeOf returns the country code of E.164, which may be shared: +1 for
// all of the North American plan. The library's data has area codes behind it.
func callingCodeOf(c countries.CountryCode) string {
	switch c.Alpha2() {
	case "AW":
		return "+297"
	case "CC":
		return "+61"
	case "HM":
		return "+672" // as the other external territories of Australia
	case "TF":
		return "+262"
	}
	number := c.CallCodes()[0].String()
	return number[:1+countryCodeLength(number[1:])]
}

// countryCodeLength is how many digits of a number are its country code.
func countryCodeLength(number string) int {
	switch number[0] {
	case '1', '7':
		return 1
	}
	const twoDigits = "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 " +
		"60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 "
	if strings.Contains(twoDigits, number[:2]+" ") {
		return 2
	}
	return 3
}

// renamed returns the names of countries that have changed since the CLDR data
// of golang.org/x/text, in the languages that sede itself speaks; empty for all
// others.
func renamed(id string, reader language.Tag) string {
	base, _ := reader.Base()
	switch id + " " + base.String() {
	case "MK en":
		return "North Macedonia"
	case "MK pl":
		return "Macedonia Północna"
	case "MK pt":
		if reader == language.EuropeanPortuguese {
			return "Macedónia do Norte"
		}
		return "Macedônia do Norte"
	case "SZ en", "SZ pl":
		return "Eswatini"
	case "SZ pt":
		return "Essuatíni"
	case "TR en":
		return "Türkiye"
	}
	return ""
}
