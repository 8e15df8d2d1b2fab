package meeting

import (
	"context"
	"slices"
	"time"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ical"
	"sede/internal/ident"
	"sede/internal/page"
	"sede/internal/phrase"
)

// feedReach is whose feeds a caller reaches: those who run the organization all,
// others their own.
type feedReach struct {
	all  bool
	user ident.ID
}

func feedReachOf(who *access.Caller) feedReach {
	return feedReach{all: who.Operator || access.Admins.Has(who.Role), user: who.User}
}

// Feeds returns a page of the feeds that the caller reaches.
func (s *Service) Feeds(ctx context.Context, who *access.Caller, q *page.Query) (r page.Result[Feed], err error) {
	if err := mayRead.Check(who); err != nil {
		return r, err
	}
	err = s.db.Read(ctx, who.Scope(), func(tx *db.Tx) (err error) {
		r, err = listFeeds(tx, who.Scope(), feedReachOf(who), q)
		return err
	})
	return r, err
}

// FindFeed loads one feed; Missing when the caller reaches no such one.
func (s *Service) FindFeed(ctx context.Context, who *access.Caller, id ident.ID, f *Feed) error {
	return s.db.Read(ctx, who.Scope(), func(tx *db.Tx) error { return enterFeed(tx, who, id, f) })
}

// enterFeed loads a feed that the caller reaches; Missing for others, Forbidden
// for those whose role reaches no meetings at all.
func enterFeed(tx *db.Tx, who *access.Caller, id ident.ID, f *Feed) error {
	if err := findFeed(tx, who.Scope(), id, f); err != nil {
		return err
	}
	if err := mayRead.Check(who); err != nil {
		return err
	}
	if reach := feedReachOf(who); !reach.all && f.User != reach.user {
		return fault.Missing()
	}
	return nil
}

// CreateFeed makes a feed for the caller, who has one of each content at most.
func (s *Service) CreateFeed(ctx context.Context, who *access.Caller, f *Feed) error {
	if err := mayWrite.Check(who); err != nil {
		return err
	}
	given := *f
	err := s.db.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		*f = given
		f.ID, f.User, f.Version, f.CreatedAt = s.ids.New(), who.User, 1, s.now.Now().Truncate(time.Second)
		f.UpdatedAt = f.CreatedAt
		if err := f.renew(s.random, s.feedBase()); err != nil {
			return err
		}
		if err := insertFeed(tx, who.Scope(), f); err != nil {
			return err
		}
		return s.recordFeed(tx, who, "create", nil, f)
	})
	if db.IsUnique(err, "meeting_feed_user_id_busy") {
		return fault.Broken(fault.Violation{Path: "content", Code: fault.CodeUnique, Text: fault.Textf("You have such a feed already. Rotate it to get a new address.")})
	}
	return err
}

// RotateFeed gives a feed a new address. The one before is dead at once.
func (s *Service) RotateFeed(ctx context.Context, who *access.Caller, id ident.ID, _ *hydra.None, f *Feed) error {
	return s.db.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		if err := enterFeed(tx, who, id, f); err != nil {
			return err
		}
		if err := mayWrite.Check(who); err != nil {
			return err
		}
		before := *f
		f.Version, f.UpdatedAt = f.Version+1, s.now.Now().Truncate(time.Second)
		if err := f.renew(s.random, s.feedBase()); err != nil {
			return err
		}
		if err := renewFeed(tx, who.Scope(), f); err != nil {
			return err
		}
		return s.recordFeed(tx, who, "rotate", &before, f)
	})
}

// RevokeFeed ends a feed.
func (s *Service) RevokeFeed(ctx context.Context, who *access.Caller, id ident.ID) error {
	return s.db.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		var f Feed
		if err := enterFeed(tx, who, id, &f); err != nil {
			return err
		}
		if err := mayWrite.Check(who); err != nil {
			return err
		}
		if err := deleteFeed(tx, who.Scope(), id); err != nil {
			return err
		}
		return s.recordFeed(tx, who, "delete", &f, nil)
	})
}

// recordFeed appends to the audit log, without the address.
func (s *Service) recordFeed(tx *db.Tx, who *access.Caller, action string, before, after *Feed) error {
	e := audit.Entry{Action: action, Resource: "MeetingFeed"}
	told := func(f *Feed) []byte {
		if f == nil {
			return nil
		}
		open := *f
		open.URL.Valid, open.URL.V = false, ""
		e.Key = f.ID.String()
		return hydra.JSON(feedFields, &open)
	}
	e.Before, e.After = told(before), told(after)
	return s.audit.Append(tx, who, e)
}

// feedBase is what the addresses of feeds begin with.
func (s *Service) feedBase() string { return s.baseURL + "/calendars/" }

// ReadFeed writes the calendar behind a secret, with a constant number of
// statements. It is Missing for a secret that is none, once the member left or
// became a guest, and where operators took the module away.
func (s *Service) ReadFeed(ctx context.Context, secret string) (content []byte, err error) {
	err = s.db.Read(ctx, access.Instance(), func(tx *db.Tx) error {
		var f Feed
		organization, err := openFeed(tx, secret, &f)
		if err != nil {
			return err
		}
		content, err = s.writeFeed(tx, access.System(organization), &f)
		return err
	})
	return content, err
}

// Besides tells what stands in the calendars of a member besides meetings.
type Besides func(tx *db.Tx, scope access.Scope, user ident.ID, reader phrase.Language, zone *time.Location) ([]ical.Event, error)

// SetBesides has feeds that tell everything tell that, too.
func (s *Service) SetBesides(besides Besides) { s.besides = besides }

func (s *Service) writeFeed(tx *db.Tx, scope access.Scope, f *Feed) ([]byte, error) {
	if may, err := s.settings.Reads(tx, scope, f.User); err != nil || !may {
		if err == nil {
			err = fault.Missing()
		}
		return nil, err
	}
	if use, err := s.settings.Use(tx, scope, "meetings"); err != nil || use == access.NoUse {
		if err == nil {
			err = fault.Missing()
		}
		return nil, err
	}
	name, language, zone, err := s.settings.Letterhead(tx, scope)
	if err != nil {
		return nil, err
	}
	v := view{reader: phrase.Match(language), busy: f.Content == BusyOnly, zone: s.zones.load(zone)}
	var items []Meeting
	v.own, err = s.employees.Linked(tx, scope, f.User)
	switch {
	case err == nil:
		items, err = inFeed(tx, scope, v.own, feedStretch(s.now.Now()))
	case fault.Is(err, fault.NotFound):
		err = nil // linked to nobody: no meetings
	}
	if err != nil {
		return nil, err
	}
	if v.busy {
		items = slices.DeleteFunc(items, func(m Meeting) bool { return !m.Time.Valid })
	}
	if err := s.look(tx, scope, &v, items); err != nil {
		return nil, err
	}
	events := v.events(items)
	if !v.busy && s.besides != nil {
		more, err := s.besides(tx, scope, f.User, v.reader, v.zone)
		if err != nil {
			return nil, err
		}
		events = append(events, more...)
	}
	calendar := ical.Calendar{Name: v.reader.Text(fault.Textf("Meetings at %s", name)), Refresh: feedRefresh, Zone: v.zone, Events: events}
	return calendar.Encode()
}
