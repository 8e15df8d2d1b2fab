//go:build linux || darwin

package main

import (
	"io/fs"
	"os"
	"syscall"
)

// freeSpace returns the bytes that sede may still write to the folder's disk.
func freeSpace(folder string) (uint64, error) {
	var disk syscall.Statfs_t
	err := syscall.Statfs(folder, &disk)
	return disk.Bavail * uint64(disk.Bsize), err
}

// keepOwner gives a file the owner and group of another, which may be of a user
// that only sede runs as.
func keepOwner(path string, other fs.FileInfo) error {
	owner, ok := other.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return os.Chown(path, int(owner.Uid), int(owner.Gid))
}
