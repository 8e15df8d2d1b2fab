package ical

import (
	"slices"
	"strings"
	"time"

	goical "github.com/emersion/go-ical"
	"github.com/teambition/rrule-go"
)

// expansion makes occurrences of events.
type expansion struct {
	Content
	zone   *time.Location
	zones  map[string]string
	limits Limits
	budget int // steps that may still be taken to look for occurrences
}

// What looking for occurrences may cost.
const (
	maxSteps    = 4_000_000 // in one file
	maxBefore   = 30_000    // occurrences of one event before the wanted time
	maxDates    = 5_000     // dates that one event names one by one
	maxUID      = 255
	maxRule     = 512    // octets
	maxInterval = 10_000 // days, weeks, months or years
	maxLasting  = 366 * 24 * time.Hour
	cycle       = 400 // years after which the calendar repeats, weekdays included
	lastYear    = 9999
	daysPerYear = 366
)

// all expands the events. Those that stand for one occurrence of another (RFC
// 5545, 3.8.4.4) take its place.
func (e *expansion) all(events []*component) error {
	moved := map[string]map[string]bool{} // by UID: the occurrences that have an event of their own
	var masters, singles []*component
	for _, c := range events {
		if c.props.Get(goical.PropRecurrenceID) == nil {
			masters = append(masters, c)
		} else {
			singles = append(singles, c)
		}
	}
	for _, c := range singles {
		o, problem, detail := e.single(c)
		if problem != "" {
			e.refuse(c, problem, detail)
			continue
		}
		if moved[o.UID] == nil {
			moved[o.UID] = map[string]bool{}
		}
		if moved[o.UID][o.Recurrence] {
			e.refuse(c, Twice, "")
			continue
		}
		moved[o.UID][o.Recurrence] = true
		if err := e.add(o); err != nil {
			return err
		}
	}
	seen := map[string]bool{}
	for _, c := range masters {
		if uid := c.uid(); uid != "" && seen[uid] {
			e.refuse(c, Twice, "")
			continue
		} else {
			seen[uid] = true
		}
		if err := e.master(c, moved[c.uid()]); err != nil {
			return err
		}
	}
	return nil
}

// single reads an event that stands for one occurrence of another.
func (e *expansion) single(c *component) (o Occurrence, problem Problem, detail string) {
	o, _, _, problem, detail = e.read(c)
	if problem != "" {
		return o, problem, detail
	}
	p := c.props.Get(goical.PropRecurrenceID)
	if p.Params.Get("RANGE") != "" {
		return o, Unsupported, "RANGE"
	}
	at, problem, detail := e.moment(p)
	o.Recurrence = stamp(at.time)
	return o, problem, detail
}

// refuse names an event that can't be taken.
func (e *expansion) refuse(c *component, problem Problem, detail string) {
	e.Refused = append(e.Refused, Refusal{Line: c.line, UID: short(c.uid()), Summary: short(c.text(goical.PropSummary)), Problem: problem, Detail: detail})
}

// add keeps an occurrence if it is wanted.
func (e *expansion) add(o Occurrence) error {
	if !o.From.Before(e.limits.To) || !e.limits.From.Before(o.To) {
		return nil
	}
	if len(e.Occurrences) == e.limits.Most {
		return ErrTooMany
	}
	e.Occurrences = append(e.Occurrences, o)
	return nil
}

// master expands an event but for the occurrences that were moved.
func (e *expansion) master(c *component, moved map[string]bool) error {
	first, start, lasts, problem, detail := e.read(c)
	if problem != "" {
		e.refuse(c, problem, detail)
		return nil
	}
	if !repeats(c) {
		return e.add(first)
	}
	times, problem, detail := e.times(c, start)
	if problem != "" {
		e.refuse(c, problem, detail)
		return nil
	}
	e.Repeating = append(e.Repeating, first.UID)
	for _, t := range times {
		o := first
		o.From = resolve(t, start.zone)
		if o.Recurrence = stamp(o.From); moved[o.Recurrence] {
			continue
		}
		o.To = lasts(t, o.From)
		if err := e.add(o); err != nil {
			return err
		}
	}
	return nil
}

func repeats(c *component) bool {
	return c.props.Get(goical.PropRecurrenceRule) != nil || c.props.Get(goical.PropRecurrenceDates) != nil
}

