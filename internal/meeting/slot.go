package meeting

import (
	"slices"
	"time"

	"sede/internal/clock"
	"sede/internal/fault"
	"sede/internal/holiday"
	"sede/internal/ident"
)

// Slots are start times that a meeting can have.
type Slots struct {
	Meeting  ident.ID
	TimeZone string // IANA name of the clock that they follow
	Duration int64  // minutes that are free from each of them on
	Step     int64  // minutes
	List     []Slot // in order
	Days     []Day  // those that were looked at, in order
	More     bool   // there may be more start times after the last of these days
}

// Slot is one start time.
type Slot struct{ Time, Local time.Time }

// Day is a day of the window, on the clock that the slots follow.
type Day struct {
	Date   holiday.Date
	Slots  int64
	Reason string     // why it has none; empty when it has some
	Text   fault.Text // the same for people
}

// Why a day has no start time, beside what speaks against a time.
const (
	reasonPast     = "past"     // it is over
	reasonTooShort = "tooShort" // the office is open, but not for as long as the meeting takes
	reasonBusy     = "busy"     // the employee's other meetings leave no room
	reasonStep     = "step"     // there is room, but no step begins in it
)

// search looks for start times: the meeting fits into the window, into the
// office hours, and between other meetings. They lie on steps, which are counted
// on the wall clock from the hour at which the office opens. Each is in the
// future, unless the whole window is past.
type search struct {
	place  *place
	window interval
	length time.Duration
	step   int // minutes
	limit  int
	now    time.Time
}

// run returns the start times, up to the limit, and what became of each day that
// was looked at. others are the times that are taken, by their beginnings.
func (s *search) run(others []taken) (list []Slot, days []Day, more bool) {
	open := s.open()
	from := s.window.from
	if s.now.Before(s.window.to) && from.Before(s.now) {
		from = s.now
	}
	future := clip(open, interval{from, s.window.to})
	free := without(future, others)
	last := holiday.DateOf(s.window.to.Add(-1).In(s.place.zone))
	for date := holiday.DateOf(s.window.from.In(s.place.zone)); !last.Before(date); date = date.AddDays(1) {
		day := interval{read(s.place.zone, date, clockTime{}).first, read(s.place.zone, date.AddDays(1), clockTime{}).first}
		if !day.from.Before(day.to) {
			continue // a day that the zone skipped
		}
		before := len(list)
		list = s.startsIn(day, free, list)
		if len(list) > s.limit {
			list = list[:s.limit]
			if s.limit > before {
				days = append(days, Day{Date: date, Slots: int64(s.limit - before)})
			}
			return list, days, true
		}
		d := Day{Date: date, Slots: int64(len(list) - before)}
		if d.Slots == 0 {
			d.Reason, d.Text = s.why(date, day, open, future, free)
		}
		days = append(days, d)
	}
	return list, days, false
}

// open lists when people work in the window, and only what lies in it.
func (s *search) open() []interval { return clip(s.place.openIn(s.window), s.window) }

// startsIn adds the start times that lie in the day, up to one more than the
// limit.
func (s *search) startsIn(day interval, free []interval, list []Slot) []Slot {
	for _, room := range free {
		starts, ok := s.starts(day, room)
		if !ok {
			continue
		}
		for t := s.onStep(starts.from); !starts.to.Before(t); t = s.onStep(t.Add(time.Minute)) {
			list = append(list, Slot{Time: t.UTC(), Local: t})
			if len(list) > s.limit {
				return list
			}
		}
	}
	return list
}

// starts returns from when to when, both included, the meeting can begin on the
// day for it to be over when the room ends; false when it can't.
func (s *search) starts(day, room interval) (interval, bool) {
	latest := room.to.Add(-s.length)
	if !latest.Before(day.to) {
		latest = day.to.Add(-time.Second)
	}
	earliest := later(room.from, day.from)
	return interval{earliest, latest}, !latest.Before(earliest)
}

// onStep returns the first moment from t on at which the wall clock stands on a
// step.
func (s *search) onStep(t time.Time) time.Time {
	t = t.In(s.place.zone)
	for {
		hour, minute, second := t.Clock()
		off := ((hour-s.place.open)*60 + minute + minutesOfDay) % minutesOfDay % s.step
		if off == 0 && second == 0 {
			return t
		}
		next := t.Add(time.Duration(s.step-off)*time.Minute - time.Duration(second)*time.Second)
		if !sameOffset(t, next) {
			next = clock.NextChange(t).In(s.place.zone)
		}
		t = next
	}
}

const minutesOfDay = 24 * 60

// sameOffset reports whether the clock of their zone stands as far from UTC at
// both times.
func sameOffset(t, u time.Time) bool {
	_, offset := t.Zone()
	_, other := u.Zone()
	return offset == other
}

// why says why the day has no start time.
func (s *search) why(date holiday.Date, day interval, open, future, free []interval) (string, fault.Text) {
	fits := func(list []interval) bool {
		return slices.ContainsFunc(list, func(room interval) bool { _, ok := s.starts(day, room); return ok })
	}
	switch reason, name := s.place.dayOff(date); {
	case !touches(open, day) && reason == reasonHoliday:
		return reason, fault.Textf("%s is a public holiday: %s.", date.String(), name)
	case !touches(open, day) && reason != "":
		return reason, fault.Textf("%s is no working day.", date.String())
	case !touches(open, day):
		return reasonClosed, fault.Textf("The office is closed in what the window holds of %s.", date.String())
	case !fits(open):
		return reasonTooShort, fault.Textf("The office is not open for long enough on %s.", date.String())
	case !fits(future):
		return reasonPast, fault.Textf("It is too late for %s.", date.String())
	case !fits(free):
		return reasonBusy, fault.Textf("Other meetings leave no room on %s.", date.String())
	}
	return reasonStep, fault.Textf("No step of %d minutes begins where there is room on %s.", s.step, date.String())
}

// touches reports whether one of the intervals has time in common with the day.
func touches(list []interval, day interval) bool {
	return slices.ContainsFunc(list, day.overlaps)
}

// clip returns what of the intervals lies in the window.
func clip(list []interval, window interval) []interval {
	var kept []interval
	for _, i := range list {
		if i.overlaps(window) {
			kept = append(kept, interval{later(i.from, window.from), earlier(i.to, window.to)})
		}
	}
	return kept
}

// without returns what is left of the intervals when the taken time is cut out
// of them. Both are in the order of their beginnings; taken times may overlap.
func without(list []interval, others []taken) []interval {
	var left []interval
	for _, room := range list {
		from := room.from
		for len(others) > 0 && others[0].from.Before(room.to) {
			if from.Before(others[0].from) {
				left = append(left, interval{from, others[0].from})
			}
			from = later(from, others[0].to)
			if room.to.Before(others[0].to) {
				break // it reaches beyond this room
			}
			others = others[1:]
		}
		if from.Before(room.to) {
			left = append(left, interval{from, room.to})
		}
	}
	return left
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
