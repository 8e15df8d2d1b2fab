package account

import (
	"context"
	"slices"
	"sync"
	"testing"

	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/secret"
	"sede/internal/sedetest/blank"
)

// steps records the steps that the database takes.
type steps struct {
	mu   sync.Mutex
	list []string
}

func (s *steps) note(step string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, step)
	return nil
}

// of returns the steps of work.
func (s *steps) of(work func()) []string {
	s.mu.Lock()
	s.list = nil
	s.mu.Unlock()
	work()
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.list)
}

// TestKnownAndUnknownAlike sends requests about addresses that have an account and
// that have none: the answers are the same, and so is what is done for them, step
// by step of the database and hashing by hashing.
func TestKnownAndUnknownAlike(t *testing.T) {
	t.Parallel()
	taken := &steps{}
	cfg := blank.Config(t, db.SQLite)
	cfg.Synchronous, cfg.Interrupt = "normal", taken.note
	d, err := db.Open(t.Context(), cfg)
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	e := newEnv(t, d)
	e.user("known@acme.example")
	who := accepted(t, e.Service, e.signIn(e.user("ana@acme.example").Username).Token)
	for name, do := range map[string]func(ctx context.Context, address string) error{
		"sign-up": func(ctx context.Context, address string) error {
			return e.SignUp(ctx, NewUser{Username: address, Name: "Ana", Password: password})
		},
		"forgot password": e.ForgotPassword,
		"new address": func(ctx context.Context, address string) error {
			return e.ChangeEmail(ctx, who, password, address)
		},
	} {
		begun := e.hashing.begun.Load()
		first := taken.of(func() { must(t, do(t.Context(), "known@acme.example")) })
		hashed := e.hashing.begun.Load() - begun
		second := taken.of(func() { must(t, do(t.Context(), "unknown@acme.example")) })
		if !slices.Equal(first, second) || len(first) < 3 {
			t.Errorf("%s takes the steps %q for an account and %q for none", name, first, second)
		}
		if again := e.hashing.begun.Load() - begun - hashed; again != hashed {
			t.Errorf("%s hashes %d times for an account and %d times for none", name, hashed, again)
		}
	}
}

// linkFor makes a link for the user and returns its token.
func (e *env) linkFor(u User, what linkPurpose) string {
	e.t.Helper()
	plain, hash, err := secret.NewToken(e.random)
	must(e.t, err)
	must(e.t, e.write(func(tx *db.Tx) error {
		_, err := e.insertLink(tx, what, u.ID, u.Username, hash, resetLife)
		return err
	}))
	return plain
}

// TestLinksOnce uses links many times at once: a password is set once, and of
// several sign-ups with one address one makes an account.
func TestLinksOnce(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		token := e.linkFor(e.user("ana@acme.example"), toReset)
		const tries = 6
		if n := succeed(t, tries, func(int) error { return e.ResetPassword(t.Context(), token, "one of many passwords") }); n != 1 {
			t.Errorf("a link set %d passwords", n)
		}
		tokens := make([]string, tries)
		for i := range tokens {
			plain, hash, err := secret.NewToken(e.random)
			must(t, err)
			tokens[i] = plain
			p, err := e.Prepare(t.Context(), NewUser{Username: "bo@acme.example", Password: password})
			must(t, err)
			must(t, e.write(func(tx *db.Tx) error {
				insertSignUp(tx, &signUp{hash: hash, email: p.user.Username, name: p.user.Name, password: p.hash,
					createdAt: e.clock.Now(), expiresAt: e.clock.Now().Add(signUpLife)})
				return nil
			}))
		}
		if n := succeed(t, tries, func(i int) error { return e.Confirm(t.Context(), tokens[i]) }); n != 1 {
			t.Errorf("%d sign-ups with one address made an account", n)
		}
		if n := e.rows("app_user"); n != 2 {
			t.Errorf("there are %d users, want 2", n)
		}
	})
}

// succeed does work n times at once and returns how often it went well. What goes
// wrong must be that a link is dead, or that somebody was faster.
func succeed(t *testing.T, n int, work func(i int) error) (well int) {
	t.Helper()
	var group sync.WaitGroup
	var mu sync.Mutex
	for i := range n {
		group.Go(func() {
			err := work(i)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				well++
			case !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Conflict):
				t.Error(err)
			}
		})
	}
	group.Wait()
	return well
}

// TestLinksAndTheClock sets the clock back: links from the future are good until they
// would have expired, and those that had expired are good again only as long as
// they ever were.
func TestLinksAndTheClock(t *testing.T) {
	t.Parallel()
	e := newEnv(t, openSQLite(t))
	u := e.user("ana@acme.example")
	token := e.linkFor(u, toReset)
	e.clock.Advance(resetLife)
	refused(t, e.CheckReset(t.Context(), token), fault.NotFound, deadLink().Error())
	e.clock.Advance(-2 * resetLife)
	must(t, e.CheckReset(t.Context(), token))
	must(t, e.ResetPassword(t.Context(), token, "one of many passwords"))
	refused(t, e.CheckReset(t.Context(), token), fault.NotFound, deadLink().Error())
}
