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
	var u uploads
	user := func(n byte) ident.ID { return ident.ID{15: n} }
	var leave []func()
	for n := range byte(uploadsOfAll / uploadsOfUser) {
		for range uploadsOfUser {
			done, err := u.enter(user(n))
			if err != nil {
				t.Fatal(err)
			}
			leave = append(leave, done)
		}
		if _, err := u.enter(user(n)); !fault.Is(err, fault.TooManyRequests) || fault.As(err).RetryAfter == 0 {
			t.Errorf("one too many of a user: %v", err)
		}
	}
	if _, err := u.enter(user(100)); !fault.Is(err, fault.Unavailable) {
		t.Errorf("one too many of all: %v", err)
	}
	leave[0]()
	leave[0]() // which is nothing
	if _, err := u.enter(user(100)); err != nil {
		t.Error(err)
	}
	if _, err := u.enter(user(0)); err == nil {
		t.Error("more than there may be")
	}
	for _, done := range leave {
		done()
	}
	if u.n != 1 || len(u.of) != 1 {
		t.Errorf("%d are left, of %d users", u.n, len(u.of))
	}
}
