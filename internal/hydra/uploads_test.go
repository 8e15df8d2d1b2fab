package hydra

import (
	"testing"

	"sede/internal/fault"
	"sede/internal/ident"
)

// TestUploads: nobody has more files coming in than they may, and all together
// neither.
func TestUploads(t *testing.T) {
	t.Parallel()
	u := uploads{space: 1}
	user := func(n byte) ident.ID { return ident.ID{15: n} }
	var places []*place
	for n := range byte(uploadsOfAll / uploadsOfUser) {
		for range uploadsOfUser {
			p, err := u.enter(user(n), -1)
			if err != nil {
				t.Fatal(err)
			}
			places = append(places, p)
		}
		if _, err := u.enter(user(n), -1); !fault.Is(err, fault.TooManyRequests) || fault.As(err).RetryAfter == 0 {
			t.Errorf("one too many of a user: %v", err)
		}
	}
	if _, err := u.enter(user(100), -1); !fault.Is(err, fault.Unavailable) {
		t.Errorf("one too many of all: %v", err)
	}
	places[0].leave()
	if _, err := u.enter(user(100), -1); err != nil {
		t.Error(err)
	}
	if _, err := u.enter(user(0), -1); err == nil {
		t.Error("more than there may be")
	}
	for _, p := range places[1:] {
		p.leave()
	}
	if u.n != 1 || len(u.of) != 1 {
		t.Errorf("%d are left, of %d users", u.n, len(u.of))
	}
}

// TestUploadSpace: all files together have no more bytes than there is room for, and
// those that went leave theirs to others.
func TestUploadSpace(t *testing.T) {
	t.Parallel()
	u := uploads{space: 100}
	first, err := u.enter(ident.ID{1}, 60)
	if err != nil || first.grow(60) != nil {
		t.Fatal(err)
	}
	if _, err := u.enter(ident.ID{2}, 41); !fault.Is(err, fault.Unavailable) || fault.As(err).RetryAfter == 0 {
		t.Errorf("a file that can't find room: %v", err)
	}
	second, err := u.enter(ident.ID{2}, -1)
	if err != nil || second.grow(40) != nil {
		t.Fatal(err)
	}
	if err := second.grow(1); !fault.Is(err, fault.Unavailable) || fault.As(err).RetryAfter == 0 {
		t.Errorf("a byte too many: %v", err)
	}
	first.leave()
	if err := second.grow(60); err != nil {
		t.Error(err)
	}
	second.leave()
	if u.bytes != 0 || u.n != 0 || len(u.of) != 0 {
		t.Errorf("%d bytes and %d files are left", u.bytes, u.n)
	}
}
