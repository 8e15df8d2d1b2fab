package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gofrs/flock"
)

// keySize is the length of a secret key in bytes.
const keySize = 32

func decodeKey(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	for _, decode := range []func(string) ([]byte, error){
		hex.DecodeString, base64.StdEncoding.DecodeString, base64.RawURLEncoding.DecodeString,
	} {
		if key, err := decode(text); err == nil && len(key) == keySize {
			return key, nil
		}
	}
	return nil, fmt.Errorf("it must be %d bytes in hex or base64; make one with: openssl rand -hex %d", keySize, keySize)
}

// secretKeys returns the configured keys, or those in the data folder; the first
// one seals. With SQLite, and for a demo, a missing one is made there. With
// PostgreSQL it is not: every sede on one database needs the same keys, so somebody
// must decide where they are kept.
func (s *settings) secretKeys() (keys [][]byte, err error) {
	if s.SecretKey == "" {
		if len(s.OlderKeys) > 0 {
			return nil, errors.New("--secret-key: it is needed with --secret-key-previous; keys in a file are all in secret.key in the data folder")
		}
		f := s.keyFile()
		keys, err = f.keys()
		if errors.Is(err, fs.ErrNotExist) && s.mustHaveKey() {
			return nil, fmt.Errorf("--secret-key: with PostgreSQL every sede on the database needs the same key, so it must be set or be in %s; make one with: openssl rand -hex %d", f, keySize)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return f.make()
		}
		return keys, err
	}
	for i, text := range append([]string{s.SecretKey}, s.OlderKeys...) {
		key, err := decodeKey(text)
		if err != nil {
			return nil, fmt.Errorf("--secret-key%s: %w", [...]string{"", "-previous"}[min(i, 1)], err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// mustHaveKey reports whether a key is never made.
func (s *settings) mustHaveKey() bool { return s.Database != "" && !s.Demo }

func (s *settings) keyFile() keyFile { return keyFile(filepath.Join(s.Data, "secret.key")) }

// keyFile is the path of a file with secret keys, one a line. The first one seals,
// the others open what they have sealed. One with the word "next" behind it seals
// nothing until the next rotation puts it first; "rotating" stands behind the first
// one until everything is sealed with it. Lines that begin with # say something to
// people.
type keyFile string

// String is the path.
func (f keyFile) String() string { return string(f) }

// What can stand behind a key.
const (
	nextWord     = "next"
	rotatingWord = "rotating"
)

// keyLine is a key as it is written, with the word behind it.
type keyLine struct {
	text string
	key  []byte
	word string
}

// read returns the lines with keys.
func (f keyFile) read() (lines []keyLine, err error) {
	content, err := os.ReadFile(string(f))
	if err != nil {
		return nil, err
	}
	for i, line := range strings.Split(string(content), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		l := keyLine{text: words[0], word: strings.Join(words[1:], " ")}
		if l.word != "" && l.word != nextWord && l.word != rotatingWord {
			return nil, fmt.Errorf("%s, line %d: behind a key there can be the word %s or %s only", f, i+1, nextWord, rotatingWord)
		}
		if l.key, err = decodeKey(l.text); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", f, i+1, err)
		}
		lines = append(lines, l)
	}
	if len(lines) == 0 || lines[0].word == nextWord {
		return nil, fmt.Errorf("%s: there is no key that seals in its first line", f)
	}
	return lines, nil
}

// keys returns all keys, the one that seals first.
func (f keyFile) keys() (keys [][]byte, err error) {
	lines, err := f.read()
	for _, l := range lines {
		keys = append(keys, l.key)
	}
	return keys, err
}

// make writes a file with a new key. When another process was faster, its keys are
// taken.
func (f keyFile) make() ([][]byte, error) {
	fresh, err := newKeyLine()
	if err != nil {
		return nil, err
	}
	temporary, err := f.temporary([]keyLine{fresh})
	if err != nil {
		return nil, err
	}
	defer os.Remove(temporary)
	err = os.Link(temporary, string(f))
	if errors.Is(err, fs.ErrExist) {
		return f.keys()
	}
	return [][]byte{fresh.key}, err
}

func newKeyLine() (l keyLine, err error) {
	l.key = make([]byte, keySize)
	_, err = rand.Read(l.key)
	l.text = hex.EncodeToString(l.key)
	return l, err
}

// temporary writes the lines to a file beside, which only its owner reads.
func (f keyFile) temporary(lines []keyLine) (path string, err error) {
	file, err := os.CreateTemp(filepath.Dir(string(f)), "secret.key.*")
	if err != nil {
		return "", err
	}
	for _, l := range lines {
		_, werr := fmt.Fprintln(file, strings.TrimSpace(l.text+" "+l.word))
		err = errors.Join(err, werr)
	}
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return "", errors.Join(err, os.Remove(file.Name()))
	}
	return file.Name(), nil
}

// replace puts the lines into the file's place, all at once, under its mode and
// owner.
func (f keyFile) replace(lines []keyLine) error {
	info, err := os.Stat(string(f))
	if err != nil {
		return err
	}
	temporary, err := f.temporary(lines)
	if err != nil {
		return err
	}
	err = errors.Join(os.Chmod(temporary, info.Mode().Perm()), keepOwner(temporary, info))
	if err == nil {
		err = os.Rename(temporary, string(f))
	}
	if err == nil {
		return syncFolder(filepath.Dir(string(f)))
	}
	return errors.Join(err, os.Remove(temporary))
}

// syncFolder makes a rename in it last.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// marked returns which of the keys has the word behind it, -1 when none has.
func (f keyFile) marked(word string) (int, error) {
	lines, err := f.read()
	return slices.IndexFunc(lines, func(l keyLine) bool { return l.word == word }), err
}

// change replaces the lines by what with makes of them, while no other process does.
func (f keyFile) change(with func(lines []keyLine) ([]keyLine, error)) error {
	lock := flock.New(string(f) + ".lock")
	if err := lock.Lock(); err != nil {
		return err
	}
	defer lock.Close()
	lines, err := f.read()
	if err != nil {
		return err
	}
	if lines, err = with(lines); err != nil {
		return err
	}
	return f.replace(lines)
}

// prepare makes the next key, unless there is one: it opens everywhere before it
// seals anywhere.
func (f keyFile) prepare() error {
	return f.change(func(lines []keyLine) ([]keyLine, error) {
		if slices.ContainsFunc(lines, func(l keyLine) bool { return l.word == nextWord }) {
			return lines, nil
		}
		fresh, err := newKeyLine()
		fresh.word = nextWord
		return append(lines, fresh), err
	})
}

// advance puts the next key first, and makes one when there is none.
func (f keyFile) advance() error {
	return f.change(func(lines []keyLine) ([]keyLine, error) {
		first, err := newKeyLine()
		if i := slices.IndexFunc(lines, func(l keyLine) bool { return l.word == nextWord }); i >= 0 {
			first = lines[i]
			lines = slices.Delete(lines, i, i+1)
		}
		lines[0].word, first.word = "", rotatingWord
		return append([]keyLine{first}, lines...), err
	})
}

// finish notes that everything is sealed with the first key.
func (f keyFile) finish() error {
	return f.change(func(lines []keyLine) ([]keyLine, error) {
		if lines[0].word == rotatingWord {
			lines[0].word = ""
		}
		return lines, nil
	})
}
