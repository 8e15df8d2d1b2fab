package holiday_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sede/internal/holiday"
)

// The holidays of 2026 that fall on a day from Monday to Friday, as the
// countries publish them.
var published = map[string]string{
	"PT": "01-01 04-03 05-01 06-04 06-10 10-05 12-01 12-08 12-25",
	"PL": "01-01 01-06 04-06 05-01 06-04 11-11 12-24 12-25",
	"GB": "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28",
	"ES": "01-01 01-06 04-03 05-01 10-12 12-08 12-25",
	"DE": "01-01 04-03 04-06 05-01 05-14 05-25 12-25",
	"FR": "01-01 04-06 05-01 05-08 05-14 05-25 07-14 11-11 12-25",
	"AU": "01-01 01-26 04-03 04-06 12-25",
	"CH": "01-01 05-14 12-25",
}

func TestHolidaysOfCountries(t *testing.T) {
	c := holiday.New()
	for country, want := range published {
		var got []string
		for day := (holiday.Date{Year: 2026, Month: time.January, Day: 1}); day.Year == 2026; day = day.AddDays(1) {
			name, ok := c.On(country, day)
			if ok && name == "" {
				t.Errorf("%s: the holiday of %s has no name", country, day)
			}
			if weekday := day.Weekday(); ok && weekday != time.Saturday && weekday != time.Sunday {
				got = append(got, day.String()[5:])
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", country, got, want)
		}
	}
}

// Where a holiday falls on a weekend, the day that is given for it is one too,
// also when that lies in another year.
func TestDaysGivenForWeekends(t *testing.T) {
	c := holiday.New()
	for _, text := range []string{"GB 2021-12-27", "GB 2021-12-28", "GB 2022-01-03", "US 2021-12-31"} {
		country, date, _ := strings.Cut(text, " ")
		at, err := time.Parse(time.DateOnly, date)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := c.On(country, holiday.DateOf(at)); !ok {
			t.Errorf("%s is no holiday", text)
		}
	}
}

// Every country that is known has holidays in every year, and those of years
// far away can be asked for too.
func TestEveryCountryHasHolidays(t *testing.T) {
	c := holiday.New()
	known := 0
	for _, a := range "ABCDEFGHIJKLMNOPQRSTUVWXYZ" {
		for _, b := range "ABCDEFGHIJKLMNOPQRSTUVWXYZ" {
			country := string(a) + string(b)
			if !c.Knows(country) {
				continue
			}
			known++
			for _, year := range []int{1, 1999, 2030, 2100, 2101, 9999} {
				days := 0
				for day := (holiday.Date{Year: year, Month: time.January, Day: 1}); day.Year == year; day = day.AddDays(1) {
					if _, ok := c.On(country, day); ok {
						days++
					}
				}
				if year >= 1999 && days < 3 {
					t.Errorf("%s has %d holidays in %d", country, days, year)
				}
			}
		}
	}
	if known < 45 {
		t.Errorf("%d countries are known", known)
	}
	if c.Knows("") || c.Knows("XX") || c.Knows("pt") {
		t.Error("knows what is no country")
	}
}

func TestDate(t *testing.T) {
	day := holiday.Date{Year: 2024, Month: time.February, Day: 28}
	var got []string
	for i := range 3 {
		got = append(got, fmt.Sprint(day.AddDays(i), " ", day.AddDays(i).Weekday()))
	}
	if want := []string{"2024-02-28 Wednesday", "2024-02-29 Thursday", "2024-03-01 Friday"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
