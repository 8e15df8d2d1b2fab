package meeting

import (
	"net/http"
	"time"

	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
)

// The start times that an answer holds.
const (
	defaultStep  = 15
	defaultSlots = 100
	maxSlots     = 1000
)

var slotsFields = []hydra.Field[Slots]{
	hydra.ID(func(s *Slots) *ident.ID { return &s.Meeting }),
	hydra.Ref("meeting", "Meeting", func(s *Slots) *ident.ID { return &s.Meeting }).ReadOnly().Doc("Whose start times they are."),
	hydra.Text("timeZone", func(s *Slots) *string { return &s.TimeZone }).ReadOnly().
		Doc("The IANA time zone of the clock that days and steps follow: the location's, without one the organization's.").Example("Europe/Lisbon"),
	hydra.Int("duration", func(s *Slots) *int64 { return &s.Duration }).ReadOnly().
		Doc("How many minutes are free from each start time on."),
	hydra.Int("step", func(s *Slots) *int64 { return &s.Step }).ReadOnly().Doc("How many minutes lie between two start times."),
	hydra.Objects("slots", func(s *Slots) *[]Slot { return &s.List },
		hydra.Time("time", func(s *Slot) *time.Time { return &s.Time }).Doc("The start time, as the meeting takes it."),
		hydra.Text("local", func(s *Slot) *string { local := s.Local.Format(wireTime); return &local }).Format("date-time").
			Doc("The same moment with the offset of the clock."),
	).Doc("Start times in order."),
	hydra.Objects("days", func(s *Slots) *[]Day { return &s.Days },
		hydra.Text("date", func(d *Day) *string { date := d.Date.String(); return &date }).Format("date"),
		hydra.Int("slots", func(d *Day) *int64 { return &d.Slots }).Doc("How many of the start times lie on the day."),
		hydra.NullText("reason", func(d *Day) *null.Value[string] { return &null.Value[string]{V: d.Reason, Valid: d.Reason != ""} }).
			OneOf(reasonHoliday, reasonNotWorking, reasonClosed, reasonTooShort, reasonPast, reasonBusy, reasonStep).
			Doc("Why the day has none."),
		hydra.Sentence("message", func(d *Day) fault.Text { return d.Text }).Nullable().Doc("The reason in words."),
	).Doc("The days of the window, up to the one with the last start time if there are more."),
	hydra.Bool("more", func(s *Slots) *bool { return &s.More }).ReadOnly().Doc("Whether there are more start times than limit."),
}

func (s *Service) slots() hydra.Declaration {
	return hydra.Resource[Slots]{
		Name: "MeetingSlots", Path: "/meetings/{id}/slots",
		Doc:    "Start times that a meeting can have.",
		Fields: slotsFields,
		Operations: []hydra.Operation{hydra.Action[SlotQuery, Slots]{
			Method: http.MethodGet, Path: "/meetings/{id}/slots", Access: mayRead,
			Doc: "Retrieves start times of a Meeting resource: inside its window, within the location's office hours, not on public holidays, " +
				"on working days of the organization, and free of other meetings of the employee.",
			Fields: []hydra.Field[SlotQuery]{
				hydra.Int("step", func(q *SlotQuery) *int64 { return &q.Step }).Between(1, minutesOfDay).Example("30").
					Doc("How many minutes lie between two start times, on the wall clock from the opening hour on. Left out: 15."),
				hydra.Int("limit", func(q *SlotQuery) *int64 { return &q.Limit }).Between(1, maxSlots).Example("10").
					Doc("How many start times at most. Left out: 100."),
			},
			Defaults: func(q *SlotQuery) { q.Step, q.Limit = defaultStep, defaultSlots },
			Do:       hydra.ActionByID(s.Slots),
		}},
	}
}
