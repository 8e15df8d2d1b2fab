package clearing

import (
	"context"

	"sede/internal/access"
	"sede/internal/hydra"
	"sede/internal/null"
	"sede/internal/organization"
	"sede/internal/throttle"
)

var requestFields = []hydra.Field[Request]{
	hydra.Text("confirm", func(r *Request) *string { return &r.Confirm }).Required().
		Doc("The organization's slug, so that nobody clears another one than they mean.").Example("acme"),
	hydra.Bool("dryRun", func(r *Request) *bool { return &r.DryRun }).
		Doc("Whether only to count what would be removed: clearing.rows of the answer."),
}

var choiceFields = []hydra.Field[Choice]{
	hydra.NullText("clearing", func(c *Choice) *null.Value[string] { return &c.Clearing }).
		Doc("The clearing.id of what is to be brought back. Null: what was cleared last."),
}

var windowFields = []hydra.Field[Window]{
	hydra.Int("minutes", func(w *Window) *int64 { return &w.Minutes }).Between(1, 24*60).Doc("How long the window stays open.").Example("60"),
}

// windowShown is what the audit log shows of a window.
var windowShown = []hydra.Field[organization.Organization]{
	hydra.NullTime("clearableUntil", clearableUntil),
}

func windowJSON(o *organization.Organization) []byte { return hydra.JSON(windowShown, o) }

// operations clear organizations and bring back what was cleared.
func (s *Service) operations() []hydra.Operation {
	return []hydra.Operation{
		hydra.Action[Request, organization.Organization]{
			Path: "/organizations/clear", Access: mayClear, Class: throttle.Heavy, Fields: requestFields,
			Detail: "It removes what the organization works with: employees, meetings, locations and bank data. People, settings, images, " +
				"subscriptions, invoices and the audit log stay. For 30 days POST /organizations/restore brings it back.",
			Do: func(ctx context.Context, who *access.Caller, _ string, in *Request, o *organization.Organization) error {
				return s.Clear(ctx, who, in, o)
			},
		},
		hydra.Action[Choice, organization.Organization]{
			Path: "/organizations/restore", Access: mayClear, Class: throttle.Heavy, Fields: choiceFields, BodyOptional: true,
			Doc: "Brings back what was cleared, if there is no new data in its place.",
			Do: func(ctx context.Context, who *access.Caller, _ string, in *Choice, o *organization.Organization) error {
				return s.Restore(ctx, who, in, o)
			},
		},
		hydra.Action[Window, organization.Organization]{
			Path: "/organizations/{id}/clear-window", Access: mayOpen, Fields: windowFields, BodyOptional: true,
			Doc:      "Lets the owner clear the organization once although real work depends on it.",
			Defaults: func(w *Window) { w.Minutes = 60 }, Do: s.OpenWindow,
		},
		hydra.Delete[organization.Organization]{
			Path: "/organizations/{id}/clear-window", Access: mayOpen, Doc: "Takes back that the owner may clear the organization.", Do: s.CloseWindow,
		},
	}
}
