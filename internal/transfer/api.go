package transfer

import (
	"context"
	"net/http"
	"time"

	"sede/internal/access"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/throttle"
)

// operations hand out archives of organizations.
func (s *Service) operations() []hydra.Operation {
	return []hydra.Operation{
		hydra.Stream[hydra.None]{Path: "/organizations/{id}/archive", Access: mayTake, Class: throttle.Heavy, Media: []string{media}, Do: s.Organization,
			Doc: "Sends everything of the organization as one signed ZIP file, to its owner: a file of JSON lines for each table, and images. Of a large organization it is made as a job, see POST; then the answer is 409."},
		hydra.Stream[hydra.None]{Path: "/users/me/archive", Access: mayTake, Class: throttle.Heavy, Media: []string{media}, Do: s.Person,
			Doc: "Sends everything that is the caller's own as one signed ZIP file: their account, memberships, keys, meetings, and what they did."},
	}
}

var fields = []hydra.Field[Transfer]{
	hydra.ID(func(t *Transfer) *ident.ID { return &t.ID }),
	hydra.Text("direction", func(t *Transfer) *string { return &t.Direction }).OneOf(In, Out).Doc("In: from an archive. Out: into one."),
	hydra.Text("state", func(t *Transfer) *string {
		shown := t.State
		if shown == undoing {
			shown = Running
		}
		return &shown
	}).OneOf(Running, Done, Failed).Doc("Failed: nothing is left of it, and error says why."),
	hydra.NullRef("organization", "Organization", func(t *Transfer) *null.Value[ident.ID] {
		shown := t.shown()
		return &shown
	}).Doc("The organization; null until it is here."),
	hydra.Text("name", func(t *Transfer) *string { return &t.Name }).Doc("The organization's name."),
	hydra.Int("rows", func(t *Transfer) *int64 { return &t.Rows }).Doc("How many rows there are."),
	hydra.Int("rowsDone", func(t *Transfer) *int64 { return &t.Done }).Doc("How many of them are done."),
	hydra.Int("bytes", func(t *Transfer) *int64 { return &t.Bytes }).Doc("The size of the file."),
	hydra.Objects("leftOut", func(t *Transfer) *[]Left { return &t.LeftOut },
		hydra.Text("resource", func(l *Left) *string { return &l.Resource }),
		hydra.Int("count", func(l *Left) *int64 { return &l.Count }),
	).Doc("What an import does not bring: subscriptions, invoices and modules come only if an operator imports an organization that never was here."),
	hydra.Sentence("error", func(t *Transfer) fault.Text { return fault.Stored(t.Error.V) }).Nullable().Doc("Why it failed."),
	hydra.NullText("file", func(t *Transfer) *null.Value[string] { return &t.File }).Format("uri").
		Doc("Where whoever asked can download the archive, with their token; null until it is made, and when it was removed."),
	hydra.NullTime("expiresAt", func(t *Transfer) *null.Value[time.Time] { return &t.ExpiresAt }).Doc("When the file is removed."),
	hydra.Time("createdAt", func(t *Transfer) *time.Time { return &t.CreatedAt }).Filter(hydra.DateRange),
	hydra.NullTime("finishedAt", func(t *Transfer) *null.Value[time.Time] { return &t.FinishedAt }),
}

func (s *Service) resource() hydra.Declaration {
	return hydra.Resource[Transfer]{
		Name: "OrganizationTransfer", Path: "/organization-transfers",
		Doc:      "An organization on its way in, from an archive, or out, into one.",
		Fields:   readOnly(fields),
		Volatile: true,
		Operations: []hydra.Operation{
			hydra.List[Transfer]{Access: mayImport, Do: hydra.OfAll(s.List), Doc: "Retrieves the caller's transfers of the last 30 days, the newest first; operators see all."},
			hydra.Get[Transfer]{Access: mayImport, Do: hydra.ByID(s.Get)},
			hydra.Stream[hydra.None]{Path: "/organization-transfers/{id}/file", Access: mayTake, Class: throttle.Heavy, Media: []string{media}, Do: s.File,
				Doc: "Sends the archive to whoever asked for it, while they are an owner of the organization and until it expires."},
			hydra.Action[hydra.None, Transfer]{Path: "/organizations/{id}/archive", Access: mayTake, Class: throttle.Heavy, Status: http.StatusAccepted, Do: s.Export,
				Doc: "Has everything of the organization made into one signed ZIP file, for its owner, who gets mail when it can be downloaded. If that is being done already, the answer shows how it stands."},
			hydra.Action[Uploaded, Transfer]{Path: "/organizations/import", Access: mayImport, Class: throttle.Heavy, Status: http.StatusAccepted,
				Fields: []hydra.Field[Uploaded]{
					hydra.File("file", func(in *Uploaded) *hydra.Upload { return &in.File }).Required().Spooled().MaxBytes(s.mostBytes).
						Doc("An archive of an organization, made by this instance or by one that is trusted here."),
					hydra.Bool("copy", func(in *Uploaded) *bool { return &in.Copy }).
						Doc("For operators: the organization gets new ids, also where the old ones are free. Those whom others bring in always do."),
				},
				Doc: "Brings an organization in from its archive, all of it or nothing, with the caller as an owner, under new ids; the other people in it become expired invitations, which the owner may send. What an operator brings keeps ids and members: 409 if it is here already, unless a copy is asked for.",
				Do: func(ctx context.Context, who *access.Caller, _ string, in *Uploaded, t *Transfer) error {
					return s.Import(ctx, who, in, t)
				}},
		},
	}
}

func readOnly(list []hydra.Field[Transfer]) []hydra.Field[Transfer] {
	shown := make([]hydra.Field[Transfer], len(list))
	for i, f := range list {
		shown[i] = f.ReadOnly()
	}
	return shown
}
