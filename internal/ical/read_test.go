package ical

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// wide are limits that let through what the tests make.
func wide() Limits {
	return Limits{From: time.Date(2029, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2032, 1, 1, 0, 0, 0, 0, time.UTC), Most: 1000}
}

// file is a calendar of the lines.
func file(lines ...string) []byte {
	return []byte("BEGIN:VCALENDAR\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VCALENDAR\r\n")
}

// an event with the lines.
func eventOf(uid string, lines ...string) string {
	return "BEGIN:VEVENT\r\nUID:" + uid + "\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VEVENT"
}

// told are the occurrences in short.
func told(c Content) []string {
	var list []string
	for _, o := range c.Occurrences {
		list = append(list, o.From.UTC().Format("0102T1504")+"+"+o.To.Sub(o.From).String())
	}
	return list
}

// TestOccurrences expands events in zones around both changes.
func TestOccurrences(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lines []string
		want  string
	}{
		"weekly over the change":   {[]string{"DTSTART;TZID=Europe/Lisbon:20300325T090000", "DURATION:PT30M", "RRULE:FREQ=WEEKLY;COUNT=2"}, "0325T0900+30m0s 0401T0800+30m0s"},
		"the clock skips it":       {[]string{"DTSTART;TZID=Europe/Lisbon:20300331T013000", "DURATION:PT1H"}, "0331T0130+1h0m0s"},
		"the clock shows it twice": {[]string{"DTSTART;TZID=Europe/Lisbon:20301027T013000", "DURATION:PT1H"}, "1027T0030+1h0m0s"},
		"a day of 23 hours":        {[]string{"DTSTART;TZID=Europe/Lisbon:20300330T120000", "DURATION:P1D"}, "0330T1200+23h0m0s"},
		"24 hours over the change": {[]string{"DTSTART;TZID=Europe/Lisbon:20300330T120000", "DURATION:PT24H"}, "0330T1200+24h0m0s"},
		"whole days":               {[]string{"DTSTART;VALUE=DATE:20300330", "DTEND;VALUE=DATE:20300401"}, "0329T2300+47h0m0s"},
		"a whole day by default":   {[]string{"DTSTART;VALUE=DATE:20300105"}, "0104T2300+24h0m0s"},
		"floating":                 {[]string{"DTSTART:20300701T090000", "DTEND:20300701T100000"}, "0701T0700+1h0m0s"},
		"until in UTC":             {[]string{"DTSTART;TZID=America/Sao_Paulo:20300101T220000", "DURATION:PT1H", "RRULE:FREQ=DAILY;UNTIL=20300103T010000Z"}, "0102T0100+1h0m0s 0103T0100+1h0m0s"},
		"until a date":             {[]string{"DTSTART;VALUE=DATE:20300101", "RRULE:FREQ=DAILY;UNTIL=20300102"}, "1231T2300+24h0m0s 0101T2300+24h0m0s"},
		"exceptions and more":      {[]string{"DTSTART:20300101T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3", "EXDATE:20300102T090000Z", "RDATE:20300110T090000Z,20300111T090000Z"}, "0101T0900+1h0m0s 0103T0900+1h0m0s 0110T0900+1h0m0s 0111T0900+1h0m0s"},
		"last Friday":              {[]string{"DTSTART:20300125T090000Z", "DURATION:PT1H", "RRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=3"}, "0125T0900+1h0m0s 0222T0900+1h0m0s 0329T0900+1h0m0s"},
		"begun long ago":           {[]string{"DTSTART:19990101T090000Z", "DURATION:PT1H", "RRULE:FREQ=YEARLY"}, "0101T0900+1h0m0s 0101T0900+1h0m0s 0101T0900+1h0m0s"},
		"lord howe":                {[]string{"DTSTART;TZID=Australia/Lord_Howe:20300406T120000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=2"}, "0406T0100+1h0m0s 0407T0130+1h0m0s"},
		"a prefix before the zone": {[]string{"DTSTART;TZID=/freeassociation.sourceforge.net/Asia/Kathmandu:20300101T090000", "DURATION:PT1H"}, "0101T0315+1h0m0s"},
	} {
		content, err := Read(file(eventOf("1", c.lines...)), zoneOf(t, "Europe/Warsaw"), wide())
		if got := strings.Join(told(content), " "); err != nil || got != c.want || len(content.Refused) > 0 {
			t.Errorf("%s: %s, %v, %v, want %s", name, got, content.Refused, err, c.want)
		}
	}
}

