package meeting

import (
	"sync"
	"time"

	"sede/internal/clock"
	"sede/internal/holiday"
)

// zones remembers the time zones that were loaded, since each costs reading a
// file. It is safe for concurrent use.
type zones struct{ known sync.Map }

// load returns the zone of that IANA name, UTC for a name that this machine does
// not know.
func (z *zones) load(name string) *time.Location {
	if zone, ok := z.known.Load(name); ok {
		return zone.(*time.Location)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	z.known.Store(name, zone)
	return zone
}

// clockTime is what a wall clock says of a day.
type clockTime struct{ hour, minute, second int }

// reading is when a wall clock shows a time.
type reading struct {
	times int       // how often: 1, or 2 where clocks go back, or 0 where they go forward
	first time.Time // the first moment; without one, that of the change
	last  time.Time // the last moment; without one, what the offset before the change makes of it
}

// read finds out when the zone's clock shows the time on the day. The hour may
// be 24.
func read(zone *time.Location, day holiday.Date, at clockTime) reading {
	shown := time.Date(day.Year, day.Month, day.Day, at.hour, at.minute, at.second, 0, time.UTC)
	// No zone changes twice within two days.
	first, last := moment(zone, shown, shown.Add(-26*time.Hour)), moment(zone, shown, shown.Add(26*time.Hour))
	if last.Before(first) {
		first, last = last, first
	}
	isFirst, isLast := shows(first, shown), shows(last, shown)
	switch {
	case isFirst && isLast && first.Equal(last):
		return reading{1, first, last}
	case isFirst && isLast:
		return reading{2, first, last}
	case isFirst:
		return reading{1, first, first}
	case isLast:
		return reading{1, last, last}
	}
	return reading{0, clock.NextChange(first), last}
}

// moment is when the clock shows the time if it has the offset that it has near
// another moment.
func moment(zone *time.Location, shown, near time.Time) time.Time {
	_, offset := near.In(zone).Zone()
	return shown.Add(-time.Duration(offset) * time.Second).In(zone)
}

// shows reports whether the clock at t's zone shows what shown has in UTC.
func shows(t, shown time.Time) bool {
	_, offset := t.Zone()
	return t.Add(time.Duration(offset) * time.Second).Equal(shown)
}
