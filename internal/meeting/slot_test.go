package meeting

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"sede/internal/holiday"
)

// plan is a search at random, with the meetings that are in its way.
type plan struct {
	search
	others []taken
}

// changes are days near which clocks change, in the zones that have them.
var changes = []string{"2018-02-17", "2018-11-03", "2025-02-22", "2025-04-05", "2030-03-30", "2030-04-06", "2030-10-05", "2030-10-26", "2030-06-07"}

func newPlan(t testing.TB, random *rand.Rand) plan {
	t.Helper()
	p := office(t, zoneNames[random.IntN(len(zoneNames))], []string{"", "PT", "PL", "AU"}[random.IntN(4)], random.IntN(25), random.IntN(25))
	if !p.stated {
		p.open, p.close = 0, 0
	}
	p.workdays = weekdays(random.IntN(128) | 31<<random.IntN(3))
	from := at(t, time.UTC, changes[random.IntN(len(changes))]+" 00:00").Add(time.Duration(random.IntN(24*60)) * time.Minute)
	window := interval{from, from.Add(time.Duration(1+random.IntN(5*24*60)) * time.Minute)}
	made := plan{search: search{place: p, window: window, length: time.Duration(1+random.IntN(300)) * time.Minute,
		step: []int{1, 5, 15, 30, 45, 60, 100, 1440}[random.IntN(8)], limit: 10_000}}
	made.length = min(made.length, window.to.Sub(window.from))
	for range random.IntN(12) {
		from := window.from.Add(time.Duration(random.IntN(6*24*60)-300) * time.Minute)
		made.others = append(made.others, taken{interval: interval{from, from.Add(time.Duration(1+random.IntN(300)) * time.Minute)}})
	}
	slices.SortFunc(made.others, func(a, b taken) int { return a.from.Compare(b.from) })
	made.others = slices.DeleteFunc(made.others, func(o taken) bool { return !o.overlaps(window) })
	return made
}

// allowed tells for each minute of the window whether the meeting may take place
// in it, from what the wall clock shows alone; sure is false where the clock
// shows it twice or never.
func (p *plan) allowed(minute time.Time) (free, sure bool) {
	for _, other := range p.others {
		if other.overlaps(interval{minute, minute.Add(time.Minute)}) {
			return false, true
		}
	}
	local := minute.In(p.place.zone)
	day, hour := holiday.DateOf(local), local.Hour()
	began := day
	open, close := p.place.open, p.place.close
	if !p.place.stated {
		open, close = 0, 24
	}
	switch overnight := close < open; {
	case overnight && hour < close:
		began = day.AddDays(-1)
	case hour < open || !overnight && hour >= close:
		return false, !p.nearChange(minute)
	}
	if _, is := p.place.holidays.On(p.place.country, day); is {
		return false, !p.nearChange(minute)
	}
	reason, _ := p.place.dayOff(began)
	return reason == "", !p.nearChange(minute)
}

// nearChange reports whether the clock changes within three hours.
func (p *plan) nearChange(at time.Time) bool {
	_, before := at.Add(-3 * time.Hour).In(p.place.zone).Zone()
	_, after := at.Add(3 * time.Hour).In(p.place.zone).Zone()
	return before != after
}

// TestSlotsNeverOverlap looks for start times around changes of clocks and holds
// every minute of the window against what the wall clock shows: what is offered
// lies in the window and in open hours, is no holiday, no day off, and nobody
// else's; and what is not offered could not be.
func TestSlotsNeverOverlap(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	offered := 0
	for range 1500 {
		p := newPlan(t, random)
		list, days, more := p.run(p.others)
		offered += len(list)
		if more {
			t.Fatalf("more than %d start times in 5 days", p.limit)
		}
		p.checkStarts(t, list)
		checkDays(t, p.place.zone, list, days)
	}
	if offered < 10_000 {
		t.Errorf("only %d start times were looked at", offered)
	}
}

