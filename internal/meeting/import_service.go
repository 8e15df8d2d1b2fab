package meeting

import (
	"context"
	"errors"
	"slices"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ical"
	"sede/internal/ident"
	"sede/internal/null"
)

// Import makes meetings of the events of a calendar that touch a window. An event
// that was imported before changes its meeting. What can't be imported is named;
// all the rest is, or, when the import fails, nothing.
func (s *Service) Import(ctx context.Context, who *access.Caller, q *ImportQuery, r *Import) error {
	if err := mayWrite.Check(who); err != nil {
		return err
	}
	if err := q.complete(s.now.Now()); err != nil {
		return err
	}
	var zone string
	err := s.db.Read(ctx, who.Scope(), func(tx *db.Tx) (err error) {
		zone, err = s.settings.TimeZone(tx, who.Scope())
		return err
	})
	if err != nil {
		return err
	}
	content, err := ical.Read(q.content, s.zones.load(zone), ical.Limits{From: q.From.V, To: q.To.V, Most: maxImported})
	switch {
	case errors.Is(err, ical.ErrNoCalendar):
		return fault.New(fault.Unprocessable, "The body is no iCalendar, or a part of one.")
	case errors.Is(err, ical.ErrTooMany):
		return fault.New(fault.Unprocessable, "There are more than %d events in the window. Import a shorter one.", maxImported)
	case err != nil:
		return err
	}
	return orOverlap(s.db.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		*r = Import{ID: s.ids.New(), From: q.From.V, To: q.To.V}
		return s.importAll(tx, who, q.Employee, &content, r)
	}))
}

// complete fills the window that is asked for.
func (q *ImportQuery) complete(now time.Time) error {
	if !q.From.Valid {
		q.From = null.Of(now.UTC().Truncate(24 * time.Hour))
	}
	if !q.To.Valid {
		q.To = null.Of(q.From.V.Add(importWindow))
	}
	switch length := q.To.V.Sub(q.From.V); {
	case length <= 0:
		return fault.Broken(fault.Violation{Path: "to", Text: fault.Textf("The window must end after it begins."), Code: fault.CodeTooLow})
	case length > maxImportWindow:
		return fault.Broken(fault.Violation{Path: "to", Text: fault.Textf("The window may be up to %d days long.", int(maxImportWindow.Hours()/24)), Code: fault.CodeTooHigh})
	}
	return nil
}

// importing is an import at work.
type importing struct {
	*Service
	tx       *db.Tx
	who      *access.Caller
	employee ident.ID
	known    map[[2]string]imported // by UID and occurrence
	result   *Import
}

// importAll imports what was read, for the employee or for who the caller is.
func (s *Service) importAll(tx *db.Tx, who *access.Caller, employee null.Value[ident.ID], content *ical.Content, r *Import) error {
	i := importing{Service: s, tx: tx, who: who, result: r}
	if err := i.choose(employee); err != nil {
		return err
	}
	r.Employee = i.employee
	if err := i.load(content); err != nil {
		return err
	}
	for n := range content.Refused {
		r.refuse(refusedOf(&content.Refused[n]))
	}
	for n := range content.Occurrences {
		o := &content.Occurrences[n]
		if content.Method == ical.Cancel {
			o.Status = ical.Cancelled
		}
		if err := i.one(o); err != nil {
			return err
		}
	}
	return i.cancelGone(content.Repeating)
}

// choose finds out whose meetings they become, and whether the caller may plan
// them.
func (i *importing) choose(employee null.Value[ident.ID]) error {
	reach, err := i.reachOf(i.tx, i.who, plansAll)
	if err != nil {
		return err
	}
	if !employee.Valid {
		own, err := i.employees.Linked(i.tx, i.who.Scope(), i.who.User)
		if fault.Is(err, fault.NotFound) {
			return fault.Broken(fault.Violation{Path: "employee", Code: fault.CodeNull, Text: fault.Textf("Say whose meetings they are: you are no employee.")})
		}
		i.employee = own
		return err
	}
	e, err := i.employees.Find(i.tx, i.who.Scope(), employee.V)
	switch {
	case fault.Is(err, fault.NotFound):
		return fault.Broken(fault.Violation{Path: "employee", Text: fault.Textf("Item not found for %q.", "/employees/"+employee.V.String())})
	case err != nil:
		return err
	case !reach.has(employee):
		return fault.New(fault.Forbidden, "You may plan your own meetings only.")
	case !e.Active:
		return fault.Broken(fault.Violation{Path: "employee", Text: fault.Textf("This employee is not active.")})
	}
	i.employee = employee.V
	return nil
}

