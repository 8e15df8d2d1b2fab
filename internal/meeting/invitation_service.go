package meeting

import (
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ical"
	"sede/internal/mail"
	"sede/internal/phrase"
)

// tell sends the employee of a meeting that was created, changed or cancelled
// what they must know of it: an invitation when it is scheduled and when it moves
// (REQUEST, RFC 5546, 3.2.2), and that it is off (CANCEL, RFC 5546, 3.2.5) when it
// is cancelled, has no time any more, or is somebody else's now. Meetings that are
// over are not told. before is nil for a new meeting.
func (s *Service) tell(tx *db.Tx, who *access.Caller, before, m *Meeting) error {
	var told invitation
	var was bool
	if before != nil {
		var err error
		if told, was, err = findInvitation(tx, who.Scope(), m.ID); err != nil {
			return err
		}
	}
	wanted, err := s.invited(tx, who, m)
	if err != nil {
		return err
	}
	scope := who.Scope()
	if was && (wanted == nil || wanted.employee != told.employee || wanted.email != told.email) {
		deleteInvitation(tx, scope, m.ID)
		off := *before
		off.Sequence = m.Sequence
		if err := s.send(tx, scope, newsDropped, &off, &told); err != nil {
			return err
		}
		was = false
	}
	switch {
	case wanted == nil:
		return nil
	case !was:
		insertInvitation(tx, scope, m.ID, wanted)
		return s.send(tx, scope, newsInvited, m, wanted)
	case told.sequence == m.Sequence:
		return nil
	}
	updateInvitation(tx, scope, m.ID, m.Sequence)
	return s.send(tx, scope, newsMoved, m, &told)
}

// invited is who is to come to the meeting and can be told by mail; nil: nobody.
func (s *Service) invited(tx *db.Tx, who *access.Caller, m *Meeting) (*invitation, error) {
	_, to, scheduled := m.Busy()
	if !scheduled || !m.Employee.Valid || !to.After(tx.Now(who.Scope())) {
		return nil, nil
	}
	e, err := s.employees.Find(tx, who.Scope(), m.Employee.V)
	if err != nil || !e.Email.Valid || !e.Active {
		return nil, err
	}
	return &invitation{employee: e.ID, name: e.Name(), email: e.Email.V, organizer: organizerOf(who), sequence: m.Sequence}, nil
}

// send mails the news of a meeting in the organization's language.
func (s *Service) send(tx *db.Tx, scope access.Scope, n news, m *Meeting, to *invitation) error {
	name, language, zone, err := s.settings.Letterhead(tx, scope)
	if err != nil {
		return err
	}
	v := view{reader: phrase.Match(language), own: to.employee, zone: s.zones.load(zone)}
	if err := s.look(tx, scope, &v, []Meeting{*m}); err != nil {
		return err
	}
	e := v.event(m)
	if !m.Time.Valid || !e.To.After(tx.Now(scope)) {
		return nil // over, nothing to take back
	}
	method := ical.Request
	if n == newsDropped {
		method, e.Status, e.Free = ical.Cancel, ical.Cancelled, true
	}
	e.Stamp = s.now.Now()
	e.Organizer, e.Attendee = ical.Person{Name: name, Email: to.organizer}, ical.Person{Name: to.name, Email: to.email}
	content, err := (&ical.Calendar{Method: method, Events: []ical.Event{e}}).Encode()
	if err != nil {
		return err
	}
	message := mail.Message{
		To: mail.Address{Name: to.name, Email: to.email}, Language: language,
		Subject:    n.subject(cut(e.Summary, maxSummary), whenOf(&e)),
		Paragraphs: []fault.Text{n.sentence(), fault.Textf("%s", e.Summary), fault.Textf("When: %s", whenOf(&e))},
		Calendar:   &mail.Calendar{Method: method, Content: content},
	}
	if e.Location != "" {
		message.Paragraphs = append(message.Paragraphs, fault.Textf("Where: %s", e.Location))
	}
	if to.organizer != noOrganizer {
		message.ReplyTo = mail.Address{Email: to.organizer}
	}
	s.mail.Send(tx, scope, message)
	return nil
}

// whenOf tells the time of an event on its own clock.
func whenOf(e *ical.Event) string {
	to := "15:04"
	if e.To.Sub(e.From) >= 24*time.Hour || e.To.Day() != e.From.Day() {
		to = "2006-01-02 15:04"
	}
	return e.From.Format("2006-01-02 15:04") + "–" + e.To.Format(to) + " (" + e.From.Location().String() + ")"
}
