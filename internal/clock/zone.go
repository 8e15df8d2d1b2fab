package clock

import "time"

// NextChange returns when the clock of t's zone changes next: when its offset,
// its name or whether it is summer time does. The zero Time: it never does.
//
// time.Time.ZoneBounds does not say so alone: beyond the table of a zone it also
// ends at the end of a year, and in the last day of a leap year a day too early.
func NextChange(t time.Time) time.Time {
	for last := t.AddDate(horizon, 0, 0); t.Before(last); {
		_, end := t.ZoneBounds()
		if end.IsZero() {
			return time.Time{}
		}
		if !end.After(t) {
			end = t.Truncate(day).Add(day)
		}
		if changes(end) {
			return end
		}
		t = end
	}
	return time.Time{}
}

// LastChange returns when the clock of t's zone changed last, up to t itself. The
// zero Time: it never did.
func LastChange(t time.Time) time.Time {
	for first := t.AddDate(-horizon, 0, 0); first.Before(t); {
		start, _ := t.ZoneBounds()
		if start.IsZero() {
			return time.Time{}
		}
		if changes(start) {
			return start
		}
		t = start.Add(-time.Second)
	}
	return time.Time{}
}

const (
	day     = 24 * time.Hour
	horizon = 200 // years; no zone waits longer for a change
)

// changes reports whether the clock shows something else at t than just before.
func changes(t time.Time) bool {
	before := t.Add(-time.Second)
	was, wasOffset := before.Zone()
	is, offset := t.Zone()
	return was != is || wasOffset != offset || before.IsDST() != t.IsDST()
}
