package app

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/employee"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/location"
	"sede/internal/meeting"
	"sede/internal/null"
)

// Sample says how much there is in demo organizations.
type Sample uint8

// The sizes of the sample company.
const (
	SmallSample Sample = iota // three employees with a meeting each, for tests
	FullSample                // 40 employees with the meetings of half a year
)

// sampleVersion changes with the sample: the same version gives the same company
// in the same week.
const sampleVersion = 1

// samplePlaces are the offices of the sample company.
var samplePlaces = []location.Location{
	{Name: "Lisbon office", OfficeOpenHour: null.Of[int64](9), OfficeCloseHour: null.Of[int64](18), TimeZone: "Europe/Lisbon",
		Country: null.Of("PT"), Address: null.Of("Rua Augusta 100\n1100-053 Lisboa")},
	{Name: "Warsaw office", OfficeOpenHour: null.Of[int64](8), OfficeCloseHour: null.Of[int64](16), TimeZone: "Europe/Warsaw",
		Country: null.Of("PL"), Address: null.Of("Nowy Świat 15\n00-029 Warszawa")},
	{Name: "London office", OfficeOpenHour: null.Of[int64](9), OfficeCloseHour: null.Of[int64](17), TimeZone: "Europe/London",
		Country: null.Of("GB"), Address: null.Of("20 Chancery Lane\nLondon WC2A 1NA")},
}

// samplePerson is an employee of the sample company. Their address reaches nobody
// (RFC 2606).
type samplePerson struct {
	first, last, email string
	place              int         // index into samplePlaces
	role               access.Role // of the demo account that is this person; None: cannot sign in
}

// sampleStaff are the people of the small sample.
var sampleStaff = []samplePerson{
	{"Ana", "Silva", "ana@demo.example", 0, access.Member},
	{"Jan", "Kowalski", "jan@demo.example", 1, access.None},
	{"Emma", "Clarke", "emma@demo.example", 2, access.None},
}

// sampleOthers are the further people of the full sample, by place.
var sampleOthers = [][]string{
	{"Inês Santos", "João Ferreira", "Maria Pereira", "Pedro Oliveira", "Catarina Costa", "Tiago Rodrigues", "Beatriz Martins",
		"Miguel Sousa", "Sofia Fernandes", "Rui Gonçalves", "Marta Gomes", "Nuno Lopes", "Rita Marques", "André Almeida", "Joana Ribeiro"},
	{"Anna Nowak", "Piotr Wiśniewski", "Katarzyna Wójcik", "Krzysztof Kamiński", "Małgorzata Lewandowska", "Tomasz Zieliński",
		"Agnieszka Szymańska", "Paweł Woźniak", "Magdalena Dąbrowska", "Michał Kozłowski", "Ewa Jankowska", "Łukasz Mazur"},
	{"Oliver Smith", "Amelia Jones", "George Taylor", "Isla Brown", "Harry Williams", "Ava Wilson", "Jack Johnson", "Grace Davies",
		"Thomas Patel", "Sophie Wright"},
}

// sampleTopics are what meetings of the full sample are about.
var sampleTopics = []string{
	"One-to-one", "Planning of the week", "Review of the quarter", "Customer visit", "Interview", "Onboarding", "Budget", "Retrospective",
	"Design review", "Contract with a supplier", "Training", "Handover", "Health and safety", "Pay review", "Call with the bank",
}

// sampleMeeting is a meeting of the sample company.
type sampleMeeting struct {
	meeting.Meeting
	with int // index into the staff
}

// sampleCompany is the content of a demo organization.
type sampleCompany struct {
	staff    []samplePerson
	meetings []sampleMeeting
}

// newSample makes the sample company as it is in the week of now.
func newSample(size Sample, now time.Time) sampleCompany {
	y, m, d := now.UTC().Date()
	monday := time.Date(y, m, d-(int(now.UTC().Weekday())+6)%7, 0, 0, 0, 0, time.UTC)
	c := sampleCompany{staff: slices.Clone(sampleStaff), meetings: nextWeek(monday.AddDate(0, 0, 7))}
	if size != FullSample {
		return c
	}
	for place, names := range sampleOthers {
		for _, name := range names {
			first, last, _ := strings.Cut(name, " ")
			email := db.Fold(first) + "." + db.Fold(last) + "@demo.example"
			c.staff = append(c.staff, samplePerson{first, last, email, place, access.None})
		}
	}
	dice := rand.New(rand.NewPCG(sampleVersion, 0)) //nolint:gosec // the same each time
	for week := -13; week < 13; week++ {
		for with := range c.staff {
			if week == 1 && with < len(sampleStaff) {
				continue // their week is full
			}
			c.meetings = append(c.meetings, weekOf(dice, monday.AddDate(0, 0, 7*week), week > 1, &c.staff[with], with)...)
		}
	}
	return c
}

