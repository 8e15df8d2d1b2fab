package secret

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
)

// NewToken makes 256 random bits as URL-safe text without padding, for links and
// the like, and what is stored of it.
func NewToken(random io.Reader) (plain string, hash []byte, err error) {
	bits := make([]byte, 32)
	if _, err := io.ReadFull(random, bits); err != nil {
		return "", nil, err
	}
	plain = base64.RawURLEncoding.EncodeToString(bits)
	return plain, HashToken(plain), nil
}

// HashToken is what is stored of a token and looked up: its SHA-256. A token is
// random enough to need no slow hash.
func HashToken(plain string) []byte {
	sum := sha256.Sum256([]byte(plain))
	return sum[:]
}
