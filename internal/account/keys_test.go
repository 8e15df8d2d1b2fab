package account

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"sede/internal/fault"
	"sede/internal/secret"
)

// TestPlanKeepsItsPromises walks through years in random steps and does what
// plan says whenever somebody looks.
func TestPlanKeepsItsPromises(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		now := noon
		var keys []signingKey
		lastUse := map[string]time.Time{} // when a key last signed
		for range 3000 {
			due, useFrom, drop := plan(keys, now)
			for _, kid := range drop {
				if used, ok := lastUse[kid]; ok && now.Before(used.Add(tokenLife+tokenLeeway)) {
					t.Fatalf("seed %d: key %s is dropped while its tokens live", seed, kid)
				}
			}
			keys = slices.DeleteFunc(keys, func(k signingKey) bool { return slices.Contains(drop, k.kid) })
			if due {
				if len(keys) > 0 && useFrom.Before(now.Add(keyNotice)) {
					t.Fatalf("seed %d: a key is used %s after it is published", seed, useFrom.Sub(now))
				}
				keys = append(keys, signingKey{kid: strconv.Itoa(len(lastUse)) + "-" + useFrom.String(), useFrom: useFrom, createdAt: now})
				sortKeys(keys)
			}
			if again, _, more := plan(keys, now); again || len(more) > 0 {
				t.Fatalf("seed %d: the plan is never done", seed)
			}
			if len(keys) > 3 {
				t.Fatalf("seed %d: %d keys", seed, len(keys))
			}
			signer := keys[signs(keys, now)]
			if signer.useFrom.After(now) {
				t.Fatalf("seed %d: a key signs before its time", seed)
			}
			lastUse[signer.kid] = now
			now = now.Add(time.Duration(random.Int64N(int64(48 * time.Hour))))
			if random.IntN(200) == 0 {
				now = now.Add(200 * 24 * time.Hour)
			}
		}
	}
}

func TestPlanSurvivesAClockSetBack(t *testing.T) {
	t.Parallel()
	keys := []signingKey{{kid: "a", useFrom: noon}, {kid: "b", useFrom: noon.Add(keyLife)}}
	past := noon.Add(-1000 * time.Hour)
	if due, _, drop := plan(keys, past); due || len(drop) > 0 {
		t.Errorf("plan = %v, %v", due, drop)
	}
	if keys[signs(keys, past)].kid != "a" {
		t.Error("the oldest key does not sign")
	}
}

// published reads the key ids from the document that others read.
func published(t *testing.T, s *Service) (ids []string) {
	t.Helper()
	set, err := s.keys.current(t.Context())
	must(t, err)
	var doc jose.JSONWebKeySet
	must(t, json.Unmarshal(set.jwks, &doc))
	for _, k := range doc.Keys {
		if !k.Valid() || !k.IsPublic() || k.Use != "sig" || k.Algorithm != "EdDSA" {
			t.Errorf("published key %+v", k)
		}
		ids = append(ids, k.KeyID)
	}
	return ids
}

// kid returns the id of the key that signed a token.
func kid(t *testing.T, token string) string {
	t.Helper()
	parsed, err := jwt.ParseSigned(token, signatures)
	must(t, err)
	return parsed.Headers[0].KeyID
}

func TestKeysRotate(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.user("ana@acme.example")
		old := e.signIn("ana@acme.example")
		first := published(t, e.Service)
		e.clock.Advance(keyLife - keyNotice - time.Minute)
		if got := published(t, e.Service); !slices.Equal(got, first) {
			t.Fatalf("published too early: %v", got)
		}
		e.clock.Advance(2 * time.Minute)
		both := published(t, e.Service)
		if len(both) != 2 || both[0] != first[0] {
			t.Fatalf("published %v", both)
		}
		before := e.signIn("ana@acme.example")
		if kid(t, before.Token) != first[0] {
			t.Error("the new key signs before its time")
		}
		e.clock.Advance(keyNotice - time.Minute - time.Second)
		last := e.signIn("ana@acme.example")
		e.clock.Advance(2 * time.Minute)
		after := e.signIn("ana@acme.example")
		if kid(t, last.Token) != first[0] || kid(t, after.Token) != both[1] {
			t.Error("the new key does not take over in time")
		}
		fresh := e.process(e.Service.db, e.box)
		accepted(t, fresh, last.Token)
		accepted(t, fresh, after.Token)
		rejected(t, fresh, old.Token, "Expired JWT Token")
		e.clock.Advance(tokenLife + keyMargin + time.Minute)
		if got := published(t, e.Service); !slices.Equal(got, both[1:]) {
			t.Errorf("the old key is still published: %v", got)
		}
		if n := e.rows("signing_key"); n != 1 {
			t.Errorf("%d keys are stored", n)
		}
	})
}

