package account

import (
	"crypto/sha256"
	"hash/crc32"
	"io"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"sede/internal/access"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
)

// APIKey lets a program act for its maker in one organization, within its scopes
// and never beyond what the maker may at that moment.
type APIKey struct {
	ID         ident.ID
	User       ident.ID // the maker
	Name       string
	Hint       string   // how the key begins
	Scopes     []string // as access.ParseGrant reads them, sorted
	ExpiresAt  time.Time
	LastUsedAt null.Value[time.Time] // to the minute
	CreatedAt  time.Time
	Secret     null.Value[string] // the key itself, in the answer to its creation only
}

// The life of a key, and how many a member can have in an organization.
const (
	keyLifeUsual = 365 * 24 * time.Hour
	keyLifeMost  = 5 * keyLifeUsual
	mostKeys     = 100
	mostScopes   = 100
)

// A key is the prefix, 256 random bits and a CRC-32 of all before it, both in
// letters and digits. So a key in the wrong place is known as one by whoever scans
// for secrets, and one with a slip in it without asking the database.
const (
	keyPrefix = "sede_"
	keyRandom = 43 // digits to the base 62 of 256 bits
	keySum    = 6  // of 32 bits
	keySize   = len(keyPrefix) + keyRandom + keySum
	keyHint   = len(keyPrefix) + 4
)

// newKey makes a key.
func newKey(random io.Reader) (string, error) {
	var bits [32]byte
	if _, err := io.ReadFull(random, bits[:]); err != nil {
		return "", err
	}
	text := keyPrefix + base62(new(big.Int).SetBytes(bits[:]), keyRandom)
	return text + checksum(text), nil
}

func checksum(text string) string {
	return base62(new(big.Int).SetUint64(uint64(crc32.ChecksumIEEE([]byte(text)))), keySum)
}

// base62 writes n in that many digits.
func base62(n *big.Int, digits int) string {
	text := n.Text(62)
	return strings.Repeat("0", digits-len(text)) + text
}

// hashKey returns the SHA-256 hash of a key; false for what can't be one.
func hashKey(text string) (hash [sha256.Size]byte, ok bool) {
	if len(text) != keySize || !strings.HasPrefix(text, keyPrefix) {
		return hash, false
	}
	var plain [keySize]byte
	copy(plain[:], text)
	return sha256.Sum256(plain[:]), true
}

// summed reports whether the checksum of a key of the right size fits.
func summed(text string) bool {
	return checksum(text[:keySize-keySum]) == text[keySize-keySum:]
}

func invalidKey() error { return fault.New(fault.Unauthorized, "Invalid API key") }
func expiredKey() error { return fault.New(fault.Unauthorized, "Expired API key") }

// grantsOf reads scopes that were checked.
func grantsOf(scopes []string) access.Grants {
	grants := make(access.Grants, 0, len(scopes))
	for _, scope := range scopes {
		if g, ok := access.ParseGrant(scope); ok {
			grants = append(grants, g)
		}
	}
	return grants
}

// check returns what is wrong with a new key: scopes that are not among the known
// ones, and a time at which it must not expire.
func (k *APIKey) check(known []string, now time.Time) (list []fault.Violation) {
	switch n := len(k.Scopes); {
	case n == 0:
		list = append(list, fault.Violation{Path: "scopes", Text: fault.Textf("This collection should contain 1 element or more.")})
	case n > mostScopes:
		return []fault.Violation{{Path: "scopes", Text: fault.Textf("This collection should contain %d elements or less.", mostScopes)}}
	}
	for i, scope := range k.Scopes {
		if !slices.Contains(known, scope) {
			list = append(list, fault.Violation{Path: "scopes[" + strconv.Itoa(i) + "]", Code: fault.CodeChoice,
				Text: fault.Textf("There is no such scope. A scope is the first part of a resource's path, or *, with :read or :write behind it.")})
		}
	}
	switch latest := now.Add(keyLifeMost); {
	case !k.ExpiresAt.After(now):
		list = append(list, fault.Violation{Path: "expiresAt", Code: fault.CodeTooLow, Text: fault.Textf("This must lie in the future.")})
	case k.ExpiresAt.After(latest):
		list = append(list, fault.Violation{Path: "expiresAt", Code: fault.CodeTooHigh, Text: fault.Textf("An API key lives for 5 years at most.")})
	}
	return list
}
