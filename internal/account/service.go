package account

import (
	"context"
	"crypto/sha256"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/alexedwards/argon2id"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/mail"
	"sede/internal/null"
	"sede/internal/page"
)

// Service holds the use cases of users and their sign-ins. It is safe for
// concurrent use.
type Service struct {
	db          *db.DB
	audit       *audit.Log
	ids         *ident.Source
	now         clock.Clock
	random      io.Reader
	log         *slog.Logger
	issuer      string
	baseURL     string // of links in mails
	signUp      bool   // people make their own accounts
	jobs        *jobs.Queue
	mail        *mail.Post
	memberships Memberships
	renamed     func(tx *db.Tx, user ident.ID, name, username string) error
	proxies     proxies

	params    *argon2id.Params
	hashing   *slots
	byAccount *limiter
	byAddress *limiter

	keys      *keyring
	passes    *cache[string, pass]            // verified tokens
	keyPasses *cache[[sha256.Size]byte, pass] // API keys, by hash
	profiles  *cache[ident.ID, *profile]      // by user
	changes   *changes
	scopes    []string // that API keys can have
	uses      uses
}

// Who may do what.
var (
	maySee  = access.SignedIn()
	mayEdit = access.SignedIn().InPerson()
	mayList = access.Operators()
)

// CreateUser stores a new user whom an operator vouches for: the username counts
// as verified. It fails with an Unprocessable error that names all broken rules,
// among them a username that is taken.
func (s *Service) CreateUser(ctx context.Context, n NewUser) (u User, err error) {
	n.Verified = true
	p, err := s.Prepare(ctx, n)
	if err != nil {
		return User{}, err
	}
	err = s.db.Write(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		u, err = s.Register(tx, nil, p)
		return err
	})
	return u, err
}

// Prepared is a new user whose rules hold and whose password is hashed.
type Prepared struct {
	user User
	hash string
}

// Prepare checks a new user and hashes the password, which takes too long for a
// transaction. It fails with an Unprocessable error that names all broken rules,
// and Unavailable when too many passwords wait to be hashed.
func (s *Service) Prepare(ctx context.Context, n NewUser) (Prepared, error) {
	username, broken := n.check()
	if err := fault.Broken(broken...); err != nil {
		return Prepared{}, err
	}
	hash, err := s.hash(ctx, n.Password)
	if err != nil {
		return Prepared{}, err
	}
	now := s.now.Now().Truncate(time.Second)
	u := User{Username: username, Name: strings.TrimSpace(n.Name), Operator: n.Operator, Version: 1, CreatedAt: now, UpdatedAt: now,
		Language: n.Language, TimeZone: n.TimeZone,
		VerifiedAt: null.Value[time.Time]{V: now, Valid: n.Verified}}
	if u.Name == "" {
		u.Name, _, _ = strings.Cut(username, "@")
	}
	return Prepared{user: u, hash: hash}, nil
}

// Register stores a prepared user in the transaction, whose scope is the
// instance. who is nil for somebody who is not signed in. A username that is
// taken is Unprocessable, and the transaction is lost then: see FindByEmail.
func (s *Service) Register(tx *db.Tx, who *access.Caller, p Prepared) (User, error) {
	u := p.user
	u.ID = s.ids.New()
	if err := insertUser(tx, &u, p.hash); err != nil {
		return User{}, err
	}
	return u, s.record(tx, who, "create", "User", u.ID.String(), nil, hydra.JSON(fields, &u))
}

// FindByEmail loads the user with the e-mail address, which is in its normal
// form, in the transaction; false when nobody has it. Whoever registers the
// address at the same time waits until the transaction ends.
func (s *Service) FindByEmail(tx *db.Tx, email string) (u User, found bool, err error) {
	if err := lockEmail(tx, email); err != nil {
		return u, false, err
	}
	err = findUsername(tx, email, &u)
	if fault.Is(err, fault.NotFound) {
		return User{}, false, nil
	}
	return u, err == nil, err
}

// Verify notes in the transaction, whose scope is the instance, that mail to the
// address reached the user, unless the user has another one by now or that is
// known. It acts on the user's next request.
func (s *Service) Verify(tx *db.Tx, who *access.Caller, user ident.ID, email string) error {
	var u User
	if err := findUser(tx, user, &u); err != nil {
		return err
	}
	if u.Username != email || u.VerifiedAt.Valid {
		return nil
	}
	before := u
	u.VerifiedAt = null.Of(s.now.Now().Truncate(time.Second))
	if err := s.store(tx, who, &before, &u); err != nil {
		return err
	}
	return s.Changed(tx, user)
}

