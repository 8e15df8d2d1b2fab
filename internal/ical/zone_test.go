package ical

import (
	"slices"
	"strings"
	"testing"
	"time"

	goical "github.com/emersion/go-ical"
	"github.com/teambition/rrule-go"
)

// zoneNames are zones whose clocks do all that clocks do: change by rules, by
// decrees, by half an hour, at midnight, for Ramadan, over a whole day, never.
var zoneNames = []string{"Europe/Lisbon", "Europe/Warsaw", "America/Sao_Paulo", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Casablanca",
	"Europe/Dublin", "America/New_York", "Asia/Jerusalem", "Africa/Cairo", "America/Santiago", "Pacific/Apia", "Asia/Tehran", "Antarctica/Troll", "UTC"}

func zoneOf(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// turn is a change of the clock as a reader of a VTIMEZONE understands it.
type turn struct {
	shown         time.Time // what the clock shows when it comes, in UTC
	before, after string
}

// turns reads all changes up to a year that a VTIMEZONE tells.
func turns(t *testing.T, component *goical.Component, until time.Time) (list []turn) {
	t.Helper()
	for _, child := range component.Children {
		text := func(name string) string {
			if p := child.Props.Get(name); p != nil {
				return p.Value
			}
			return ""
		}
		read := func(value string) time.Time {
			shown, err := time.Parse("20060102T150405", value)
			if err != nil {
				t.Fatal(err)
			}
			return shown
		}
		first := read(text(goical.PropDateTimeStart))
		onsets := []time.Time{first}
		if text(goical.PropRecurrenceRule) != "" {
			option, err := rrule.StrToROption(text(goical.PropRecurrenceRule))
			if err != nil {
				t.Fatal(err)
			}
			option.Dtstart, option.Until = first, until
			rule, err := rrule.NewRRule(*option)
			if err != nil {
				t.Fatal(err)
			}
			if onsets = rule.All(); !slices.Contains(onsets, first) && !first.After(until) {
				t.Fatalf("%s does not begin at its own beginning", text(goical.PropRecurrenceRule))
			}
		}
		for _, date := range child.Props.Values(goical.PropRecurrenceDates) {
			onsets = append(onsets, read(date.Value))
		}
		for _, shown := range onsets {
			list = append(list, turn{shown, text(goical.PropTimezoneOffsetFrom), text(goical.PropTimezoneOffsetTo)})
		}
	}
	slices.SortFunc(list, func(a, b turn) int { return a.shown.Compare(b.shown) })
	return list
}

// offsetAt is the offset that a reader of the changes finds for what a clock
// shows: that of the last change before it.
func offsetAt(list []turn, shown time.Time) string {
	found := ""
	for _, c := range list {
		if !c.shown.After(shown) {
			found = c.after
		}
	}
	return found
}

// TestZonesAreRight compares, every hour and a half over years, what a
// reader of the rules makes of a clock's time with what the zone itself does.
func TestZonesAreRight(t *testing.T) {
	t.Parallel()
	for _, name := range zoneNames {
		zone := zoneOf(t, name)
		for _, first := range []int{1985, 2009, 2026, 2035} {
			from := time.Date(first, 5, 17, 11, 0, 0, 0, zone)
			to := from.AddDate(3, 0, 0)
			list := turns(t, zoneComponent(zone, from, to), to.AddDate(2, 0, 0))
			for at := from; at.Before(to); at = at.Add(90 * time.Minute) {
				shown, seconds := wall(at)
				if again, _ := wall(at.Add(-2 * time.Hour)); !again.Equal(shown.Add(-2 * time.Hour)) {
					continue // a change was just now: the time may be shown twice
				}
				if got := offsetAt(list, shown); got != offset(seconds) {
					t.Fatalf("%s: at %s the rules say %s, want %s", name, at, got, offset(seconds))
				}
			}
		}
	}
}

func wall(at time.Time) (shown time.Time, seconds int) {
	_, seconds = at.Zone()
	return at.UTC().Add(time.Duration(seconds) * time.Second), seconds
}

// TestRulesStandForRules has zones with yearly rules tell them, for all years to
// come, and zones without name each change.
func TestRulesStandForRules(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Europe/Lisbon":       "DAYLIGHT +0000 +0100 FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU, STANDARD +0100 +0000 FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU",
		"Europe/Warsaw":       "DAYLIGHT +0100 +0200 FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU, STANDARD +0200 +0100 FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU",
		"Australia/Lord_Howe": "DAYLIGHT +1030 +1100 FREQ=YEARLY;BYMONTH=10;BYDAY=1SU, STANDARD +1100 +1030 FREQ=YEARLY;BYMONTH=4;BYDAY=1SU",
		"America/New_York":    "DAYLIGHT -0500 -0400 FREQ=YEARLY;BYMONTH=3;BYDAY=2SU, STANDARD -0400 -0500 FREQ=YEARLY;BYMONTH=11;BYDAY=1SU",
		"Asia/Kathmandu":      "STANDARD +0530 +0545",
		"America/Sao_Paulo":   "STANDARD -0200 -0300",
		"Africa/Casablanca":   "DAYLIGHT +0100 +0000 and 2, STANDARD +0000 +0100 and 2",
		"UTC":                 "STANDARD +0000 +0000",
	} {
		zone := zoneOf(t, name)
		from := time.Date(2030, 1, 7, 9, 0, 0, 0, zone)
		var got []string
		for _, child := range zoneComponent(zone, from, from.AddDate(0, 6, 0)).Children {
			text := child.Name + " " + child.Props.Get(goical.PropTimezoneOffsetFrom).Value + " " + child.Props.Get(goical.PropTimezoneOffsetTo).Value
			if rule := child.Props.Get(goical.PropRecurrenceRule); rule != nil {
				text += " " + rule.Value
			}
			if n := len(child.Props.Values(goical.PropRecurrenceDates)); n > 0 {
				text += " and " + string(rune('0'+n))
			}
			got = append(got, text)
		}
		slices.Sort(got)
		if text := strings.Join(got, ", "); text != want {
			t.Errorf("%s: %s, want %s", name, text, want)
		}
	}
}
