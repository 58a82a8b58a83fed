package numberdb

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// waitingLines is an AuditStore of which only ChainAudit is used.
type waitingLines struct {
	AuditStore
	mu      sync.Mutex
	waiting int
	fail    bool
	head    AuditHead
}

func (w *waitingLines) ChainAudit(_ context.Context, most int) (int, int, AuditHead, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail {
		return 0, 0, AuditHead{}, errors.New("away")
	}
	n := min(most, w.waiting)
	w.waiting -= n
	w.head.Place += uint64(n)
	return n, 0, w.head, nil
}

func (w *waitingLines) set(waiting int, fail bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting, w.fail = waiting, fail
}

func TestAuditor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &waitingLines{waiting: 3*chainAtOnce + 1}
		var kept []uint64
		a, err := NewAuditor(store, func(h AuditHead) error { kept = append(kept, h.Place); return nil }, zap.NewNop(), prometheus.NewRegistry())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- a.Run(ctx) }()
		time.Sleep(chainEvery + time.Millisecond)
		store.set(5, true)
		time.Sleep(10 * chainEvery)
		store.set(5, false)
		time.Sleep(chainEvery + time.Millisecond)
		store.set(2, false)
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if len(kept) != 3 || kept[0] != 3*chainAtOnce+1 || kept[1] != kept[0]+5 || kept[2] != kept[1]+2 {
			t.Errorf("ends that were kept: %v", kept)
		}
	})
}

func TestAuditHeads(t *testing.T) {
	head := AuditHead{Place: 12, Hash: AuditHash{1, 2, 255}}
	if got, err := ParseAuditHead(" " + head.Text() + "\n"); err != nil || got != head {
		t.Errorf("%v, %v", got, err)
	}
	for _, text := range []string{"", "12", "-", "0-" + strings.Repeat("00", 32), "12-" + strings.Repeat("00", 31), "12-" + strings.Repeat("zz", 32), "-1-" + strings.Repeat("00", 32)} {
		if _, err := ParseAuditHead(text); !errors.Is(err, ErrAuditHead) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestLinesAreShortAndWhole(t *testing.T) {
	a := &Auditing{Node: "edge-1"}
	now := time.Now()
	w := &Writes{Events: []MaskEvent{{Mask: 1, At: now, Why: strings.Repeat("ü", 5000)}}}
	lines := a.Lines("", now, w)
	if len(lines) != 1 || lines[0].Actor != EdgeActor || lines[0].Check() != nil {
		t.Errorf("%+v, %v", lines, lines[0].Check())
	}
	if ActorOf(t.Context()) != EdgeActor || ActorOf(WithActor(t.Context(), "key_1")) != "key_1" {
		t.Error("the actor")
	}
	if one, two := a.Expired(7, now), (&Auditing{Node: "edge-2"}).Expired(7, now); one.ID != two.ID || one.Check() != nil || one.ID == 7 {
		t.Errorf("%+v", one)
	}
}
