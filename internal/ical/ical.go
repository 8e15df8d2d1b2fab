// Package ical writes and reads calendars in the format iCalendar (RFC 5545,
// with names and refresh intervals of RFC 7986 and parameters as in RFC 6868).
//
// Written calendars carry the rules of every time zone that they name, so that a
// reader needs no data of its own. What is read may come from anybody: it is
// bounded in size, depth and number, and what can't be read is named by its line.
package ical

import "time"

// Status says how certain an event is (RFC 5545, 3.8.1.11).
type Status string

// The states.
const (
	Tentative Status = "TENTATIVE"
	Confirmed Status = "CONFIRMED"
	Cancelled Status = "CANCELLED"
)

// The methods by which calendars are sent to people (RFC 5546, 1.4).
const (
	Request = "REQUEST" // asks to come, or says that things have changed
	Cancel  = "CANCEL"  // takes it back
)

// Calendar is a set of events to be written.
type Calendar struct {
	Method  string         // empty: it is not sent, but looked at
	Name    string         // for people; empty: none
	Refresh time.Duration  // how often it is worth looking again; 0: not said
	Zone    *time.Location // stands in a calendar without events, which needs some content
	Events  []Event
}

// Event is one event. Its times are told on the clocks of their zones.
type Event struct {
	UID         string // the same for ever (RFC 7986, 5.3)
	Sequence    int64  // grows with every change that attendees must notice (RFC 5545, 3.8.7.4)
	Status      Status
	Free        bool // takes nobody's time
	Private     bool
	From, To    time.Time // half-open
	Summary     string
	Description string
	Location    string
	Organizer   Person // the zero Person: not said
	Attendee    Person
	Stamp       time.Time // when this was written; the zero Time: Changed
	Created     time.Time
	Changed     time.Time
}

// Person is somebody with a mail address.
type Person struct{ Name, Email string }
