package organization

import (
	"time"

	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/throttle"
)

var clockFields = []hydra.Field[Clock]{
	hydra.ID(func(c *Clock) *ident.ID { return &c.Organization }),
	hydra.Ref("organization", "Organization", func(c *Clock) *ident.ID { return &c.Organization }).ReadOnly(),
	hydra.Time("now", func(c *Clock) *time.Time { return &c.Now }).ReadOnly().Doc("What the clock shows."),
	hydra.Int("ahead", func(c *Clock) *int64 { return &c.Ahead }).ReadOnly().Doc("By how many seconds it is ahead."),
	hydra.Bool("adjustable", func(c *Clock) *bool { return &c.Adjustable }).ReadOnly().
		Doc("Whether it can be set ahead: in demo and sandbox organizations."),
}

var clockChangeFields = []hydra.Field[ClockChange]{
	hydra.NullTime("to", func(c *ClockChange) *null.Value[time.Time] { return &c.To }).Doc("What the clock is to show, at most 366 days from what it shows."),
	hydra.NullInt("days", func(c *ClockChange) *null.Value[int64] { return &c.Days }).Doc("By how many days it is set ahead, in place of a time."),
}

func (s *Service) clockResource() hydra.Declaration {
	return hydra.Resource[Clock]{
		Name: "OrganizationClock", Path: "/organizations/{id}/clock",
		Doc: "The clock by which trials, periods, due dates, invitations and consents of an organization run. " +
			"It shows the time, unless it was set ahead to try out what time brings.",
		Fields: clockFields,
		Operations: []hydra.Operation{
			hydra.Get[Clock]{Access: maySee, Do: s.Clock},
			hydra.Action[ClockChange, Clock]{Path: "/organizations/{id}/clock", Access: maySee, Class: throttle.Heavy, Fields: clockChangeFields, Do: s.SetClock,
				Doc: "Sets the clock of a demo or sandbox organization ahead. What comes due on the way has happened when the answer comes. A clock is never set back, " +
					"but a reset of a demo organization puts it back."},
		},
	}
}
