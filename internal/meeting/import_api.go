package meeting

import (
	"context"
	"time"

	"sede/internal/access"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ical"
	"sede/internal/ident"
	"sede/internal/null"
)

var importFields = []hydra.Field[Import]{
	hydra.ID(func(r *Import) *ident.ID { return &r.ID }),
	hydra.Ref("employee", "Employee", func(r *Import) *ident.ID { return &r.Employee }).ReadOnly().Doc("Whose meetings they are."),
	hydra.Time("from", func(r *Import) *time.Time { return &r.From }).ReadOnly().Doc("Where the window begins that was imported."),
	hydra.Time("to", func(r *Import) *time.Time { return &r.To }).ReadOnly().Doc("Where it ends."),
	hydra.Int("created", func(r *Import) *int64 { return &r.Created }).ReadOnly().Doc("How many events became meetings."),
	hydra.Int("changed", func(r *Import) *int64 { return &r.Changed }).ReadOnly().Doc("How many changed the meetings that they became before."),
	hydra.Int("unchanged", func(r *Import) *int64 { return &r.Unchanged }).ReadOnly().Doc("How many changed nothing."),
	hydra.Int("cancelled", func(r *Import) *int64 { return &r.Cancelled }).ReadOnly().
		Doc("How many meetings were cancelled, because their events are, or take place no more."),
	hydra.Refs("meetings", "Meeting", func(r *Import) *[]ident.ID { return &r.Meetings }).Doc("The meetings that were created, changed or cancelled."),
	hydra.Objects("refused", func(r *Import) *[]Refused { return &r.Refused },
		hydra.Int("line", func(f *Refused) *int64 { return &f.Line }).Doc("Where the event begins in the file."),
		hydra.Text("uid", func(f *Refused) *string { return &f.UID }),
		hydra.Text("summary", func(f *Refused) *string { return &f.Summary }),
		hydra.NullTime("start", func(f *Refused) *null.Value[time.Time] { return &f.Start }),
		hydra.Text("code", func(f *Refused) *string { return &f.Code }).OneOf(string(ical.Malformed), string(ical.Incomplete), string(ical.UnknownZone),
			string(ical.Unsupported), string(ical.NoTime), string(ical.TooMuch), string(ical.Twice), refusedOverlap, refusedCancelled, refusedOthers),
		hydra.Sentence("message", func(f *Refused) fault.Text { return f.Text }),
	).Doc("The events that were not imported, and why, up to 500."),
	hydra.Int("more", func(r *Import) *int64 { return &r.More }).ReadOnly().Doc("How many more were not imported than are named."),
}

func (s *Service) imports() hydra.Declaration {
	return hydra.Resource[Import]{
		Name: "MeetingImport", Path: "/.well-known/genid",
		Doc:    "What came of importing a calendar.",
		Fields: importFields,
		Operations: []hydra.Operation{hydra.Action[ImportQuery, Import]{
			Path: "/meetings/import", Access: mayWrite,
			Doc: "Makes Meeting resources of the events of a calendar that touch a window. Those that repeat become one meeting for each time. " +
				"An event that was imported before changes its meeting.",
			Fields: []hydra.Field[ImportQuery]{
				hydra.NullRef("employee", "Employee", func(q *ImportQuery) *null.Value[ident.ID] { return &q.Employee }).
					Doc("Whose meetings they become. Left out: those of the employee who you are."),
				hydra.NullTime("from", func(q *ImportQuery) *null.Value[time.Time] { return &q.From }).Offset().
					Doc("Where the window begins. Left out: today."),
				hydra.NullTime("to", func(q *ImportQuery) *null.Value[time.Time] { return &q.To }).Offset().
					Doc("Where the window ends, up to 732 days later. Left out: 366 days after it begins."),
			},
			Text: &hydra.TextBody[ImportQuery]{Media: "text/calendar", Most: maxImport, Set: func(q *ImportQuery, content []byte) { q.content = content }},
			Do: func(ctx context.Context, who *access.Caller, _ string, q *ImportQuery, r *Import) error {
				return s.Import(ctx, who, q, r)
			},
		}},
	}
}
