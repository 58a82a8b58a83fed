package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"maskline/api/problem"
	"maskline/api/sandbox"
)

// movedClock is the time and so much more. It never goes back, also over a restart.
type movedClock struct {
	path  string
	mu    sync.Mutex // of the file
	ahead atomic.Int64
}

// loadClock reads how far ahead the clock of a folder is.
func loadClock(path string) (*movedClock, error) {
	c := &movedClock{path: path}
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return c, nil
	case err != nil:
		return nil, fmt.Errorf("reading the clock of a sandbox: %w", err)
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || seconds < 0 || seconds > int64(sandbox.MaxAdvance/time.Second) {
		return nil, errClockFile
	}
	c.ahead.Store(int64(time.Duration(seconds) * time.Second))
	return c, nil
}

var errClockFile = errors.New("the clock of a sandbox is no number of seconds that it could be ahead by")

// Now is what it says.
func (c *movedClock) Now() time.Time { return c.of(time.Now()) }

// of is what it said, or will say, at a time.
func (c *movedClock) of(at time.Time) time.Time { return at.Add(time.Duration(c.ahead.Load())) }

// advance moves it on, once that is kept.
func (c *movedClock) advance(by time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	ahead := time.Duration(c.ahead.Load())
	if by < 0 || by > sandbox.MaxAdvance-ahead {
		return problem.Invalid("body.seconds", "expected at most "+strconv.FormatInt(int64((sandbox.MaxAdvance-ahead)/time.Second), 10)+
			", so that the clock is ten years ahead at most")
	}
	if err := c.keep(ahead + by); err != nil {
		return fmt.Errorf("keeping the clock of a sandbox: %w", err)
	}
	c.ahead.Store(int64(ahead + by))
	return nil
}

func (c *movedClock) keep(ahead time.Duration) error {
	next := c.path + ".next"
	if err := os.WriteFile(next, strconv.AppendInt(nil, int64(ahead/time.Second), 10), 0o600); err != nil {
		return err
	}
	return os.Rename(next, c.path)
}
