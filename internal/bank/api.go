package bank

import (
	"net/http"
	"time"

	"sede/internal/bank/kontomatik"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
)

var integrationFields = []hydra.Field[Integration]{
	hydra.ID(func(i *Integration) *ident.ID { return &i.ID }),
	hydra.Text("provider", func(i *Integration) *string { return &i.Provider }).OneOf(Kontomatik, Sandbox).ReadOnly().
		Doc("Who passes the bank's data on. Sandbox: the Sandbox bank, which is not real.").Example(Sandbox).Filter(hydra.Exact),
	hydra.Text("status", func(i *Integration) *string { return &i.Status }).OneOf(statuses()...).ReadOnly().
		Doc("Pending until a person signed in at the bank; expiring when the consent has 14 days or less.").Filter(hydra.Exact),
	hydra.NullKeyRef("country", "Country", func(i *Integration) *null.Value[string] { return &i.Country }).ReadOnly().
		Doc("Where the bank is.").Filter(hydra.Exact),
	hydra.Text("accessMode", func(i *Integration) *string { return &i.AccessMode }).OneOf(modes()...).ReadOnly().
		Doc("Whether data can be imported once, for up to 180 days, or as the person decides."),
	hydra.NullText("target", func(i *Integration) *null.Value[string] { return &i.Target }).ReadOnly().
		Doc("The bank, by its id in /integrations/banks."),
	hydra.NullText("name", func(i *Integration) *null.Value[string] { return &i.Name }).ReadOnly().
		Doc("What the bank is called.").Example("Sandbox bank Tejo").Filter(hydra.Partial),
	hydra.NullText("signInUrl", func(i *Integration) *null.Value[string] { return &i.SignInURL }).ReadOnly().
		Doc("Where a person signs in at the bank. Only in the answer to setup."),
	hydra.NullTime("consentGivenAt", func(i *Integration) *null.Value[time.Time] { return &i.ConsentGivenAt }).ReadOnly(),
	hydra.NullTime("consentEndsAt", func(i *Integration) *null.Value[time.Time] { return &i.ConsentEndsAt }).ReadOnly().
		Doc("When the consent ends at the latest. The bank may end it earlier."),
	hydra.NullText("error", func(i *Integration) *null.Value[string] { return &i.Error }).ReadOnly().
		OneOf(signInFailed, signInExpired, consentEnded, usedUp, unavailable, refused).Doc("What went wrong last."),
	hydra.Sentence("errorMessage", func(i *Integration) fault.Text { return sentence(i.Error.V) }).Nullable().Doc("The same in words."),
	hydra.NullText("pullStatus", func(i *Integration) *null.Value[string] { return &i.PullStatus }).ReadOnly().
		OneOf(PullQueued, PullRunning, PullDone, PullFailed).Doc("How far the last import is."),
	hydra.NullInt("pullAdded", func(i *Integration) *null.Value[int64] { return &i.PullAdded }).ReadOnly().
		Doc("How many transactions the last import brought."),
	hydra.NullInt("pullSkipped", func(i *Integration) *null.Value[int64] { return &i.PullSkipped }).ReadOnly().
		Doc("How many transactions of the last import could not be read."),
	hydra.NullTime("pulledAt", func(i *Integration) *null.Value[time.Time] { return &i.PulledAt }).ReadOnly().
		Doc("When the last import was done that brought everything."),
	hydra.NullTime("nextPullAt", func(i *Integration) *null.Value[time.Time] { return &i.NextPullAt }).ReadOnly().
		Doc("When it imports by itself: every night, at a time of its own, and after an hour when the bank told a part only."),
	hydra.NullText("renewalStatus", func(i *Integration) *null.Value[string] { return &i.RenewalStatus }).ReadOnly().
		OneOf(RenewalSignIn, RenewalChecking, RenewalFailed).
		Doc("How far the renewal of a live consent is: a person was asked to sign in; the first import under the new consent runs; " +
			"it failed, and the consent before stays. Null: there is none, or it is done."),
	hydra.NullText("renewalError", func(i *Integration) *null.Value[string] { return &i.RenewalError }).ReadOnly().
		OneOf(signInFailed, signInExpired, sessionRefused, usedUp, unavailable, refused).Doc("Why the renewal failed."),
	hydra.Sentence("renewalErrorMessage", func(i *Integration) fault.Text { return sentence(i.RenewalError.V) }).Nullable().Doc("The same in words."),
	hydra.NullTime("revokedAt", func(i *Integration) *null.Value[time.Time] { return &i.RevokedAt }).ReadOnly().
		Doc("When somebody ended the connection."),
	hydra.NullTime("confirmedAt", func(i *Integration) *null.Value[time.Time] { return &i.ConfirmedAt }).ReadOnly().
		Doc("When the provider had confirmed the end."),
	hydra.NullTime("erasedAt", func(i *Integration) *null.Value[time.Time] { return &i.ErasedAt }).ReadOnly().
		Doc("When everything that was imported was gone, here and at the provider."),
	hydra.Time("createdAt", func(i *Integration) *time.Time { return &i.CreatedAt }).ReadOnly().Filter(hydra.DateRange).Sortable(),
	hydra.Time("updatedAt", func(i *Integration) *time.Time { return &i.UpdatedAt }).ReadOnly(),
}

