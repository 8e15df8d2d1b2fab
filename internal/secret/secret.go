// Package secret seals what must not be readable in the database or in a copy
// of it, such as private keys and bank tokens, with a master key that is kept
// elsewhere.
//
// A sealed value is: one byte version, four bytes that name the key, 24 bytes
// nonce, and XChaCha20-Poly1305 output. The cipher's key is derived from the
// master key with HKDF-SHA256 (RFC 5869). The purpose that a value was sealed
// for is authenticated with it, so that a value moved to another row or column
// does not open there.
package secret

import (
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/chacha20poly1305"
)

// MinKey is the fewest bytes of a master key. They must be random, not a
// password.
const MinKey = 32

const (
	version  = 1
	idSize   = 4
	headSize = 1 + idSize + chacha20poly1305.NonceSizeX
)

// ErrSealed says that a value can't be opened: it was damaged, sealed for
// another purpose, or with a master key that is not known here.
var ErrSealed = errors.New("secret: the value can't be opened: wrong master key, wrong purpose or damaged")

// Box seals and opens. It is safe for concurrent use.
type Box struct {
	random io.Reader
	keys   []key // the first one seals
}

type key struct {
	id   []byte
	aead cipher.AEAD
}

// NewBox returns a Box that seals with current and opens what was sealed with
// current or one of previous, so that master keys can be replaced. Nonces come
// from random, nil means the system's. It fails when a key is shorter than
// MinKey.
func NewBox(random io.Reader, current []byte, previous ...[]byte) (*Box, error) {
	if random == nil {
		random = rand.Reader
	}
	b := &Box{random: random}
	for _, master := range append([][]byte{current}, previous...) {
		k, err := derive(master)
		if err != nil {
			return nil, err
		}
		b.keys = append(b.keys, k)
	}
	return b, nil
}

func derive(master []byte) (key, error) {
	if len(master) < MinKey {
		return key{}, fmt.Errorf("secret: a master key needs at least %d bytes, this one has %d", MinKey, len(master))
	}
	material, err := hkdf.Key(sha256.New, master, nil, "sede secret 1", chacha20poly1305.KeySize+idSize)
	if err != nil {
		return key{}, err
	}
	aead, err := chacha20poly1305.NewX(material[:chacha20poly1305.KeySize])
	return key{id: material[chacha20poly1305.KeySize:], aead: aead}, err
}

// Seal encrypts plain for a purpose, such as "signing_key " and the key's id.
// It panics when the system has no randomness, since nothing can go on then.
func (b *Box) Seal(purpose string, plain []byte) []byte {
	k := b.keys[0]
	head := make([]byte, headSize, headSize+len(plain)+k.aead.Overhead())
	head[0] = version
	copy(head[1:], k.id)
	if _, err := io.ReadFull(b.random, head[1+idSize:]); err != nil {
		panic("secret: no randomness: " + err.Error())
	}
	return k.aead.Seal(head, head[1+idSize:], plain, []byte(purpose))
}

// Open decrypts what was sealed for the same purpose, or fails with ErrSealed.
func (b *Box) Open(purpose string, sealed []byte) ([]byte, error) {
	if len(sealed) < headSize || sealed[0] != version {
		return nil, ErrSealed
	}
	for _, k := range b.keys {
		if !bytes.Equal(k.id, sealed[1:1+idSize]) {
			continue
		}
		plain, err := k.aead.Open(nil, sealed[1+idSize:headSize], sealed[headSize:], []byte(purpose))
		if err == nil {
			return plain, nil
		}
	}
	return nil, ErrSealed
}
