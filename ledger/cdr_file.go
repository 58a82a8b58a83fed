package ledger

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
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

func cdrPath(dir, node string, at time.Time) string {
	return filepath.Join(dir, node+"-"+at.UTC().Format(cdrTime)+cdrEnding)
}

// createCDR opens a new file under a name that is not taken.
func createCDR(dir, node string, now time.Time) (*cdrFile, error) {
	for at := now; ; at = at.Add(time.Millisecond) {
		final := cdrPath(dir, node, at)
		if _, err := os.Lstat(final); err == nil {
			continue
		}
		f, err := claimCDR(final)
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

// claimCDR opens the file that is to become final. It looks for a finished one
// afterwards: the file before may have had the name until a moment ago, and would be
// lost when this one is finished.
func claimCDR(final string) (*os.File, error) {
	f, err := os.OpenFile(final+partEnding, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	switch _, err = os.Lstat(final); {
	case errors.Is(err, fs.ErrNotExist):
		return f, nil
	case err == nil:
		err = fs.ErrExist
	}
	return nil, errors.Join(err, os.Remove(final+partEnding), f.Close())
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

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
