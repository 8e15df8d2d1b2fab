package account

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/secret"
)

// The life of a signing key: it is published a day before it signs, signs for
// 90 days, and stays published until the last token it signed has expired, and
// an hour longer for clocks that disagree. All of it follows from the rows'
// use_from alone, so that processes agree without talking to each other.
const (
	keyLife    = 90 * 24 * time.Hour
	keyNotice  = 24 * time.Hour
	keyMargin  = time.Hour
	keyRecheck = time.Minute // how long a process trusts what it read
	keyRetry   = time.Second // how often an unknown key id may cause a read
)

// signingKey is one row. Lists of them are ordered by useFrom, then kid.
type signingKey struct {
	kid       string
	public    ed25519.PublicKey
	sealed    []byte
	useFrom   time.Time
	createdAt time.Time
}

// signs returns the index of the key that signs at the time: the last one in
// use, or the first when none is yet, as after a clock was set back.
func signs(keys []signingKey, now time.Time) int {
	at := 0
	for i := range keys {
		if !keys[i].useFrom.After(now) {
			at = i
		}
	}
	return at
}

// plan says what the schedule asks for: whether a key is due, from when it
// signs, and which keys nobody needs any more.
func plan(keys []signingKey, now time.Time) (due bool, useFrom time.Time, drop []string) {
	if len(keys) == 0 {
		return true, now, nil
	}
	for i := range keys[:len(keys)-1] {
		if keys[i+1].useFrom.Add(tokenLife + keyMargin).Before(now) {
			drop = append(drop, keys[i].kid)
		}
	}
	next := keys[len(keys)-1].useFrom.Add(keyLife)
	if now.Before(next.Add(-keyNotice)) {
		return false, time.Time{}, drop
	}
	if earliest := now.Add(keyNotice); next.Before(earliest) {
		next = earliest
	}
	return true, next, drop
}

// keyring holds the keys that this process knows.
type keyring struct {
	db     *db.DB
	audit  *audit.Log
	now    clock.Clock
	box    *secret.Box
	random io.Reader

	mu      sync.Mutex // held while reading
	set     atomic.Pointer[keySet]
	unknown time.Time // when an unknown key id last caused a read
}

// keySet is what was read at one time; it never changes.
type keySet struct {
	public map[string]ed25519.PublicKey
	signer jose.Signer // nil when the private key can't be opened
	reason error       // why
	jwks   []byte
	read   time.Time
}

// fresh reports whether the set still counts.
func (set *keySet) fresh(now time.Time) bool {
	return set != nil && !now.Before(set.read) && now.Before(set.read.Add(keyRecheck))
}

// current returns the keys, after doing what the schedule asks for.
func (k *keyring) current(ctx context.Context) (*keySet, error) {
	if set := k.set.Load(); set.fresh(k.now.Now()) {
		return set, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if set := k.set.Load(); set.fresh(k.now.Now()) {
		return set, nil
	}
	return k.reload(ctx, false)
}

// verifier returns the public key with the id, nil when there is none. It never
// writes. An id that is not known is looked for in the database, at most once a
// second.
func (k *keyring) verifier(ctx context.Context, kid string) (ed25519.PublicKey, error) {
	if set := k.set.Load(); set != nil {
		if key := set.public[kid]; key != nil {
			return key, nil
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	set, now := k.set.Load(), k.now.Now()
	if set != nil && set.public[kid] != nil {
		return set.public[kid], nil
	}
	if since := now.Sub(k.unknown); set != nil && since >= 0 && since < keyRetry {
		return nil, nil
	}
	k.unknown = now
	keys, err := k.load(ctx)
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	if set, err = k.build(keys, now); err != nil {
		return nil, err
	}
	set.read = time.Time{} // the schedule was not looked at
	k.set.Store(set)
	return set.public[kid], nil
}

func (k *keyring) load(ctx context.Context) (keys []signingKey, err error) {
	err = k.db.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		keys, err = listKeys(tx)
		return err
	})
	return keys, err
}

// reload reads the keys, changes them if the schedule or force asks for it, and
// stores the set. The caller holds mu.
func (k *keyring) reload(ctx context.Context, force bool) (*keySet, error) {
	now := k.now.Now()
	keys, err := k.load(ctx)
	if err != nil {
		return nil, err
	}
	if due, _, drop := plan(keys, now); due || len(drop) > 0 || force {
		if keys, err = k.change(ctx, now, force); err != nil {
			return nil, err
		}
	}
	set, err := k.build(keys, now)
	if err == nil {
		k.set.Store(set)
	}
	return set, err
}

// change brings the stored keys in line with the schedule; with force it adds a
// key ahead of it. Processes that come here together take turns, and the later
// ones find nothing left to do.
func (k *keyring) change(ctx context.Context, now time.Time, force bool) (keys []signingKey, err error) {
	added, err := k.generate(now)
	if err != nil {
		return nil, err
	}
	err = k.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		if err := tx.Lock("signing_key"); err != nil {
			return err
		}
		if keys, err = listKeys(tx); err != nil {
			return err
		}
		due, useFrom, drop := plan(keys, now)
		if force && !due {
			due, useFrom = true, now.Add(keyNotice)
		}
		for _, kid := range drop {
			deleteKey(tx, kid)
		}
		keys = slices.DeleteFunc(keys, func(key signingKey) bool { return slices.Contains(drop, key.kid) })
		if !due {
			return nil
		}
		added.useFrom = useFrom
		insertKey(tx, &added)
		keys = append(keys, added)
		sortKeys(keys)
		return k.record(tx, "create", added.kid)
	})
	return keys, err
}