// modes lists the ways of access as requests write them.
func modes() []string {
	return []string{string(kontomatik.Single), string(kontomatik.Multiple), string(kontomatik.Mixed)}
}

var setupFields = []hydra.Field[SetupRequest]{
	hydra.NullRef("integration", "Integration", func(r *SetupRequest) *null.Value[ident.ID] { return &r.Integration }).
		Doc("The connection to renew; left out: a new one."),
	hydra.NullText("country", func(r *SetupRequest) *null.Value[string] { return &r.Country }).Length(2, len(countries)+2).
		Doc("Where the bank is, as an ISO 3166-1 code or the IRI of the country. For a sign-in that is to come.").Example("PT"),
	hydra.NullText("accessMode", func(r *SetupRequest) *null.Value[string] { return &r.AccessMode }).OneOf(modes()...).
		Doc("Left out: MULTIPLE, or as it was."),
	hydra.NullText("redirectUri", func(r *SetupRequest) *null.Value[string] { return &r.RedirectURI }).Length(0, 2000).Format("uri").
		Doc("Where the person goes after the sign-in. Needed for one that is to come.").Example("https://app.example/bank"),
	hydra.NullText("sessionId", func(r *SetupRequest) *null.Value[string] { return &r.SessionID }).Length(1, 4000).
		Doc("Of a session that the sign-in widget gave; takes it over instead of beginning a sign-in."),
	hydra.NullText("sessionIdSignature", func(r *SetupRequest) *null.Value[string] { return &r.Signature }).Length(1, 4000),
	hydra.NullText("multipleAccessId", func(r *SetupRequest) *null.Value[string] { return &r.MultipleAccessID }).Length(1, 4000).
		Doc("From the widget, when the person gave access several times."),
	hydra.NullText("target", func(r *SetupRequest) *null.Value[string] { return &r.Target }).
		Doc("The bank, from the widget."),
}

var pullFields = []hydra.Field[PullRequest]{
	hydra.NullRef("integration", "Integration", func(r *PullRequest) *null.Value[ident.ID] { return &r.Integration }).
		Doc("The connection; may be left out when there is one."),
	hydra.NullTime("since", func(r *PullRequest) *null.Value[time.Time] { return &r.Since }).Offset().
		Doc("How far back, ten years at most. Left out: a year. Without the person the bank tells 90 days at most."),
}

var revokeFields = []hydra.Field[RevokeRequest]{
	hydra.NullRef("integration", "Integration", func(r *RevokeRequest) *null.Value[ident.ID] { return &r.Integration }).
		Doc("The connection; may be left out when there is one."),
	hydra.Bool("erase", func(r *RevokeRequest) *bool { return &r.Erase }).
		Doc("Whether what was imported is removed, here and at the provider."),
}

func (s *Service) integrations() hydra.Declaration {
	return hydra.Resource[Integration]{
		Name: "Integration", Path: "/integrations",
		Doc:     "A connection to a bank. The consent behind it is replaced at each renewal.",
		Fields:  integrationFields,
		Version: func(i *Integration) int64 { return i.Version },
		Operations: []hydra.Operation{
			hydra.List[Integration]{Access: mayRead, Do: hydra.OfAll(s.Integrations)},
			hydra.Get[Integration]{Access: mayRead, Do: hydra.ByID(s.Integration)},
			hydra.Action[SetupRequest, Integration]{Path: "/integrations/kontomatik/setup", Access: mayWrite, Fields: setupFields,
				Detail: "It connects a bank, or renews the consent of a connection.",
				Do:     withoutKey(s.Setup)},
			hydra.Action[PullRequest, Integration]{Path: "/integrations/kontomatik/pull", Access: mayWrite, Status: http.StatusAccepted, Fields: pullFields,
				Detail: "It begins an import of accounts and transactions.",
				Do:     withoutKey(s.Pull)},
			hydra.Action[RevokeRequest, Integration]{Path: "/integrations/kontomatik/revoke", Access: mayEnd, Fields: revokeFields,
				Detail: "It ends a connection and takes its consent back.",
				Do:     withoutKey(s.Revoke)},
		},
	}
}
