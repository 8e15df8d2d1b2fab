package meeting

import (
	"testing"
	"time"

	"sede/internal/holiday"
)

// zoneNames are zones that do what clocks can do: the usual hour in Lisbon and
// Warsaw, once at midnight in São Paulo, half an hour on Lord Howe, back for
// Ramadan in Casablanca, never in Kathmandu with its odd offset, and a whole day
// in Apia.
var zoneNames = []string{"Europe/Lisbon", "Europe/Warsaw", "America/Sao_Paulo", "Australia/Lord_Howe", "Africa/Casablanca",
	"Asia/Kathmandu", "Pacific/Apia", "UTC"}

func zoneOf(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestReadings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		zone, shown string
		times       int
		first, last string // UTC
	}{
		{"Europe/Lisbon", "2030-03-31 00:59", 1, "2030-03-31 00:59", "2030-03-31 00:59"},
		{"Europe/Lisbon", "2030-03-31 01:30", 0, "2030-03-31 01:00", "2030-03-31 01:30"},
		{"Europe/Lisbon", "2030-03-31 02:00", 1, "2030-03-31 01:00", "2030-03-31 01:00"},
		{"Europe/Lisbon", "2030-10-27 01:30", 2, "2030-10-27 00:30", "2030-10-27 01:30"},
		{"Europe/Lisbon", "2030-10-27 02:00", 1, "2030-10-27 02:00", "2030-10-27 02:00"},
		{"Europe/Warsaw", "2030-03-31 02:00", 0, "2030-03-31 01:00", "2030-03-31 01:00"},
		{"Europe/Warsaw", "2030-10-27 02:59", 2, "2030-10-27 00:59", "2030-10-27 01:59"},
		{"America/Sao_Paulo", "2018-11-04 00:00", 0, "2018-11-04 03:00", "2018-11-04 03:00"}, // midnight does not exist
		{"America/Sao_Paulo", "2018-11-04 01:00", 1, "2018-11-04 03:00", "2018-11-04 03:00"},
		{"America/Sao_Paulo", "2018-02-17 23:00", 2, "2018-02-18 01:00", "2018-02-18 02:00"},
		{"Australia/Lord_Howe", "2030-10-06 02:15", 0, "2030-10-05 15:30", "2030-10-05 15:45"},
		{"Australia/Lord_Howe", "2030-04-07 01:45", 2, "2030-04-06 14:45", "2030-04-06 15:15"},
		{"Africa/Casablanca", "2025-02-23 02:30", 2, "2025-02-23 01:30", "2025-02-23 02:30"},
		{"Africa/Casablanca", "2025-04-06 02:30", 0, "2025-04-06 02:00", "2025-04-06 02:30"},
		{"Asia/Kathmandu", "2030-03-31 02:30", 1, "2030-03-30 20:45", "2030-03-30 20:45"},
		{"Pacific/Apia", "2011-12-30 12:00", 0, "2011-12-30 10:00", "2011-12-30 22:00"}, // a day that never was
		{"Pacific/Apia", "2011-12-31 00:00", 1, "2011-12-30 10:00", "2011-12-30 10:00"},
	} {
		shown, err := time.Parse("2006-01-02 15:04", c.shown)
		if err != nil {
			t.Fatal(err)
		}
		r := read(zoneOf(t, c.zone), holiday.DateOf(shown), clockTime{shown.Hour(), shown.Minute(), 0})
		first, last := r.first.UTC().Format("2006-01-02 15:04"), r.last.UTC().Format("2006-01-02 15:04")
		if r.times != c.times || first != c.first || last != c.last {
			t.Errorf("%s in %s: %d times, %s, %s; want %d, %s, %s", c.shown, c.zone, r.times, first, last, c.times, c.first, c.last)
		}
	}
}

// Every moment of eight years is read back from what the clock shows then.
func TestReadingsAreRight(t *testing.T) {
	t.Parallel()
	for _, name := range zoneNames {
		zone := zoneOf(t, name)
		twice := 0
		for at := time.Date(2009, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2020; at = at.Add(15 * time.Minute) {
			local := at.In(zone)
			r := read(zone, holiday.DateOf(local), clockTime{local.Hour(), local.Minute(), local.Second()})
			if r.times == 0 || !r.first.Equal(at) && !r.last.Equal(at) || r.last.Before(r.first) {
				t.Fatalf("%s: at %s the clock shows %s, which is read as %+v", name, at, local, r)
			}
			if r.times == 2 {
				twice++
			}
		}
		if changes := name != "UTC" && name != "Asia/Kathmandu"; changes != (twice > 0) {
			t.Errorf("%s: %d moments are shown twice", name, twice)
		}
	}
}

func TestUnknownZonesAreUTC(t *testing.T) {
	t.Parallel()
	var z zones
	if z.load("Mars/Base") != time.UTC || z.load("Europe/Lisbon").String() != "Europe/Lisbon" {
		t.Error("unknown zones are not UTC, or known ones not themselves")
	}
}
