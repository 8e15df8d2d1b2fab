package organization

import (
	"context"
	"time"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/mail"
	"sede/internal/null"
)

// removalAfter is how long a closing organization can be reopened.
const removalAfter = 30 * 24 * time.Hour

// mayClose says who asks for the end of an organization; what they may is decided
// by their role in it.
var mayClose = access.SignedIn().InPerson()

// OnClosing adds work to the transaction that schedules the removal of an
// organization, or takes that back.
func (s *Service) OnClosing(do func(tx *db.Tx, scope access.Scope, who *access.Caller, closing bool) error) {
	s.onClosing = append(s.onClosing, do)
}

// Close schedules the removal of an organization, which only its owners may. Until
// then it can be read only, and reopened. One that is closing stays as it is.
func (s *Service) Close(ctx context.Context, who *access.Caller, ref string) error {
	if err := mayClose.Check(who); err != nil {
		return err
	}
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		var o Organization
		role, err := s.enter(tx, who, ref, &o)
		switch {
		case err != nil:
			return err
		case role != access.Owner:
			return fault.Denied()
		case o.Status == Closing:
			return nil
		case o.Status != Active:
			return access.Suspension(false)
		}
		before := o
		o.Status, o.StatusReason = Closing, null.Value[string]{}
		return s.shift(tx, who, "close", &before, &o)
	})
}

// Reopen takes the scheduled removal back. What operators closed only they reopen.
func (s *Service) Reopen(ctx context.Context, who *access.Caller, ref string, _ *hydra.None, o *Organization) error {
	if err := mayClose.Check(who); err != nil {
		return err
	}
	store, err := s.store(ctx)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		*o = Organization{}
		role, err := s.enterAs(tx, who, ref, access.Owners, o)
		switch {
		case err != nil:
			return err
		case o.Status == Suspended:
			return access.Suspension(false)
		case o.Status == Closing && o.StatusReason.Valid && !who.Operator:
			return fault.New(fault.Forbidden, "Operators closed this organization. Only they can reopen it.")
		case o.Status == Closing:
			before := *o
			o.Status, o.StatusReason = Active, null.Value[string]{}
			if err := s.shift(tx, who, "reopen", &before, o); err != nil {
				return err
			}
		}
		return s.completeOne(tx, who, store, o, role)
	})
}

// shift stores an organization whose status alone has changed.
func (s *Service) shift(tx *db.Tx, who *access.Caller, action string, before, o *Organization) error {
	if err := s.enterStatus(tx, who, before, o); err != nil {
		return err
	}
	o.Version, o.UpdatedAt = o.Version+1, s.now.Now().Truncate(time.Second)
	if err := update(tx, o); err != nil {
		return err
	}
	if err := s.membersChanged(tx, o.ID); err != nil {
		return err
	}
	return s.record(tx, access.System(o.ID), who, audit.Entry{Action: action, Resource: "Organization", Key: o.ID.String(),
		Before: hydra.JSON(fields, before), After: hydra.JSON(fields, o)})
}

// enterStatus does what comes with a new status.
func (s *Service) enterStatus(tx *db.Tx, who *access.Caller, before, o *Organization) error {
	closes, closed := o.Status == Closing, before.Status == Closing
	if closes == closed {
		return nil
	}
	o.RemovalAt = null.Value[time.Time]{}
	if closes {
		o.RemovalAt = null.Of(s.now.Now().Truncate(time.Second).Add(removalAfter))
	}
	scope := access.System(o.ID)
	for _, do := range s.onClosing {
		if err := do(tx, scope, who, closes); err != nil {
			return err
		}
	}
	if closes {
		return s.announce(tx, scope, who, o)
	}
	return nil
}

// announce tells owners and admins by mail when the organization is removed.
func (s *Service) announce(tx *db.Tx, scope access.Scope, who *access.Caller, o *Organization) error {
	people, err := reach(tx, scope, access.Admins)
	if err != nil {
		return err
	}
	settings, err := s.Settings(tx, scope)
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation(settings.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	day := o.RemovalAt.V.In(zone).Format(time.DateOnly)
	letter := mail.Message{
		Language: settings.Language,
		Subject:  fault.Textf("%s will be removed on %s", o.Name, day),
		Paragraphs: []fault.Text{
			fault.Textf("%s has scheduled the removal of the organization %s. Until then it can be read only.", who.Username, o.Name),
			fault.Textf("On %s everything in it is removed for good. Only its invoices and its audit log are kept.", day),
		},
	}
	if o.StatusReason.Valid { // operators did it
		letter.Paragraphs = append(letter.Paragraphs, fault.Textf("The reason given is: %s", o.StatusReason.V),
			fault.Textf("Only operators of this service can take this back until then."))
	} else {
		letter.Paragraphs = append(letter.Paragraphs, fault.Textf("An owner can take this back until then."))
	}
	for _, to := range people {
		letter.To = to
		s.mail.Send(tx, scope, letter)
	}
	return nil
}
