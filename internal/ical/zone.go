package ical

import (
	"fmt"
	"slices"
	"strings"
	"time"

	goical "github.com/emersion/go-ical"

	"sede/internal/clock"
)

// change is a moment at which the clocks of a zone change.
type change struct {
	at            time.Time
	before, after int // offsets from UTC in seconds
	name          string
	summer        bool
}

// onset is what the clocks show when the change comes, in UTC: how an observance
// tells its beginning (RFC 5545, 3.6.5).
func (c *change) onset() time.Time { return c.at.UTC().Add(time.Duration(c.before) * time.Second) }

// same reports whether the two change the clocks in the same way.
func (c *change) same(o *change) bool {
	return c.before == o.before && c.after == o.after && c.name == o.name && c.summer == o.summer
}

// changesOf lists the changes of a zone from the last one before the stretch of
// time to its end.
func changesOf(zone *time.Location, from, to time.Time) []change {
	t := from.In(zone)
	if start := clock.LastChange(t); !start.IsZero() {
		return append([]change{describe(start)}, laterChanges(t, to)...)
	}
	name, offset := t.Zone()
	epoch := time.Unix(-int64(offset), 0)
	return append([]change{{epoch, offset, offset, name, t.IsDST()}}, laterChanges(t, to)...)
}

func laterChanges(t, to time.Time) (list []change) {
	for t = clock.NextChange(t); !t.IsZero() && !t.After(to); t = clock.NextChange(t) {
		list = append(list, describe(t))
	}
	return list
}

func describe(at time.Time) change {
	_, before := at.Add(-time.Second).Zone()
	name, after := at.Zone()
	return change{at, before, after, name, at.IsDST()}
}

// rules are over how many years a rule must hold to be written as one.
const rules = 12

// zoneComponent is the VTIMEZONE of a zone: right for all times from the first
// to the second, and for all later ones where changes follow a yearly rule (RFC
// 5545, 3.6.5).
func zoneComponent(zone *time.Location, from, to time.Time) *goical.Component {
	component := goical.NewComponent(goical.CompTimezone)
	component.Props.SetText(goical.PropTimezoneID, zone.String())
	horizon := to.AddDate(rules, 0, 0)
	changes := changesOf(zone, from.AddDate(0, 0, -2), horizon)
	for len(changes) > 0 {
		first := changes[0]
		var group, rest []change
		for _, c := range changes {
			if c.same(&first) {
				group = append(group, c)
			} else {
				rest = append(rest, c)
			}
		}
		changes = rest
		component.Children = append(component.Children, observances(group, to.AddDate(1, 0, 0), horizon)...)
	}
	return component
}

// observances writes changes of one kind: as a rule if they follow one to the
// horizon, else one by one up to the last that matters.
func observances(group []change, last, horizon time.Time) []*goical.Component {
	for i := range group {
		if rule := ruleOf(group[i:], horizon); rule != "" {
			list := []*goical.Component{observance(&group[i], rule, nil)}
			if i > 0 {
				list = append(list, observance(&group[0], "", group[1:i]))
			}
			return list
		}
	}
	end := slices.IndexFunc(group, func(c change) bool { return c.at.After(last) })
	if end < 0 {
		end = len(group)
	}
	if end == 0 {
		return nil
	}
	return []*goical.Component{observance(&group[0], "", group[1:end])}
}

// observance is a STANDARD or DAYLIGHT component that begins with the change and
// comes again by a rule or with the others.
func observance(c *change, rule string, others []change) *goical.Component {
	kind := goical.CompTimezoneStandard
	if c.summer {
		kind = goical.CompTimezoneDaylight
	}
	component := goical.NewComponent(kind)
	set := func(name, value string) {
		prop := goical.NewProp(name)
		prop.Value = value
		component.Props.Add(prop)
	}
	set(goical.PropDateTimeStart, local(c.onset()))
	set(goical.PropTimezoneOffsetFrom, offset(c.before))
	set(goical.PropTimezoneOffsetTo, offset(c.after))
	set(goical.PropTimezoneName, c.name)
	if rule != "" {
		set(goical.PropRecurrenceRule, rule)
	}
	if len(others) > 0 { // else libical and ical.js don't count the beginning itself
		set(goical.PropRecurrenceDates, local(c.onset()))
	}
	for i := range others {
		set(goical.PropRecurrenceDates, local(others[i].onset()))
	}
	return component
}

// ruleOf returns the rule by which the changes come every year until the
// horizon, empty when there is none or when they are too few to tell.
func ruleOf(group []change, horizon time.Time) string {
	first := group[0].onset()
	if len(group) < rules/2 || group[len(group)-1].at.AddDate(1, 0, 7).Before(horizon) {
		return ""
	}
	nth, last, fixed := true, true, true
	for i := range group {
		t := group[i].onset()
		if t.Year() != first.Year()+i || t.Month() != first.Month() || t.Format(time.TimeOnly) != first.Format(time.TimeOnly) {
			return ""
		}
		sameDay := t.Weekday() == first.Weekday()
		nth = nth && sameDay && (t.Day()-1)/7 == (first.Day()-1)/7
		last = last && sameDay && t.AddDate(0, 0, 7).Month() != t.Month()
		fixed = fixed && t.Day() == first.Day()
	}
	rule := fmt.Sprintf("FREQ=YEARLY;BYMONTH=%d;", first.Month())
	day := strings.ToUpper(first.Weekday().String()[:2])
	switch {
	case last:
		return rule + "BYDAY=-1" + day
	case nth:
		return rule + fmt.Sprintf("BYDAY=%d%s", (first.Day()-1)/7+1, day)
	case fixed:
		return rule + fmt.Sprintf("BYMONTHDAY=%d", first.Day())
	}
	return ""
}

// local writes what a clock shows (RFC 5545, 3.3.5, form 1).
func local(t time.Time) string { return t.Format("20060102T150405") }

// offset writes an offset from UTC (RFC 5545, 3.3.14).
func offset(seconds int) string {
	sign := '+'
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	text := fmt.Sprintf("%c%02d%02d", sign, seconds/3600, seconds/60%60)
	if s := seconds % 60; s != 0 {
		text += fmt.Sprintf("%02d", s)
	}
	return text
}
