package organization

import (
	"time"

	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
)

// Organizations that are there to try things out have a clock that can be set ahead:
// trials end, periods are renewed, invoices become due, invitations and consents
// expire, all in the order of their times, and in no other organization.

const (
	mostAtOnce = 366 * 24 * time.Hour
	mostAhead  = 10 * mostAtOnce
)

// Clock is what the clock of an organization shows.
type Clock struct {
	Organization ident.ID
	Now          time.Time
	Ahead        int64 // seconds, of the instance's clock
	Adjustable   bool  // it can be set ahead
}

// ClockChange says how far a clock is set ahead: to a time, or by days.
type ClockChange struct {
	To   null.Value[time.Time]
	Days null.Value[int64]
}

// adjustable reports whether the organization's clock can be set.
func (o *Organization) adjustable() bool { return o.Type == Demo || o.Type == Sandbox }

// target is the time that a clock is to show, which shows now and is ahead by
// something.
func (c *ClockChange) target(now time.Time, ahead time.Duration) (time.Time, error) {
	path, to := "to", c.To.V.UTC().Truncate(time.Second)
	switch {
	case c.To.Valid == c.Days.Valid:
		return to, fault.Broken(fault.Violation{Path: "to", Text: fault.Textf(`Give either "to" or "days".`)})
	case c.Days.Valid:
		path, to = "days", now.Truncate(time.Second).AddDate(0, 0, int(min(max(c.Days.V, -1), 1000)))
	}
	switch {
	case to.Before(now.Truncate(time.Second)):
		return to, fault.Broken(fault.Violation{Path: path, Code: fault.CodeTooLow, Text: fault.Textf("The clock can't be set back.")})
	case to.Sub(now) > mostAtOnce:
		return to, fault.Broken(fault.Violation{Path: path, Code: fault.CodeTooHigh, Text: fault.Textf("The clock can be set ahead by %d days at once.", int(mostAtOnce/(24*time.Hour)))})
	case to.Sub(now)+ahead > mostAhead:
		return to, fault.Broken(fault.Violation{Path: path, Code: fault.CodeTooHigh, Text: fault.Textf("The clock can't be more than ten years ahead.")})
	}
	return to, nil
}