// nextWeek are the meetings of the small sample.
func nextWeek(monday time.Time) []sampleMeeting {
	plan := func(notes string, with, day, hour int) sampleMeeting {
		planned := meeting.Meeting{Terms: meeting.Terms{Notes: null.Of(notes), DateFrom: monday, DateTo: monday.AddDate(0, 0, 5), Duration: meeting.DefaultDuration}}
		if hour > 0 {
			planned.Time = null.Of(monday.AddDate(0, 0, day).Add(time.Duration(hour) * time.Hour))
		}
		return sampleMeeting{planned, with}
	}
	return []sampleMeeting{plan("Review of the year", 0, 1, 10), plan("Planning of the next one", 0, 0, 0), plan("Interview", 1, 2, 9)}
}

// weekOf are one or two meetings of a person in a week, on different days, within
// the hours of their office. Some that are far away have no time yet.
func weekOf(dice *rand.Rand, monday time.Time, far bool, p *samplePerson, with int) (list []sampleMeeting) {
	place := &samplePlaces[p.place]
	zone, err := time.LoadLocation(place.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	days := dice.Perm(5)[:1+dice.IntN(2)]
	for _, day := range days {
		y, m, d := monday.AddDate(0, 0, day).Date()
		at := func(hour, minute int) time.Time { return time.Date(y, m, d, hour, minute, 0, 0, zone).UTC() }
		open, closes := int(place.OfficeOpenHour.V), int(place.OfficeCloseHour.V)
		planned := sampleMeeting{with: with, Meeting: meeting.Meeting{Terms: meeting.Terms{
			Notes:    null.Of(sampleTopics[dice.IntN(len(sampleTopics))]),
			DateFrom: at(open, 0), DateTo: at(closes, 0),
			Duration: []int64{30, 45, 60, 90}[dice.IntN(4)],
		}}}
		hour, half := open+dice.IntN(closes-open-2), 30*dice.IntN(2)
		if proposed := dice.IntN(4) == 0; !far || !proposed {
			planned.Time = null.Of(at(hour, half))
		}
		list = append(list, planned)
	}
	return list
}

// refill fills an empty organization without anybody's doing.
func (a *App) refill(ctx context.Context, organization ident.ID) error {
	return a.fill(ctx, &access.Caller{Username: "sede", Operator: true, Organization: organization, Modules: access.AllModules()})
}

// fill puts the sample company into the caller's empty organization. Nothing of it
// leaves the organization.
func (a *App) fill(ctx context.Context, who *access.Caller) error {
	company := newSample(a.config.Sample, a.config.Clock.Now())
	places := make([]ident.ID, len(samplePlaces))
	for i, place := range samplePlaces {
		if err := a.features.locations.Create(ctx, who, &place); err != nil {
			return err
		}
		places[i] = place.ID
	}
	staff := make([]ident.ID, len(company.staff))
	for i := range company.staff {
		p := &company.staff[i]
		person := employee.Employee{FirstName: p.first, LastName: p.last, Email: null.Of(p.email), Active: true, Location: null.Of(places[p.place])}
		if p.role != access.None {
			user, err := a.demoMember(ctx, who, p.role)
			if err != nil {
				return err
			}
			person.User = user
		}
		if err := a.features.employees.Create(ctx, who, &person); err != nil {
			return err
		}
		staff[i] = person.ID
	}
	if err := a.features.banks.Demo(ctx, who); err != nil {
		return err
	}
	meetings := make([]meeting.Meeting, len(company.meetings))
	for i, m := range company.meetings {
		meetings[i] = m.Meeting
		meetings[i].Employee = null.Of(staff[m.with])
	}
	return a.features.meetings.Seed(ctx, who, meetings)
}

// demoMember returns the demo account with that role if it is a member of the
// caller's organization.
func (a *App) demoMember(ctx context.Context, who *access.Caller, role access.Role) (user null.Value[ident.ID], err error) {
	account, err := a.features.accounts.FindByUsername(ctx, role.String()+"@demo.example")
	if fault.Is(err, fault.NotFound) {
		return user, nil
	}
	if err != nil {
		return user, err
	}
	err = a.db.Read(ctx, who.Scope(), func(tx *db.Tx) error {
		member, err := a.features.organizations.IsMember(tx, who.Scope(), account.ID)
		if member {
			user = null.Of(account.ID)
		}
		return err
	})
	return user, err
}
