package blob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// speakS3 starts gofakes3, a server in Go that speaks S3 and keeps objects in
// memory, with a bucket. It does not look at signatures, so the test does.
func speakS3(t *testing.T) string {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("files"); err != nil {
		t.Fatal(err)
	}
	handler := gofakes3.New(backend).Server()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=key/") {
			http.Error(w, "not signed", http.StatusForbidden)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return "s3://key:se%2Fcret@" + strings.TrimPrefix(server.URL, "http://") + "/files/sede?insecure=true&region=eu-west-1"
}

func each(t *testing.T, test func(t *testing.T, s Store)) {
	t.Parallel()
	for name, location := range map[string]string{"folder": filepath.Join(t.TempDir(), "not", "there"), "s3": speakS3(t)} {
		t.Run(name, func(t *testing.T) {
			s, err := Open(location)
			if err != nil {
				t.Fatal(err)
			}
			test(t, s)
		})
	}
}

func TestStore(t *testing.T) {
	each(t, func(t *testing.T, s Store) {
		ctx := t.Context()
		if err := s.Check(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(ctx, "images/a/1.png"); !errors.Is(err, ErrNotExist) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("what is not there: %v", err)
		}
		if err := s.Delete(ctx, "images/a/1.png"); err != nil {
			t.Errorf("removing what is not there: %v", err)
		}
		for _, content := range [][]byte{[]byte("first"), {0}, bytes.Repeat([]byte{0, 0xff, '\n'}, 1<<20)} {
			if err := s.Put(ctx, "images/a/1.png", content); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Get(ctx, "images/a/1.png"); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%d bytes came back as %d: %v", len(content), len(got), err)
			}
		}
		if err := s.Delete(ctx, "images/a/1.png"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(ctx, "images/a/1.png"); !errors.Is(err, ErrNotExist) {
			t.Errorf("what was removed: %v", err)
		}
	})
}

// TestOneKey lets many write one key: whoever reads finds one of the contents,
// whole.
func TestOneKey(t *testing.T) {
	each(t, func(t *testing.T, s Store) {
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				content := bytes.Repeat([]byte{byte(i)}, 10_000)
				if err := s.Put(t.Context(), "one", content); err != nil {
					t.Error(err)
				}
				got, err := s.Get(t.Context(), "one")
				if err != nil || len(got) != len(content) || !bytes.Equal(got, bytes.Repeat(got[:1], len(got))) {
					t.Errorf("a mixture of %d bytes: %v", len(got), err)
				}
			})
		}
		all.Wait()
	})
}

func TestKeys(t *testing.T) {
	each(t, func(t *testing.T, s Store) {
		for _, key := range []string{"", "/", "a/", "/a", "a//b", "..", "a/../b", ".hidden", "a/.b", `a\b`, "A", "a b", "ä", "a\x00", strings.Repeat("a", 501)} {
			_, err := s.Get(t.Context(), key)
			if err == nil || errors.Is(err, ErrNotExist) || s.Put(t.Context(), key, nil) == nil || s.Delete(t.Context(), key) == nil {
				t.Errorf("%q is taken as a key", key)
			}
		}
	})
}

// TestNotWritable says so, and leaves nothing behind.
func TestNotWritable(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(file)
	if err != nil {
		t.Fatal(err)
	}
	if s.Check(t.Context()) == nil || s.Put(t.Context(), "a", nil) == nil {
		t.Error("a file was taken as a folder")
	}
}

// TestNoServer asks where nobody answers, and where the bucket is not.
func TestNoServer(t *testing.T) {
	t.Parallel()
	location := speakS3(t)
	for _, broken := range []string{strings.Replace(location, "/files/", "/others/", 1), strings.Replace(location, "key:", "nobody:", 1)} {
		s, err := Open(broken)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if err := s.Check(ctx); err == nil {
			t.Errorf("%s is well", s)
		}
		cancel()
		if _, err := s.Get(ctx, "a"); err == nil || errors.Is(err, ErrNotExist) {
			t.Errorf("a cancelled request: %v", err)
		}
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	for _, location := range []string{"ftp://host/bucket", "s3://", "s3://host", "s3://host/", "s3://host/bucket?insecure=perhaps", "s3://host/bucket?colour=red", "s3://a:b/c@host/bucket", "s3://ho st/bucket"} {
		if s, err := Open(location); err == nil {
			t.Errorf("%q is taken: %s", location, s)
		} else if strings.Contains(err.Error(), "b/c") {
			t.Errorf("the error tells the secret: %v", err)
		}
	}
	s, err := Open("s3://key:secret@host:9000/bucket/a/b/")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(s); got != "s3://host:9000/bucket/a/b/" {
		t.Errorf("%q", got)
	}
}

// TestStreams writes a file of several parts as it comes, and one that breaks off.
func TestStreams(t *testing.T) {
	each(t, func(t *testing.T, s Store) {
		ctx := t.Context()
		want := bytes.Repeat([]byte("0123456789abcdef"), (partSize+partSize/2)/16)
		if err := s.Write(ctx, "archives/a", io.MultiReader(bytes.NewReader(want[:1000]), bytes.NewReader(want[1000:]))); err != nil {
			t.Fatal(err)
		}
		file, err := s.Open(ctx, "archives/a")
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(file)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes came back as %d: %v", len(want), len(got), err)
		}
		if err := file.Close(); err != nil {
			t.Error(err)
		}
		broken := errors.New("broken")
		if err := s.Write(ctx, "archives/b", io.MultiReader(strings.NewReader("a part"), iotest.ErrReader(broken))); !errors.Is(err, broken) {
			t.Errorf("content that breaks off: %v", err)
		}
		if _, err := s.Open(ctx, "archives/b"); !errors.Is(err, ErrNotExist) {
			t.Errorf("what broke off is there: %v", err)
		}
		if _, err := s.Open(ctx, "../a"); err == nil || errors.Is(err, ErrNotExist) {
			t.Errorf("a key that leads out: %v", err)
		}
	})
}
