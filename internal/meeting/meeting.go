// Package meeting keeps what is planned with employees.
//
// A meeting has a window, half-open from dateFrom to dateTo, in which it takes
// place. Until its time is set it is proposed. Then it is scheduled: it occupies
// [time, time + duration), cut at the end of the window, and its employee has no
// other scheduled meeting in that time, unless it allows to overlap. Deleting a
// meeting cancels it; it is gone 30 days later.
//
// Members see and plan their own meetings: those of the employee they are linked
// to. Owners and admins plan all, and billing reads all.
package meeting

import (
	"time"

	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
)

// The states of a meeting, which follow from its fields.
const (
	Proposed  = "proposed"  // somewhere in its window
	Scheduled = "scheduled" // at its time
	Cancelled = "cancelled" // takes place no more
)

// DefaultDuration is the duration of a meeting that states none, in minutes.
const DefaultDuration = 60

// maxWindow is the longest window.
const maxWindow = 366 * 24 * time.Hour

// Terms are what people agree on.
type Terms struct {
	Employee     null.Value[ident.ID] // null: not assigned yet
	DateFrom     time.Time
	DateTo       time.Time
	Notes        null.Value[string]
	Time         null.Value[time.Time]
	Duration     int64 // minutes
	AllowOverlap bool
	Location     null.Value[ident.ID]
}

// Meeting is one meeting.
type Meeting struct {
	ID ident.ID
	Terms
	Sequence    int64 // grows when attendees must take notice (RFC 5545, 3.8.7.4)
	CancelledAt null.Value[time.Time]
	Version     int64
	CreatedAt   time.Time
	UpdatedAt   time.Time

	// Conflicts are other meetings of the employee with overlapping windows.
	Conflicts []ident.ID
	// Warnings say what speaks against the time.
	Warnings []Warning
}

// Warning is something that speaks against a meeting's time and does not forbid
// it.
type Warning struct {
	Code string
	Text fault.Text
}

// Status returns the state of the meeting.
func (m *Meeting) Status() string {
	switch {
	case m.CancelledAt.Valid:
		return Cancelled
	case m.Time.Valid:
		return Scheduled
	}
	return Proposed
}

// Busy returns the time that a scheduled meeting occupies; ok is false for
// others.
func (m *Meeting) Busy() (from, to time.Time, ok bool) {
	if m.Status() != Scheduled {
		return from, to, false
	}
	return m.occupied()
}

// occupied is Busy for a meeting in any state: what it would occupy.
func (t *Terms) occupied() (from, to time.Time, ok bool) {
	if !t.Time.Valid {
		return from, to, false
	}
	to = t.Time.V.Add(time.Duration(t.Duration) * time.Minute)
	if to.After(t.DateTo) {
		to = t.DateTo
	}
	return t.Time.V, to, true
}

// Validate returns the broken rules that involve more than one field.
func (t *Terms) Validate() []fault.Violation {
	switch length := t.DateTo.Sub(t.DateFrom); {
	case length <= 0:
		return []fault.Violation{{Path: "dateTo", Text: fault.Textf("The window must end after it begins."), Code: fault.CodeTooLow}}
	case length > maxWindow:
		return []fault.Violation{{Path: "dateTo", Text: fault.Textf("The window may be up to %d days long.", int(maxWindow.Hours()/24)), Code: fault.CodeTooHigh}}
	case t.Time.Valid && (t.Time.V.Before(t.DateFrom) || !t.Time.V.Before(t.DateTo)):
		return []fault.Violation{{Path: "time", Text: fault.Textf("The time must lie inside the window, before its end."), Code: fault.CodeRange}}
	}
	return nil
}

// moved reports whether the meeting changes so that attendees must take notice.
func (t *Terms) moved(before *Terms) bool {
	return t.DateFrom != before.DateFrom || t.DateTo != before.DateTo || t.Time != before.Time ||
		t.Duration != before.Duration || t.Location != before.Location || t.Employee != before.Employee
}

// claims reports whether the change asks for time that may be another's: then
// others must be looked for.
func (t *Terms) claims(before *Terms) bool {
	from, to, is := t.occupied()
	wasFrom, wasTo, was := before.occupied()
	if !is || !t.Employee.Valid || t.AllowOverlap {
		return false
	}
	within := was && !from.Before(wasFrom) && !to.After(wasTo)
	return !within || t.Employee != before.Employee || before.AllowOverlap
}
