package ical

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	goical "github.com/emersion/go-ical"
)

// Problem is why an event can't be taken.
type Problem string

// The problems of single events.
const (
	Malformed   Problem = "malformed"   // a line or value breaks the format
	Incomplete  Problem = "incomplete"  // what an event must have is missing
	UnknownZone Problem = "unknownZone" // no such time zone
	Unsupported Problem = "unsupported" // well-formed, but more than is understood
	NoTime      Problem = "noTime"      // it takes no time, or ends before it begins
	TooMuch     Problem = "tooMuch"     // it comes too often, or takes too long to find out
	Twice       Problem = "twice"       // the same event stands in the file before
)

// Refusal names an event that can't be taken and why.
type Refusal struct {
	Line    int // where it begins in the file
	UID     string
	Summary string
	Problem Problem
	Detail  string // what of it: a line's number and text, a zone's name
}

// Limits bound what is read. What is beyond is refused.
type Limits struct {
	From, To time.Time // occurrences that touch this time are wanted
	Most     int       // of them
}

// ErrNoCalendar says that the content is no iCalendar at all.
var ErrNoCalendar = errors.New("ical: no calendar")

// ErrTooMany says that there are more occurrences than the limits allow.
var ErrTooMany = errors.New("ical: too many occurrences")

// Occurrence is one time at which an event takes place.
type Occurrence struct {
	Line        int // where the event begins in the file
	UID         string
	Recurrence  string // when it was meant to be before it was moved, in UTC; empty: it does not repeat
	Status      Status // empty: Confirmed
	Free        bool   // takes nobody's time
	From, To    time.Time
	Summary     string
	Description string
	Location    string
}

// Content is what was read.
type Content struct {
	Method      string
	Occurrences []Occurrence // by their beginnings
	Refused     []Refusal    // in the order of the file
	Repeating   []string     // UIDs of the events that repeat and could be read
}

// maxDepth is how deep components may lie in each other.
const maxDepth = 8

// component is a component with where it began and what is wrong with it.
type component struct {
	name   string
	line   int
	props  goical.Props
	broken string // the first line that can't be read
}

// Read reads a file of calendars, whose times without a zone are those of the
// given one. It takes time in proportion to the content and the limits.
func Read(content []byte, zone *time.Location, limits Limits) (Content, error) {
	r := reader{lines: lines{rest: trimMark(content), number: 1}, zones: map[string]string{}}
	if err := r.components(); err != nil {
		return Content{}, err
	}
	e := expansion{zone: zone, zones: r.zones, limits: limits, budget: maxSteps}
	e.Method = r.method
	if err := e.all(r.events); err != nil {
		return Content{}, err
	}
	slices.SortStableFunc(e.Occurrences, func(a, b Occurrence) int { return a.From.Compare(b.From) })
	slices.SortStableFunc(e.Refused, func(a, b Refusal) int { return a.Line - b.Line })
	return e.Content, nil
}

// trimMark leaves out the mark of UTF-8 that some programs begin files with.
func trimMark(content []byte) []byte {
	if len(content) >= 3 && string(content[:3]) == "\xef\xbb\xbf" {
		return content[3:]
	}
	return content
}

// reader collects the events and zones of a file.
type reader struct {
	lines
	method string
	zones  map[string]string // TZID -> IANA name
	events []*component
}

// components reads all of the file.
func (r *reader) components() error {
	var stack []*component
	calendars := 0
	for {
		line, number, more, err := r.next()
		if !more {
			break
		}
		var p *goical.Prop
		if err == nil {
			p, err = parse(line)
		}
		if err != nil {
			if len(stack) > 0 {
				note(stack, number, line, err)
			}
			continue
		}
		switch p.Name {
		case "BEGIN":
			if len(stack) == maxDepth {
				return ErrNoCalendar
			}
			c := &component{name: strings.ToUpper(p.Value), line: number, props: goical.Props{}}
			if len(stack) == 0 && c.name != goical.CompCalendar {
				return ErrNoCalendar
			}
			stack = append(stack, c)
		case "END":
			if len(stack) == 0 {
				return ErrNoCalendar
			}
			c := stack[len(stack)-1]
			if !strings.EqualFold(p.Value, c.name) {
				note(stack, number, line, errNoName)
				continue
			}
			stack = stack[:len(stack)-1]
			if c.name == goical.CompCalendar {
				calendars++
			}
			r.done(c)
		default:
			if len(stack) > 0 {
				c := stack[len(stack)-1]
				c.props[p.Name] = append(c.props[p.Name], *p)
			}
		}
	}
	if calendars == 0 || len(stack) > 0 { // cut off: what is missing is not known
		return ErrNoCalendar
	}
	return nil
}

// note keeps the first bad line of the event that it stands in.
func note(stack []*component, number int, line string, err error) {
	for _, c := range stack {
		if c.name == goical.CompEvent && c.broken == "" {
			c.broken = strconv.Itoa(number) + ": " + err.Error() + ": " + short(line)
		}
	}
}

// short is the beginning of a line, for people.
func short(line string) string {
	if runes := []rune(line); len(runes) > 60 {
		return string(runes[:59]) + "…"
	}
	return line
}

// done keeps what a component tells.
func (r *reader) done(c *component) {
	switch c.name {
	case goical.CompEvent:
		r.events = append(r.events, c)
	case goical.CompCalendar:
		if p := c.props.Get(goical.PropMethod); p != nil {
			r.method = strings.ToUpper(p.Value)
		}
	case goical.CompTimezone:
		id, name := c.props.Get(goical.PropTimezoneID), c.props.Get("X-LIC-LOCATION")
		if id != nil && name != nil {
			r.zones[id.Value] = name.Value
		}
	}
}

// text returns a text property, empty when it is not there or can't be read.
func (c *component) text(name string) string {
	p := c.props.Get(name)
	if p == nil {
		return ""
	}
	q := *p
	q.Params = nil // some say VALUE=TEXT in odd ways
	text, err := q.Text()
	if err != nil {
		return strings.TrimSpace(p.Value)
	}
	return text
}

func (c *component) uid() string { return strings.TrimSpace(c.text(goical.PropUID)) }
