package meeting

import (
	"context"
	"slices"
	"strings"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/employee"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ical"
	"sede/internal/ident"
	"sede/internal/location"
	"sede/internal/phrase"
)

// view is how meetings are shown in a calendar.
type view struct {
	reader phrase.Language
	own    ident.ID // the employee whose calendar it is, who need not be named; zero: nobody's
	busy   bool     // tells no more than when somebody is busy
	zone   *time.Location
	people map[ident.ID]*employee.Employee
	places map[ident.ID]*location.Location
	zones  *zones
}

// Calendar writes meetings as iCalendar, in the reader's language.
func (s *Service) Calendar(ctx context.Context, who *access.Caller, items []Meeting) (content []byte, err error) {
	v := view{reader: phrase.Match(hydra.Reader(ctx).String())}
	err = s.db.Read(ctx, who.Scope(), func(tx *db.Tx) error {
		zone, err := s.settings.TimeZone(tx, who.Scope())
		if err != nil {
			return err
		}
		v.zone = s.zones.load(zone)
		if err := s.look(tx, who.Scope(), &v, items); err != nil {
			return err
		}
		calendar := ical.Calendar{Zone: v.zone, Events: v.events(items)}
		content, err = calendar.Encode()
		return err
	})
	return content, err
}

// look fills what the view needs to know of people and places, with a constant
// number of statements.
func (s *Service) look(tx *db.Tx, scope access.Scope, v *view, items []Meeting) error {
	v.zones, v.people, v.places = &s.zones, map[ident.ID]*employee.Employee{}, map[ident.ID]*location.Location{}
	var people, places []ident.ID
	for i := range items {
		m := &items[i]
		if m.Employee.Valid && m.Employee.V != v.own && !v.busy && !slices.Contains(people, m.Employee.V) {
			people = append(people, m.Employee.V)
		}
		if m.Location.Valid && !slices.Contains(places, m.Location.V) {
			places = append(places, m.Location.V)
		}
	}
	found, err := s.employees.Some(tx, scope, people)
	if err != nil {
		return err
	}
	for i := range found {
		v.people[found[i].ID] = &found[i]
	}
	offices, err := s.locations.Some(tx, scope, places)
	for i := range offices {
		v.places[offices[i].ID] = &offices[i]
	}
	return err
}

// events are the meetings as the view shows them.
func (v *view) events(items []Meeting) []ical.Event {
	events := make([]ical.Event, 0, len(items))
	for i := range items {
		events = append(events, v.event(&items[i]))
	}
	return events
}

// event is one meeting: its time, without one its window, which takes nobody's
// time. The UID is the meeting's id and so never changes (RFC 7986, 5.3).
func (v *view) event(m *Meeting) ical.Event {
	e := ical.Event{UID: m.ID.String(), Sequence: m.Sequence, Created: m.CreatedAt, Changed: m.UpdatedAt}
	from, to, scheduled := m.occupied()
	if !scheduled {
		from, to = m.DateFrom, m.DateTo
	}
	zone := v.zone
	place := v.places[m.Location.V]
	if m.Location.Valid && place != nil {
		zone = v.zones.load(place.TimeZone)
	}
	e.From, e.To = from.In(zone), to.In(zone)
	switch m.Status() {
	case Proposed:
		e.Status, e.Free = ical.Tentative, true
	case Scheduled:
		e.Status = ical.Confirmed
	case Cancelled:
		e.Status, e.Free = ical.Cancelled, true
	}
	if v.busy {
		e.Summary, e.Private = v.reader.Text(fault.Textf("Busy")), true
		return e
	}
	e.Summary, e.Description = v.summary(m), m.Notes.V
	if place != nil {
		e.Location = oneLine(place.Name + "\n" + place.Address.V)
	}
	return e
}

// maxSummary is the longest title, in characters.
const maxSummary = 120

// summary is the title: the first line of the notes and whom it is with.
func (v *view) summary(m *Meeting) string {
	first, _, _ := strings.Cut(strings.TrimSpace(m.Notes.V), "\n")
	first = strings.TrimSpace(first)
	if runes := []rune(first); len(runes) > maxSummary {
		first = string(runes[:maxSummary-1]) + "…"
	}
	person := v.people[m.Employee.V]
	switch {
	case first == "" && person == nil:
		return v.reader.Text(fault.Textf("Meeting"))
	case first == "":
		return v.reader.Text(fault.Textf("Meeting with %s", person.Name()))
	case person == nil:
		return first
	}
	return first + " (" + person.Name() + ")"
}

// oneLine joins the lines of a text with commas.
func oneLine(text string) string {
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
	for i := range lines {
		lines[i] = strings.Trim(lines[i], " \t,")
	}
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool { return line == "" }), ", ")
}
