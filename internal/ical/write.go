package ical

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	goical "github.com/emersion/go-ical"

	"sede/internal/clock"
)

// product names the writer (RFC 5545, 3.7.3).
const product = "-//sede//sede//EN"

// Encode writes the calendar: lines of 75 octets that end in CRLF, the zones
// before the events.
func (c *Calendar) Encode() ([]byte, error) {
	calendar := goical.NewCalendar()
	calendar.Props.SetText(goical.PropProductID, product)
	calendar.Props.SetText(goical.PropVersion, "2.0")
	calendar.Props.SetText(goical.PropCalendarScale, "GREGORIAN")
	if c.Method != "" {
		calendar.Props.SetText(goical.PropMethod, c.Method)
	}
	if c.Name != "" {
		calendar.Props.SetText(goical.PropName, clean(c.Name)) // RFC 7986, 5.1
		calendar.Props.SetText("X-WR-CALNAME", clean(c.Name))  // for those who don't know it
		calendar.Props.Get("X-WR-CALNAME").Params.Del(goical.ParamValue)
	}
	if c.Refresh > 0 { // RFC 7986, 5.7
		refresh := goical.NewProp(goical.PropRefreshInterval)
		refresh.SetDuration(c.Refresh)
		refresh.Params.Set(goical.ParamValue, string(goical.ValueDuration))
		calendar.Props.Set(refresh)
	}
	calendar.Children = c.zones()
	for i := range c.Events {
		calendar.Children = append(calendar.Children, c.Events[i].component())
	}
	var b bytes.Buffer
	if err := goical.NewEncoder(&b).Encode(calendar); err != nil {
		return nil, err
	}
	return fold(b.Bytes()), nil
}

// zones are the components of the zones that the events name, by name. Without
// events the calendar's own zone is there, since a calendar may not be empty
// (RFC 5545, 3.6).
func (c *Calendar) zones() []*goical.Component {
	type stretch struct {
		zone     *time.Location
		from, to time.Time
	}
	used := map[string]*stretch{}
	for i := range c.Events {
		from, to := c.Events[i].times()
		for _, t := range []time.Time{from, to} {
			s := used[t.Location().String()]
			if s == nil {
				s = &stretch{t.Location(), t, t}
				used[t.Location().String()] = s
			}
			if t.Before(s.from) {
				s.from = t
			}
			if s.to.Before(t) {
				s.to = t
			}
		}
	}
	if len(used) == 0 && c.Zone != nil {
		epoch := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
		used[c.Zone.String()] = &stretch{c.Zone, epoch, epoch}
	}
	if len(c.Events) > 0 {
		delete(used, time.UTC.String()) // times in UTC need none (RFC 5545, 3.2.19)
	}
	names := make([]string, 0, len(used))
	for name := range used {
		names = append(names, name)
	}
	slices.Sort(names)
	var list []*goical.Component
	for _, name := range names {
		list = append(list, zoneComponent(used[name].zone, used[name].from, used[name].to))
	}
	return list
}

// times are when the event begins and ends, on the clocks of their zones. A time
// that a clock shows twice is the first one by RFC 5545, 3.3.5, and the second one
// to ical.js, so an event at either is told in UTC.
func (e *Event) times() (from, to time.Time) {
	if isTwice(e.From) || isTwice(e.To) {
		return e.From.UTC(), e.To.UTC()
	}
	return e.From, e.To
}

// isTwice reports whether the clock shows the same time twice.
func isTwice(t time.Time) bool {
	if last := clock.LastChange(t); !last.IsZero() && t.Sub(last) < backAt(last) {
		return true
	}
	next := clock.NextChange(t)
	return !next.IsZero() && next.Sub(t) <= backAt(next)
}

// backAt is how far a clock goes back at a change.
func backAt(change time.Time) time.Duration {
	_, before := change.Add(-time.Second).Zone()
	_, after := change.Zone()
	return time.Duration(before-after) * time.Second
}

// component is the VEVENT.
func (e *Event) component() *goical.Component {
	component := goical.NewComponent(goical.CompEvent)
	p := component.Props
	p.SetText(goical.PropUID, e.UID)
	stamp := e.Stamp
	if stamp.IsZero() {
		stamp = e.Changed
	}
	p.SetDateTime(goical.PropDateTimeStamp, stamp.UTC()) // RFC 5545, 3.8.7.2
	from, to := e.times()
	p.SetDateTime(goical.PropDateTimeStart, from)
	p.SetDateTime(goical.PropDateTimeEnd, to)
	p.SetText(goical.PropStatus, string(e.Status))
	set(p, goical.PropSequence, strconv.FormatInt(e.Sequence, 10))
	for name, text := range map[string]string{
		goical.PropSummary: e.Summary, goical.PropDescription: e.Description, goical.PropLocation: e.Location,
	} {
		if text != "" {
			p.SetText(name, clean(text))
		}
	}
	if !e.Created.IsZero() {
		p.SetDateTime(goical.PropCreated, e.Created.UTC())
	}
	if !e.Changed.IsZero() {
		p.SetDateTime(goical.PropLastModified, e.Changed.UTC())
	}
	if e.Free { // RFC 5545, 3.8.2.7
		p.SetText(goical.PropTransparency, "TRANSPARENT")
	}
	if e.Private { // RFC 5545, 3.8.1.3
		p.SetText(goical.PropClass, "PRIVATE")
	}
	e.Organizer.add(p, goical.PropOrganizer, nil)
	e.Attendee.add(p, goical.PropAttendee, goical.Params{ // RFC 5545, 3.2
		goical.ParamCalendarUserType: {"INDIVIDUAL"}, goical.ParamRole: {"REQ-PARTICIPANT"},
		goical.ParamParticipationStatus: {"NEEDS-ACTION"}, goical.ParamRSVP: {"FALSE"},
	})
	return component
}

func set(p goical.Props, name, value string) {
	prop := goical.NewProp(name)
	prop.Value = value
	p.Set(prop)
}

// add sets a property whose value is the person (RFC 5545, 3.3.3).
func (p Person) add(props goical.Props, name string, params goical.Params) {
	if p.Email == "" {
		return
	}
	prop := goical.NewProp(name)
	for key, values := range params {
		prop.Params[key] = values
	}
	if p.Name != "" {
		prop.Params.Set(goical.ParamCommonName, parameter(clean(p.Name)))
	}
	prop.Value = "mailto:" + p.Email
	props.Set(prop)
}

// parameter writes what a parameter can't hold as it is (RFC 6868, 3).
func parameter(text string) string {
	return strings.NewReplacer("^", "^^", "\n", "^n", `"`, "^'").Replace(text)
}

// clean makes one kind of line ends, and leaves out the control characters that
// no text may hold (RFC 5545, 3.3.11).
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text))
}