// replace drops all keys and starts anew, after a private key leaked or when
// the master key is lost.
func (k *keyring) replace(ctx context.Context, also func(tx *db.Tx) error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now.Now()
	added, err := k.generate(now)
	if err != nil {
		return err
	}
	err = k.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		if err := tx.Lock("signing_key"); err != nil {
			return err
		}
		deleteKeys(tx)
		insertKey(tx, &added)
		if err := also(tx); err != nil {
			return err
		}
		return k.record(tx, "replace", added.kid)
	})
	if err != nil {
		return err
	}
	set, err := k.build([]signingKey{added}, now)
	if err == nil {
		k.set.Store(set)
	}
	return err
}

// forget has the keys read again before the next one is used.
func (k *keyring) forget() { k.set.Store(nil) }

// record notes a change of the keys in the audit log.
func (k *keyring) record(tx *db.Tx, action, kid string) error {
	if k.audit == nil {
		return nil
	}
	return k.audit.Append(tx, nil, audit.Entry{Action: action, Resource: "SigningKey", Key: kid})
}

// generate makes a key that signs from now on.
func (k *keyring) generate(now time.Time) (signingKey, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(k.random, seed); err != nil {
		return signingKey{}, err
	}
	public := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	jwk := jose.JSONWebKey{Key: public}
	thumbprint, err := jwk.Thumbprint(crypto.SHA256) // RFC 7638
	if err != nil {
		return signingKey{}, err
	}
	kid := base64.RawURLEncoding.EncodeToString(thumbprint)
	now = now.Truncate(time.Microsecond)
	return signingKey{kid: kid, public: public, sealed: k.box.Seal(purpose(kid), seed), useFrom: now, createdAt: now}, nil
}

func purpose(kid string) string { return "signing_key " + kid }

// build makes the set of the keys, of which there is at least one.
func (k *keyring) build(keys []signingKey, now time.Time) (*keySet, error) {
	set := &keySet{public: make(map[string]ed25519.PublicKey, len(keys)), read: now}
	var published jose.JSONWebKeySet
	for _, key := range keys {
		set.public[key.kid] = key.public
		published.Keys = append(published.Keys, jose.JSONWebKey{Key: key.public, KeyID: key.kid, Algorithm: string(jose.EdDSA), Use: "sig"})
	}
	var err error
	if set.jwks, err = json.Marshal(published); err != nil {
		return nil, err
	}
	set.signer, set.reason = k.signer(keys[signs(keys, now)])
	return set, nil
}

func (k *keyring) signer(key signingKey) (jose.Signer, error) {
	seed, err := k.box.Open(purpose(key.kid), key.sealed)
	if err != nil {
		return nil, fmt.Errorf("account: signing key %s: %w", key.kid, err)
	}
	if len(seed) != ed25519.SeedSize {
		return nil, errors.New("account: signing key " + key.kid + " has a wrong size")
	}
	private := jose.JSONWebKey{Key: ed25519.NewKeyFromSeed(seed), KeyID: key.kid}
	return jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: private}, (&jose.SignerOptions{}).WithType("JWT"))
}

func sortKeys(keys []signingKey) {
	slices.SortFunc(keys, func(a, b signingKey) int {
		if c := a.useFrom.Compare(b.useFrom); c != 0 {
			return c
		}
		if a.kid < b.kid {
			return -1
		}
		return 1
	})
}
