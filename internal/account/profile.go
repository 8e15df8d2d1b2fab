package account

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
)

// Memberships is what this feature asks about organizations, which stand above
// it.
type Memberships interface {
	// Of returns the active memberships of a user.
	Of(ctx context.Context, user ident.ID) ([]Membership, error)
	// Find returns the organization with that id or slug; NotFound when there is
	// none.
	Find(ctx context.Context, ref string) (ident.ID, error)
	// Share reports whether the users are members of a common organization, one
	// that lets its members see each other.
	Share(ctx context.Context, a, b ident.ID) (bool, error)
}

// profile is what requests need to know of a user. It never changes.
type profile struct {
	username    string
	verified    bool // the username, see User.VerifiedAt
	operator    bool
	memberships []Membership
	credentials map[ident.ID]bool // the sessions and API keys asked about: whether they count
}

// maxCredentials bounds the sessions and keys that are remembered of one user.
const maxCredentials = 64

// profile returns what is known of the user; nil when there is no such user, the
// session has ended or the API key was revoked.
func (s *Service) profile(ctx context.Context, user, credential ident.ID) (*profile, error) {
	known, ok := s.profiles.get(user)
	if ok {
		if live, ok := known.credentials[credential]; ok {
			if !live {
				return nil, nil
			}
			return known, nil
		}
	}
	mark := s.profiles.mark()
	p, live, err := s.load(ctx, user, credential)
	if err != nil || p == nil {
		return nil, err
	}
	if known != nil && len(known.credentials) < maxCredentials {
		maps.Copy(p.credentials, known.credentials)
	}
	p.credentials[credential] = live
	s.profiles.put(user, p, mark)
	if !live {
		return nil, nil
	}
	return p, nil
}

// load reads a profile; nil when there is no such user.
func (s *Service) load(ctx context.Context, user, credential ident.ID) (*profile, bool, error) {
	p, live, found := profile{}, false, false
	err := s.db.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		p, live, found, err = findProfile(tx, user, credential)
		return err
	})
	if err != nil || !found {
		return nil, false, err
	}
	p.credentials = map[ident.ID]bool{}
	if s.memberships != nil {
		p.memberships, err = s.memberships.Of(ctx, user)
	}
	return &p, live, err
}

// Forget drops what this process remembers of a user. Use Changed where there
// is a transaction: it tells the other processes too.
func (s *Service) Forget(user ident.ID) { s.profiles.drop(user) }

// Changed notes in the transaction that the memberships, sessions or rights of
// users change in it. This process forgets what it knew before Write returns,
// others within a second of the commit. The zero id stands for all users. It
// fails as a statement does.
func (s *Service) Changed(tx *db.Tx, users ...ident.ID) error {
	for _, user := range users {
		if err := insertChange(tx, user); err != nil {
			return err
		}
		if user.IsZero() {
			tx.AfterCommit(s.forgetAll)
			continue
		}
		tx.AfterCommit(func() { s.Forget(user) })
	}
	return nil
}

// How old the news about changes by other processes may get: from half a second
// on one request fetches them while the others go on, from a second on all wait.
const (
	newsDue  = 500 * time.Millisecond
	newsLate = time.Second
)

// changes follows what other processes change.
type changes struct {
	checked atomic.Int64 // when news was last fetched, Unix milliseconds
	mu      sync.Mutex   // held while fetching
	epoch   int64        // of the last change seen; -1: none was looked for yet
}

// follow forgets what changed elsewhere. It fails when the news is late and
// can't be fetched.
func (c *changes) follow(ctx context.Context, s *Service) error {
	age := s.now.Now().UnixMilli() - c.checked.Load()
	if age >= 0 && age < newsDue.Milliseconds() {
		return nil
	}
	late := age < 0 || age >= newsLate.Milliseconds()
	if !late {
		if c.mu.TryLock() {
			defer c.mu.Unlock()
			_ = c.fetch(ctx, s) // a failure comes up when the news is late
		}
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if age := s.now.Now().UnixMilli() - c.checked.Load(); age >= 0 && age < newsDue.Milliseconds() {
		return nil
	}
	return c.fetch(ctx, s)
}

// fetch reads the changes since the last fetch. The caller holds mu.
func (c *changes) fetch(ctx context.Context, s *Service) error {
	started := s.now.Now().UnixMilli()
	var users []ident.ID
	gap, last := false, c.epoch
	err := s.db.Read(ctx, access.Instance(), func(tx *db.Tx) error {
		epoch, err := currentEpoch(tx)
		if err != nil || epoch == c.epoch {
			return err
		}
		if c.epoch < 0 || epoch < c.epoch {
			gap, last = true, epoch
			return nil
		}
		users, last, gap, err = listChanges(tx, c.epoch)
		return err
	})
	if err != nil {
		return err
	}
	for _, user := range users {
		gap = gap || user.IsZero()
		s.profiles.drop(user)
	}
	if gap {
		s.forgetAll()
	}
	c.epoch = last
	c.checked.Store(started)
	return nil
}

// forgetAll drops everything this process remembers of users, tokens and keys.
func (s *Service) forgetAll() {
	s.profiles.clear()
	s.passes.clear()
	s.keyPasses.clear()
	s.keys.forget()
}
