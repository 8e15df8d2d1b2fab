package meeting

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"sede/internal/holiday"
)

// at reads a time in the zone, such as "2030-01-07 09:00".
func at(t testing.TB, zone *time.Location, text string) time.Time {
	t.Helper()
	moment, err := time.ParseInLocation("2006-01-02 15:04", text, zone)
	if err != nil {
		t.Fatal(err)
	}
	return moment
}

// office is a place of a test: the hours are not stated when both are 0.
func office(t testing.TB, zone, country string, open, close int) *place {
	t.Helper()
	monday := []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
	return &place{zone: zoneOf(t, zone), stated: open != close, open: open, close: close, country: country,
		workdays: weekdaysOf(monday), holidays: holiday.New()}
}

func TestOpenHours(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		place    *place
		from, to string
		want     string // the hours, in UTC
	}{
		"the hour is lost on the day clocks go forward": {office(t, "Europe/Warsaw", "", 1, 5), "2030-03-29 00:00", "2030-04-02 00:00",
			"03-29 00:00-04:00, 03-31 23:00-03:00"}, // the change itself is on a Sunday
		"nights":                                {office(t, "Europe/Lisbon", "", 22, 6), "2030-01-07 00:00", "2030-01-09 00:00", "01-07 22:00-06:00, 01-08 22:00-06:00"},
		"the night from Friday is Friday's":     {office(t, "Europe/Lisbon", "", 22, 6), "2030-01-11 12:00", "2030-01-14 12:00", "01-11 22:00-06:00"},
		"a night ends where a holiday begins":   {office(t, "Europe/Lisbon", "PT", 22, 6), "2030-04-30 12:00", "2030-05-03 00:00", "04-30 21:00-23:00, 05-02 21:00-05:00"},
		"always open, from Monday to Friday":    {office(t, "Asia/Kathmandu", "", 0, 24), "2030-01-05 00:00", "2030-01-14 00:00", "01-06 18:15-18:15"},
		"no hours stated are the whole day":     {office(t, "UTC", "", 0, 0), "2030-01-12 00:00", "2030-01-15 00:00", "01-14 00:00-00:00"},
		"a holiday is none":                     {office(t, "Europe/Lisbon", "PT", 9, 18), "2030-06-10 00:00", "2030-06-12 00:00", "06-11 08:00-17:00"},
		"what began before the window is there": {office(t, "UTC", "", 9, 18), "2030-01-07 17:59", "2030-01-08 09:01", "01-07 09:00-18:00, 01-08 09:00-18:00"},
		"nothing in the window":                 {office(t, "UTC", "", 9, 18), "2030-01-07 18:00", "2030-01-08 09:00", ""},
		"midnight that does not exist":          {office(t, "America/Sao_Paulo", "", 0, 8), "2018-11-05 00:00", "2018-11-05 12:00", "11-05 02:00-10:00"},
		"half an hour less":                     {office(t, "Australia/Lord_Howe", "", 22, 6), "2030-10-04 12:00", "2030-10-05 12:00", "10-04 11:30-19:30"},
	} {
		var got []string
		for _, hours := range c.place.openIn(interval{at(t, c.place.zone, c.from), at(t, c.place.zone, c.to)}) {
			got = append(got, hours.from.UTC().Format("01-02 15:04-")+hours.to.UTC().Format("15:04"))
		}
		if text := strings.Join(got, ", "); text != c.want {
			t.Errorf("%s: %s, want %s", name, text, c.want)
		}
	}
}

// TestWarningsFollowTheClock compares, minute by minute around the days on which
// clocks change, what is warned of with what the wall clock shows.
func TestWarningsFollowTheClock(t *testing.T) {
	t.Parallel()
	days := []time.Time{ // both changes of a year, in the zones that have them
		time.Date(2018, 2, 17, 0, 0, 0, 0, time.UTC), time.Date(2018, 11, 3, 0, 0, 0, 0, time.UTC), time.Date(2025, 2, 23, 0, 0, 0, 0, time.UTC),
		time.Date(2025, 4, 6, 0, 0, 0, 0, time.UTC), time.Date(2030, 3, 30, 0, 0, 0, 0, time.UTC), time.Date(2030, 4, 6, 0, 0, 0, 0, time.UTC),
		time.Date(2030, 10, 5, 0, 0, 0, 0, time.UTC), time.Date(2030, 10, 26, 0, 0, 0, 0, time.UTC),
	}
	for _, name := range zoneNames {
		for _, hours := range [][2]int{{9, 18}, {22, 6}, {0, 24}, {1, 3}} {
			p := office(t, name, "", hours[0], hours[1])
			p.workdays = everyDay
			for _, day := range days {
				for minute := range 3 * 24 * 12 {
					from := day.Add(time.Duration(minute) * 5 * time.Minute)
					hour := from.In(p.zone).Hour()
					inside := hour >= p.open && hour < p.close
					if p.close < p.open {
						inside = hour >= p.open || hour < p.close
					}
					if wrong := len(p.against(interval{from, from.Add(time.Minute)})) > 0; wrong == inside && !ambiguous(p, from) {
						t.Fatalf("%s open %v: warned %v of %s", name, hours, wrong, from.In(p.zone))
					}
				}
			}
		}
	}
}

// ambiguous reports whether the clock shows the time twice: then hours end at
// the first.
func ambiguous(p *place, at time.Time) bool {
	local := at.In(p.zone)
	return read(p.zone, holiday.DateOf(local), clockTime{local.Hour(), local.Minute(), 0}).times == 2
}

// Hours never overlap, are in order, and lie on days on which people work.
func TestHoursAreInOrder(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		p := office(t, zoneNames[random.IntN(len(zoneNames))], []string{"", "PT", "PL", "GB", "ES"}[random.IntN(5)], random.IntN(25), random.IntN(25))
		p.workdays = weekdays(random.IntN(128))
		from := time.Date(2005+random.IntN(30), 1, random.IntN(366), random.IntN(24), random.IntN(60), 0, 0, time.UTC)
		window := interval{from, from.Add(time.Duration(1+random.IntN(40*24*60)) * time.Minute)}
		list := p.openIn(window)
		for i, hours := range list {
			name := fmt.Sprintf("%s %s %d-%d days %b in %v: %v", p.zone, p.country, p.open, p.close, p.workdays, window, list)
			switch {
			case !hours.from.Before(hours.to) || !hours.overlaps(window):
				t.Fatal("empty or outside: ", name)
			case i > 0 && !list[i-1].to.Before(hours.from):
				t.Fatal("overlap: ", name)
			}
			if reason, _ := p.dayOff(holiday.DateOf(hours.from)); reason != "" && p.open != 24 {
				t.Fatal("begins on a day off: ", name)
			}
			if _, is := p.holidays.On(p.country, holiday.DateOf(hours.to.Add(-1))); is {
				t.Fatal("lasts into a holiday: ", name)
			}
		}
	}
}
