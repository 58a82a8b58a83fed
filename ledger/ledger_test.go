package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"maskline/seal"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("MASKLINE_TEST_WRITE"); dir != "" {
		writeInChild(dir)
	}
	if dir := os.Getenv("MASKLINE_TEST_CDRS"); dir != "" {
		writeCDRsInChild(dir)
	}
	goleak.VerifyTestMain(m)
}

var (
	noon    = time.Date(2026, 11, 21, 12, 0, 0, 123456000, time.UTC).Local()
	testKey = seal.Generate()
)

func submission(i int) Submission {
	return Submission{
		Carrier: "alfa", RemoteID: fmt.Sprintf("remote%d", i), LocalID: uint64(1000 + i), Account: "shop",
		Source: Address{TON: 1, NPI: 1, Digits: fmt.Sprintf("44111%07d", i)}, Destination: Address{TON: 1, NPI: 1, Digits: fmt.Sprintf("44770%07d", i)},
		Wants: 1, At: noon.Add(time.Duration(i) * time.Millisecond), Final: i%3 == 0,
	}
}

func receipt(i int) HeldReceipt {
	return HeldReceipt{
		ID: uint64(i), Account: "shop", LocalID: uint64(1000 + i),
		Source: Address{TON: 1, NPI: 1, Digits: fmt.Sprintf("44770%07d", i)}, Destination: Address{TON: 5, Digits: fmt.Sprintf("Shöp%07d", i)},
		State: 2, NetworkType: 3, ErrorCode: 0xABCD, Submitted: noon, Done: noon.Add(time.Second), Held: noon.Add(2 * time.Second),
	}
}

func open(t testing.TB, cfg Config) *Ledger {
	t.Helper()
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return noon.Add(time.Minute) }
	}
	l, err := Open(t.Context(), cfg, testKey, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func closeIt(t testing.TB, l *Ledger) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// holdAll holds receipts at once and waits for all of them.
func holdAll(t testing.TB, l *Ledger, receipts ...HeldReceipt) {
	t.Helper()
	faults := make(chan error, len(receipts))
	for _, r := range receipts {
		l.Hold(r, func(err error) { faults <- err })
	}
	for range receipts {
		if err := <-faults; err != nil {
			t.Fatal(err)
		}
	}
}

func restored(t testing.TB, l *Ledger) (sent []Submission, held []HeldReceipt) {
	t.Helper()
	err := l.Restore(t.Context(), func(s Submission) { sent = append(sent, s) }, func(r HeldReceipt) { held = append(held, r) })
	if err != nil {
		t.Fatal(err)
	}
	return sent, held
}

func TestWhatWasWrittenIsRestoredInOrder(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Config{Dir: dir})
	var wantSent []Submission
	for i := range 5000 {
		s := submission((i * 7919) % 5000) // not in the order of ids
		wantSent = append(wantSent, s)
		l.Sent(s)
	}
	var wantHeld []HeldReceipt
	for _, i := range []int{9, 3, 7, 1, 8} {
		wantHeld = append(wantHeld, receipt(i))
		holdAll(t, l, receipt(i))
	}
	closeIt(t, l)

	l = open(t, Config{Dir: dir})
	sent, held := restored(t, l)
	if diff := cmp.Diff(wantSent, sent); diff != "" {
		t.Fatal(diff)
	}
	if diff := cmp.Diff(wantHeld, held); diff != "" {
		t.Fatal(diff)
	}
	// Notes of a second life come after those of the first.
	l.Sent(submission(5001))
	l.Forget(3, 8)
	holdAll(t, l, receipt(2))
	closeIt(t, l)
	l = open(t, Config{Dir: dir})
	defer closeIt(t, l)
	sent, held = restored(t, l)
	if len(sent) != 5001 || sent[5000] != submission(5001) {
		t.Fatalf("%d submissions", len(sent))
	}
	var ids []uint64
	for _, r := range held {
		ids = append(ids, r.ID)
	}
	if diff := cmp.Diff([]uint64{9, 7, 1, 2}, ids); diff != "" {
		t.Fatal(diff)
	}
}

func TestSentIsWrittenBehind(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Config{Dir: dir, FlushEvery: 10 * time.Millisecond})
	defer closeIt(t, l)
	l.Sent(submission(1))
	eventually(t, "a note that is written", func() bool {
		sent, _ := restored(t, l)
		return len(sent) == 1
	})
}

