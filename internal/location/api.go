package location

import (
	"time"

	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
)

var fields = []hydra.Field[Location]{
	hydra.ID(func(l *Location) *ident.ID { return &l.ID }),
	hydra.Text("name", func(l *Location) *string { return &l.Name }).Required().
		Doc("What people call the place.").Example("Lisbon office").Means("https://schema.org/name").
		Filter(hydra.Partial).Sortable(),
	hydra.NullInt("officeOpenHour", func(l *Location) *null.Value[int64] { return &l.OfficeOpenHour }).Between(0, 24).
		Doc("The whole hour at which the office opens, on the location's clock. Null with officeCloseHour: not stated.").Example("9").
		Filter(hydra.Range, hydra.Numeric, hydra.Existence).Sortable(),
	hydra.NullInt("officeCloseHour", func(l *Location) *null.Value[int64] { return &l.OfficeCloseHour }).Between(0, 24).
		Doc("The whole hour at which the office closes. Before officeOpenHour: open overnight.").Example("18").
		Filter(hydra.Range, hydra.Numeric, hydra.Existence).Sortable(),
	hydra.Text("timeZone", func(l *Location) *string { return &l.TimeZone }).
		Doc("The IANA time zone of the location's clock. Left out: the organization's.").Example("Europe/Lisbon").
		Check(fault.CodeTimezone, func(l *Location) fault.Text { return checkTimeZone(l.TimeZone) }).
		Filter(hydra.Exact).Sortable(),
	hydra.NullKeyRef("country", "Country", func(l *Location) *null.Value[string] { return &l.Country }).
		Doc("The country the place is in.").Example("/countries/PT").Filter(hydra.Exact, hydra.Existence).Sortable(),
	hydra.NullText("address", func(l *Location) *null.Value[string] { return &l.Address }).Length(0, 1000).Lines().
		Doc("The address as it is written on an envelope, in lines.").Example("Rua Augusta 1, 1100-048 Lisboa").Filter(hydra.Existence),
	hydra.Time("createdAt", func(l *Location) *time.Time { return &l.CreatedAt }).ReadOnly().Filter(hydra.DateRange).Sortable(),
	hydra.Time("updatedAt", func(l *Location) *time.Time { return &l.UpdatedAt }).ReadOnly().Filter(hydra.DateRange).Sortable(),
}

func (s *Service) resource() hydra.Declaration {
	return hydra.Resource[Location]{
		Name: "Location", Path: "/locations", Means: "https://schema.org/Place",
		Doc:      "A place of the organization, with its opening hours.",
		Fields:   fields,
		Version:  func(l *Location) int64 { return l.Version },
		Validate: (*Location).Validate,
		Operations: []hydra.Operation{
			hydra.List[Location]{Access: mayRead, Do: hydra.OfAll(s.List)},
			hydra.Create[Location]{Access: mayWrite, Do: s.Create},
			hydra.Get[Location]{Access: mayRead, Do: hydra.ByID(s.Get)},
			hydra.Update[Location]{Access: mayWrite, Do: hydra.UpdateByID(s.Update)},
		},
	}
}
