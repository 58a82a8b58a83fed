package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if sent, _ := restored(t, l); len(sent) == 1 {
			return
		}
		if time.Now().After(end) {
			t.Fatal("it was not written")
		}
	}
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

func TestTheFileShowsNothing(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Config{Dir: dir})
	for i := range 2000 {
		l.Sent(submission(i))
		if i < 200 {
			holdAll(t, l, receipt(i))
		}
	}
	scan := func() (octets int) {
		t.Helper()
		secrets := [][]byte{[]byte("shop"), []byte("alfa"), []byte("Shöp")}
		for i := range 2000 {
			for _, text := range []string{submission(i).Source.Digits, submission(i).Destination.Digits, submission(i).RemoteID} {
				secrets = append(secrets, []byte(text))
			}
		}
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			octets += len(content)
			for _, secret := range secrets {
				if bytes.Contains(content, secret) {
					t.Errorf("%s shows %d octets of a submission", entry.Name(), len(secret))
				}
			}
			if info, err := entry.Info(); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %v, %v", entry.Name(), info.Mode(), err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return octets
	}
	scan() // with its WAL
	closeIt(t, l)
	if octets := scan(); octets < 2000*50 {
		t.Fatalf("only %d octets were written", octets)
	}
	// The scan finds what is not sealed.
	if err := os.WriteFile(filepath.Join(dir, "planted"), []byte("x"+submission(7).Source.Digits), 0o600); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(dir, "planted"))
	if err != nil || !bytes.Contains(content, []byte(submission(7).Source.Digits)) {
		t.Fatal("the scan would find nothing")
	}
}

func TestRetention(t *testing.T) {
	dir := t.TempDir()
	now := noon.Add(time.Minute)
	clock := func() time.Time { return now }
	l := open(t, Config{Dir: dir, Now: clock})
	old, young := submission(1), submission(2)
	young.At = noon.Add(50 * time.Hour)
	l.Sent(old)
	oldHeld, youngHeld := receipt(1), receipt(2)
	youngHeld.Held = noon.Add(50 * time.Hour)
	holdAll(t, l, oldHeld, youngHeld)
	closeIt(t, l)

	now = noon.Add(60 * time.Hour)
	l = open(t, Config{Dir: dir, Now: clock})
	l.Sent(young)
	if sent, held := restored(t, l); len(sent) != 1 || len(held) != 1 || held[0].ID != 2 {
		t.Fatalf("after 60 hours %d submissions, %d receipts", len(sent), len(held))
	}
	closeIt(t, l)

	now = noon.Add(80 * time.Hour)
	l = open(t, Config{Dir: dir, Now: clock})
	if sent, held := restored(t, l); len(sent) != 1 || sent[0] != young || len(held) != 0 {
		t.Fatalf("after 80 hours %d submissions, %d receipts", len(sent), len(held))
	}
	var rows int
	if err := l.db.QueryRow(`SELECT (SELECT count(*) FROM sent) + (SELECT count(*) FROM held)`).Scan(&rows); err != nil || rows != 1 {
		t.Fatalf("%d rows are left in the file, %v", rows, err)
	}
	closeIt(t, l)
}

func TestSubmissionsAreBounded(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Config{Dir: dir, SentMax: 10_000, FlushEvery: time.Millisecond})
	for i := range 60_000 {
		l.Sent(submission(i))
	}
	closeIt(t, l)
	l = open(t, Config{Dir: dir, SentMax: 10_000})
	defer closeIt(t, l)
	sent, _ := restored(t, l)
	if len(sent) == 0 || len(sent) > 10_000 || sent[len(sent)-1] != submission(59_999) {
		t.Fatalf("%d submissions are left", len(sent))
	}
}

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
