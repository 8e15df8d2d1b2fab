//go:build linux || darwin

package main

import "syscall"

// freeSpace returns the bytes that sede may still write to the folder's disk.
func freeSpace(folder string) (uint64, error) {
	var disk syscall.Statfs_t
	err := syscall.Statfs(folder, &disk)
	return disk.Bavail * uint64(disk.Bsize), err
}
