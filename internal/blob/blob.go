// Package blob keeps files that don't belong into a database, such as images,
// under keys like "images/5f2c/512.png". They are in a folder, or in a bucket of
// a store that speaks S3.
//
// What Put has accepted is durable. Keys are made of content wherever that can
// be, so that writing one twice is writing the same: nothing has to be undone
// when the transaction around it fails.
package blob

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
)

// ErrNotExist is what Get returns for a key that has nothing. It wraps
// fs.ErrNotExist.
var ErrNotExist = fmt.Errorf("blob: %w", fs.ErrNotExist)

// Store keeps files. Put and Get have them in memory as a whole and are meant for
// some MiB, Write and Open for any size.
type Store interface {
	// Put stores the content under the key, in place of what is there, all or
	// nothing.
	Put(ctx context.Context, key string, content []byte) error
	// Get returns what is stored under the key, or ErrNotExist.
	Get(ctx context.Context, key string) ([]byte, error)
	// Write stores what content gives, up to its end, as Put does. An error of
	// content leaves nothing behind.
	Write(ctx context.Context, key string, content io.Reader) error
	// Open reads what is stored under the key from its beginning, or fails with
	// ErrNotExist.
	Open(ctx context.Context, key string) (io.ReadCloser, error)
	// Delete removes the key; one that has nothing is no error.
	Delete(ctx context.Context, key string) error
	// Check writes, reads and removes a file of its own. Its error says what is
	// wrong.
	Check(ctx context.Context) error
	// String says where the files are, without secrets.
	String() string
}

// Open returns the store at a location: s3://… as newBucket reads it, or a folder,
// which is made when it is first written to. Nothing is contacted yet.
func Open(location string) (Store, error) {
	scheme, _, found := strings.Cut(location, "://")
	if !found {
		return &folder{dir: filepath.Clean(location)}, nil
	}
	if scheme != "s3" {
		return nil, fmt.Errorf("blob: %q is neither a folder nor s3://…", scheme+"://")
	}
	u, err := url.Parse(location)
	if err != nil {
		return nil, fmt.Errorf("blob: not a URL: s3://KEY:SECRET@HOST/BUCKET is one; special characters in key and secret are written as %%2F and the like")
	}
	return newBucket(u)
}

// keyForm is what keys look like: segments without a dot in front, so that no
// key leads out of a folder.
var keyForm = regexp.MustCompile(`^[a-z0-9_-][a-z0-9._-]*(/[a-z0-9_-][a-z0-9._-]*)*$`)

// checkKey refuses keys that this package never promised to keep apart.
func checkKey(key string) error {
	if len(key) > 500 || !keyForm.MatchString(key) {
		return fmt.Errorf("blob: %q is no key", key)
	}
	return nil
}

// check does what Store.Check promises.
func check(ctx context.Context, s Store, name string) error {
	key, content := "probe-"+name, []byte("sede was here")
	if err := s.Put(ctx, key, content); err != nil {
		return err
	}
	got, err := s.Get(ctx, key)
	if err == nil && string(got) != string(content) {
		err = fmt.Errorf("blob: what was written came back as %q", got)
	}
	if err != nil {
		return err
	}
	return s.Delete(ctx, key)
}
