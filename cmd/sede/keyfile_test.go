package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestKeyFile(t *testing.T) {
	t.Parallel()
	f := keyFile(filepath.Join(t.TempDir(), "secret.key"))
	first, err := f.make()
	if err != nil {
		t.Fatal(err)
	}
	try := func(change func() error, want string) {
		t.Helper()
		if err := change(); err != nil {
			t.Fatal(err)
		}
		lines, err := f.read()
		var words []string
		for _, l := range lines {
			words = append(words, strings.TrimSpace("key "+l.word))
		}
		if got := strings.Join(words, ", "); err != nil || got != want {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	}
	try(f.prepare, "key, key next")
	try(f.prepare, "key, key next")
	prepared, _ := f.keys()
	try(f.advance, "key rotating, key")
	if keys, _ := f.keys(); !bytes.Equal(keys[0], prepared[1]) || !bytes.Equal(keys[1], first[0]) {
		t.Error("the prepared key is not the first, or the old one is lost")
	}
	try(f.finish, "key, key")
	try(f.advance, "key rotating, key, key")
	if info, err := os.Stat(string(f)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	var wait sync.WaitGroup
	for range 8 { // none loses another's key
		wait.Go(func() {
			if err := f.advance(); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if keys, err := f.keys(); err != nil || len(keys) != 11 {
		t.Errorf("%d keys, %v", len(keys), err)
	}
	if entries, err := os.ReadDir(filepath.Dir(string(f))); err != nil || len(entries) != 2 { // the keys and their lock
		t.Errorf("%v %v", entries, err)
	}
}

func TestKeyFileRefuses(t *testing.T) {
	t.Parallel()
	key := strings.Repeat("ab", keySize)
	f := keyFile(filepath.Join(t.TempDir(), "secret.key"))
	for content, says := range map[string]string{
		"":                                 "no key that seals",
		"# a comment\n":                    "no key that seals",
		key + " next\n":                    "no key that seals",
		key + " later\n":                   "line 1",
		"# two\n" + key + "\nshort\n":      "line 3",
		key + "\n\n" + key + " next now\n": "line 3",
	} {
		if err := os.WriteFile(string(f), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := f.keys(); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), key) {
			t.Errorf("%q: %v, want %q", content, err, says)
		}
	}
}

// TestRotateKeyInSettings replaces a key that is in the environment.
func TestRotateKeyInSettings(t *testing.T) {
	t.Parallel()
	old, fresh := strings.Repeat("ab", keySize), strings.Repeat("cd", keySize)
	dir := t.TempDir()
	sede := func(status int, says string, environment []string, args ...string) {
		t.Helper()
		c := command(t, environment, args...)
		c.Dir, c.Stdin = dir, strings.NewReader("a long password\n")
		if out, got := output(t, c); got != status || !strings.Contains(out, says) || strings.Contains(out, old) {
			t.Errorf("sede %s: %d, want %d and %q\n%s", strings.Join(args, " "), got, status, says, out)
		}
	}
	sede(0, "created", []string{"SEDE_SECRET_KEY=" + old}, "user", "create", "ana@example.com")
	sede(1, "exchange the two", []string{"SEDE_SECRET_KEY=" + old, "SEDE_SECRET_KEY_PREVIOUS=" + fresh}, "secret", "rotate")
	both := []string{"SEDE_SECRET_KEY=" + fresh, "SEDE_SECRET_KEY_PREVIOUS=" + old}
	sede(0, "opens", both, "secret", "status")
	sede(0, "the first in --secret-key-previous", both, "secret", "rotate")
	sede(0, "seals", []string{"SEDE_SECRET_KEY=" + fresh}, "secret", "status")
	sede(1, "not known", []string{"SEDE_SECRET_KEY=" + old}, "secret", "status")
}
