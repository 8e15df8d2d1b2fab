package account

import (
	"strings"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/db"
)

// key makes an API key for the user, who is signed in and in one organization.
func (e *env) key(token string, life time.Duration, scopes ...string) APIKey {
	e.t.Helper()
	k := APIKey{Name: "Key", Scopes: scopes, ExpiresAt: e.clock.Now().Add(life)}
	must(e.t, e.CreateKey(e.t.Context(), accepted(e.t, e.Service, token), &k))
	return k
}

// organization stores an organization, which API keys point at.
func (e *env) organization(m Membership) Membership {
	e.t.Helper()
	must(e.t, e.write(func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO organization (id, type, status, name, name_fold, slug, manual_billing, production, version, created_at, updated_at)
			VALUES ($1, 'standard', 'active', $2, $2, $2, $4, $4, 1, $3, $3)`, m.Organization, m.Slug, e.clock.Now(), false)
		return err
	}))
	return m
}

// TestKeysAreTold makes keys that a slip or a guess does not make.
func TestKeysAreTold(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		key, err := newKey(strings.NewReader(strings.Repeat("x", 31) + string(rune('a'+len(seen)%26))))
		must(t, err)
		seen[key] = true
		if hash, ok := hashKey(key); !ok || hash == [32]byte{} || !summed(key) || len(key) != keySize {
			t.Fatalf("%q is no key", key)
		}
		for i := len(keyPrefix); i < len(key); i += 7 {
			slip := key[:i] + string(key[i]^1) + key[i+1:]
			if summed(slip) {
				t.Errorf("%q passes for %q", slip, key)
			}
		}
	}
	if len(seen) != 26 {
		t.Errorf("%d keys of 26 random numbers", len(seen))
	}
	if _, err := newKey(strings.NewReader("too short")); err == nil {
		t.Error("a key without randomness")
	}
}

// TestKnownKeysReadNothing uses an API key without the database.
func TestKnownKeysReadNothing(t *testing.T) {
	t.Parallel()
	e := newEnv(t, openSQLite(t))
	m := e.organization(e.join(e.user("ana@acme.example").ID, "acme", access.Owner))
	k := e.key(e.signIn("ana@acme.example").Token, time.Hour, "locations:read")
	accepted(t, e.Service, k.Secret.V)
	must(t, e.Service.db.Close())
	for range 10 {
		c := accepted(t, e.Service, k.Secret.V, "X-Organization", "acme")
		if c.Organization != m.Organization || c.Role != access.Owner || c.Key != k.ID || !c.Session.IsZero() || c.Operator {
			t.Fatalf("%+v", c)
		}
	}
}

// TestKeysAndTheClock moves the clock over the end of a key and back, also while
// the key is remembered, and over what is known of other processes.
func TestKeysAndTheClock(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.organization(e.join(e.user("ana@acme.example").ID, "acme", access.Owner))
		token := e.signIn("ana@acme.example").Token
		k := e.key(token, time.Hour, "*:read")
		other := e.process(e.Service.db, e.box)
		accepted(t, other, k.Secret.V)
		e.clock.Advance(time.Hour - time.Second)
		accepted(t, other, k.Secret.V)
		e.clock.Advance(time.Second)
		rejected(t, other, k.Secret.V, "Expired API key")
		e.clock.Advance(-time.Hour)
		accepted(t, other, k.Secret.V)
		// The clock stands earlier than when other processes were last asked: what
		// is revoked there is noticed all the same.
		e.clock.Advance(-30 * 24 * time.Hour)
		accepted(t, other, k.Secret.V)
		e.clock.Advance(30 * 24 * time.Hour)
		must(t, e.RevokeKey(t.Context(), accepted(t, e.Service, token), k.ID))
		rejected(t, e.Service, k.Secret.V, "Invalid API key")
		e.clock.Advance(-time.Hour)
		rejected(t, other, k.Secret.V, "Invalid API key")
	})
}

// TestUsesAreWrittenLater notes uses in memory, once a minute, and writes them
// down apart from requests; a clock that goes back takes nothing back.
func TestUsesAreWrittenLater(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		e.organization(e.join(e.user("ana@acme.example").ID, "acme", access.Owner))
		token := e.signIn("ana@acme.example").Token
		who := accepted(t, e.Service, token)
		k := e.key(token, 24*time.Hour, "*:read")
		used := func() time.Time {
			t.Helper()
			must(t, e.writeUses(t.Context()))
			var now APIKey
			must(t, e.Key(t.Context(), who, k.ID, &now))
			return now.LastUsedAt.V
		}
		accepted(t, e.Service, k.Secret.V)
		first := used()
		if !first.Equal(e.clock.Now()) {
			t.Errorf("used at %s, want %s", first, e.clock.Now())
		}
		e.clock.Advance(20 * time.Second)
		accepted(t, e.Service, k.Secret.V)
		if again := used(); !again.Equal(first) {
			t.Errorf("a second use within the minute was noted: %s", again)
		}
		e.clock.Advance(-time.Hour)
		accepted(t, e.Service, k.Secret.V)
		if again := used(); !again.Equal(first) {
			t.Errorf("an earlier use took the place of a later one: %s", again)
		}
		e.clock.Advance(2 * time.Hour)
		accepted(t, e.Service, k.Secret.V)
		if again := used(); !again.Equal(e.clock.Now()) {
			t.Errorf("used at %s, want %s", again, e.clock.Now())
		}
	})
}
