package pgtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// SmallDisk mounts a disk of so many octets for a tablespace of the server; it
// needs root. Remove undoes it.
func (s *Server) SmallDisk(octets int) (dir string, err error) {
	dir = filepath.Join(s.dir, "small")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", fmt.Errorf("making the small disk: %w", err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size="+strconv.Itoa(octets)); err != nil {
		return "", errors.Join(fmt.Errorf("mounting the small disk, as root: %w", err), os.Remove(dir))
	}
	if s.owner == nil {
		return dir, nil
	}
	if err := os.Chown(dir, int(s.owner.Uid), int(s.owner.Gid)); err != nil {
		return "", errors.Join(fmt.Errorf("giving the small disk to the server: %w", err), s.RemoveDisk(dir))
	}
	return dir, nil
}

// RemoveDisk unmounts a small disk.
func (s *Server) RemoveDisk(dir string) error {
	if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
		return fmt.Errorf("unmounting the small disk: %w", err)
	}
	return os.Remove(dir)
}
