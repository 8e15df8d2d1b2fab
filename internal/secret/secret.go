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
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

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

// KeyID tells master keys apart without telling them.
type KeyID [idSize]byte

// String is the id in hex.
func (id KeyID) String() string { return hex.EncodeToString(id[:]) }

// KeyOf returns the id of the key that a value was sealed with; false when it is no
// sealed value.
func KeyOf(sealed []byte) (id KeyID, ok bool) {
	if len(sealed) < headSize || sealed[0] != version {
		return id, false
	}
	return KeyID(sealed[1 : 1+idSize]), true
}

// Mark is what values sealed with the key begin with, and with no key what all
// sealed values begin with.
func Mark(keys ...KeyID) []byte {
	mark := []byte{version}
	for _, id := range keys {
		mark = append(mark, id[:]...)
	}
	return mark
}

// Box seals and opens. It is safe for concurrent use.
type Box struct {
	random io.Reader
	keys   atomic.Pointer[[]key] // the first one seals
	read   func() ([][]byte, error)
	older  *Box
}

type key struct {
	id   KeyID
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
	return b, b.use(append([][]byte{current}, previous...))
}

func (b *Box) use(masters [][]byte) error {
	keys := make([]key, 0, len(masters))
	for _, master := range masters {
		k, err := derive(master)
		if err != nil {
			return err
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return errors.New("secret: there is no master key")
	}
	b.keys.Store(&keys)
	return nil
}

// Follow has the Box take its keys from read, the one that seals first: whenever
// Refresh is called, and when a value names a key that is not known. It is called
// before the Box is used.
func (b *Box) Follow(read func() ([][]byte, error)) { b.read = read }

// OpenWith has the Box open what older opens, too. It is called before the Box is
// used.
func (b *Box) OpenWith(older *Box) { b.older = older }

// Refresh takes the keys anew from where they are kept. When that fails, the Box
// goes on with those it has.
func (b *Box) Refresh() error {
	if b.read == nil {
		return nil
	}
	masters, err := b.read()
	if err != nil {
		return err
	}
	return b.use(masters)
}

// Keys lists the ids of the keys, the one that seals first.
func (b *Box) Keys() []KeyID {
	var ids []KeyID
	for _, k := range *b.keys.Load() {
		ids = append(ids, k.id)
	}
	return ids
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
	return key{id: KeyID(material[chacha20poly1305.KeySize:]), aead: aead}, err
}

// Seal encrypts plain for a purpose, such as "signing_key " and the key's id.
// It panics when the system has no randomness, since nothing can go on then.
func (b *Box) Seal(purpose string, plain []byte) []byte {
	k := (*b.keys.Load())[0]
	head := make([]byte, headSize, headSize+len(plain)+k.aead.Overhead())
	head[0] = version
	copy(head[1:], k.id[:])
	if _, err := io.ReadFull(b.random, head[1+idSize:]); err != nil {
		panic("secret: no randomness: " + err.Error())
	}
	return k.aead.Seal(head, head[1+idSize:], plain, []byte(purpose))
}

// Open decrypts what was sealed for the same purpose, or fails with ErrSealed.
func (b *Box) Open(purpose string, sealed []byte) ([]byte, error) {
	id, ok := KeyOf(sealed)
	if !ok {
		return nil, ErrSealed
	}
	plain, known, err := b.open(id, purpose, sealed)
	if !known && b.read != nil && b.Refresh() == nil {
		plain, known, err = b.open(id, purpose, sealed)
	}
	if !known && b.older != nil {
		return b.older.Open(purpose, sealed)
	}
	return plain, err
}

// open decrypts with the keys at hand; known is false when none has the id.
func (b *Box) open(id KeyID, purpose string, sealed []byte) (plain []byte, known bool, err error) {
	for _, k := range *b.keys.Load() {
		if k.id != id {
			continue
		}
		known = true
		if plain, err := k.aead.Open(nil, sealed[1+idSize:headSize], sealed[headSize:], []byte(purpose)); err == nil {
			return plain, true, nil
		}
	}
	return nil, known, ErrSealed
}

// Again seals with the current key what was sealed for the purpose with any, or
// fails with ErrSealed.
func (b *Box) Again(purpose string, sealed []byte) ([]byte, error) {
	plain, err := b.Open(purpose, sealed)
	if err != nil {
		return nil, err
	}
	return b.Seal(purpose, plain), nil
}