// read reads what all occurrences of an event have in common. lasts returns the
// end of the one that begins when the clock shows shown: a duration in days is
// counted on the clock (RFC 5545, 3.3.6).
func (e *expansion) read(c *component) (o Occurrence, start moment, lasts func(shown, from time.Time) time.Time, problem Problem, detail string) {
	if c.broken != "" {
		return o, start, nil, Malformed, c.broken
	}
	o = Occurrence{Line: c.line, UID: c.uid(), Summary: c.text(goical.PropSummary), Description: c.text(goical.PropDescription), Location: c.text(goical.PropLocation)}
	o.Status = Status(strings.ToUpper(c.text(goical.PropStatus)))
	o.Free = strings.EqualFold(c.text(goical.PropTransparency), "TRANSPARENT")
	p := c.props.Get(goical.PropDateTimeStart)
	switch {
	case o.UID == "" || len(o.UID) > maxUID:
		return o, start, nil, Incomplete, goical.PropUID
	case p == nil:
		return o, start, nil, Incomplete, goical.PropDateTimeStart
	}
	if start, problem, detail = e.moment(p); problem != "" {
		return o, start, nil, problem, detail
	}
	o.From = start.time
	lasts, problem, detail = e.length(c, start)
	if problem == "" {
		if o.To = lasts(start.shown, o.From); !o.From.Before(o.To) || o.To.Sub(o.From) > maxLasting {
			return o, start, lasts, NoTime, ""
		}
	}
	return o, start, lasts, problem, detail
}

// length reads how long an event takes (RFC 5545, 3.6.1).
func (e *expansion) length(c *component, start moment) (lasts func(shown, from time.Time) time.Time, problem Problem, detail string) {
	if p := c.props.Get(goical.PropDateTimeEnd); p != nil {
		end, problem, detail := e.moment(p)
		if problem != "" {
			return nil, problem, detail
		}
		if end.date != start.date {
			return nil, Malformed, p.Name
		}
		if start.date {
			return e.days(start, int(end.shown.Sub(start.shown)/(24*time.Hour))), "", ""
		}
		length := end.time.Sub(start.time)
		return func(_, from time.Time) time.Time { return from.Add(length) }, "", ""
	}
	if p := c.props.Get(goical.PropDuration); p != nil {
		length, err := p.Duration()
		if err != nil || length < 0 {
			return nil, Malformed, p.Name
		}
		if start.date || strings.ContainsAny(p.Value, "DW") && !strings.Contains(p.Value, "T") {
			return e.days(start, int(length/(24*time.Hour))), "", ""
		}
		return func(_, from time.Time) time.Time { return from.Add(length) }, "", ""
	}
	if start.date {
		return e.days(start, 1), "", ""
	}
	return nil, NoTime, ""
}

// days is a length of whole days on the clock of the event.
func (e *expansion) days(start moment, n int) func(shown, from time.Time) time.Time {
	return func(shown, _ time.Time) time.Time { return resolve(shown.AddDate(0, 0, n), start.zone) }
}

// times are when occurrences of an event begin, as its clock shows them: those
// that may touch the wanted time.
func (e *expansion) times(c *component, start moment) (list []time.Time, problem Problem, detail string) {
	if c.props.Get("EXRULE") != nil || len(c.props[goical.PropRecurrenceRule]) > 1 {
		return nil, Unsupported, goical.PropRecurrenceRule
	}
	list = []time.Time{start.shown}
	if p := c.props.Get(goical.PropRecurrenceRule); p != nil {
		if list, problem, detail = e.rule(p.Value, start); problem != "" {
			return nil, problem, detail
		}
	}
	more, problem, detail := e.dates(c.props[goical.PropRecurrenceDates], start)
	if problem != "" {
		return nil, problem, detail
	}
	without, problem, detail := e.dates(c.props[goical.PropExceptionDates], start)
	if problem != "" {
		return nil, problem, detail
	}
	list = append(list, more...)
	slices.SortFunc(list, time.Time.Compare)
	list = slices.CompactFunc(list, time.Time.Equal)
	gone := make(map[time.Time]bool, len(without))
	for _, t := range without {
		gone[t] = true
	}
	return slices.DeleteFunc(list, func(t time.Time) bool { return gone[t] }), "", ""
}

