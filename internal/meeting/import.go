package meeting

import (
	"strings"
	"time"

	"sede/internal/fault"
	"sede/internal/ical"
	"sede/internal/ident"
	"sede/internal/null"
)

// ImportQuery says what of a calendar is imported, and for whom.
type ImportQuery struct {
	Employee null.Value[ident.ID] // null: the employee who the caller is
	From, To null.Value[time.Time]
	content  []byte
}

// Import is what came of importing a calendar. Every event that touches the
// window is counted once.
type Import struct {
	ID        ident.ID
	Employee  ident.ID
	From, To  time.Time
	Created   int64
	Changed   int64
	Unchanged int64
	Cancelled int64
	Meetings  []ident.ID // that were created, changed or cancelled, in order
	Refused   []Refused
	More      int64 // refused ones that are not named
}

// Refused is an event that was not imported.
type Refused struct {
	Line    int64 // where it begins in the file
	UID     string
	Summary string
	Start   null.Value[time.Time]
	Code    string
	Text    fault.Text
}

// The bounds of an import.
const (
	maxImport       = 10 << 20 // bytes
	maxImported     = 2000     // occurrences
	maxRefusedNamed = 500
	importWindow    = 366 * 24 * time.Hour // that is asked for if nothing is said
	maxImportWindow = 2 * 366 * 24 * time.Hour
)

// Why an event is not imported, beside what is wrong with it itself.
const (
	refusedOverlap   = "overlap"   // the employee has another meeting at the time
	refusedCancelled = "cancelled" // the meeting was cancelled here
	refusedOthers    = "others"    // it is a meeting of another employee
)

// refuse names an event that was not imported.
func (r *Import) refuse(item Refused) {
	if len(r.Refused) == maxRefusedNamed {
		r.More++
		return
	}
	r.Refused = append(r.Refused, item)
}

// refusedOf says for people what is wrong with an event.
func refusedOf(r *ical.Refusal) Refused {
	text := fault.Textf("The event can't be read: %s", r.Detail)
	switch r.Problem {
	case ical.Incomplete:
		text = fault.Textf("The event has no %s.", r.Detail)
	case ical.UnknownZone:
		text = fault.Textf("Nobody knows the time zone %q.", r.Detail)
	case ical.Unsupported:
		text = fault.Textf("This is not supported: %s", r.Detail)
	case ical.NoTime:
		text = fault.Textf("The event takes no time, or more than a year.")
	case ical.TooMuch:
		text = fault.Textf("The event comes too often: %s", r.Detail)
	case ical.Twice:
		text = fault.Textf("The event stands in the file twice.")
	}
	return Refused{Line: int64(r.Line), UID: r.UID, Summary: r.Summary, Code: string(r.Problem), Text: text}
}

// refusedAt names an occurrence that was not imported.
func refusedAt(o *ical.Occurrence, code string, text fault.Text) Refused {
	return Refused{Line: int64(o.Line), UID: o.UID, Summary: cut(o.Summary, maxSummary), Start: null.Of(o.From.UTC()), Code: code, Text: text}
}

// maxNotes is the longest notes, in characters.
const maxNotes = 10_000

// cut shortens a text to so many characters.
func cut(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

// terms are what an occurrence says of a meeting. A tentative one and one that
// takes nobody's time are proposed: what they tell is the window. Of a meeting
// that was exported from here the window stays as long as the time is in it.
func (t Terms) of(o *ical.Occurrence, own bool) Terms {
	notes := []string{strings.TrimSpace(o.Summary), strings.TrimSpace(o.Description)}
	if own || notes[0] == notes[1] {
		notes = notes[1:]
	}
	text := strings.Trim(strings.Join(notes, "\n\n"), "\n")
	t.Notes = null.Value[string]{V: cut(text, maxNotes), Valid: text != ""}
	from, to := o.From.UTC().Truncate(time.Second), o.To.UTC().Truncate(time.Second)
	if o.Status == ical.Tentative || o.Free {
		t.DateFrom, t.DateTo, t.Time = from, to, null.Value[time.Time]{}
		if t.Duration == 0 {
			t.Duration = max(1, min(DefaultDuration, minutes(to.Sub(from))))
		}
		return t
	}
	if !own || from.Before(t.DateFrom) || to.After(t.DateTo) {
		t.DateFrom, t.DateTo = from, to
	}
	t.Time = null.Of(from)
	if _, end, _ := t.occupied(); t.Duration == 0 || !end.Equal(to) {
		t.Duration = minutes(to.Sub(from))
	}
	return t
}

// minutes is a length in minutes, a begun one whole.
func minutes(length time.Duration) int64 { return int64((length + time.Minute - 1) / time.Minute) }
