// Package location keeps the places of an organization: offices, branches,
// sites, each with its opening hours on its own clock.
//
// Hours are whole hours from 0 to 24. Both null means that nothing is stated.
// Closing before opening means open overnight, e.g. 22 to 6; equal hours would
// say nothing and are refused.
package location

import (
	"time"

	"sede/internal/clock"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
)

// Location is one place.
type Location struct {
	ID              ident.ID
	Name            string
	OfficeOpenHour  null.Value[int64]
	OfficeCloseHour null.Value[int64]
	TimeZone        string // IANA name; empty until the organization's default fills it
	Country         null.Value[string]
	Address         null.Value[string]
	Version         int64
	CreatedAt       time.Time
	UpdatedAt       time.Time
}

// Validate returns the broken rules that involve more than one field.
func (l *Location) Validate() []fault.Violation {
	open, close := l.OfficeOpenHour, l.OfficeCloseHour
	switch {
	case open.Valid && !close.Valid:
		return []fault.Violation{{Path: "officeCloseHour", Text: fault.Textf("State both hours or none."), Code: fault.CodeNull}}
	case close.Valid && !open.Valid:
		return []fault.Violation{{Path: "officeOpenHour", Text: fault.Textf("State both hours or none."), Code: fault.CodeNull}}
	case open.Valid && open.V == close.V:
		return []fault.Violation{{Path: "officeCloseHour", Text: fault.Textf("The hours must differ. An office that never closes is open from 0 to 24."), Code: fault.CodeEqual}}
	}
	return nil
}

// checkTimeZone says what is wrong with a time zone's name. Empty is fine: the
// organization's own zone is taken then.
func checkTimeZone(name string) fault.Text {
	if name != "" && !clock.IsZone(name) {
		return fault.Textf("This value is not a valid timezone.")
	}
	return fault.Text{}
}
