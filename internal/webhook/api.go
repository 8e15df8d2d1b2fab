package webhook

import (
	"context"
	"net/http"
	"strings"
	"time"

	"sede/internal/access"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/throttle"
)

var fields = []hydra.Field[Endpoint]{
	hydra.ID(func(e *Endpoint) *ident.ID { return &e.ID }),
	hydra.Text("url", func(e *Endpoint) *string { return &e.URL }).Required().Length(1, maxURL).Format("uri").
		Doc("Where events are posted to. It begins with https:// and is on the internet.").Example("https://app.example/webhooks/sede").
		Filter(hydra.Exact),
	hydra.Text("description", func(e *Endpoint) *string { return &e.Description }).Doc("What it is for.").Example("Accounting"),
	hydra.Texts("events", func(e *Endpoint) *[]string { return &e.Events }).Required().
		Doc("The types of the events that it gets; * stands for all.").Example(`["integration.expiring"]`),
	hydra.Bool("enabled", func(e *Endpoint) *bool { return &e.Enabled }).
		Doc("Whether it gets events. It is switched off by itself when nothing arrived for five days, or it answered 410.").Filter(hydra.Boolean),
	hydra.NullText("secret", func(e *Endpoint) *null.Value[string] { return &e.Secret }).ReadOnly().Secret().
		Doc("What signs the events, see standardwebhooks.com. It is in the answers to creation and rotation, and shown never again."),
	hydra.NullTime("deliveredAt", func(e *Endpoint) *null.Value[time.Time] { return &e.DeliveredAt }).ReadOnly().Doc("When an event arrived last."),
	hydra.NullTime("failedAt", func(e *Endpoint) *null.Value[time.Time] { return &e.FailedAt }).ReadOnly().Doc("When one did not, last."),
	hydra.NullTime("failingSince", func(e *Endpoint) *null.Value[time.Time] { return &e.FailingSince }).ReadOnly().
		Doc("Since when nothing has arrived; null while all is well."),
	hydra.NullTime("retryAt", func(e *Endpoint) *null.Value[time.Time] { return &e.RetryAt }).ReadOnly().
		Doc("Nothing is sent before, because deliveries fail: at first for a second, later for up to an hour. A ping is sent at once."),
	hydra.NullText("error", func(e *Endpoint) *null.Value[string] { return &e.Error }).ReadOnly().OneOf(failures()...).
		Doc("What went wrong last; null while all is well."),
	hydra.Sentence("errorMessage", func(e *Endpoint) fault.Text { return sentence(e.Error.V) }).Nullable().Doc("The same in words."),
	hydra.Time("createdAt", func(e *Endpoint) *time.Time { return &e.CreatedAt }).ReadOnly().Filter(hydra.DateRange).Sortable(),
	hydra.Time("updatedAt", func(e *Endpoint) *time.Time { return &e.UpdatedAt }).ReadOnly(),
}

// Resources are those of the package, for the composition.
func (s *Service) Resources() []hydra.Declaration {
	return []hydra.Declaration{hydra.Resource[Endpoint]{
		Name: "WebhookEndpoint", Path: "/webhook-endpoints",
		Doc:      "An address of another program that is told what happens in the organization. " + s.described(),
		Fields:   fields,
		Version:  func(e *Endpoint) int64 { return e.Version },
		Volatile: true, // deliveries change no version
		Defaults: func(e *Endpoint) { e.Enabled = true },
		Validate: func(e *Endpoint) []fault.Violation { return e.check(s.types, s.Local) },
		Operations: []hydra.Operation{
			hydra.List[Endpoint]{Access: mayRead, Do: hydra.OfAll(s.List)},
			hydra.Create[Endpoint]{Access: mayWrite, Do: s.Create},
			hydra.Get[Endpoint]{Access: mayRead, Do: hydra.ByID(s.Get)},
			hydra.Update[Endpoint]{Access: mayWrite, Do: hydra.UpdateByID(s.Update)},
			hydra.Delete[Endpoint]{Access: mayWrite, Do: hydra.DeleteByID(s.Delete)},
			hydra.Action[hydra.None, Endpoint]{Path: "/webhook-endpoints/{id}/rotate-secret", Access: mayWrite,
				Doc: "Gives it a new secret. For a day the one before signs as well.", Do: hydra.ActionByID(bodiless(s.RotateSecret))},
			hydra.Action[hydra.None, Endpoint]{Path: "/webhook-endpoints/{id}/ping", Access: mayWrite, Class: throttle.Ping, Status: http.StatusAccepted,
				Doc: "Sends it an event of type ping, also while others wait because deliveries fail.", Do: hydra.ActionByID(bodiless(s.Ping))},
		},
	}}
}

// bodiless lets an Action that reads nothing call a use case.
func bodiless(do func(context.Context, *access.Caller, ident.ID, *Endpoint) error) func(context.Context, *access.Caller, ident.ID, *hydra.None, *Endpoint) error {
	return func(ctx context.Context, who *access.Caller, id ident.ID, _ *hydra.None, e *Endpoint) error {
		return do(ctx, who, id, e)
	}
}

// described says which types of events there are.
func (s *Service) described() string {
	list := make([]string, len(s.types))
	for i, t := range s.types {
		list[i] = t.Name + " (" + t.Doc + ")"
	}
	return "Types of events: " + strings.Join(list, ", ") + "."
}
