package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A file is NODE-20261122T034006.123Z.jsonl, from the instant of its first
// record, and has .part behind that while it is written.
const (
	cdrTime    = "20060102T150405.000Z"
	cdrEnding  = ".jsonl"
	partEnding = ".part"
)

// cdrDisk is what a file is written by; *os.File is one.
type cdrDisk interface {
	io.WriterAt
	io.Closer
	Sync() error
	Truncate(size int64) error
}

// cdrFile is a file that is being written.
type cdrFile struct {
	f       cdrDisk
	final   string // its name when it is finished
	opened  time.Time
	written int64 // whole lines
	synced  int64 // of them, on the disk; the syncer's alone while it works
	entered bool  // its name is on the disk too
}

// createCDR opens a new file under a name that is not taken.
func createCDR(dir, node string, now time.Time) (*cdrFile, error) {
	for at := now; ; at = at.Add(time.Millisecond) {
		final := filepath.Join(dir, node+"-"+at.UTC().Format(cdrTime)+cdrEnding)
		if _, err := os.Lstat(final); err == nil {
			continue
		}
		f, err := os.OpenFile(final+partEnding, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		return &cdrFile{f: f, final: final, opened: now}, nil
	}
}

// write appends whole lines, or nothing: what a full disk took of them is cut off
// again.
func (c *cdrFile) write(lines []byte) error {
	n, err := c.f.WriteAt(lines, c.written)
	if err != nil {
		if n > 0 {
			err = errors.Join(err, c.f.Truncate(c.written))
		}
		return err
	}
	c.written += int64(n)
	return nil
}

// sync makes what was written up to a length durable; of a file that ends there,
// nothing else stays.
func (c *cdrFile) sync(upTo int64, ends bool) error {
	if ends {
		if err := c.f.Truncate(upTo); err != nil {
			return err
		}
	}
	if err := c.f.Sync(); err != nil {
		return err
	}
	if !c.entered {
		if err := syncFolder(filepath.Dir(c.final)); err != nil {
			return err
		}
	}
	c.synced, c.entered = upTo, true
	return nil
}

// finish gives a file its final name. What it holds is durable already.
func (c *cdrFile) finish() error {
	if err := errors.Join(os.Rename(c.final+partEnding, c.final), c.f.Close()); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(c.final))
}

// abandon finishes a file that failed with the lines that are safely in it.
func (c *cdrFile) abandon() error {
	err := c.f.Truncate(c.synced)
	if err == nil && c.synced == 0 {
		return errors.Join(os.Remove(c.final+partEnding), c.f.Close())
	}
	if err != nil {
		return errors.Join(err, c.f.Close()) // the next start finishes it
	}
	return c.finish()
}

// recoverCDRs finishes the files that were being written when their process
// ended: a line that is not whole is cut off, and a file without any removed.
func recoverCDRs(dir, node string) (finished int, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return 0, fmt.Errorf("making the folder: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, fmt.Errorf("reading the folder: %w", err)
	}
	for _, e := range entries {
		if !isCDRPart(e.Name(), node) {
			continue
		}
		done, err := recoverCDR(filepath.Join(dir, e.Name()))
		if err != nil {
			return finished, fmt.Errorf("finishing %s: %w", e.Name(), err)
		}
		if done {
			finished++
		}
	}
	return finished, syncFolder(dir)
}

func isCDRPart(name, node string) bool {
	at, ok := strings.CutPrefix(name, node+"-")
	if !ok {
		return false
	}
	at, ok = strings.CutSuffix(at, cdrEnding+partEnding)
	if !ok {
		return false
	}
	_, err := time.Parse(cdrTime, at)
	return err == nil
}

// recoverCDR finishes one file. It is false for one that a running process has.
func recoverCDR(path string) (bool, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }() // Sync is what counts
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return false, nil // it is in use
	}
	whole, err := wholeLines(f)
	if err != nil {
		return false, err
	}
	if whole == 0 {
		return true, os.Remove(path)
	}
	if err := errors.Join(f.Truncate(whole), f.Sync()); err != nil {
		return false, err
	}
	final := strings.TrimSuffix(path, partEnding)
	if _, err := os.Lstat(final); err == nil {
		return false, errors.New("there is a finished file of this name")
	}
	return true, os.Rename(path, final)
}

// wholeLines is the length of a file up to its last line feed.
func wholeLines(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	buffer := make([]byte, 1<<16)
	for end := info.Size(); end > 0; {
		start := max(end-int64(len(buffer)), 0)
		part := buffer[:end-start]
		if _, err := f.ReadAt(part, start); err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if i := bytes.LastIndexByte(part, '\n'); i >= 0 {
			return start + int64(i) + 1, nil
		}
		end = start
	}
	return 0, nil
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
