package bank

import (
	"encoding/binary"
	"time"

	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/mail"
	"sede/internal/null"
)

// A connection knows when something happens to it next: it imports by itself, the
// end of its consent comes near, or is there. The times are kept with it, so that a
// crash leaves it before or after, and nothing happens twice.

const (
	day        = 24 * time.Hour
	expiringIn = 14 * day      // before the end a connection is expiring
	nightTime  = 5 * time.Hour // from midnight UTC on, in which connections import
)

// reminders lists how many days before its end people are reminded of a consent.
func reminders() []int64 { return []int64{14, 7, 1} }

// slotAfter is the next moment after now at which a connection imports by itself.
// Each has its own second of the night, so that banks and sede are not asked for
// everything at once.
func slotAfter(id ident.ID, now time.Time) time.Time {
	offset := time.Duration(binary.BigEndian.Uint64(id[8:])%uint64(nightTime/time.Second)) * time.Second
	slot := now.UTC().Truncate(day).Add(offset)
	if !slot.After(now) {
		slot = slot.Add(day)
	}
	return slot
}

// reminderDue is the next reminder and its time; zero when all were sent.
func (i *Integration) reminderDue() (days int64, at time.Time) {
	for _, d := range reminders() {
		if i.Reminded == 0 || d < i.Reminded {
			return d, i.ConsentEndsAt.V.Add(-time.Duration(d) * day)
		}
	}
	return 0, time.Time{}
}

// schedule sets when something happens next to the connection, by the instance's
// clock, which when translates to from the organization's.
func (i *Integration) schedule(when func(time.Time) time.Time) {
	i.nextAt = null.Value[time.Time]{}
	if !i.gives() || !i.ConsentEndsAt.Valid {
		i.NextPullAt = null.Value[time.Time]{}
		return
	}
	next := i.ConsentEndsAt.V
	if i.NextPullAt.Valid && i.NextPullAt.V.Before(next) {
		next = i.NextPullAt.V
	}
	if _, at := i.reminderDue(); !at.IsZero() && at.Before(next) {
		next = at
	}
	i.nextAt = null.Of(when(next))
}

// works is the state of a connection that has a consent and no trouble.
func (i *Integration) works(now time.Time) string {
	if i.ConsentEndsAt.Valid && !now.Before(i.ConsentEndsAt.V.Add(-expiringIn)) {
		return StatusExpiring
	}
	return StatusActive
}

// letter reminds a person that a consent ends. when is the moment in words.
func letter(to mail.Address, language, bank, organization, when string) mail.Message {
	return mail.Message{
		To: to, Language: language,
		Subject: fault.Textf("The access to %s ends on %s", bank, when),
		Paragraphs: []fault.Text{
			fault.Textf("%s may read its accounts at %s until %s. After that nothing is imported any more; what was imported stays.", organization, bank, when),
			fault.Textf("Renew the connection and sign in at the bank before that. Imports go on meanwhile."),
		},
	}
}
