package archive

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"io"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/secret"
)

// Key signs archives with Ed25519 and tells whose signatures are trusted.
type Key struct {
	private ed25519.PrivateKey
	trusted []ed25519.PublicKey // beside its own
}

// LoadKey returns the instance's key, which is made when there is none yet and kept
// sealed in the database. It works in the scope of the instance. Signatures of the
// trusted keys count too.
func LoadKey(tx *db.Tx, box *secret.Box, random io.Reader, now time.Time, trusted ...ed25519.PublicKey) (*Key, error) {
	for {
		var id string
		var sealed []byte
		err := tx.Row(`SELECT id, sealed FROM archive_key ORDER BY created_at DESC, id LIMIT 1`).Scan(&id, &sealed)
		if err == nil {
			seed, err := box.Open(sealFor(id), sealed)
			if err != nil {
				return nil, err
			}
			return &Key{private: ed25519.NewKeyFromSeed(seed), trusted: trusted}, nil
		}
		if !errors.Is(err, db.ErrNoRows) {
			return nil, err
		}
		if err := tx.Lock("archive/key"); err != nil {
			return nil, err
		}
		seed := make([]byte, ed25519.SeedSize)
		if _, err := io.ReadFull(random, seed); err != nil {
			return nil, err
		}
		public := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
		id = keyID(public)
		_, err = tx.Exec(`INSERT INTO archive_key (id, public_key, sealed, created_at)
			SELECT $1, $2, $3, $4 WHERE NOT EXISTS (SELECT 1 FROM archive_key)`, id, []byte(public), box.Seal(sealFor(id), seed), now)
		if err != nil {
			return nil, err
		}
	}
}

// HaveKey makes the instance's key when there is none yet. It works in the scope of
// the instance.
func HaveKey(ctx context.Context, d *db.DB, box *secret.Box, random io.Reader, now time.Time) error {
	var there bool
	err := d.Read(ctx, access.Instance(), func(tx *db.Tx) error {
		return tx.Row(`SELECT EXISTS (SELECT 1 FROM archive_key)`).Scan(&there)
	})
	if err != nil || there {
		return err
	}
	return d.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		_, err := LoadKey(tx, box, random, now)
		return err
	})
}

func sealFor(id string) string { return "archive_key " + id }

// keyID is the short name of a key.
func keyID(public ed25519.PublicKey) string { return hex.EncodeToString(public[:8]) }

// Public is what others need to trust archives of this instance.
func (k *Key) Public() ed25519.PublicKey { return k.private.Public().(ed25519.PublicKey) }

// signedFor stands before what is signed, so that a signature is good for archives
// alone.
const signedFor = Format + "\n"

func (k *Key) sign(manifest []byte) []byte {
	return ed25519.Sign(k.private, append([]byte(signedFor), manifest...))
}

// verify reports whether a trusted key has signed, and whether any has: signed is
// false when the manifest is not as it was signed.
func (k *Key) verify(public ed25519.PublicKey, manifest, signature []byte) (signed, trusted bool) {
	if len(public) != ed25519.PublicKeySize {
		return false, false
	}
	signed = ed25519.Verify(public, append([]byte(signedFor), manifest...), signature)
	trusted = public.Equal(k.Public())
	for _, t := range k.trusted {
		trusted = trusted || public.Equal(t)
	}
	return signed, trusted
}
