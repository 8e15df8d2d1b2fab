package bank

import (
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/null"
)

const (
	watchEvery = 5 * time.Minute
	overlap    = 30 * day // which an import by itself tells again, for what is booked late
)

// due has connections watched when something happens to them.
func (s *Service) due() jobs.Due {
	return jobs.Due{Name: "bank.watch", Table: "bank_integration", Every: watchEvery, Do: s.watch,
		Lock: func(tx *db.Tx, _ access.Scope, id ident.ID) error { return lock(tx, id) }}
}

// watch does what is due to a connection: first what its consent's end asks for,
// then an import.
func (s *Service) watch(tx *db.Tx, scope access.Scope, id ident.ID) error {
	var i Integration
	if err := findIntegration(tx, scope, id, &i); err != nil {
		return orGone(err)
	}
	before, now := i, tx.Now(scope)
	if i.gives() && i.ConsentEndsAt.Valid {
		if !now.Before(i.ConsentEndsAt.V) {
			return s.runOut(tx, scope, &i)
		}
		if err := s.comeNear(tx, scope, &i, now); err != nil {
			return err
		}
	}
	pulls := i.gives() && i.ConsentEndsAt.Valid && (!i.NextPullAt.Valid || !now.Before(i.NextPullAt.V))
	if pulls {
		i.NextPullAt = null.Of(slotAfter(i.ID, now))
	}
	var err error
	if i.Status != before.Status || i.Reminded != before.Reminded {
		err = s.store(tx, nil, scope, "watch", &before, &i)
	} else { // that a night goes by is nothing to write down
		err = s.advance(tx, scope, &i)
	}
	if err != nil || !pulls || !before.NextPullAt.Valid {
		return err
	}
	return s.pullAlone(tx, scope, &i)
}

// runOut ends a consent whose time is over.
func (s *Service) runOut(tx *db.Tx, scope access.Scope, i *Integration) error {
	before := *i
	if err := s.retire(tx, scope, i, false); err != nil {
		return err
	}
	if i.PullStatus.V == PullQueued || i.PullStatus.V == PullRunning {
		i.PullStatus = null.Of(PullFailed)
	}
	i.Error = null.Of(consentEnded)
	if err := i.move(StatusExpired); err != nil {
		return err
	}
	return s.store(tx, nil, scope, "expire", &before, i)
}

// comeNear marks a connection as expiring and reminds people. Of several reminders
// that became due while nothing ran, one is sent.
func (s *Service) comeNear(tx *db.Tx, scope access.Scope, i *Integration, now time.Time) error {
	if i.Status == StatusActive {
		if err := i.move(i.works(now)); err != nil {
			return err
		}
	}
	remind := false
	for {
		days, at := i.reminderDue()
		if days == 0 || at.After(now) {
			break
		}
		i.Reminded, remind = days, true
	}
	if !remind {
		return nil
	}
	if err := s.announce(tx, scope, eventExpiring, i, i.Reminded); err != nil {
		return err
	}
	name, language, zone, err := s.organizations.Letterhead(tx, scope)
	if err != nil {
		return err
	}
	people, err := s.organizations.Reach(tx, scope, access.Admins)
	if err != nil {
		return err
	}
	where, err := time.LoadLocation(zone)
	if err != nil {
		return err
	}
	when := i.ConsentEndsAt.V.In(where).Format("2006-01-02 15:04 MST")
	for _, to := range people {
		s.mail.Send(tx, scope, letter(to, language, i.Name.V, name, when))
	}
	return nil
}

// pullAlone imports without anybody being present, unless the organization has not
// paid for it, an import runs or the bank would not take one more.
func (s *Service) pullAlone(tx *db.Tx, scope access.Scope, i *Integration) error {
	use, err := s.organizations.Use(tx, scope, "bank")
	if err != nil || use != access.ToChange {
		return err
	}
	var running pull
	since := s.moment().Add(-firstReach)
	if i.PulledAt.Valid {
		since = i.PulledAt.V.Add(-overlap)
	}
	err = runningPull(tx, scope, i.ID, &running)
	if err == nil {
		return s.join(tx, nil, scope, i, &running, since, false)
	}
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	err = s.mayImport(tx, scope, i.ID, false)
	if fault.Is(err, fault.TooManyRequests) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.begin(tx, nil, scope, i, pull{consent: i.Consent.V}, since)
}
