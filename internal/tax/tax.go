// Package tax says which value added tax an electronic service costs: at whose
// rate, and who owes it.
//
// Rates are the standard rates of the member states of the European Union and of
// the United Kingdom, each from the day it holds. A business in another member
// state that shows a VAT number owes the tax itself (reverse charge, Directive
// 2006/112/EC, articles 44 and 196); anybody else there pays the rate of their
// own country (article 58). Services to other countries are outside of the scope.
// A seller who is exempt as a small business (article 284) takes no tax of anybody.
package tax

import (
	"slices"
	"strings"
	"time"

	"sede/internal/money"
)

// Category is why a rate applies, as a code of UNCL 5305, the list that
// EN 16931 uses.
type Category string

// The categories.
const (
	Standard      Category = "S"
	Exempt        Category = "E"
	ReverseCharge Category = "AE"
	OutOfScope    Category = "O"
)

// Party is a seller or a buyer.
type Party struct {
	Country   string // ISO 3166-1 alpha-2
	VATNumber string // with its prefix, checked by whoever took it; empty: none
	Exempt    bool   // takes no tax as a seller, being a small business
}

// Treatment is what is owed on a sale.
type Treatment struct {
	Category Category
	Country  string // whose rate it is; empty when no tax is due
	Rate     int64  // in hundredths of a percent: 2300 is 23 %
}

// Of returns the tax of the net amount, rounded once.
func (t Treatment) Of(net int64) (int64, error) { return money.Share(net, t.Rate, whole) }

// whole is 100 % as a rate.
const whole = 10_000

// Treat says what is owed on a service that is sold at a time. Where no rate of
// the country is known for that day, the sale is out of scope. Of an exempt seller is
// exempt what would be taxed; a business elsewhere owes the tax all the same.
func Treat(seller, buyer Party, at time.Time) Treatment {
	t := treat(seller, buyer, at)
	if seller.Exempt && t.Category == Standard {
		return Treatment{Category: Exempt}
	}
	return t
}

func treat(seller, buyer Party, at time.Time) Treatment {
	switch {
	case buyer.Country == seller.Country:
		return standard(seller.Country, at)
	case !IsMember(seller.Country) || !IsMember(buyer.Country):
		return Treatment{Category: OutOfScope}
	case numberOf(buyer.VATNumber, buyer.Country):
		return Treatment{Category: ReverseCharge}
	}
	return standard(buyer.Country, at)
}

func standard(country string, at time.Time) Treatment {
	rate, ok := Rate(country, at)
	if !ok {
		return Treatment{Category: OutOfScope}
	}
	return Treatment{Category: Standard, Country: country, Rate: rate}
}

// numberOf reports whether the VAT number is one of the country. Greek numbers
// begin with EL.
func numberOf(number, country string) bool {
	if country == "GR" {
		country = "EL"
	}
	return len(number) > 4 && strings.HasPrefix(number, country)
}

// IsMember reports whether the country is a member state of the European Union.
func IsMember(country string) bool {
	return country != unitedKingdom && slices.ContainsFunc(rates, func(r rate) bool { return r.country == country })
}

const unitedKingdom = "GB"

// Rate returns the standard rate of the country on the day of the time in UTC;
// false when none is known.
func Rate(country string, at time.Time) (int64, bool) {
	day, found, known := at.UTC().Format(time.DateOnly), int64(0), false
	for _, r := range rates {
		if r.country == country && r.from <= day {
			found, known = r.rate, true
		}
	}
	return found, known
}

// rate is a standard rate of a country from a day on.
type rate struct {
	country string
	from    string // the first day, as YYYY-MM-DD
	rate    int64  // hundredths of a percent
}

// rates are ordered by country and day.
var rates = []rate{
	{"AT", "1984-01-01", 2000},
	{"BE", "1996-01-01", 2100},
	{"BG", "2007-01-01", 2000},
	{"CY", "2014-01-13", 1900},
	{"CZ", "2013-01-01", 2100},
	{"DE", "2007-01-01", 1900}, {"DE", "2020-07-01", 1600}, {"DE", "2021-01-01", 1900},
	{"DK", "1992-01-01", 2500},
	{"EE", "2009-07-01", 2000}, {"EE", "2024-01-01", 2200}, {"EE", "2025-07-01", 2400},
	{"ES", "2012-09-01", 2100},
	{"FI", "2013-01-01", 2400}, {"FI", "2024-09-01", 2550},
	{"FR", "2014-01-01", 2000},
	{"GB", "2011-01-04", 2000},
	{"GR", "2016-06-01", 2400},
	{"HR", "2013-07-01", 2500},
	{"HU", "2012-01-01", 2700},
	{"IE", "2012-01-01", 2300}, {"IE", "2020-09-01", 2100}, {"IE", "2021-03-01", 2300},
	{"IT", "2013-10-01", 2200},
	{"LT", "2009-09-01", 2100},
	{"LU", "2015-01-01", 1700}, {"LU", "2023-01-01", 1600}, {"LU", "2024-01-01", 1700},
	{"LV", "2012-07-01", 2100},
	{"MT", "2004-05-01", 1800},
	{"NL", "2012-10-01", 2100},
	{"PL", "2011-01-01", 2300},
	{"PT", "2011-01-01", 2300},
	{"RO", "2017-01-01", 1900}, {"RO", "2025-08-01", 2100},
	{"SE", "1990-07-01", 2500},
	{"SI", "2013-07-01", 2200},
	{"SK", "2011-01-01", 2000}, {"SK", "2025-01-01", 2300},
}