func (p *plan) checkStarts(t *testing.T, list []Slot) {
	t.Helper()
	is := map[int64]bool{}
	for _, slot := range list {
		is[slot.Time.Unix()] = true
		if slot.Time.Before(p.window.from) || slot.Time.Add(p.length).After(p.window.to) || !slot.Local.Equal(slot.Time) {
			t.Fatalf("%s: %s lies outside the window", p.name(), slot.Local)
		}
	}
	minutes := int(p.window.to.Sub(p.window.from) / time.Minute)
	blocked, unsure := make([]int, minutes+1), make([]int, minutes+1) // how many there are before each minute
	for i := range minutes {
		may, sure := p.allowed(p.window.from.Add(time.Duration(i) * time.Minute))
		blocked[i+1], unsure[i+1] = blocked[i], unsure[i]
		switch {
		case !sure:
			unsure[i+1]++
		case !may:
			blocked[i+1]++
		}
	}
	for i := range minutes {
		end := i + int(p.length/time.Minute)
		if end > minutes {
			break
		}
		start := p.window.from.Add(time.Duration(i) * time.Minute)
		fits, sure := blocked[end] == blocked[i] && p.isStep(start), unsure[end] == unsure[i]
		if is[start.Unix()] && !fits || !is[start.Unix()] && fits && sure {
			t.Fatalf("%s: %s is offered: %v, fits: %v", p.name(), start.In(p.place.zone), is[start.Unix()], fits)
		}
	}
}

func (p *plan) isStep(at time.Time) bool {
	local := at.In(p.place.zone)
	return ((local.Hour()-p.place.open+24)*60+local.Minute())%minutesOfDay%p.step == 0
}

func (p *plan) name() string {
	return fmt.Sprintf("%s %s open %d-%d on %b, window %s to %s, %s every %d minutes, others %v", p.place.zone, p.place.country,
		p.place.open, p.place.close, p.place.workdays, p.window.from, p.window.to, p.length, p.step, p.others)
}

// checkDays holds the days against the start times: each day is there once, with
// the number of its own, and has a reason if it has none.
func checkDays(t *testing.T, zone *time.Location, list []Slot, days []Day) {
	t.Helper()
	count := map[holiday.Date]int64{}
	for _, slot := range list {
		count[holiday.DateOf(slot.Time.In(zone))]++
	}
	for i, day := range days {
		if i > 0 && !days[i-1].Date.Before(day.Date) {
			t.Fatalf("days are not in order: %v", days)
		}
		if day.Slots != count[day.Date] || (day.Slots == 0) != (day.Reason != "") || (day.Reason == "") != day.Text.IsZero() {
			t.Fatalf("%v has %d start times: %+v", day.Date, count[day.Date], day)
		}
		delete(count, day.Date)
	}
	if len(count) > 0 {
		t.Fatalf("start times on days that are not listed: %v", count)
	}
}

