package secret

import (
	"bytes"
	"errors"
	"testing"
)

func box(t testing.TB, keys ...byte) *Box {
	t.Helper()
	var list [][]byte
	for _, k := range keys {
		list = append(list, bytes.Repeat([]byte{k}, MinKey))
	}
	b, err := NewBox(nil, list[0], list[1:]...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOpenReturnsWhatWasSealed(t *testing.T) {
	t.Parallel()
	b := box(t, 1)
	for _, plain := range [][]byte{nil, {0}, bytes.Repeat([]byte("seed"), 300)} {
		sealed := b.Seal("here", plain)
		if len(plain) > 1 && bytes.Contains(sealed, plain) {
			t.Error("the sealed value shows the plain one")
		}
		got, err := b.Open("here", sealed)
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("Open = %q, %v; want %q", got, err, plain)
		}
		if bytes.Equal(sealed, b.Seal("here", plain)) {
			t.Error("the same value sealed twice looks the same")
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	b := box(t, 1)
	sealed := b.Seal("here", []byte("plain"))
	if _, err := b.Open("there", sealed); !errors.Is(err, ErrSealed) {
		t.Errorf("other purpose: %v", err)
	}
	if _, err := box(t, 2).Open("here", sealed); !errors.Is(err, ErrSealed) {
		t.Errorf("other key: %v", err)
	}
	for i := range sealed {
		damaged := bytes.Clone(sealed)
		damaged[i] ^= 1
		if _, err := b.Open("here", damaged); !errors.Is(err, ErrSealed) {
			t.Errorf("byte %d changed: %v", i, err)
		}
		if _, err := b.Open("here", sealed[:i]); !errors.Is(err, ErrSealed) {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
}

func TestMasterKeyCanBeReplaced(t *testing.T) {
	t.Parallel()
	sealed := box(t, 1).Seal("here", []byte("plain"))
	if plain, err := box(t, 2, 1).Open("here", sealed); err != nil || string(plain) != "plain" {
		t.Errorf("Open with the previous key = %q, %v", plain, err)
	}
	if _, err := NewBox(nil, []byte("short")); err == nil {
		t.Error("a short master key is taken")
	}
}

func FuzzOpen(f *testing.F) {
	b := box(f, 1)
	f.Add(b.Seal("here", []byte("plain")))
	f.Add([]byte{version})
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if plain, err := b.Open("elsewhere", sealed); err == nil {
			t.Errorf("opened %x to %x", sealed, plain)
		}
	})
}
