package bank

import (
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ical"
	"sede/internal/phrase"
)

// beforeEnd is how long the event is that stands before a consent's end.
const beforeEnd = time.Hour

// Ends are the ends of the organization's consents as events of a calendar, in the
// reader's language: the hour before each. A renewed consent ends later, and the
// event of the one before is gone.
func (s *Service) Ends(tx *db.Tx, scope access.Scope, reader phrase.Language, zone *time.Location) ([]ical.Event, error) {
	if use, err := s.organizations.Use(tx, scope, "bank"); err != nil || use == access.NoUse {
		return nil, err
	}
	ending, err := endingIntegrations(tx, scope)
	events := make([]ical.Event, 0, len(ending))
	for _, i := range ending {
		end := i.ConsentEndsAt.V.In(zone)
		events = append(events, ical.Event{
			UID: i.Consent.V.String(), Status: ical.Confirmed, Free: true, From: end.Add(-beforeEnd), To: end,
			Summary:     reader.Text(fault.Textf("The access to %s ends", i.Name.V)),
			Description: reader.Text(fault.Textf("Renew the connection and sign in at the bank before that. Imports go on meanwhile.")),
			Created:     i.ConsentGivenAt.V, Changed: i.ConsentGivenAt.V,
		})
	}
	return events, err
}