// TestSlotsOnDaysOfChange names the start times of days on which clocks change.
func TestSlotsOnDaysOfChange(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		zone, day   string
		open, close int
		want        string // in UTC
	}{
		{"Europe/Lisbon", "2030-03-31", 0, 4, "00:00 01:00 02:00"},                          // the hour from 1 is not there
		{"Europe/Lisbon", "2030-10-27", 0, 4, "23:00 00:00 01:00 02:00 03:00"},              // and is there twice
		{"Europe/Warsaw", "2030-03-31", 1, 5, "00:00 01:00 02:00"},                          // 1, 3, 4
		{"Europe/Warsaw", "2030-10-27", 1, 5, "23:00 00:00 01:00 02:00 03:00"},              // 1, 2, 2, 3, 4
		{"America/Sao_Paulo", "2018-11-04", 0, 3, "03:00 04:00"},                            // 1, 2
		{"America/Sao_Paulo", "2018-02-17", 21, 24, "23:00 00:00 01:00 02:00"},              // 21, 22, 23, 23
		{"Asia/Kathmandu", "2030-03-31", 9, 12, "03:15 04:15 05:15"},                        // never changes
		{"Australia/Lord_Howe", "2030-10-06", 1, 5, "14:30 16:00 17:00"},                    // 1, 3, 4: from 2 to 2:30
		{"Australia/Lord_Howe", "2030-04-07", 0, 4, "13:00 14:00 15:30 16:30"},              // 0, 1, 2, 3: from 2 to 1:30
		{"Africa/Casablanca", "2025-02-23", 1, 5, "00:00 01:00 02:00 03:00 04:00"},          // 1, 2, 2, 3, 4
		{"Africa/Casablanca", "2025-04-06", 1, 5, "01:00 02:00 03:00"},                      // 1, 3, 4
		{"Europe/Lisbon", "2030-03-30", 22, 6, "22:00 23:00 00:00 01:00 02:00 03:00 04:00"}, // the night is an hour short
	} {
		p := office(t, c.zone, "", c.open, c.close)
		p.workdays = everyDay
		day := holiday.DateOf(at(t, time.UTC, c.day+" 00:00"))
		from, to := read(p.zone, day, clockTime{}).first, read(p.zone, day, clockTime{hour: 24}).first
		if c.close < c.open {
			to = to.Add(7 * time.Hour)
		}
		s := search{place: p, window: interval{from, to}, length: time.Hour, step: 60, limit: 100}
		list, _, _ := s.run(nil)
		got := ""
		for _, slot := range list {
			if c.close < c.open && slot.Time.Before(from.Add(12*time.Hour)) {
				continue // the night before
			}
			got += " " + slot.Time.Format("15:04")
		}
		if got != " "+c.want {
			t.Errorf("%s on %s from %d to %d: %s, want %s", c.zone, c.day, c.open, c.close, got, c.want)
		}
	}
}

// TestSlotsBeginOnFullMinutes has windows and other meetings begin in between.
func TestSlotsBeginOnFullMinutes(t *testing.T) {
	t.Parallel()
	p := office(t, "Europe/Lisbon", "", 9, 18)
	from := at(t, p.zone, "2030-01-08 09:00").Add(30 * time.Second)
	others := []taken{{interval: interval{from.Add(15 * time.Minute), from.Add(time.Hour)}}}
	s := search{place: p, window: interval{from, from.Add(90 * time.Minute)}, length: 10 * time.Minute, step: 5, limit: 100}
	list, _, _ := s.run(others)
	got := ""
	for _, slot := range list {
		got += " " + slot.Time.Format("15:04:05")
	}
	if want := " 09:05:00 10:05:00 10:10:00 10:15:00 10:20:00"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// BenchmarkSlots looks for all start times of 30 days among 200 other meetings.
func BenchmarkSlots(b *testing.B) {
	p := office(b, "Europe/Lisbon", "PT", 9, 18)
	from := at(b, p.zone, "2030-03-15 00:00")
	var others []taken
	for i := range 200 {
		begin := from.Add(time.Duration(i) * 3 * time.Hour)
		others = append(others, taken{interval: interval{begin, begin.Add(30 * time.Minute)}})
	}
	s := search{place: p, window: interval{from, from.Add(30 * 24 * time.Hour)}, length: 30 * time.Minute, step: 15, limit: maxSlots}
	for b.Loop() {
		if list, _, _ := s.run(others); len(list) < 100 {
			b.Fatal(len(list))
		}
	}
}

// TestLeapYearsEnd looks for start times on the last day of a leap year beyond
// the tables of zones.
func TestLeapYearsEnd(t *testing.T) {
	t.Parallel()
	for _, name := range zoneNames {
		zone := zoneOf(t, name)
		window := interval{at(t, zone, "2040-12-30 00:00"), at(t, zone, "2041-01-02 00:00")}
		p := office(t, name, "", 9, 17)
		p.workdays = everyDay
		s := search{place: p, window: window, length: time.Hour, step: 60, limit: 100}
		if list, days, more := s.run(nil); len(list) != 24 || len(days) != 3 || more {
			t.Errorf("%s: %d start times on %d days", name, len(list), len(days))
		}
	}
}
