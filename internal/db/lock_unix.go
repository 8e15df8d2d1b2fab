//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package db

import (
	"context"
	"errors"
	"os"
	"syscall"
)

// lockFolder waits until no other process holds the lock on the folder, and
// takes it. The system gives it back when the process dies. It doesn't touch
// SQLite's own locks, which are on the file.
func lockFolder(ctx context.Context, dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	err = waitFor(ctx, func() error {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
			return errLocked
		}
		return err
	})
	if err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}
