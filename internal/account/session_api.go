package account

import (
	"context"
	"time"

	"sede/internal/access"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
)

var sessionFields = []hydra.Field[Session]{
	hydra.ID(func(v *Session) *ident.ID { return &v.ID }),
	hydra.Bool("current", func(v *Session) *bool { return &v.Current }).ReadOnly().Doc("Whether the request comes from this session."),
	hydra.Text("address", func(v *Session) *string { return &v.Address }).ReadOnly().
		Doc("The IP address from which the user signed in.").Example("192.0.2.1"),
	hydra.Text("agent", func(v *Session) *string { return &v.Agent }).ReadOnly().
		Doc("The program with which the user signed in, as it calls itself in User-Agent.").Example("Mozilla/5.0"),
	hydra.NullTime("lastUsedAt", func(v *Session) *null.Value[time.Time] { return &v.LastUsedAt }).ReadOnly().
		Doc("When a request last came from the session, to the minute. Null: not since the sign-in.").
		Filter(hydra.DateRange, hydra.Existence).Sortable(),
	hydra.Time("expiresAt", func(v *Session) *time.Time { return &v.ExpiresAt }).ReadOnly().
		Doc("When the session ends unless it is used before.").Filter(hydra.DateRange).Sortable(),
	hydra.Time("createdAt", func(v *Session) *time.Time { return &v.CreatedAt }).ReadOnly().
		Doc("When the user signed in.").Filter(hydra.DateRange).Sortable(),
}

func (s *Service) sessionResource() hydra.Declaration {
	return hydra.Resource[Session]{
		Name: "Session", Path: "/sessions",
		Doc:    "A sign-in of the caller that has not ended. Deleting one signs that device out.",
		Fields: sessionFields,
		Operations: []hydra.Operation{
			hydra.List[Session]{Access: mayEdit, Do: hydra.OfAll(s.Sessions)},
			hydra.Get[Session]{Access: mayEdit, Do: hydra.ByID(s.Session)},
			hydra.Delete[Session]{Access: mayEdit, Do: hydra.DeleteByID(s.EndSession)},
			hydra.Action[hydra.None, hydra.None]{Path: "/sessions/end-others", Access: mayEdit,
				Doc: "Ends all sessions of the caller but this one.",
				Do: func(ctx context.Context, who *access.Caller, _ string, _ *hydra.None, _ *hydra.None) error {
					return s.EndOtherSessions(ctx, who)
				}},
		},
	}
}
