package meeting

import (
	"time"

	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
)

// between is the filter by a stretch of time.
const between = "between"

var fields = []hydra.Field[Meeting]{
	hydra.ID(func(m *Meeting) *ident.ID { return &m.ID }),
	hydra.NullRef("employee", "Employee", func(m *Meeting) *null.Value[ident.ID] { return &m.Employee }).Required().
		Doc("Whom it is with; null: not assigned yet.").Filter(hydra.Exact, hydra.Existence),
	hydra.Time("dateFrom", func(m *Meeting) *time.Time { return &m.DateFrom }).Required().Offset().
		Doc("Where the window begins in which it takes place.").Example("2030-01-07T00:00:00+00:00").
		Filter(hydra.DateRange).Sortable(),
	hydra.Time("dateTo", func(m *Meeting) *time.Time { return &m.DateTo }).Required().Offset().
		Doc("Where the window ends; the window does not hold this moment itself. Up to 366 days after dateFrom.").Example("2030-01-12T00:00:00+00:00").
		Filter(hydra.DateRange).Sortable(),
	hydra.NullText("notes", func(m *Meeting) *null.Value[string] { return &m.Notes }).Length(0, 10_000).Lines().
		Doc("What it is about.").Example("Yearly review").Filter(hydra.Partial, hydra.Existence),
	hydra.NullTime("time", func(m *Meeting) *null.Value[time.Time] { return &m.Time }).Offset().
		Doc("When it takes place, inside the window. Null: it is proposed.").
		Filter(hydra.DateRange, hydra.Existence).Sortable(),
	hydra.Int("duration", func(m *Meeting) *int64 { return &m.Duration }).Between(1, int64(maxWindow/time.Minute)).
		Doc("How many minutes it takes. It is over at dateTo at the latest.").Example("60").Filter(hydra.Range, hydra.Numeric).Sortable(),
	hydra.Bool("allowOverlap", func(m *Meeting) *bool { return &m.AllowOverlap }).
		Doc("Whether it may be at the same time as other scheduled meetings of the employee.").Filter(hydra.Boolean),
	hydra.NullRef("location", "Location", func(m *Meeting) *null.Value[ident.ID] { return &m.Location }).
		Doc("Where it takes place. Left out or null: where the employee works.").Filter(hydra.Exact, hydra.Existence),
	hydra.Text("status", func(m *Meeting) *string { status := m.Status(); return &status }).OneOf(Proposed, Scheduled, Cancelled).ReadOnly().
		Doc("Proposed until its time is set, then scheduled; cancelled once it is deleted. Collections hold cancelled ones only if this asks for them.").
		Filter(hydra.Exact),
	hydra.Refs("conflicts", "Meeting", func(m *Meeting) *[]ident.ID { return &m.Conflicts }).
		Doc("Other meetings of the employee whose windows overlap with this one's, up to 100."),
	hydra.Objects("warnings", func(m *Meeting) *[]Warning { return &m.Warnings },
		hydra.Text("code", func(w *Warning) *string { return &w.Code }).OneOf(reasonClosed, reasonHoliday, reasonNotWorking),
		hydra.Sentence("message", func(w *Warning) fault.Text { return w.Text }),
	).Doc("What speaks against the time: the location's office hours, its country's public holidays, the organization's working days."),
	hydra.Time("createdAt", func(m *Meeting) *time.Time { return &m.CreatedAt }).ReadOnly().Filter(hydra.DateRange),
	hydra.Time("updatedAt", func(m *Meeting) *time.Time { return &m.UpdatedAt }).ReadOnly().Filter(hydra.DateRange).Sortable(),
}

func (s *Service) resource() hydra.Declaration {
	return hydra.Resource[Meeting]{
		Name: "Meeting", Path: "/meetings", Means: "https://schema.org/Event",
		Doc:      "What is planned with an employee: a window in which it takes place and, once it is settled, the time.",
		Fields:   fields,
		Version:  func(m *Meeting) int64 { return m.Version },
		Volatile: true,
		Defaults: func(m *Meeting) { m.Duration = DefaultDuration },
		Validate: func(m *Meeting) []fault.Violation { return m.Validate() },
		Spans:    []hydra.Span{{Name: between, From: "dateFrom", To: "dateTo"}},
		Formats:  []hydra.Format[Meeting]{{Suffix: "ics", Media: "text/calendar", Encode: s.Calendar}},
		Operations: []hydra.Operation{
			hydra.List[Meeting]{Access: mayRead, Do: hydra.OfAll(s.List)},
			hydra.Create[Meeting]{Access: mayWrite, Do: s.Create},
			hydra.Get[Meeting]{Access: mayRead, Do: hydra.ByID(s.Get)},
			hydra.Update[Meeting]{Access: mayWrite, Do: hydra.UpdateByID(s.Update)},
			hydra.Delete[Meeting]{Access: mayWrite, Doc: "Cancels the Meeting resource. It is gone 30 days later.", Do: hydra.DeleteByID(s.Cancel)},
		},
	}
}
