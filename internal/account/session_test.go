package account

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
)

func TestSignInAndOut(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		u := e.user("Ana@Acme.Example")
		tokens, err := e.SignIn(t.Context(), here, " ANA@acme.example ", password, "")
		must(t, err)
		c := accepted(t, e.Service, tokens.Token)
		if c.User != u.ID || c.Username != "ana@acme.example" || c.Operator || !c.Organization.IsZero() || c.Session.IsZero() {
			t.Errorf("caller = %+v", c)
		}
		if want := e.clock.Now().Add(refreshLife); !tokens.RefreshExpires.Equal(want) {
			t.Errorf("refresh token expires %s, want %s", tokens.RefreshExpires, want)
		}
		must(t, e.SignOut(t.Context(), c))
		rejected(t, e.Service, tokens.Token, "Invalid JWT Token")
		_, err = e.Refresh(t.Context(), here, tokens.RefreshToken)
		refused(t, err, fault.Unauthorized, "Invalid JWT Refresh Token")
		must(t, e.SignOut(t.Context(), c))
		if got := e.actions(); !slices.Equal(got, []string{"create", "create", "sign-in", "sign-out"}) {
			t.Errorf("audit log: %v", got)
		}
	})
}

func TestUnknownAndWrongAnswerAlike(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.user("ana@acme.example")
		for _, username := range []string{"ana@acme.example", "bob@acme.example", "no e-mail", "nul\x00@acme.example"} {
			for i := range 12 {
				_, err := e.SignIn(t.Context(), Origin{Address: username}, username, "wrong password", "")
				if want := fault.Unauthorized; i <= limitFree && !fault.Is(err, want) {
					t.Errorf("%s, failure %d: %v", username, i+1, err)
				} else if i > limitFree && !fault.Is(err, fault.TooManyRequests) {
					t.Errorf("%s, failure %d: %v", username, i+1, err)
				}
			}
		}
		if n := e.rows("user_session"); n != 0 {
			t.Errorf("%d sessions", n)
		}
	})
}

// TestUnknownUsersCostAHashing checks that both paths hash once with the same
// parameters; wall time would say nothing reliable here.
func TestUnknownUsersCostAHashing(t *testing.T) {
	t.Parallel()
	s := &Service{params: defaultHashing()}
	known, err := (&Service{params: defaultHashing(), hashing: newSlots()}).hash(t.Context(), password)
	must(t, err)
	if a, b := len(known), len(noHash(s.params)); a != b {
		t.Errorf("hashes of %d and %d characters", a, b)
	}
	params, _, _, err := argon2id.DecodeHash(noHash(s.params))
	must(t, err)
	if *params != *s.params {
		t.Errorf("an unknown user costs %+v, a known one %+v", params, s.params)
	}
	if match, err := s.compare("wrong password", ""); match || err != nil {
		t.Error(match, err)
	}
}

// TestUnknownUsersTakeTheSameSteps counts what a sign-in costs.
func TestUnknownUsersTakeTheSameSteps(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.user("ana@acme.example")
		cost := func(username string) int64 {
			before := e.hashing.begun.Load()
			_, err := e.SignIn(t.Context(), here, username, "wrong password", "")
			refused(t, err, fault.Unauthorized, "Invalid credentials.")
			return e.hashing.begun.Load() - before
		}
		for _, username := range []string{"ana@acme.example", "nobody@acme.example", "no address"} {
			if n := cost(username); n != 1 {
				t.Errorf("a wrong sign-in of %s costs %d hashings, want 1", username, n)
			}
		}
	})
}

