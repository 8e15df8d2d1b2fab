package ical

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	goical "github.com/emersion/go-ical"
)

// written encodes one event.
func written(t testing.TB, e Event) string {
	t.Helper()
	content, err := (&Calendar{Events: []Event{e}}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func event(t testing.TB, from time.Time) Event {
	t.Helper()
	return Event{UID: "018cc6e0-0000-7000-8000-000000000001", Status: Confirmed, From: from, To: from.Add(time.Hour),
		Changed: time.Date(2030, 1, 1, 9, 0, 0, 0, time.UTC)}
}

// TestTextComesBack writes texts that are hard on the format and reads them with
// the library.
func TestTextComesBack(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"Zażółć gęślą jaźń; a, b \\ c \"d\"", strings.Repeat("ção, ", 100), "two\nlines\n\nand more", "END:VEVENT\nBEGIN:VALARM",
		strings.Repeat("x", 75), strings.Repeat("👩‍💻", 40), "\\n is no line", ":;,^'", " blanks ", "tab\there",
	} {
		e := event(t, time.Date(2030, 1, 7, 9, 0, 0, 0, time.UTC))
		e.Summary, e.Description, e.Location = text, text, text
		e.Attendee = Person{text, "ana@demo.example"}
		content := written(t, e)
		for line := range strings.SplitSeq(content, "\r\n") {
			if len(line) > maxLine || !utf8.ValidString(line) || strings.ContainsAny(line, "\r\n") {
				t.Errorf("line of %d octets: %q", len(line), line)
			}
		}
		calendar, err := goical.NewDecoder(bytes.NewReader([]byte(content))).Decode()
		if err != nil {
			t.Fatalf("%q: %v\n%s", text, err, content)
		}
		events := calendar.Events()
		if len(events) != 1 || len(events[0].Children) != 0 {
			t.Fatalf("%q became %d events", text, len(events))
		}
		for _, name := range []string{goical.PropSummary, goical.PropDescription, goical.PropLocation} {
			if got, err := events[0].Props.Text(name); err != nil || got != text {
				t.Errorf("%s: %q, %v, want %q", name, got, err, text)
			}
		}
		name := events[0].Props.Get(goical.PropAttendee).Params.Get(goical.ParamCommonName)
		if name = strings.NewReplacer("^^", "^", "^n", "\n", "^'", `"`).Replace(name); name != text {
			t.Errorf("the attendee is %q, want %q", name, text)
		}
	}
}

func TestControlCharactersAreLeftOut(t *testing.T) {
	t.Parallel()
	e := event(t, time.Date(2030, 1, 7, 9, 0, 0, 0, time.UTC))
	e.Summary = "a\x00b\rc\r\nd\x1be\x7f"
	if content := written(t, e); !strings.Contains(content, `SUMMARY:ab\nc\nde`) {
		t.Error(content)
	}
}

// TestTimesAreToldOnTheirClocks looks at times around both changes: what the
// clock shows is written with the zone, except where it shows it twice.
func TestTimesAreToldOnTheirClocks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, utc, want string }{
		{"Europe/Lisbon", "2030-03-31T00:30:00Z", "DTSTART;TZID=Europe/Lisbon:20300331T003000"},
		{"Europe/Lisbon", "2030-03-31T01:00:00Z", "DTSTART;TZID=Europe/Lisbon:20300331T020000"},
		{"Europe/Lisbon", "2030-10-26T22:30:00Z", "DTSTART;TZID=Europe/Lisbon:20301026T233000"},
		{"Europe/Lisbon", "2030-10-27T00:30:00Z", "DTSTART:20301027T003000Z"}, // the first 01:30
		{"Europe/Lisbon", "2030-10-27T01:30:00Z", "DTSTART:20301027T013000Z"}, // the second 01:30
		{"Europe/Lisbon", "2030-10-27T02:00:00Z", "DTSTART;TZID=Europe/Lisbon:20301027T020000"},
		{"Australia/Lord_Howe", "2030-04-06T14:29:00Z", "DTSTART:20300406T142900Z"}, // ends at the second 01:59
		{"Australia/Lord_Howe", "2030-04-06T15:15:00Z", "DTSTART:20300406T151500Z"},
		{"Australia/Lord_Howe", "2030-04-06T15:30:00Z", "DTSTART;TZID=Australia/Lord_Howe:20300407T020000"},
		{"Asia/Kathmandu", "2030-01-07T03:15:00Z", "DTSTART;TZID=Asia/Kathmandu:20300107T090000"},
		{"UTC", "2030-01-07T09:00:00Z", "DTSTART:20300107T090000Z"},
	} {
		at, err := time.Parse(time.RFC3339, c.utc)
		if err != nil {
			t.Fatal(err)
		}
		content := written(t, event(t, at.In(zoneOf(t, c.zone))))
		if !strings.Contains(content, "\r\n"+c.want+"\r\n") {
			t.Errorf("%s at %s lacks %s:\n%s", c.zone, c.utc, c.want, content)
		}
		if has := strings.Contains(content, "BEGIN:VTIMEZONE"); has != strings.Contains(c.want, "TZID") {
			t.Errorf("%s at %s: a zone that is not named, or none that is:\n%s", c.zone, c.utc, content)
		}
	}
}

// TestCalendarsSayWhatTheyAre has the properties of a calendar that is sent and
// of one that is subscribed to.
func TestCalendarsSayWhatTheyAre(t *testing.T) {
	t.Parallel()
	c := Calendar{Method: Request, Name: "Ana, Lisbon", Refresh: time.Hour, Zone: zoneOf(t, "Europe/Lisbon")}
	content, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"METHOD:REQUEST", `NAME:Ana\, Lisbon`, `X-WR-CALNAME:Ana\, Lisbon`, "REFRESH-INTERVAL;VALUE=DURATION:PT3600S", "TZID:Europe/Lisbon", "VERSION:2.0"} {
		if !strings.Contains(string(content), "\r\n"+want+"\r\n") {
			t.Errorf("%s is missing:\n%s", want, content)
		}
	}
}
