package meeting

import (
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/location"
)

// Settings tells what an organization has set.
type Settings interface {
	// TimeZone is the IANA name of the zone of its clock.
	TimeZone(tx *db.Tx, scope access.Scope) (string, error)
	// WorkingDays are the days of the week on which people work.
	WorkingDays(tx *db.Tx, scope access.Scope) ([]time.Weekday, error)
	// Letterhead is how the organization names itself, the language in which it
	// writes and its time zone.
	Letterhead(tx *db.Tx, scope access.Scope) (name, language, zone string, err error)
	// Reads reports whether the user is a member who may read meetings.
	Reads(tx *db.Tx, scope access.Scope, user ident.ID) (bool, error)
	// Use is how far the organization can use a module.
	Use(tx *db.Tx, scope access.Scope, module string) (access.Use, error)
}

// complete fills what follows from other things than the meetings themselves:
// conflicts and warnings. It costs a constant number of statements.
func (s *Service) complete(tx *db.Tx, scope access.Scope, items []Meeting) error {
	if err := conflicts(tx, scope, items); err != nil {
		return err
	}
	places, err := s.placesOf(tx, scope, items, func(m *Meeting) bool { return m.Status() == Scheduled })
	if err != nil {
		return err
	}
	for i := range items {
		m := &items[i]
		if from, to, ok := m.Busy(); ok && m.Location.Valid {
			m.Warnings = places[m.Location.V].against(interval{from, to})
		}
	}
	return nil
}

// completeOne is complete for one meeting.
func (s *Service) completeOne(tx *db.Tx, scope access.Scope, m *Meeting) error {
	one := []Meeting{*m}
	one[0].Conflicts, one[0].Warnings = nil, nil
	err := s.complete(tx, scope, one)
	*m = one[0]
	return err
}

// placesOf returns the places of those meetings that count, by their location.
func (s *Service) placesOf(tx *db.Tx, scope access.Scope, items []Meeting, counts func(*Meeting) bool) (map[ident.ID]*place, error) {
	var ids []ident.ID
	places := map[ident.ID]*place{}
	for i := range items {
		at := items[i].Location
		if _, known := places[at.V]; at.Valid && !known && counts(&items[i]) {
			places[at.V] = nil
			ids = append(ids, at.V)
		}
	}
	if len(ids) == 0 {
		return places, nil
	}
	locations, err := s.locations.Some(tx, scope, ids)
	if err != nil {
		return nil, err
	}
	workdays, err := s.workdays(tx, scope)
	if err != nil {
		return nil, err
	}
	for i := range locations {
		places[locations[i].ID] = s.placeAt(&locations[i], workdays)
	}
	return places, nil
}

func (s *Service) workdays(tx *db.Tx, scope access.Scope) (weekdays, error) {
	days, err := s.settings.WorkingDays(tx, scope)
	return weekdaysOf(days), err
}

// placeAt is when people work at the location.
func (s *Service) placeAt(l *location.Location, workdays weekdays) *place {
	return &place{
		zone: s.zones.load(l.TimeZone), stated: l.OfficeOpenHour.Valid && l.OfficeCloseHour.Valid,
		open: int(l.OfficeOpenHour.V), close: int(l.OfficeCloseHour.V), country: l.Country.V,
		workdays: workdays, holidays: s.holidays,
	}
}
