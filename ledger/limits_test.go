package ledger

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTheBufferIsBounded(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Config{Dir: dir, SentBuffer: 100_000, FlushEvery: time.Hour})
	for i := range 10_000 {
		l.Sent(submission(i))
	}
	dropped := int(value(t, l.metrics.dropped))
	if dropped == 0 || dropped > 9900 {
		t.Fatalf("%d dropped", dropped)
	}
	closeIt(t, l)
	l = open(t, Config{Dir: dir})
	defer closeIt(t, l)
	if sent, _ := restored(t, l); len(sent)+dropped != 10_000 {
		t.Fatalf("%d written and %d dropped of 10,000", len(sent), dropped)
	}
}

func TestHoldRefuses(t *testing.T) {
	long := receipt(1)
	long.Account = strings.Repeat("a", 256)
	l := open(t, Config{Dir: t.TempDir(), HoldQueue: 1})
	faults := make(chan error, 100)
	hold := func(r HeldReceipt) { l.Hold(r, func(err error) { faults <- err }) }
	hold(long)
	if err := <-faults; !errors.Is(err, ErrTooLong) {
		t.Fatalf("a long name: %v", err)
	}
	tooLong := submission(1)
	tooLong.RemoteID = strings.Repeat("1", 256)
	l.Sent(tooLong)
	if value(t, l.metrics.dropped) != 1 {
		t.Error("a long id was noted")
	}
	// With the writer at work the queue of one is soon full.
	release, entered := make(chan struct{}), make(chan struct{})
	l.Hold(receipt(2), func(error) { close(entered); <-release })
	<-entered
	hold(receipt(3))
	hold(receipt(4))
	if err := <-faults; !errors.Is(err, ErrBusy) {
		t.Fatalf("a full queue: %v", err)
	}
	close(release)
	if err := <-faults; err != nil {
		t.Fatal(err)
	}
	closeIt(t, l)
	hold(receipt(5))
	if err := <-faults; !errors.Is(err, ErrClosed) {
		t.Fatalf("a closed ledger: %v", err)
	}
	l.Sent(submission(1))
	l.Forget(1)
	if err := l.Close(); err != nil {
		t.Fatalf("closing twice: %v", err)
	}
}

func TestAFullDisk(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Config{Dir: dir, FlushEvery: 5 * time.Millisecond, SentBuffer: 1 << 20})
	holdAll(t, l, receipt(1), receipt(2))
	limit := func(pages int) {
		t.Helper()
		if _, err := l.db.Exec(fmt.Sprintf(`PRAGMA max_page_count = %d`, pages)); err != nil {
			t.Fatal(err)
		}
	}
	limit(1) // as many as there are
	big := receipt(3)
	big.Account = strings.Repeat("x", 255)
	failed := 0
	for i := range 100 {
		answered := make(chan error, 1)
		big.ID = uint64(100 + i)
		l.Hold(big, func(err error) { answered <- err })
		if err := <-answered; err != nil {
			failed++
		}
	}
	if failed == 0 || value(t, l.metrics.holdFailures) != float64(failed) || value(t, l.metrics.writeErrors) == 0 {
		t.Fatalf("%d failed, metrics say %v and %v", failed, value(t, l.metrics.holdFailures), value(t, l.metrics.writeErrors))
	}
	for i := range 50_000 {
		l.Sent(submission(i))
	}
	if value(t, l.metrics.dropped) == 0 {
		t.Fatal("the buffer has no bound while the disk is full")
	}
	dropped := int(value(t, l.metrics.dropped))
	l.Forget(1)
	limit(1 << 30)
	holdAll(t, l, receipt(4))
	closeIt(t, l)
	l = open(t, Config{Dir: dir})
	defer closeIt(t, l)
	sent, held := restored(t, l)
	if len(sent)+dropped != 50_000 {
		t.Errorf("%d submissions written, %d dropped", len(sent), dropped)
	}
	var ids []uint64
	for _, r := range held {
		ids = append(ids, r.ID)
	}
	if slices.Contains(ids, 1) || !slices.Contains(ids, 2) || !slices.Contains(ids, 4) || len(ids) != 2+100-failed {
		t.Errorf("held %v with %d failed", ids, failed)
	}
}