func TestHoldAgainReplaces(t *testing.T) {
	l := open(t, Config{Dir: t.TempDir()})
	defer closeIt(t, l)
	second := receipt(1)
	second.State = 5
	holdAll(t, l, receipt(1))
	holdAll(t, l, second)
	if _, held := restored(t, l); len(held) != 1 || held[0].State != 5 {
		t.Fatalf("%d receipts", len(held))
	}
}

func TestForgetAfterHoldInOneGroup(t *testing.T) {
	l := open(t, Config{Dir: t.TempDir()})
	defer closeIt(t, l)
	for i := range 100 {
		l.Hold(receipt(i), func(error) {})
		l.Forget(uint64(i))
	}
	holdAll(t, l, receipt(1000))
	if _, held := restored(t, l); len(held) != 1 {
		t.Fatalf("%d receipts", len(held))
	}
}

func TestManyCallers(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Config{Dir: dir, FlushEvery: time.Millisecond})
	const callers, each = 32, 40
	var group sync.WaitGroup
	for c := range callers {
		group.Go(func() {
			for i := range each {
				n := c*each + i
				l.Sent(submission(n))
				answered := make(chan error, 1)
				l.Hold(receipt(n), func(err error) { answered <- err })
				if err := <-answered; err != nil {
					t.Error(err)
				}
				if i%2 == 0 {
					l.Forget(uint64(n))
				}
			}
		})
	}
	group.Wait()
	closeIt(t, l)
	l = open(t, Config{Dir: dir})
	defer closeIt(t, l)
	sent, held := restored(t, l)
	if len(sent) != callers*each || len(held) != callers*each/2 {
		t.Fatalf("%d submissions, %d receipts", len(sent), len(held))
	}
}

// A callback may use the ledger.
func TestDoneMayCallBack(t *testing.T) {
	l := open(t, Config{Dir: t.TempDir()})
	defer closeIt(t, l)
	last := make(chan error)
	l.Hold(receipt(1), func(error) {
		l.Sent(submission(1))
		l.Forget(1)
		l.Hold(receipt(2), func(err error) { last <- err })
	})
	if err := <-last; err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Config{Dir: dir})
	holdAll(t, l, receipt(1))
	reopen := func(key *seal.Key) error {
		other, err := Open(t.Context(), Config{Dir: dir}, key, zap.NewNop(), prometheus.NewRegistry())
		if err == nil {
			closeIt(t, other)
		}
		return err
	}
	if err := reopen(testKey); !errors.Is(err, ErrInUse) {
		t.Errorf("while it is in use: %v", err)
	}
	closeIt(t, l)
	if err := reopen(seal.Generate()); !errors.Is(err, ErrWrongKey) {
		t.Errorf("with another key: %v", err)
	}
	if err := reopen(testKey); err != nil {
		t.Fatal(err)
	}
	l = open(t, Config{Dir: dir})
	if _, err := l.db.Exec(`PRAGMA user_version = 2`); err != nil {
		t.Fatal(err)
	}
	closeIt(t, l)
	if err := reopen(testKey); !errors.Is(err, ErrNewer) {
		t.Errorf("a newer file: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, fileName), bytes.Repeat([]byte("no database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := reopen(testKey); err == nil {
		t.Error("a file that is no database was opened")
	}
}

func TestWhatCannotBeReadIsLeftOut(t *testing.T) {
	l := open(t, Config{Dir: t.TempDir()})
	defer closeIt(t, l)
	holdAll(t, l, receipt(1), receipt(2), receipt(3))
	// Moving what is sealed to another row does not open it there.
	if _, err := l.db.Exec(`UPDATE held SET sealed = (SELECT sealed FROM held WHERE id = 1) WHERE id = 2`); err != nil {
		t.Fatal(err)
	}
	if _, err := l.db.Exec(`INSERT INTO sent VALUES (1, ?, 1, x'01020304')`, noon.UnixMicro()); err != nil {
		t.Fatal(err)
	}
	sent, held := restored(t, l)
	if len(sent) != 0 || len(held) != 2 || value(t, l.metrics.unreadable) != 2 {
		t.Fatalf("%d submissions, %d receipts, %v unreadable", len(sent), len(held), value(t, l.metrics.unreadable))
	}
}

func TestRestoreStops(t *testing.T) {
	l := open(t, Config{Dir: t.TempDir()})
	defer closeIt(t, l)
	holdAll(t, l, receipt(1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Restore(ctx, func(Submission) {}, func(HeldReceipt) {}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	holdAll(t, l, receipt(2))
}