func TestRotatePublishesBeforeUse(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		first := published(t, e.Service)
		must(t, e.Rotate(t.Context()))
		both := published(t, e.Service)
		if len(both) != 2 {
			t.Fatalf("published %v", both)
		}
		e.user("ana@acme.example")
		if kid(t, e.signIn("ana@acme.example").Token) != first[0] {
			t.Error("the new key signs at once")
		}
		e.clock.Advance(keyNotice)
		if kid(t, e.signIn("ana@acme.example").Token) == first[0] {
			t.Error("the new key does not sign")
		}
	})
}

func TestProcessesAgreeOnKeys(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		services := []*Service{e.Service}
		for range 3 {
			services = append(services, e.process(e.Service.db, e.box))
		}
		var wg sync.WaitGroup
		for _, s := range services {
			wg.Go(func() {
				if _, err := s.keys.current(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := e.rows("signing_key"); n != 1 {
			t.Errorf("%d keys were made", n)
		}
		e.user("ana@acme.example")
		tokens := e.signIn("ana@acme.example")
		for _, s := range services {
			accepted(t, s, tokens.Token)
		}
	})
}

func TestReplacedKeysAreWorthlessEverywhere(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.user("ana@acme.example")
		other := e.process(e.Service.db, e.box)
		tokens := e.signIn("ana@acme.example")
		accepted(t, e.Service, tokens.Token)
		accepted(t, other, tokens.Token)
		must(t, e.ReplaceKeys(t.Context()))
		rejected(t, e.Service, tokens.Token, "Invalid JWT Token")
		e.clock.Advance(newsLate)
		rejected(t, other, tokens.Token, "Invalid JWT Token")
		next, err := other.Refresh(t.Context(), here, tokens.RefreshToken)
		must(t, err)
		accepted(t, e.Service, next.Token)
		accepted(t, other, next.Token)
	})
}

func TestWrongMasterKey(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.user("ana@acme.example")
		tokens := e.signIn("ana@acme.example")
		box, err := secret.NewBox(nil, masterKey(2))
		must(t, err)
		other := e.process(e.Service.db, box)
		accepted(t, other, tokens.Token) // needs public keys only
		if err := other.Check(t.Context()); !errors.Is(err, secret.ErrSealed) {
			t.Errorf("Check = %v", err)
		}
		_, err = other.SignIn(t.Context(), here, "ana@acme.example", password, "")
		if !fault.Is(fault.As(err), fault.Internal) {
			t.Errorf("SignIn = %v", err)
		}
		must(t, e.Check(t.Context()))
		both, err := secret.NewBox(nil, masterKey(2), masterKey(1))
		must(t, err)
		must(t, e.process(e.Service.db, both).Check(t.Context()))
		must(t, other.ReplaceKeys(t.Context()))
		must(t, other.Check(t.Context()))
	})
}

// TestUnknownKeysAreNotAFlood sends tokens with made-up key ids.
func TestUnknownKeysAreNotAFlood(t *testing.T) {
	t.Parallel()
	e := newEnv(t, openSQLite(t))
	set, err := e.keys.current(t.Context())
	must(t, err)
	for i := range 100 {
		key, err := e.keys.verifier(t.Context(), strconv.Itoa(i))
		if key != nil || err != nil {
			t.Fatal(key, err)
		}
	}
	loaded := e.keys.set.Load()
	if loaded == set {
		t.Error("an unknown key id was never looked for")
	}
	for i := range 100 {
		_, _ = e.keys.verifier(t.Context(), strconv.Itoa(i))
	}
	if e.keys.set.Load() != loaded {
		t.Error("unknown key ids cause reads without end")
	}
}