// TestMovedOccurrences puts events in the place of occurrences of others.
func TestMovedOccurrences(t *testing.T) {
	t.Parallel()
	content, err := Read(file(
		eventOf("a", "RECURRENCE-ID:20300102T090000Z", "DTSTART:20300102T150000Z", "DURATION:PT1H"),
		eventOf("a", "DTSTART:20300101T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3"),
		eventOf("a", "RECURRENCE-ID;RANGE=THISANDFUTURE:20300103T090000Z", "DTSTART:20300103T150000Z", "DURATION:PT1H"),
	), time.UTC, wide())
	if got := strings.Join(told(content), " "); err != nil || got != "0101T0900+1h0m0s 0102T1500+1h0m0s 0103T0900+1h0m0s" {
		t.Errorf("%s, %v", got, err)
	}
	if content.Occurrences[1].Recurrence != "20300102T090000Z" || len(content.Refused) != 1 || content.Refused[0].Problem != Unsupported {
		t.Errorf("%+v", content)
	}
}

// TestRefusals has each problem once, with the line where the event begins.
func TestRefusals(t *testing.T) {
	t.Parallel()
	const start, hour = "DTSTART:20300101T090000Z", "DURATION:PT1H"
	for name, c := range map[string]struct {
		lines []string
		want  Problem
	}{
		"no start":              {[]string{"SUMMARY:x"}, Incomplete},
		"no end":                {[]string{start}, NoTime},
		"ends before":           {[]string{start, "DTEND:20300101T080000Z"}, NoTime},
		"years long":            {[]string{start, "DTEND:20350101T080000Z"}, NoTime},
		"no colon":              {[]string{start, hour, "SUMMARY"}, Malformed},
		"an open quote":         {[]string{start, hour, `ATTENDEE;CN="x:mailto:a@b`}, Malformed},
		"a cut parameter":       {[]string{start, hour, "ATTENDEE;CN=x"}, Malformed},
		"no date":               {[]string{"DTSTART:tomorrow", hour}, Malformed},
		"the 30th of February":  {[]string{"DTSTART:20300230T090000Z", hour}, Malformed},
		"a date and a time":     {[]string{start, "DTEND;VALUE=DATE:20300102"}, Malformed},
		"not UTF-8":             {[]string{start, hour, "SUMMARY:\xff"}, Malformed},
		"a long line":           {[]string{start, hour, "SUMMARY:" + strings.Repeat("x", maxContent)}, Malformed},
		"a zone":                {[]string{"DTSTART;TZID=Mars/Olympus:20300101T090000", hour}, UnknownZone},
		"a way out":             {[]string{"DTSTART;TZID=../../../etc/passwd:20300101T090000", hour}, UnknownZone},
		"every second":          {[]string{start, hour, "RRULE:FREQ=SECONDLY"}, Unsupported},
		"every hour":            {[]string{start, hour, "RRULE:FREQ=DAILY;BYHOUR=1,2,3"}, Unsupported},
		"an exception rule":     {[]string{start, hour, "RRULE:FREQ=DAILY", "EXRULE:FREQ=WEEKLY"}, Unsupported},
		"a rule of nothing":     {[]string{start, hour, "RRULE:"}, Malformed},
		"an overflow":           {[]string{start, hour, "RRULE:FREQ=YEARLY;INTERVAL=9223372036854775807"}, Unsupported},
		"daily since the start": {[]string{"DTSTART:00010101T090000Z", hour, "RRULE:FREQ=DAILY"}, TooMuch},
		"too many dates":        {[]string{start, hour, "RDATE:" + strings.TrimSuffix(strings.Repeat("20300101,", maxDates+1), ",")}, TooMuch},
	} {
		content, err := Read(file("X-OTHER:1", eventOf("1", c.lines...), eventOf("2", start, hour)), time.UTC, wide())
		if err != nil || len(content.Refused) != 1 || content.Refused[0].Problem != c.want || content.Refused[0].Line != 3 || len(content.Occurrences) != 1 {
			t.Errorf("%s: %+v, %v, want %s", name, content, err, c.want)
		}
	}
}

func TestNoCalendars(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "x", "BEGIN:VEVENT\r\nEND:VEVENT\r\n", "BEGIN:VCALENDAR\r\n", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VCALENDAR\r\n",
		strings.Repeat("BEGIN:VCALENDAR\r\n", 100_000), "END:VCALENDAR\r\n"} {
		if _, err := Read([]byte(text), time.UTC, wide()); !errors.Is(err, ErrNoCalendar) {
			t.Errorf("%q: %v", short(text), err)
		}
	}
}