func TestBruteForce(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.user("ana@acme.example")
		tokens := e.signIn("ana@acme.example")
		failed := 0
		for range 100 {
			_, err := e.SignIn(t.Context(), here, "ana@acme.example", "wrong password", "")
			if fault.Is(err, fault.Unauthorized) {
				failed++
			}
			e.clock.Advance(20 * time.Second / 10)
		}
		if failed > limitPerAccount {
			t.Errorf("%d guesses in %s", failed, 200*time.Second)
		}
		_, err := e.SignIn(t.Context(), here, "ana@acme.example", password, "")
		if f := fault.As(err); f.Kind != fault.TooManyRequests || f.RetryAfter <= 0 || f.RetryAfter > limitWindow {
			t.Errorf("after the guesses: %v, retry after %s", err, f.RetryAfter)
		}
		accepted(t, e.Service, tokens.Token)
		if _, err := e.Refresh(t.Context(), here, tokens.RefreshToken); err != nil {
			t.Errorf("the session that was there: %v", err)
		}
		e.clock.Advance(limitWindow)
		e.signIn("ana@acme.example")
		if !slices.Contains(e.actions(), "sign-in-failed") {
			t.Error("the guesses are not in the audit log")
		}
	})
}

func TestSuccessClearsTheAccountsFailures(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.user("ana@acme.example")
		for range 8 {
			for range limitFree {
				_, err := e.SignIn(t.Context(), here, "ana@acme.example", "wrong password", "")
				refused(t, err, fault.Unauthorized, "Invalid credentials.")
			}
			e.signIn("ana@acme.example")
		}
	})
}

func TestAddressLimit(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.user("ana@acme.example")
		for i := range limitPerAddress {
			_, err := e.SignIn(t.Context(), here, string(rune('a'+i%26))+string(rune('a'+i/26))+"@acme.example", "wrong password", "")
			refused(t, err, fault.Unauthorized, "Invalid credentials.")
		}
		_, err := e.SignIn(t.Context(), here, "ana@acme.example", password, "")
		if !fault.Is(err, fault.TooManyRequests) {
			t.Errorf("from the same address: %v", err)
		}
		if _, err := e.SignIn(t.Context(), Origin{Address: "192.0.2.2"}, "ana@acme.example", password, ""); err != nil {
			t.Errorf("from another address: %v", err)
		}
	})
}

func TestRacingGuessesAreAllCounted(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.user("ana@acme.example")
		var wg sync.WaitGroup
		var mu sync.Mutex
		failed := 0
		for range 40 {
			wg.Go(func() {
				_, err := e.SignIn(t.Context(), here, "ana@acme.example", "wrong password", "")
				mu.Lock()
				defer mu.Unlock()
				if fault.Is(err, fault.Unauthorized) {
					failed++
				}
			})
		}
		wg.Wait()
		if failed != limitFree+1 {
			t.Errorf("%d guesses were checked, want %d", failed, limitFree+1)
		}
	})
}

func TestRefreshRotates(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.user("ana@acme.example")
		first := e.signIn("ana@acme.example")
		session := accepted(t, e.Service, first.Token).Session
		current := first
		for range 40 {
			e.clock.Advance(20 * time.Hour)
			next, err := e.Refresh(t.Context(), here, current.RefreshToken)
			must(t, err)
			if c := accepted(t, e.Service, next.Token); c.Session != session {
				t.Fatal("the session changed")
			}
			if next.RefreshToken == current.RefreshToken || !next.RefreshExpires.After(current.RefreshExpires) {
				t.Fatal("the refresh token did not change")
			}
			current = next
		}
		if n := e.rows("refresh_token"); n > 38 {
			t.Errorf("%d refresh tokens are kept", n)
		}
		e.clock.Advance(refreshLife)
		_, err := e.Refresh(t.Context(), here, current.RefreshToken)
		refused(t, err, fault.Unauthorized, "Invalid JWT Refresh Token")
		e.signIn("ana@acme.example")
		if n := e.rows("user_session"); n != 1 {
			t.Errorf("%d sessions are kept, want only the new one", n)
		}
		_, err = e.Refresh(t.Context(), here, current.RefreshToken)
		refused(t, err, fault.Unauthorized, "JWT Refresh Token Not Found")
		_, err = e.Refresh(t.Context(), here, "made up")
		refused(t, err, fault.Unauthorized, "JWT Refresh Token Not Found")
	})
}

