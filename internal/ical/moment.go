package ical

import (
	"strings"
	"time"

	goical "github.com/emersion/go-ical"
)

// moment is a time as a file tells it.
type moment struct {
	time  time.Time // when it is
	shown time.Time // what the clock shows, in UTC
	zone  *time.Location
	utc   bool
	date  bool // a whole day
}

// moment reads a date or a date with a time (RFC 5545, 3.3.4 and 3.3.5).
func (e *expansion) moment(p *goical.Prop) (m moment, problem Problem, detail string) {
	m.zone = e.zone
	value := strings.TrimSpace(p.Value)
	layout := "20060102T150405"
	switch {
	case len(value) == len("20060102") || strings.EqualFold(p.Params.Get(goical.ParamValue), "DATE"):
		m.date, layout = true, "20060102"
	case strings.HasSuffix(value, "Z"):
		m.utc, m.zone, value = true, time.UTC, strings.TrimSuffix(value, "Z")
	default:
		if id := p.Params.Get(goical.PropTimezoneID); id != "" {
			if m.zone = e.zoneOf(id); m.zone == nil {
				return m, UnknownZone, short(id)
			}
		}
	}
	shown, err := time.Parse(layout, value)
	if err != nil || shown.Year() < 1 {
		return m, Malformed, p.Name + ": " + short(value)
	}
	m.shown = shown
	m.time = resolve(shown, m.zone)
	return m, "", ""
}

// zoneOf returns the zone of a TZID: an IANA name, as it stands, behind a prefix
// that makes it unique in the world (RFC 5545, 3.2.19), or as the file's own
// VTIMEZONE tells it. nil: nobody knows it.
func (e *expansion) zoneOf(id string) *time.Location {
	names := []string{id, e.zones[id]}
	if parts := strings.Split(strings.Trim(id, "/"), "/"); len(parts) > 2 {
		names = append(names, strings.Join(parts[len(parts)-2:], "/"), strings.Join(parts[len(parts)-3:], "/"))
	}
	for _, name := range names {
		if name == "" || name == "Local" || strings.Contains(name, "..") {
			continue
		}
		if zone, err := time.LoadLocation(name); err == nil {
			return zone
		}
	}
	return nil
}

// resolve returns when a clock shows the time: the first moment of two, and
// what the offset before the change makes of a time that it skips (RFC 5545,
// 3.3.5).
func resolve(shown time.Time, zone *time.Location) time.Time {
	at := func(near time.Time) (time.Time, bool) {
		_, offset := near.In(zone).Zone()
		t := shown.Add(-time.Duration(offset) * time.Second).In(zone)
		return t, asShown(t).Equal(shown)
	}
	// No zone changes twice within two days.
	before, isBefore := at(shown.Add(-26 * time.Hour))
	after, isAfter := at(shown.Add(26 * time.Hour))
	switch {
	case isBefore && isAfter && after.Before(before):
		return after
	case isBefore || !isAfter:
		return before
	}
	return after
}

// asShown returns in UTC what the clock at t's zone shows.
func asShown(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.Add(time.Duration(offset) * time.Second).UTC()
}

// stamp writes a moment as an id of an occurrence.
func stamp(t time.Time) string { return t.UTC().Format("20060102T150405Z") }