// TestHostileFilesEndSoon reads large files that are made to take
// long, and counts what they may cost.
func TestHostileFilesEndSoon(t *testing.T) {
	t.Parallel()
	const size = 4 << 20
	never := eventOf("%d", "DTSTART:19700101T080000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;BYSETPOS=7")
	endless := eventOf("%d", "DTSTART:20300101T080000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY")
	var many [2]strings.Builder
	for i, form := range []string{never, endless} {
		for n := 0; many[i].Len() < size; n++ {
			fmt.Fprintf(&many[i], form+"\r\n", n)
		}
	}
	for name, text := range map[string]string{
		"parameters": eventOf("1", "A;B="+strings.Repeat("x,", size/2)+":"), "folds": eventOf("1", "A:"+strings.Repeat("\r\n x", size/4)),
		"empty lines": strings.Repeat("\r\n", size/2), "never": many[0].String(), "endless": many[1].String(),
	} {
		began := time.Now()
		content, err := Read(file(text), time.UTC, wide())
		if err != nil && !errors.Is(err, ErrTooMany) || len(content.Occurrences) > 1000 {
			t.Errorf("%s: %d occurrences, %v", name, len(content.Occurrences), err)
		}
		if took := time.Since(began); took > 2*time.Minute {
			t.Errorf("%s: took %s", name, took)
		}
	}
}

// TestReadsWhatItWrites has an event come back as it was written, in every zone
// around both changes.
func TestReadsWhatItWrites(t *testing.T) {
	t.Parallel()
	for _, name := range zoneNames {
		zone := zoneOf(t, name)
		var events []Event
		for at := time.Date(2030, 1, 1, 0, 30, 0, 0, time.UTC); at.Year() == 2030; at = at.Add(7 * time.Hour) {
			e := event(t, at.In(zone))
			e.UID = at.Format(time.RFC3339)
			events = append(events, e)
		}
		content, err := (&Calendar{Events: events}).Encode()
		if err != nil {
			t.Fatal(err)
		}
		limits := wide()
		limits.Most = len(events)
		read, err := Read(content, time.UTC, limits)
		if err != nil || len(read.Occurrences) != len(events) || len(read.Refused) > 0 {
			t.Fatalf("%s: %d of %d events, %v, %v", name, len(read.Occurrences), len(events), read.Refused, err)
		}
		for i, o := range read.Occurrences {
			if !o.From.Equal(events[i].From) || !o.To.Equal(events[i].To) || o.UID != events[i].UID {
				t.Errorf("%s: %s became %s", name, events[i].From, o.From)
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(file(eventOf("1", "DTSTART;TZID=Europe/Lisbon:20300325T090000", "DURATION:PT30M", "RRULE:FREQ=WEEKLY;BYDAY=MO,-1FR;COUNT=2", "EXDATE:20300401")))
	f.Add(file(eventOf("1", "DTSTART;VALUE=DATE:20300325", "RRULE:FREQ=YEARLY;BYWEEKNO=20;BYSETPOS=-1;WKST=SU", "RDATE;VALUE=PERIOD:20300101T000000Z/PT1H")))
	f.Add(file("BEGIN:VTIMEZONE\r\nTZID:x\r\nX-LIC-LOCATION:Europe/Lisbon\r\nEND:VTIMEZONE", eventOf("1", `DTSTART;TZID="x":00010101T000000`, "DTEND:99991231T235959Z")))
	f.Add([]byte("BEGIN:VCALENDAR\nA;B=\"c\",d;E=:\n f\n\tg\nEND:VCALENDAR"))
	f.Fuzz(func(t *testing.T, content []byte) {
		limits := wide()
		read, err := Read(content, time.UTC, limits)
		if err != nil && !errors.Is(err, ErrNoCalendar) && !errors.Is(err, ErrTooMany) {
			t.Fatal(err)
		}
		if len(read.Occurrences) > limits.Most || !slices.IsSortedFunc(read.Occurrences, func(a, b Occurrence) int { return a.From.Compare(b.From) }) {
			t.Fatalf("%d occurrences, or out of order", len(read.Occurrences))
		}
		for _, o := range read.Occurrences {
			if !o.From.Before(o.To) || !o.From.Before(limits.To) || !limits.From.Before(o.To) || o.UID == "" {
				t.Fatalf("%+v", o)
			}
		}
	})
}
