package meeting

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
)

var feedFields = []hydra.Field[Feed]{
	hydra.ID(func(f *Feed) *ident.ID { return &f.ID }),
	hydra.Ref("user", "User", func(f *Feed) *ident.ID { return &f.User }).ReadOnly().
		Doc("Whose meetings it tells: those of the employee who the user is.").Filter(hydra.Exact),
	hydra.Text("content", func(f *Feed) *string { return &f.Content }).OneOf(Everything, BusyOnly).Required().OnCreate().
		Doc("What it tells: everything of the meetings, or no more than when the member is busy.").Example(BusyOnly),
	hydra.NullText("url", func(f *Feed) *null.Value[string] { return &f.URL }).ReadOnly().Secret().Format("uri").
		Doc("The secret address, shown when it was just made and never again."),
	hydra.Time("createdAt", func(f *Feed) *time.Time { return &f.CreatedAt }).ReadOnly(),
	hydra.Time("updatedAt", func(f *Feed) *time.Time { return &f.UpdatedAt }).ReadOnly().Doc("When the address was made."),
}

func (s *Service) feeds() hydra.Declaration {
	return hydra.Resource[Feed]{
		Name: "MeetingFeed", Path: "/meeting-feeds",
		Doc: "A secret address under which calendar programs read the meetings of the member who made it, without signing in. " +
			"A member has one for each content at most. Owners and admins see all feeds and can end them.",
		Fields:  feedFields,
		Version: func(f *Feed) int64 { return f.Version },
		Operations: []hydra.Operation{
			hydra.List[Feed]{Access: mayRead, Do: hydra.OfAll(s.Feeds)},
			hydra.Create[Feed]{Access: mayWrite, Do: s.CreateFeed},
			hydra.Get[Feed]{Access: mayRead, Do: hydra.ByID(s.FindFeed)},
			hydra.Delete[Feed]{Access: mayWrite, Doc: "Removes the MeetingFeed resource. Its address is dead at once.", Do: hydra.DeleteByID(s.RevokeFeed)},
			hydra.Action[hydra.None, Feed]{Path: "/meeting-feeds/{id}/rotate", Access: mayWrite,
				Doc: "Gives the MeetingFeed resource a new address. The one before is dead at once.", Do: hydra.ActionByID(s.RotateFeed)},
		},
	}
}

// routes lists the routes beside the resources.
func (s *Service) routes() []hydra.Route {
	return []hydra.Route{{Pattern: "GET /calendars/{secret}", Handler: http.HandlerFunc(s.serveFeed)}}
}

// serveFeed answers with the calendar behind a secret address, with 304 to who
// has it already.
func (s *Service) serveFeed(w http.ResponseWriter, r *http.Request) {
	content, err := s.ReadFeed(r.Context(), r.PathValue("secret"))
	if err != nil {
		s.problem(w, r, err)
		return
	}
	sum := sha256.Sum256(content)
	h := w.Header()
	h.Set("Content-Type", "text/calendar; charset=utf-8")
	h.Set("ETag", `"`+hex.EncodeToString(sum[:12])+`"`)
	h.Set("Cache-Control", "no-cache, private")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// describe adds the routes beside the resources to the OpenAPI document.
func describe(document *openapi3.T) {
	secret := openapi3.NewPathParameter("secret").WithSchema(openapi3.NewStringSchema()).
		WithDescription("The secret of a MeetingFeed, with .ics behind it.")
	op := &openapi3.Operation{
		Tags: []string{"MeetingFeed"}, OperationID: "calendars_get", Summary: "Retrieves the meetings of a member as iCalendar.",
		Description: "Retrieves the meetings of a member as iCalendar: 60 days of the past and 400 to come, cancelled ones for 30 days, up to 1000.",
		Parameters:  openapi3.Parameters{{Value: secret}}, Security: openapi3.NewSecurityRequirements(),
	}
	calendar := openapi3.NewResponse().WithDescription("The calendar.").
		WithContent(openapi3.NewContentWithSchema(openapi3.NewStringSchema(), []string{"text/calendar"}))
	op.AddResponse(http.StatusOK, calendar)
	op.AddResponse(http.StatusNotModified, openapi3.NewResponse().WithDescription("It has not changed."))
	hydra.AddLimits(op)
	hydra.AddProblems(op, http.StatusNotFound, http.StatusTooManyRequests)
	document.AddOperation("/calendars/{secret}", http.MethodGet, op)
}
