package account

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/alexedwards/argon2id"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
)

// defaultHashing is argon2id with the least memory that OWASP recommends, and
// the passes that go with it, since sede promises to be small: 7 MiB a hashing.
func defaultHashing() *argon2id.Params {
	return &argon2id.Params{Memory: 7 * 1024, Iterations: 5, Parallelism: 1, SaltLength: 16, KeyLength: 32}
}

// attempt is one try to sign in with a password.
type attempt struct {
	from     Origin
	username string // normalised; empty for what is no e-mail address
	account  string // what failures of the username are counted under
	address  string // what failures of the address are counted under
}

func newAttempt(from Origin, typed string) attempt {
	a := attempt{from: from, address: addressKey(from.Address)}
	if normal, ok := NormalizeUsername(typed); ok {
		a.username, a.account = normal, normal
		return a
	}
	a.account = strings.ToLower(strings.TrimSpace(typed))
	a.account = strings.Clone(a.account[:min(len(a.account), maxUsername)])
	return a
}

// errCredentials is the one answer for an unknown user and a wrong password.
func errCredentials() error { return fault.New(fault.Unauthorized, "Invalid credentials.") }

// checkPassword returns the user with the username and the hash that the
// password was checked against. Who waits in line for a hashing is counted only
// when it is their turn, so that a crowd of attempts meets the limits one by
// one.
func (s *Service) checkPassword(ctx context.Context, a attempt, password string) (user ident.ID, hash string, err error) {
	now := s.now.Now()
	if wait := max(s.byAccount.wait(a.account, now), s.byAddress.wait(a.address, now)); wait > 0 {
		return user, "", tooManyFailures(wait)
	}
	err = s.db.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		user, hash, err = findPassword(tx, a.username)
		return err
	})
	if err != nil {
		return user, "", err
	}
	count, match := 0, false
	err = s.hashing.do(ctx, func() (err error) {
		if count, err = s.count(a); err == nil {
			match, err = s.compare(password, hash)
		}
		return err
	})
	switch {
	case err != nil:
		return user, "", err
	case match:
		s.byAccount.clear(a.account)
		s.byAddress.pardon(a.address, s.now.Now())
		return user, hash, nil
	case count == limitFree+1 || count == limitPerAccount:
		err = s.recordFailures(ctx, a, user, count)
	}
	if err == nil {
		err = errCredentials()
	}
	return user, "", err
}

// count counts an attempt as a failure until it turns out to be none.
func (s *Service) count(a attempt) (failures int, err error) {
	now := s.now.Now()
	if _, wait := s.byAddress.attempt(a.address, now); wait > 0 {
		return 0, tooManyFailures(wait)
	}
	failures, wait := s.byAccount.attempt(a.account, now)
	if wait > 0 {
		s.byAddress.pardon(a.address, now)
		return 0, tooManyFailures(wait)
	}
	return failures, nil
}

func tooManyFailures(wait time.Duration) error {
	return &fault.Error{Kind: fault.TooManyRequests, RetryAfter: wait,
		Text: fault.Textf("Too many failed login attempts. Please try again in %d s.", seconds(wait))}
}

// compare checks a password against a hash. Without one it does the same work
// and finds that it does not match.
func (s *Service) compare(password, hash string) (bool, error) {
	known := hash != ""
	if !known {
		hash = noHash(s.params)
	}
	match, err := argon2id.ComparePasswordAndHash(normalizePassword(password), hash)
	return match && known, err
}

// noHash is a hash that no password is known for, as costly to compare as any.
func noHash(p *argon2id.Params) string {
	zeros := func(n uint32) string { return base64.RawStdEncoding.EncodeToString(make([]byte, n)) }
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", p.Memory, p.Iterations, p.Parallelism, zeros(p.SaltLength), zeros(p.KeyLength))
}

// hash makes the hash of a new password.
func (s *Service) hash(ctx context.Context, password string) (hash string, err error) {
	err = s.hashing.do(ctx, func() (err error) {
		hash, err = argon2id.CreateHash(normalizePassword(password), s.params)
		return err
	})
	return hash, err
}

// plainContext is a context without values.
type plainContext struct{ context.Context }

// Value returns nothing.
func (plainContext) Value(any) any { return nil }

// recordFailures notes repeated failures in the audit log, alike for usernames
// that exist and those that do not. The note stays whatever becomes of the
// request, so nothing that hangs on the request's transaction runs in it.
func (s *Service) recordFailures(ctx context.Context, a attempt, user ident.ID, count int) error {
	if a.username == "" {
		return nil
	}
	after, err := json.Marshal(map[string]any{"username": a.username, "failures": count})
	if err != nil {
		return err
	}
	key := ""
	if !user.IsZero() {
		key = user.String()
	}
	return s.db.Write(plainContext{ctx}, access.Instance(), func(tx *db.Tx) error {
		return s.record(tx, a.from.caller(), "sign-in-failed", "User", key, nil, after)
	})
}

// slots lets a few pieces of work run at once and a limited number wait.
type slots struct {
	free    chan struct{}
	waiting atomic.Int32 // the running ones too
	begun   atomic.Int64 // hashings so far, for tests that count them
}

// The hashings that run and that wait. Each running one holds the memory that
// hashing asks for.
const (
	hashingSlots = 2
	hashingLine  = 256
)

func newSlots() *slots { return &slots{free: make(chan struct{}, hashingSlots)} }

// do runs work when there is room for it. It is Unavailable when the line is
// too long.
func (s *slots) do(ctx context.Context, work func() error) error {
	defer s.waiting.Add(-1)
	if s.waiting.Add(1) > hashingLine+hashingSlots {
		return &fault.Error{Kind: fault.Unavailable, RetryAfter: time.Second, Text: fault.Textf("Too many people sign in at once. Please try again.")}
	}
	select {
	case s.free <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.free }()
	s.begun.Add(1)
	return work()
}
