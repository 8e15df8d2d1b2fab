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

// TestFollow has two Boxes read the same keys. One goes on to a new key before the
// other has heard of it.
func TestFollow(t *testing.T) {
	t.Parallel()
	keys := [][]byte{bytes.Repeat([]byte{1}, MinKey)}
	var broken error
	read := func() ([][]byte, error) { return keys, broken }
	first, second := box(t, 1), box(t, 1)
	first.Follow(read)
	second.Follow(read)
	old := first.Seal("here", []byte("old"))
	keys = [][]byte{bytes.Repeat([]byte{2}, MinKey), keys[0]}
	if err := first.Refresh(); err != nil || len(first.Keys()) != 2 {
		t.Fatal(first.Keys(), err)
	}
	sealed := first.Seal("here", []byte("new"))
	if plain, err := second.Open("here", sealed); err != nil || string(plain) != "new" {
		t.Errorf("the other opens it to %q, %v", plain, err)
	}
	again, err := second.Again("here", old)
	if id, ok := KeyOf(again); err != nil || !ok || id != second.Keys()[0] || !bytes.HasPrefix(again, Mark(id)) {
		t.Errorf("sealed again: %v %v", id, err)
	}
	broken = errors.New("no file")
	if err := second.Refresh(); err == nil {
		t.Error("no error")
	}
	if plain, err := second.Open("here", old); err != nil || string(plain) != "old" {
		t.Errorf("without the file: %q, %v", plain, err)
	}
	third := box(t, 3)
	third.OpenWith(second)
	if plain, err := third.Open("here", old); err != nil || string(plain) != "old" {
		t.Errorf("with an older Box: %q, %v", plain, err)
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