func TestReuseEndsTheSession(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.user("ana@acme.example")
		stolen, other := e.signIn("ana@acme.example"), e.signIn("ana@acme.example")
		next, err := e.Refresh(t.Context(), here, stolen.RefreshToken)
		must(t, err)
		accepted(t, e.Service, next.Token)
		_, err = e.Refresh(t.Context(), here, stolen.RefreshToken)
		refused(t, err, fault.Unauthorized, "Invalid JWT Refresh Token")
		rejected(t, e.Service, next.Token, "Invalid JWT Token")
		rejected(t, e.Service, stolen.Token, "Invalid JWT Token")
		_, err = e.Refresh(t.Context(), here, next.RefreshToken)
		refused(t, err, fault.Unauthorized, "Invalid JWT Refresh Token")
		accepted(t, e.Service, other.Token)
		if got := e.actions(); got[len(got)-1] != "refresh-token-reused" {
			t.Errorf("audit log: %v", got)
		}
	})
}

func TestOfRacingRefreshesOneWins(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.user("ana@acme.example")
		tokens := e.signIn("ana@acme.example")
		var wg sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for range 8 {
			wg.Go(func() {
				_, err := e.Refresh(t.Context(), here, tokens.RefreshToken)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					won++
				case !fault.Is(err, fault.Unauthorized):
					t.Errorf("a loser: %v", err)
				}
			})
		}
		wg.Wait()
		if won != 1 {
			t.Errorf("%d won", won)
		}
		rejected(t, e.Service, tokens.Token, "Invalid JWT Token")
	})
}

func TestNewPasswordEndsSessions(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		u := e.user("ana@acme.example")
		tokens := e.signIn("ana@acme.example")
		accepted(t, e.Service, tokens.Token)
		refusedField(t, e.SetPassword(t.Context(), nil, u.ID, "ana@acme.example"), "password")
		must(t, e.SetPassword(t.Context(), nil, u.ID, "another password"))
		rejected(t, e.Service, tokens.Token, "Invalid JWT Token")
		_, err := e.SignIn(t.Context(), here, "ana@acme.example", password, "")
		refused(t, err, fault.Unauthorized, "Invalid credentials.")
		_, err = e.SignIn(t.Context(), here, "ana@acme.example", "another password", "")
		must(t, err)
		refused(t, e.SetPassword(t.Context(), nil, e.ids.New(), "another password"), fault.NotFound, "Not Found")
	})
}

func refusedField(t testing.TB, err error, path string) {
	t.Helper()
	if e := fault.As(err); err == nil || e.Kind != fault.Unprocessable || len(e.Violations) != 1 || e.Violations[0].Path != path {
		t.Errorf("error = %v, want a violation of %s", err, path)
	}
}

func TestChangePasswordKeepsThisSession(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.user("ana@acme.example")
		mine, other := e.signIn("ana@acme.example"), e.signIn("ana@acme.example")
		c := accepted(t, e.Service, mine.Token)
		accepted(t, e.Service, other.Token)
		refusedField(t, e.ChangePassword(t.Context(), c, "wrong password", "another password"), "currentPassword")
		refusedField(t, e.ChangePassword(t.Context(), c, password, "short"), "password")
		must(t, e.ChangePassword(t.Context(), c, password, "another password"))
		accepted(t, e.Service, mine.Token)
		rejected(t, e.Service, other.Token, "Invalid JWT Token")
		refused(t, e.ChangePassword(t.Context(), nil, password, "another password"), fault.Unauthorized, "JWT Token not found")
	})
}

// hook counts the transactions of a request, as the record of an Idempotency-Key
// would see them.
type hook struct{ ended int }

func (h *hook) Begin(*db.Tx) error { return nil }
func (h *hook) End(*db.Tx) error   { h.ended++; return nil }

func TestFailuresAreNotedApartFromTheRequest(t *testing.T) {
	t.Parallel()
	e := newEnv(t, openSQLite(t))
	e.user("ana@acme.example")
	c := accepted(t, e.Service, e.signIn("ana@acme.example").Token)
	h := &hook{}
	ctx := db.WithHook(t.Context(), h)
	for range limitFree + 1 {
		refusedField(t, e.ChangePassword(ctx, c, "wrong password", "another password"), "currentPassword")
	}
	if got := e.actions(); got[len(got)-1] != "sign-in-failed" || h.ended != 0 {
		t.Errorf("audit log %v, %d transactions of the request", got, h.ended)
	}
}

