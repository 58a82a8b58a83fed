package ledger

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"
)

// recoverCDRs finishes the files that were being written when their process
// ended: a line that is not whole is cut off, and a file without any removed. It
// names those that had to get another name, since theirs was taken.
func recoverCDRs(dir, node string) (finished int, renamed []string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return 0, nil, fmt.Errorf("making the folder: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, nil, fmt.Errorf("reading the folder: %w", err)
	}
	for _, e := range entries {
		opened, ok := cdrPartOpened(e.Name(), node)
		if !ok {
			continue
		}
		done, taken, err := recoverCDR(dir, node, opened)
		if err != nil {
			return finished, renamed, fmt.Errorf("finishing %s: %w", e.Name(), err)
		}
		if done {
			finished++
		}
		if taken {
			renamed = append(renamed, e.Name())
		}
	}
	return finished, renamed, syncFolder(dir)
}

// cdrPartOpened is the instant in the name of a file of the node that is not
// finished.
func cdrPartOpened(name, node string) (opened time.Time, ok bool) {
	at, ok := strings.CutPrefix(name, node+"-")
	if !ok {
		return opened, false
	}
	at, ok = strings.CutSuffix(at, cdrEnding+partEnding)
	if !ok {
		return opened, false
	}
	opened, err := time.Parse(cdrTime, at)
	return opened, err == nil
}

// recoverCDR finishes one file. It is not done with one that a running process
// has.
func recoverCDR(dir, node string, opened time.Time) (done, taken bool, err error) {
	final := cdrPath(dir, node, opened)
	path := final + partEnding
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false, false, err
	}
	defer func() { _ = f.Close() }() // Sync is what counts
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return false, false, nil // it is in use
	}
	whole, err := wholeLines(f)
	if err != nil {
		return false, false, err
	}
	if whole == 0 {
		return true, false, os.Remove(path)
	}
	if err := errors.Join(f.Truncate(whole), f.Sync()); err != nil {
		return false, false, err
	}
	if _, err := os.Lstat(final); err == nil {
		return true, true, finishBeside(f, path, dir, node, opened)
	}
	return true, false, os.Rename(path, final)
}

// finishBeside finishes a file whose name a finished one has, which somebody put
// back perhaps: under the next name that is free, and without the lines that the
// finished one has already. That one is left as it is. Whenever this is cut short,
// the next start does the rest.
func finishBeside(f *os.File, path, dir, node string, opened time.Time) error {
	left, err := linesBeside(f, path, strings.TrimSuffix(path, partEnding))
	if err != nil {
		return err
	}
	if left == 0 {
		return os.Remove(path)
	}
	for at := opened.Add(time.Millisecond); ; at = at.Add(time.Millisecond) {
		final := cdrPath(dir, node, at)
		if isFree(final) && isFree(final+partEnding) {
			return os.Rename(path, final)
		}
	}
}

func isFree(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// linesBeside takes the lines of the finished file out of the other one, and
// returns how many are left.
func linesBeside(f *os.File, path, finished string) (left int, err error) {
	known, err := linesOf(finished)
	if err != nil {
		return 0, err
	}
	thinned, err := os.OpenFile(path+".thin", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() { _ = thinned.Close() }() // Sync is what counts
	w := bufio.NewWriter(thinned)
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	err = eachLine(f, func(line []byte) error {
		if known[sha256.Sum256(line)] {
			return nil
		}
		left++
		_, err := w.Write(line)
		return err
	})
	if err = errors.Join(err, w.Flush(), thinned.Sync()); err != nil {
		return 0, err
	}
	return left, os.Rename(thinned.Name(), path)
}

// linesOf is the digests of a file's lines.
func linesOf(path string) (map[[sha256.Size]byte]bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was read only
	known := map[[sha256.Size]byte]bool{}
	return known, eachLine(f, func(line []byte) error {
		known[sha256.Sum256(line)] = true
		return nil
	})
}

// eachLine gives f each whole line.
func eachLine(r io.Reader, f func(line []byte) error) error {
	lines := bufio.NewReaderSize(r, 1<<16)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = f(line)
		}
		if err != nil {
			return err
		}
	}
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
