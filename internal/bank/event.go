package bank

import (
	"encoding/json"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/hydra"
	"sede/internal/webhook"
)

// The types of events about connections. Their data is the connection, as audit log
// entries have it; beside it stands what else there is to say.
const (
	eventActive   = "integration.active"
	eventExpiring = "integration.expiring"
	eventExpired  = "integration.expired"
	eventError    = "integration.error"
	eventRevoked  = "integration.revoked"
	eventImported = "integration.imported"
	eventFailed   = "integration.import-failed"
	eventRenewed  = "integration.renewed"
	eventRefused  = "integration.renewal-failed"
)

func events() []webhook.Type {
	return []webhook.Type{
		{Name: eventActive, Doc: "a consent was granted, or a connection works again"},
		{Name: eventExpiring, Doc: "a consent ends in 14, 7 or 1 days, see daysLeft"},
		{Name: eventExpired, Doc: "a consent is over"},
		{Name: eventError, Doc: "nobody signed in, or the provider refuses sede"},
		{Name: eventRevoked, Doc: "somebody ended a connection"},
		{Name: eventImported, Doc: "an import is done, see pullAdded"},
		{Name: eventFailed, Doc: "an import has failed, see error"},
		{Name: eventRenewed, Doc: "a new consent has taken the place of the one before"},
		{Name: eventRefused, Doc: "a new consent came to nothing, see renewalError; the one before stays"},
	}
}

// announceChange tells webhooks what became of a connection and of its import. That
// a consent is about to end is told by reminders, see comeNear.
func (s *Service) announceChange(tx *db.Tx, scope access.Scope, before, i *Integration) error {
	if before.Status != i.Status && i.Status != StatusExpiring {
		if err := s.announce(tx, scope, "integration."+i.Status, i, 0); err != nil {
			return err
		}
	}
	if i.Consent.Valid && before.Consent.Valid && i.Consent != before.Consent {
		if err := s.announce(tx, scope, eventRenewed, i, 0); err != nil {
			return err
		}
	}
	if i.RenewalStatus.V == RenewalFailed && before.RenewalStatus != i.RenewalStatus {
		if err := s.announce(tx, scope, eventRefused, i, 0); err != nil {
			return err
		}
	}
	if before.PullStatus == i.PullStatus && !i.proven {
		return nil
	}
	switch i.PullStatus.V {
	case PullDone:
		return s.announce(tx, scope, eventImported, i, 0)
	case PullFailed:
		return s.announce(tx, scope, eventFailed, i, 0)
	}
	return nil
}

// announce tells webhooks of a connection. days are left until its consent ends; 0:
// that is not what it is about.
func (s *Service) announce(tx *db.Tx, scope access.Scope, kind string, i *Integration, days int64) error {
	data, err := json.Marshal(struct {
		Integration json.RawMessage `json:"integration"`
		DaysLeft    int64           `json:"daysLeft,omitempty"`
	}{hydra.JSON(integrationFields, i), days})
	if err != nil {
		return err
	}
	return s.webhooks.Send(tx, scope, webhook.Event{Type: kind, Data: data})
}