// FindByUsername loads the user with the e-mail address in any spelling;
// Missing when there is none.
func (s *Service) FindByUsername(ctx context.Context, username string) (u User, err error) {
	normal, ok := NormalizeUsername(username)
	if !ok {
		return u, fault.Missing()
	}
	err = s.db.Read(ctx, access.Instance(), func(tx *db.Tx) error { return findUsername(tx, normal, &u) })
	return u, err
}

// Person returns the name and the username of a user, which stay as they are
// until the transaction ends; Missing when there is no such user.
func (s *Service) Person(tx *db.Tx, user ident.ID) (name, username string, err error) {
	if err := lockUser(tx, user); err != nil {
		return "", "", err
	}
	var u User
	err = findUser(tx, user, &u)
	return u.Name, u.Username, err
}

// SetPassword replaces a user's password and ends all their sessions. who is nil
// when the instance itself does it. It fails with an Unprocessable error for a
// password that breaks the rules.
func (s *Service) SetPassword(ctx context.Context, who *access.Caller, user ident.ID, password string) error {
	return s.setPassword(ctx, who, user, "", password, ident.ID{})
}

// ChangePassword replaces the caller's own password, if current is it, and ends
// all their other sessions. A wrong current one is Unprocessable and counts as a
// failed sign-in.
func (s *Service) ChangePassword(ctx context.Context, who *access.Caller, current, password string) error {
	if err := mayEdit.Check(who); err != nil {
		return err
	}
	hash, err := s.checkOwnPassword(ctx, who, current)
	if err != nil {
		return err
	}
	return s.setPassword(ctx, who, who.User, hash, password, who.Session)
}

// checkOwnPassword returns the hash of the caller's password if current is it. A
// wrong one is Unprocessable and counts as a failed sign-in.
func (s *Service) checkOwnPassword(ctx context.Context, who *access.Caller, current string) (string, error) {
	_, hash, err := s.checkPassword(ctx, newAttempt(Origin{Address: who.Address, Agent: who.Agent}, who.Username), current)
	if fault.Is(err, fault.Unauthorized) {
		err = fault.Broken(fault.Violation{Path: "currentPassword", Text: fault.Textf("This is not your current password.")})
	}
	return hash, err
}

// setPassword replaces the password that has the hash old, any when it is
// empty, and ends all sessions but one, which may be zero.
func (s *Service) setPassword(ctx context.Context, who *access.Caller, user ident.ID, old, password string, but ident.ID) error {
	var u User
	err := s.db.Read(ctx, access.Instance(), func(tx *db.Tx) error { return findUser(tx, user, &u) })
	if err != nil {
		return err
	}
	if v := checkPassword(password, u.Username); v != nil {
		return fault.Broken(*v)
	}
	hash, err := s.hash(ctx, password)
	if err != nil {
		return err
	}
	_, language := s.sender(ctx)
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		changed, err := setHash(tx, user, old, hash)
		if err != nil {
			return err
		}
		if !changed {
			return fault.New(fault.Conflict, "Somebody else has changed this in the meantime. Read it again and repeat your change.")
		}
		return s.passwordSet(tx, who, &u, but, language)
	})
}

// SetOperator makes a user one who runs the instance, or no longer. It acts on
// the user's next request.
func (s *Service) SetOperator(ctx context.Context, who *access.Caller, user ident.ID, operator bool) error {
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		var u User
		if err := findUser(tx, user, &u); err != nil {
			return err
		}
		if u.Operator == operator {
			return nil
		}
		before := u
		u.Operator = operator
		if err := s.store(tx, who, &before, &u); err != nil {
			return err
		}
		return s.Changed(tx, user)
	})
}

// List returns a page of all users, for operators.
func (s *Service) List(ctx context.Context, who *access.Caller, q *page.Query) (r page.Result[User], err error) {
	if err := mayList.Check(who); err != nil {
		return r, err
	}
	err = s.db.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		r, err = listUsers(tx, q)
		return err
	})
	return r, err
}

// Get loads a user whom the caller may see: themselves, somebody they share an
// organization with, and for operators everybody; others are Missing. The
// organizations are shown to the user and to operators only.
func (s *Service) Get(ctx context.Context, who *access.Caller, id ident.ID, u *User) error {
	if err := maySee.Check(who); err != nil {
		return err
	}
	own := who.User == id || who.Operator
	if !own {
		if s.memberships == nil {
			return fault.Missing()
		}
		shared, err := s.shares(ctx, who, id)
		if err != nil {
			return err
		}
		if !shared {
			return fault.Missing()
		}
	}
	if err := s.db.Read(ctx, access.Instance(), func(tx *db.Tx) error { return findUser(tx, id, u) }); err != nil {
		return err
	}
	if !own {
		return nil
	}
	return s.addOrganizations(ctx, who, u)
}

