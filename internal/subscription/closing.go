package subscription

import (
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/null"
)

// closingReason is why a subscription of a closing organization ends.
const closingReason = "The organization is closing."

// Closing lets the live subscription of an organization that closes end with its
// period, so that nothing more is charged, and takes that back when the
// organization is reopened.
func (s *Service) Closing(tx *db.Tx, scope access.Scope, who *access.Caller, closing bool) error {
	return s.onLive(tx, scope, who, "cancel", func(sub *Subscription, at time.Time) {
		switch {
		case closing && !sub.CancelAtPeriodEnd:
			sub.CancelAtPeriodEnd, sub.CancelReason, sub.CanceledAt = true, null.Of(closingReason), null.Of(at)
		case !closing && sub.CancelAtPeriodEnd && sub.CancelReason.V == closingReason:
			sub.CancelAtPeriodEnd, sub.CancelReason, sub.CanceledAt = false, null.Value[string]{}, null.Value[time.Time]{}
		}
	})
}

// End ends the live subscription of an organization now, because the organization
// is removed.
func (s *Service) End(tx *db.Tx, scope access.Scope) error {
	return s.onLive(tx, scope, nil, "cancel", func(sub *Subscription, at time.Time) {
		sub.end(at)
		if !sub.CanceledAt.Valid {
			sub.CancelReason, sub.CanceledAt = null.Of(closingReason), null.Of(at)
		}
	})
}

// onLive changes the live subscription, if there is one.
func (s *Service) onLive(tx *db.Tx, scope access.Scope, who *access.Caller, action string, change func(sub *Subscription, at time.Time)) error {
	if err := s.invoices.Lock(tx, scope); err != nil {
		return err
	}
	id, err := liveID(tx, scope)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	var sub Subscription
	if err := s.load(tx, scope, id, &sub); err != nil {
		return err
	}
	before := sub
	change(&sub, tx.Now(scope).Truncate(time.Second))
	if err := s.plan(tx, scope, &sub); err != nil {
		return err
	}
	return s.store(tx, who, scope, action, &before, &sub)
}
