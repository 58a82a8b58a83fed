package sqlite

import (
	"context"
	"sync"
	"time"

	"maskline/numberdb"
)

const (
	feedChanges = 1 << 17         // changes kept for followers; a commit counts as one more
	feedSpare   = feedChanges / 8 // above it before the oldest go, since that copies what stays
	heartbeat   = time.Second
)

// feed is the tail of the commits. Changes are published in commit order.
type feed struct {
	mu      sync.Mutex
	start   numberdb.Position // what was committed up to here is no longer kept
	commits []commit          // their positions have no gaps
	changes int               // in commits, as feedChanges counts them
	wake    chan struct{}     // closed and replaced when something happens
	closed  bool
	// A commit that failed may have happened all the same. Until the position
	// is known again nobody follows.
	doubt  bool
	doubts int
}

type commit struct {
	position numberdb.Position
	changes  []numberdb.Change
}

func newFeed(start numberdb.Position) *feed {
	return &feed{start: start, wake: make(chan struct{})}
}

// last is the position of the newest commit known.
func (f *feed) last() numberdb.Position {
	if n := len(f.commits); n > 0 {
		return f.commits[n-1].position
	}
	return f.start
}

// keeps tells whether the feed may keep a commit of n changes, or forgets it at
// once.
func keeps(n int) bool { return n < feedChanges+feedSpare }

// publish adds a commit. If it keeps the changes they must not be altered
// afterwards.
func (f *feed) publish(position numberdb.Position, changes []numberdb.Change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.doubt || position != f.last()+1 {
		f.restart(position - 1)
	}
	f.commits = append(f.commits, commit{position, changes})
	f.changes += len(changes) + 1
	if f.changes > feedChanges+feedSpare {
		f.forget()
	}
	f.signal()
}

// forget drops the oldest commits. Followers may still read them, so what stays
// is copied.
func (f *feed) forget() {
	drop := 0
	for ; f.changes > feedChanges; drop++ {
		f.changes -= len(f.commits[drop].changes) + 1
		f.start = f.commits[drop].position
	}
	f.commits = append([]commit(nil), f.commits[drop:]...)
}

func (f *feed) restart(position numberdb.Position) {
	f.start, f.commits, f.changes, f.doubt = position, nil, 0, false
}

// lose makes every follower load again.
func (f *feed) lose() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.doubt = true
	f.doubts++
	f.signal()
}

// doubtCount is given to settle after a read of the position.
func (f *feed) doubtCount() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.doubts
}

// settle ends a doubt by a position read since, unless there is a newer doubt.
func (f *feed) settle(position numberdb.Position, doubts int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.doubt && f.doubts == doubts {
		f.restart(position)
	}
}

func (f *feed) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.signal()
}

func (f *feed) signal() {
	close(f.wake)
	f.wake = make(chan struct{})
}

// after returns the commits after a position and the channel to wait on when
// there are none.
func (f *feed) after(position numberdb.Position) ([]commit, <-chan struct{}, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return nil, nil, numberdb.ErrClosed
	case f.doubt, position < f.start, position > f.last():
		return nil, nil, numberdb.ErrFeedLost
	}
	first := len(f.commits)
	for first > 0 && f.commits[first-1].position > position {
		first--
	}
	return f.commits[first:], f.wake, nil
}

func (f *feed) follow(ctx context.Context, from numberdb.Position, apply func(numberdb.Batch)) error {
	alive := time.NewTicker(heartbeat)
	defer alive.Stop()
	for {
		commits, wake, err := f.after(from)
		if err != nil {
			return err
		}
		for _, c := range commits {
			apply(numberdb.Batch{Changes: c.changes, Position: c.position})
			from = c.position
		}
		if len(commits) > 0 && ctx.Err() == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-wake:
		case <-alive.C:
			apply(numberdb.Batch{Position: from})
		}
	}
}