// shares reports whether the caller is in an organization with the user, for an
// API key in its own.
func (s *Service) shares(ctx context.Context, who *access.Caller, user ident.ID) (bool, error) {
	shared, err := s.memberships.Share(ctx, who.User, user)
	if err != nil || !shared || who.Key.IsZero() {
		return shared, err
	}
	list, err := s.memberships.Of(ctx, user)
	_, member := in(list, who.Organization)
	return member, err
}

// Me loads the caller's own user.
func (s *Service) Me(ctx context.Context, who *access.Caller, u *User) error {
	if err := maySee.Check(who); err != nil {
		return err
	}
	return s.Get(ctx, who, who.User, u)
}

// addOrganizations adds those of the user that the caller may reach.
func (s *Service) addOrganizations(ctx context.Context, who *access.Caller, u *User) (err error) {
	u.Organizations = []Membership{}
	if s.memberships == nil {
		return nil
	}
	list, err := s.memberships.Of(ctx, u.ID)
	for _, m := range list {
		if who.MayReach(m.Organization) {
			u.Organizations = append(u.Organizations, m)
		}
	}
	return err
}

// Update loads the caller's own user, lets apply change it, and stores what
// came of it. Others can't be changed: those that the caller sees are Forbidden,
// the rest Missing.
func (s *Service) Update(ctx context.Context, who *access.Caller, id ident.ID, u *User, apply func() error) error {
	if err := mayEdit.Check(who); err != nil {
		return err
	}
	if id != who.User {
		if err := s.Get(ctx, who, id, u); err != nil {
			return err
		}
		return fault.Denied()
	}
	shown := User{ID: who.User}
	if err := s.addOrganizations(ctx, who, &shown); err != nil {
		return err
	}
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		*u = User{}
		if err := findUser(tx, who.User, u); err != nil {
			return err
		}
		before := *u
		if err := apply(); err != nil {
			return err
		}
		if u.Language.Valid {
			u.Language = null.Of(canonicalLanguage(u.Language.V))
		}
		if u.Name != before.Name || u.Language != before.Language || u.TimeZone != before.TimeZone {
			if err := s.store(tx, who, &before, u); err != nil {
				return err
			}
		}
		u.Organizations = shown.Organizations
		return nil
	})
}

// store writes a changed user as the next version.
func (s *Service) store(tx *db.Tx, who *access.Caller, before, u *User) error {
	if s.renamed != nil && (u.Name != before.Name || u.Username != before.Username) {
		if err := lockUser(tx, u.ID); err != nil {
			return err
		}
		if err := s.renamed(tx, u.ID, u.Name, u.Username); err != nil {
			return err
		}
	}
	u.Version, u.UpdatedAt = before.Version+1, s.now.Now().Truncate(time.Second)
	if err := updateUser(tx, u); err != nil {
		return err
	}
	return s.record(tx, who, "update", "User", u.ID.String(), hydra.JSON(fields, before), hydra.JSON(fields, u))
}

// Rotate has a new signing key published now and used from tomorrow on, ahead of
// the schedule that sede keeps by itself.
func (s *Service) Rotate(ctx context.Context) error {
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	_, err := s.keys.reload(ctx, true)
	return err
}

// ReplaceKeys throws all signing keys away and begins with a new one, because a
// private key leaked or the master key is lost. All tokens are worthless then;
// sessions live on, their refresh tokens bring new tokens.
func (s *Service) ReplaceKeys(ctx context.Context) error {
	return s.keys.replace(ctx, func(tx *db.Tx) error {
		tx.AfterCommit(s.passes.clear)
		return insertChange(tx, ident.ID{})
	})
}

// Check returns nil when tokens can be signed. Its error says what is wrong, for
// example that the master key is not the one the signing keys were sealed with.
func (s *Service) Check(ctx context.Context) error {
	keys, err := s.keys.current(ctx)
	if err != nil {
		return err
	}
	return keys.reason
}

// record writes an entry of the instance's audit log.
func (s *Service) record(tx *db.Tx, who *access.Caller, action, resource, key string, before, after []byte) error {
	if s.audit == nil {
		return nil
	}
	return s.audit.Append(tx, who, audit.Entry{Action: action, Resource: resource, Key: key, Before: before, After: after})
}