// TestSignInDoesNotOvertakeANewPassword changes the password between the check
// of the old one and the beginning of the session.
func TestSignInDoesNotOvertakeANewPassword(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		u := e.user("ana@acme.example")
		id, hash, err := e.checkPassword(t.Context(), newAttempt(here, u.Username), password)
		must(t, err)
		must(t, e.SetPassword(t.Context(), nil, u.ID, "another password"))
		p, _, err := e.load(t.Context(), id, ident.ID{})
		must(t, err)
		_, err = e.begin(t.Context(), here, p, &session{id: e.ids.New(), user: id, createdAt: e.clock.Now()}, hash)
		refused(t, err, fault.Unauthorized, "Invalid credentials.")
		if n := e.rows("user_session"); n != 0 {
			t.Errorf("%d sessions", n)
		}
	})
}

func TestOperatorsChangeAtOnce(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		u := e.user("ana@acme.example")
		tokens := e.signIn("ana@acme.example")
		for _, operator := range []bool{true, false, true} {
			must(t, e.SetOperator(t.Context(), nil, u.ID, operator))
			if c := accepted(t, e.Service, tokens.Token); c.Operator != operator {
				t.Errorf("operator = %v, want %v", c.Operator, operator)
			}
		}
		must(t, e.EndSessions(t.Context(), nil, u.ID))
		rejected(t, e.Service, tokens.Token, "Invalid JWT Token")
	})
}

func TestOtherProcessesFollowWithinASecond(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		u := e.user("ana@acme.example")
		other := e.process(e.Service.db, e.box)
		tokens := e.signIn("ana@acme.example")
		accepted(t, other, tokens.Token)
		c := accepted(t, e.Service, tokens.Token)

		must(t, e.SetOperator(t.Context(), nil, u.ID, true))
		e.clock.Advance(newsDue)
		if c := accepted(t, other, tokens.Token); !c.Operator {
			t.Error("the other process does not know of the operator")
		}
		m := e.join(u.ID, "acme", access.Owner)
		must(t, e.Service.db.Write(t.Context(), access.Instance(), func(tx *db.Tx) error { return e.Changed(tx, u.ID) }))
		e.clock.Advance(newsLate)
		if c := accepted(t, other, tokens.Token); c.Organization != m.Organization {
			t.Error("the other process does not know of the membership")
		}
		must(t, e.SignOut(t.Context(), c))
		e.clock.Advance(newsLate)
		rejected(t, other, tokens.Token, "Invalid JWT Token")
	})
}

func TestProcessThatMissedMuchForgetsAll(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		u := e.user("ana@acme.example")
		other := e.process(e.Service.db, e.box)
		tokens := e.signIn("ana@acme.example")
		accepted(t, other, tokens.Token)
		must(t, e.EndSessions(t.Context(), nil, u.ID))
		must(t, e.Service.db.Write(t.Context(), access.Instance(), func(tx *db.Tx) error {
			for range keptChanges + 10 {
				if err := insertChange(tx, e.ids.New()); err != nil {
					return err
				}
			}
			return nil
		}))
		if n := e.rows("access_change"); n != keptChanges {
			t.Errorf("%d changes are kept", n)
		}
		e.clock.Advance(newsLate)
		rejected(t, other, tokens.Token, "Invalid JWT Token")
	})
}

func TestHashingIsLimited(t *testing.T) {
	t.Parallel()
	s := newSlots()
	var mu sync.Mutex
	running, most, busy := 0, 0, 0
	var wg sync.WaitGroup
	for range hashingSlots + hashingLine + 40 {
		wg.Go(func() {
			err := s.do(t.Context(), func() error {
				mu.Lock()
				running++
				most = max(most, running)
				mu.Unlock()
				time.Sleep(time.Millisecond)
				mu.Lock()
				running--
				mu.Unlock()
				return nil
			})
			if fault.Is(err, fault.Unavailable) {
				mu.Lock()
				busy++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if most > hashingSlots {
		t.Errorf("%d ran at once", most)
	}
	if s.waiting.Load() != 0 || busy > 40 {
		t.Errorf("%d still wait, %d were turned away", s.waiting.Load(), busy)
	}
}