// dates reads dates that are named one by one, as the event's clock shows them.
func (e *expansion) dates(props []goical.Prop, start moment) (list []time.Time, problem Problem, detail string) {
	for i := range props {
		for value := range strings.SplitSeq(props[i].Value, ",") {
			if len(list) == maxDates {
				return nil, TooMuch, props[i].Name
			}
			value, _, _ = strings.Cut(value, "/") // a period: its beginning
			p := goical.Prop{Name: props[i].Name, Params: props[i].Params, Value: value}
			m, problem, detail := e.moment(&p)
			if problem != "" {
				return nil, problem, detail
			}
			shown := asShown(m.time.In(start.zone))
			if m.date { // the whole day: at the time of the event
				shown = m.shown.Add(start.shown.Sub(start.shown.Truncate(24 * time.Hour)))
			}
			list = append(list, shown)
		}
	}
	return list, "", ""
}

// rule expands a rule (RFC 5545, 3.3.10). It reckons in the last 400 years there
// are, since the calendar repeats after as many: a rule that never comes true is
// not looked for any longer than that.
func (e *expansion) rule(text string, start moment) (list []time.Time, problem Problem, detail string) {
	o, err := rrule.StrToROption(strings.TrimSpace(text))
	if err != nil {
		return nil, Malformed, goical.PropRecurrenceRule
	}
	if len(text) > maxRule || o.Interval < 0 || o.Interval > maxInterval || o.Count < 0 {
		return nil, Unsupported, short(text)
	}
	if o.Freq > rrule.DAILY || len(o.Byhour)+len(o.Byminute)+len(o.Bysecond) > 0 {
		return nil, Unsupported, short(text)
	}
	shift := max(0, (lastYear-1-e.limits.To.Year())/cycle*cycle)
	until := asShown(e.limits.To.In(start.zone)).AddDate(0, 0, 1)
	if !o.Until.IsZero() {
		end := o.Until
		if strings.HasSuffix(untilOf(text), "Z") && !start.utc {
			end = asShown(end.In(start.zone))
		} else if len(untilOf(text)) == len("20060102") {
			end = end.Add(24*time.Hour - time.Second)
		}
		if end.Before(until) {
			until = end
		}
	}
	o.Until, o.Dtstart = until.AddDate(shift, 0, 0), start.shown.AddDate(shift, 0, 0)
	if o.Dtstart.After(o.Until) {
		return nil, "", ""
	}
	if len(o.Bymonthday)+len(o.Byyearday)+len(o.Byweekno)+len(o.Bysetpos)+len(o.Bymonth) > 0 {
		if e.budget -= cost(o); e.budget < 0 {
			return nil, TooMuch, short(text)
		}
	}
	r, err := rrule.NewRRule(*o)
	if err != nil {
		return nil, Malformed, goical.PropRecurrenceRule
	}
	return e.iterate(r, start, shift)
}

// cost is how many steps a rule may take to find out that it never comes true.
func cost(o *rrule.ROption) int {
	years := (lastYear - o.Dtstart.Year() + 1) * (1 + len(o.Bysetpos))
	switch o.Freq {
	case rrule.DAILY:
		return years * daysPerYear
	case rrule.WEEKLY:
		return years * 53
	}
	return years * 31 // of months and years whole day sets are looked through
}

// iterate takes the occurrences that may touch the wanted time.
func (e *expansion) iterate(r *rrule.RRule, start moment, shift int) (list []time.Time, problem Problem, detail string) {
	from := asShown(e.limits.From.In(start.zone)).Add(-maxLasting)
	next := r.Iterator()
	for before := 0; ; {
		t, more := next()
		if !more {
			return list, "", ""
		}
		if e.budget--; e.budget < 0 {
			return nil, TooMuch, goical.PropRecurrenceRule
		}
		if t = t.AddDate(-shift, 0, 0); t.Before(from) {
			if before++; before > maxBefore {
				return nil, TooMuch, goical.PropRecurrenceRule
			}
			continue
		}
		list = append(list, t)
	}
}

// untilOf returns the text of UNTIL in a rule.
func untilOf(text string) string {
	for part := range strings.SplitSeq(strings.ToUpper(text), ";") {
		if value, ok := strings.CutPrefix(strings.TrimSpace(part), "UNTIL="); ok {
			return value
		}
	}
	return ""
}
