package account

import (
	"context"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/page"
)

// Session is a sign-in that has not ended, as its user sees it.
type Session struct {
	ID         ident.ID
	Current    bool // the caller's
	Address    string
	Agent      string
	LastUsedAt null.Value[time.Time] // to the minute
	ExpiresAt  time.Time
	CreatedAt  time.Time
}

// Sessions returns a page of the caller's sessions.
func (s *Service) Sessions(ctx context.Context, who *access.Caller, q *page.Query) (r page.Result[Session], err error) {
	if err := mayEdit.Check(who); err != nil {
		return r, err
	}
	err = s.db.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		r, err = listSessions(tx, who.User, s.now.Now(), q)
		return err
	})
	for i := range r.Items {
		r.Items[i].Current = r.Items[i].ID == who.Session
	}
	return r, err
}

// Session loads one session of the caller. Those of others are Missing, and those
// that have ended.
func (s *Service) Session(ctx context.Context, who *access.Caller, id ident.ID, v *Session) error {
	if err := mayEdit.Check(who); err != nil {
		return err
	}
	err := s.db.Read(ctx, access.Instance(), func(tx *db.Tx) error { return findSession(tx, who.User, id, s.now.Now(), v) })
	v.Current = v.ID == who.Session
	return err
}

// EndSession ends one session of the caller, at once. It is Missing as for
// Session.
func (s *Service) EndSession(ctx context.Context, who *access.Caller, id ident.ID) error {
	if err := mayEdit.Check(who); err != nil {
		return err
	}
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		var v Session
		now := s.now.Now().Truncate(time.Microsecond)
		if err := findSession(tx, who.User, id, now, &v); err != nil {
			return err
		}
		ended, err := revokeSession(tx, id, now)
		switch {
		case err != nil:
			return err
		case !ended:
			return fault.Missing()
		}
		if err := s.Changed(tx, who.User); err != nil {
			return err
		}
		return s.record(tx, who, "end-session", "Session", id.String(), nil, nil)
	})
}

// EndOtherSessions ends all sessions of the caller but the one that the request
// comes from.
func (s *Service) EndOtherSessions(ctx context.Context, who *access.Caller) error {
	if err := mayEdit.Check(who); err != nil {
		return err
	}
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error { return s.endAll(tx, who, who.User, who.Session) })
}
