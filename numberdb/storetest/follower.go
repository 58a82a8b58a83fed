package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/e164"
	"maskline/numberdb"
	"maskline/testbench/await"
)

// Deadline bounds each wait of the contract.
const Deadline = 20 * time.Second

// Key is the key of a binding.
type Key [2]e164.Number

// Follower holds what a store has told, by key.
type Follower struct {
	mu       sync.Mutex
	rows     map[Key]numberdb.Binding
	position numberdb.Position
	held     numberdb.Position // of run
	loads    int
	calls    int // of apply
	broken   error
	stop     context.CancelFunc
	ended    chan struct{}
}

// Follow loads the store and follows it until the test ends or Stop; whenever
// the feed ends it loads again.
func Follow(t *testing.T, store numberdb.Store) *Follower {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	f := &Follower{stop: cancel, ended: make(chan struct{})}
	go f.run(ctx, store)
	t.Cleanup(f.Stop)
	f.eventually(t, "the first load", func() bool { return f.loads > 0 })
	return f
}

// Stop ends the following and waits for it.
func (f *Follower) Stop() {
	f.stop()
	<-f.ended
}

func (f *Follower) run(ctx context.Context, store numberdb.Store) {
	defer close(f.ended)
	for ctx.Err() == nil {
		err := f.once(ctx, store)
		if errors.Is(err, numberdb.ErrClosed) {
			return
		}
		// A store that is away is asked again; nothing waits on this pace.
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// once loads and follows until something is lost.
func (f *Follower) once(ctx context.Context, store numberdb.Store) error {
	feed, err := store.Feed(ctx, f.held)
	if err != nil {
		return err
	}
	defer func() { _ = feed.Close() }() // some are broken on purpose
	if !feed.About().Resumes {
		rows := map[Key]numberdb.Binding{}
		snapshot, err := feed.Load(ctx, func(b numberdb.Binding) { rows[Key{b.Mask, b.Party}] = b })
		if err != nil {
			return err
		}
		f.mu.Lock()
		f.rows, f.position = rows, snapshot.Position
		f.loads++
		f.mu.Unlock()
	}
	err = feed.Follow(ctx, f.apply)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.held = f.position; errors.Is(err, numberdb.ErrFeedLost) {
		f.held = 0
	}
	return err
}

func (f *Follower) apply(batch numberdb.Batch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if batch.Position < f.position {
		f.broken = fmt.Errorf("the position went back from %d to %d", f.position, batch.Position)
	}
	f.position = batch.Position
	for _, c := range batch.Changes {
		key := Key{c.Binding.Mask, c.Binding.Party}
		if key[0] != key[0].Canonical() || key[1] != key[1].Canonical() {
			f.broken = errors.New("a key in the feed is not canonical")
		}
		if c.Deleted {
			delete(f.rows, key)
		} else {
			f.rows[key] = c.Binding
		}
	}
}

// Loads is how often the follower has loaded.
func (f *Follower) Loads() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.loads
}

// WaitFor waits until the follower has reached the position.
func (f *Follower) WaitFor(t *testing.T, position numberdb.Position) {
	t.Helper()
	f.eventually(t, "the position", func() bool { return f.position >= position })
}

// WaitEqual waits until the follower holds what the database holds.
func (f *Follower) WaitEqual(t *testing.T, store numberdb.Store) {
	t.Helper()
	want := Rows(t, store)
	f.eventually(t, "equality with the database", func() bool {
		return maps.EqualFunc(f.rows, want, equal)
	})
}

// equal is cmp.Equal without reflection, for many rows.
func equal(a, b numberdb.Binding) bool {
	return a.Mask == b.Mask && a.Party == b.Party && a.To == b.To && a.Present == b.Present && a.Services == b.Services &&
		slices.Equal(a.Carriers, b.Carriers) && a.Expires.Equal(b.Expires) && a.Tenant == b.Tenant &&
		a.Session == b.Session && a.Second == b.Second && a.Counted == b.Counted
}

func (f *Follower) eventually(t *testing.T, what string, reached func() bool) {
	t.Helper()
	Eventually(t, what, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.broken != nil {
			t.Fatal(f.broken)
		}
		return reached()
	})
}

// Eventually waits until reached, at most for Deadline.
func Eventually(t *testing.T, what string, reached func() bool) {
	t.Helper()
	await.That(t, Deadline, what, reached)
}

// Rows is what the store holds.
func Rows(t *testing.T, store numberdb.Store) map[Key]numberdb.Binding {
	t.Helper()
	rows := map[Key]numberdb.Binding{}
	snapshot, err := store.Load(t.Context(), func(b numberdb.Binding) {
		key := Key{b.Mask, b.Party}
		if _, twice := rows[key]; twice {
			t.Error("a snapshot holds a key twice")
		}
		rows[key] = b
	})
	if err != nil || snapshot.Refused != 0 {
		t.Fatalf("loading: %d refused, %v", snapshot.Refused, err)
	}
	return rows
}

// Digest is a text of all rows in order, to compare two sets of them.
func Digest(rows map[Key]numberdb.Binding) string {
	var text strings.Builder
	keys := slices.SortedFunc(maps.Keys(rows), func(a, b Key) int { return slices.Compare(a[:], b[:]) })
	for _, key := range keys {
		b := rows[key]
		fmt.Fprintln(&text, b.Mask.Reveal(), b.Party.Reveal(), b.To.Reveal(), b.Present.Reveal(), b.Services, b.Carriers,
			b.Expires.UnixMicro(), b.Tenant, b.Session, b.Second.Reveal(), b.Counted)
	}
	return text.String()
}
