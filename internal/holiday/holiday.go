// Package holiday tells the public holidays of countries, for those countries
// whose rules it knows. It looks at whole countries and knows no regions.
//
// A holiday that moves because it falls on a weekend is one on both days.
package holiday

import (
	"sync"
	"time"

	"github.com/rickar/cal/v2"
)

// Date is a day of the calendar, wherever on Earth.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf returns the day that the clock of t's own zone shows.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// AddDays returns the day n days later, earlier when n is negative.
func (d Date) AddDays(n int) Date {
	return DateOf(time.Date(d.Year, d.Month, d.Day+n, 0, 0, 0, 0, time.UTC))
}

// Before reports whether the day is before the other one.
func (d Date) Before(other Date) bool {
	if d.Year != other.Year {
		return d.Year < other.Year
	}
	if d.Month != other.Month {
		return d.Month < other.Month
	}
	return d.Day < other.Day
}

// Weekday returns the day of the week.
func (d Date) Weekday() time.Weekday {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Weekday()
}

// String returns the form of RFC 3339, such as 2030-01-02.
func (d Date) String() string {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
}

// Calendar knows the holidays and remembers those that were asked for. It is
// safe for concurrent use.
type Calendar struct {
	countries map[string][]*cal.Holiday
	years     sync.Map // countryYear -> map[Date]string
}

type countryYear struct {
	country string
	year    int
}

// New returns a Calendar.
func New() *Calendar { return &Calendar{countries: countries()} }

// Knows reports whether the rules of the country, an ISO 3166-1 code, are known.
func (c *Calendar) Knows(country string) bool { return len(c.countries[country]) > 0 }

// On returns the name of the country's holiday on that day, in a language of
// the country; false when the day is none or the country is not known.
func (c *Calendar) On(country string, day Date) (name string, ok bool) {
	if !c.Knows(country) {
		return "", false
	}
	name, ok = c.year(country, day.Year)[day]
	return name, ok
}

// year returns the holidays of a year. It remembers those that people plan for,
// and works others out every time, so that odd requests can't fill the memory.
func (c *Calendar) year(country string, year int) map[Date]string {
	key := countryYear{country, year}
	if known, ok := c.years.Load(key); ok {
		return known.(map[Date]string)
	}
	days := c.work(country, year)
	if year >= 2000 && year <= 2100 {
		c.years.Store(key, days)
	}
	return days
}

// work works out the holidays of a year.
func (c *Calendar) work(country string, year int) map[Date]string {
	days := map[Date]string{}
	for from := year - 1; from <= year+1; from++ { // New Year's Day may be kept in the year before
		for _, h := range c.countries[country] {
			actual, observed := h.Calc(from)
			for _, day := range []time.Time{actual, observed} {
				if day.IsZero() {
					continue
				}
				// Midnight of the machine's zone, or near it where there is none.
				if date := DateOf(day.Add(2 * time.Hour)); date.Year == year {
					days[date] = h.Name
				}
			}
		}
	}
	return days
}
