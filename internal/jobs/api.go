package jobs

import (
	"time"

	"sede/internal/access"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
)

// mayRun is who sees and handles jobs.
var mayRun = access.Operators()

// Item is a job as operators see it. What it is to be done with is not shown.
type Item struct {
	ID           ident.ID
	Kind         string
	State        string
	Organization null.Value[ident.ID]
	Attempts     int64
	MostAttempts int64
	RunAt        null.Value[time.Time]
	Error        null.Value[string]
	CreatedAt    time.Time
	StartedAt    null.Value[time.Time]
	FinishedAt   null.Value[time.Time]
}

var fields = []hydra.Field[Item]{
	hydra.ID(func(i *Item) *ident.ID { return &i.ID }),
	hydra.Text("kind", func(i *Item) *string { return &i.Kind }).ReadOnly().
		Doc("What is to be done.").Example("mail.deliver").Filter(hydra.Exact),
	hydra.Text("state", func(i *Item) *string { return &i.State }).ReadOnly().OneOf(waiting, running, done, failed, discarded).
		Doc("Failed: its attempts are used up, or it can't ever succeed. Discarded: an operator gave it up.").Filter(hydra.Exact),
	hydra.NullRef("organization", "Organization", func(i *Item) *null.Value[ident.ID] { return &i.Organization }).ReadOnly().
		Doc("The organization for which it is done; null when it is for none.").Filter(hydra.Exact),
	hydra.Int("attempts", func(i *Item) *int64 { return &i.Attempts }).ReadOnly().
		Doc("How often it was begun.").Filter(hydra.Range),
	hydra.Int("mostAttempts", func(i *Item) *int64 { return &i.MostAttempts }).ReadOnly().
		Doc("After so many attempts that went wrong it is failed."),
	hydra.NullTime("runAt", func(i *Item) *null.Value[time.Time] { return &i.RunAt }).ReadOnly().
		Doc("When it is due; null when it does not wait.").Filter(hydra.DateRange).Sortable(),
	hydra.NullText("error", func(i *Item) *null.Value[string] { return &i.Error }).ReadOnly().
		Doc("What went wrong with the last attempt."),
	hydra.Time("createdAt", func(i *Item) *time.Time { return &i.CreatedAt }).ReadOnly().Filter(hydra.DateRange),
	hydra.NullTime("startedAt", func(i *Item) *null.Value[time.Time] { return &i.StartedAt }).ReadOnly().
		Doc("When the last attempt began."),
	hydra.NullTime("finishedAt", func(i *Item) *null.Value[time.Time] { return &i.FinishedAt }).ReadOnly().
		Doc("When it was done, failed or discarded. A day later the done ones are removed, thirty days later the others.").
		Filter(hydra.DateRange).Sortable(),
}

// Resources are those of the package, for the composition.
func (q *Queue) Resources() []hydra.Declaration {
	return []hydra.Declaration{hydra.Resource[Item]{
		Name: "Job", Path: "/jobs",
		Doc:    "Work that is done outside of requests: mail to be delivered, for example. The newest come first. For operators.",
		Fields: fields,
		Operations: []hydra.Operation{
			hydra.List[Item]{Access: mayRun, Do: hydra.OfAll(q.List)},
			hydra.Get[Item]{Access: mayRun, Do: hydra.ByID(q.Get)},
			hydra.Action[hydra.None, Item]{Path: "/jobs/{id}/retry", Access: mayRun, Do: byID(q.Retry),
				Doc: "Has the job run as soon as possible, with all its attempts: one that waits, is failed or was discarded."},
			hydra.Action[hydra.None, Item]{Path: "/jobs/{id}/discard", Access: mayRun, Do: byID(q.Discard),
				Doc: "Gives the job up: one that waits or is failed."},
		},
	}}
}
