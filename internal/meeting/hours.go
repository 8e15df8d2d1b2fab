package meeting

import (
	"slices"
	"time"

	"sede/internal/fault"
	"sede/internal/holiday"
)

// place is when people work at a location: on its clock, in its hours, on the
// organization's working days that are no public holiday of its country.
//
// The hours that begin on a day are that day's, however long into the next they
// last. They don't begin on a day off, and end at midnight when a holiday
// follows. Where no hours are stated the whole day counts.
type place struct {
	zone        *time.Location
	stated      bool // the hours are
	open, close int  // whole hours; close before open: the next day
	country     string
	workdays    weekdays
	holidays    *holiday.Calendar
}

// weekdays is a set of days of the week, by their time.Weekday.
type weekdays uint8

// everyDay holds all days of the week.
const everyDay weekdays = 1<<7 - 1

func (w weekdays) has(day time.Weekday) bool { return w&(1<<day) != 0 }

// weekdaysOf returns the set of the days.
func weekdaysOf(days []time.Weekday) weekdays {
	var w weekdays
	for _, day := range days {
		w |= 1 << day
	}
	return w
}

// Why nobody works on a day, or why a time does not suit.
const (
	reasonHoliday    = "holiday"       // a public holiday of the location's country
	reasonNotWorking = "notWorkingDay" // no working day of the organization
	reasonClosed     = "closed"        // outside the location's office hours
)

// dayOff returns why nobody works on the day; empty when people do.
func (p *place) dayOff(day holiday.Date) (reason, name string) {
	if name, is := p.holidays.On(p.country, day); is {
		return reasonHoliday, name
	}
	if !p.workdays.has(day.Weekday()) {
		return reasonNotWorking, ""
	}
	return "", ""
}

// shift returns the hours that begin on the day, whether or not it is a day off.
func (p *place) shift(day holiday.Date) interval {
	open, close, ends := p.open, p.close, day
	if !p.stated {
		open, close = 0, 24
	}
	if close < open {
		ends = day.AddDays(1)
	}
	return interval{read(p.zone, day, clockTime{hour: open}).first, read(p.zone, ends, clockTime{hour: close}).first}
}

// hours returns the hours that begin on the day, none on a day off.
func (p *place) hours(day holiday.Date) (interval, bool) {
	if reason, _ := p.dayOff(day); reason != "" {
		return interval{}, false
	}
	hours := p.shift(day)
	next := day.AddDays(1)
	if _, is := p.holidays.On(p.country, next); is {
		if midnight := read(p.zone, next, clockTime{}).first; midnight.Before(hours.to) {
			hours.to = midnight
		}
	}
	return hours, hours.from.Before(hours.to)
}

// openIn lists when people work in the stretch of time, in order. Hours that follow
// on each other without a break are one interval.
func (p *place) openIn(window interval) []interval {
	var list []interval
	last := holiday.DateOf(window.to.In(p.zone))
	for day := holiday.DateOf(window.from.In(p.zone)).AddDays(-1); !last.Before(day); day = day.AddDays(1) {
		hours, ok := p.hours(day)
		if !ok || !hours.overlaps(window) {
			continue
		}
		if n := len(list); n > 0 && !list[n-1].to.Before(hours.from) {
			list[n-1].to = later(list[n-1].to, hours.to)
			continue
		}
		list = append(list, hours)
	}
	return list
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// against says what speaks against the time.
func (p *place) against(busy interval) []Warning {
	if slices.ContainsFunc(p.openIn(busy), func(hours interval) bool {
		return !busy.from.Before(hours.from) && !busy.to.After(hours.to)
	}) {
		return nil
	}
	first, last := holiday.DateOf(busy.from.In(p.zone)), holiday.DateOf(busy.to.Add(-1).In(p.zone))
	for _, day := range []holiday.Date{first, last} {
		if name, is := p.holidays.On(p.country, day); is {
			return []Warning{{reasonHoliday, fault.Textf("%s is a public holiday: %s.", day.String(), name)}}
		}
	}
	if !p.workdays.has(first.Weekday()) {
		return []Warning{{reasonNotWorking, fault.Textf("%s is no working day.", first.String())}}
	}
	return []Warning{{reasonClosed, fault.Textf("The time lies outside the location's office hours.")}}
}