// load finds out which events were imported before.
func (i *importing) load(content *ical.Content) error {
	var uids []string
	for n := range content.Occurrences {
		uids = append(uids, content.Occurrences[n].UID)
	}
	uids = append(uids, content.Repeating...)
	slices.Sort(uids)
	list, err := importedOf(i.tx, i.who.Scope(), i.employee, slices.Compact(uids))
	i.known = make(map[[2]string]imported, len(list))
	for _, each := range list {
		i.known[[2]string{each.uid, each.occurrence}] = each
	}
	return err
}

// one imports an occurrence.
func (i *importing) one(o *ical.Occurrence) error {
	key := [2]string{o.UID, o.Recurrence}
	if before, ok := i.known[key]; ok {
		delete(i.known, key)
		return i.again(o, before.meeting, false)
	}
	if id, err := ident.Parse(o.UID); err == nil && o.Recurrence == "" {
		var m Meeting
		err := find(i.tx, i.who.Scope(), id, &m)
		switch {
		case err == nil && m.Employee != null.Of(i.employee):
			i.result.refuse(refusedAt(o, refusedOthers, fault.Textf("This is a meeting of another employee.")))
			return nil
		case err == nil:
			return i.again(o, id, true)
		case !fault.Is(err, fault.NotFound):
			return err
		}
	}
	if o.Status == ical.Cancelled {
		i.result.Unchanged++ // it never was
		return nil
	}
	return i.create(o)
}

// create makes a meeting of an occurrence.
func (i *importing) create(o *ical.Occurrence) error {
	m := Meeting{ID: i.ids.New(), Version: 1, CreatedAt: i.now.Now().Truncate(time.Second)}
	m.UpdatedAt = m.CreatedAt
	m.Terms = m.of(o, false)
	m.Employee = null.Of(i.employee)
	if err := i.admit(i.tx, i.who.Scope(), &m, &Terms{}); err != nil {
		return i.refusedBy(o, err)
	}
	if err := insert(i.tx, i.who.Scope(), &m); err != nil {
		return err
	}
	starts := o.From.Unix()
	insertImported(i.tx, i.who.Scope(), i.employee, imported{o.UID, o.Recurrence, m.ID, starts})
	i.result.Created++
	i.result.Meetings = append(i.result.Meetings, m.ID)
	return i.record(i.tx, i.who, "create", nil, &m)
}

// again changes the meeting that an occurrence became before.
func (i *importing) again(o *ical.Occurrence, id ident.ID, own bool) error {
	var m Meeting
	if err := find(i.tx, i.who.Scope(), id, &m); err != nil {
		return err
	}
	switch {
	case m.CancelledAt.Valid && o.Status == ical.Cancelled:
		i.result.Unchanged++
		return nil
	case m.CancelledAt.Valid:
		i.result.refuse(refusedAt(o, refusedCancelled, fault.Textf("This meeting is cancelled.")))
		return nil
	case o.Status == ical.Cancelled:
		return i.cancel(&m)
	}
	before := m
	if m.Terms = m.of(o, own); m.Terms == before.Terms {
		i.result.Unchanged++
		return nil
	}
	if err := i.change(i.tx, i.who, &before, &m); err != nil {
		return i.refusedBy(o, err)
	}
	i.result.Changed++
	i.result.Meetings = append(i.result.Meetings, id)
	return nil
}

// refusedBy names an occurrence that other meetings are in the way of; other
// errors end the import.
func (i *importing) refusedBy(o *ical.Occurrence, err error) error {
	if !fault.Is(err, fault.Conflict) || len(fault.As(err).Conflicts) == 0 {
		return err
	}
	i.result.refuse(refusedAt(o, refusedOverlap, fault.Textf("The employee has other meetings at that time: %s.", fault.As(err).Conflicts)))
	return nil
}

func (i *importing) cancel(m *Meeting) error {
	if err := i.cancelNow(i.tx, i.who, m); err != nil {
		return err
	}
	i.result.Cancelled++
	i.result.Meetings = append(i.result.Meetings, m.ID)
	return nil
}

// cancelGone cancels what events that repeat no longer have in the window.
func (i *importing) cancelGone(repeating []string) error {
	var gone []imported
	for _, each := range i.known {
		if each.starts >= i.result.From.Unix() && each.starts < i.result.To.Unix() && slices.Contains(repeating, each.uid) {
			gone = append(gone, each)
		}
	}
	slices.SortFunc(gone, func(a, b imported) int { return int(a.starts - b.starts) })
	for _, each := range gone {
		var m Meeting
		if err := find(i.tx, i.who.Scope(), each.meeting, &m); err != nil {
			return err
		}
		if m.CancelledAt.Valid {
			continue
		}
		if err := i.cancel(&m); err != nil {
			return err
		}
	}
	return nil
}
