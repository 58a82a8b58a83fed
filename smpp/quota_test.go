package smpp

import (
	"sync"
	"testing"
	"time"

	"maskline/smpp/pdu"
)

const second = time.Second

func TestQuota(t *testing.T) {
	noon := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	q := &quota{}
	q.limit.Store(10)
	take := func(at time.Time, n int, want bool) {
		t.Helper()
		if got := q.take(at, n); got != want {
			t.Fatalf("%d more: %v, with %d left", n, got, q.left(at))
		}
	}
	take(noon, 8, true)
	take(noon, 3, false)
	q.limit.Store(7) // a reload
	take(noon, 0, true)
	q.limit.Store(10)
	take(noon, 2, true)
	take(noon, 1, false)
	q.giveBack(dayOf(noon), 4)
	take(noon, 4, true)
	midnight := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	take(midnight.Add(-time.Nanosecond), 1, false)
	take(midnight, 10, true)
	q.giveBack(dayOf(noon), 4) // yesterday's
	take(midnight, 1, false)
	take(midnight.Add(-time.Second), 1, false) // a clock that goes back gives nothing
	q.limit.Store(0)
	if !q.take(noon, 1_000_000) {
		t.Fatal("no quota refused")
	}
}

// Only what is accepted counts in the end.
func TestAccountOverItsQuota(t *testing.T) {
	s := newStill(t, func(c *Config) { c.Accounts[0].Quota.Day = 2 })
	shop, alfa := s.account("shop"), s.carrier("alfa")
	submit := func(downstream, want pdu.Status) {
		t.Helper()
		shop.submit(text(alice, maskOfBob, "x"))
		alfa.respond(alfa.one(pdu.SubmitSM), downstream, "1")
		if r := shop.one(pdu.SubmitSMResp); r.Status != want {
			t.Fatalf("answered %02x", uint32(r.Status))
		}
	}
	submit(pdu.ROK, pdu.ROK)
	submit(pdu.RInvDstAdr, pdu.RInvDstAdr)
	submit(pdu.ROK, pdu.ROK)
	shop.submit(text(alice, maskOfBob, "x"))
	if r := shop.one(pdu.SubmitSMResp); r.Status != pdu.RSubmitFail {
		t.Fatalf("answered %02x", uint32(r.Status))
	}
	alfa.none("beyond the quota")
	if n := s.Edge.account("shop").overQuota.Load(); n != 1 || shop.unanswered != 0 {
		t.Fatalf("%d counted, %d open", n, shop.unanswered)
	}
	s.now = s.now.Add(24 * time.Hour)
	submit(pdu.ROK, pdu.ROK)
}

// keptUsage is a store in memory.
type keptUsage struct {
	mu   sync.Mutex
	kept map[string]Usage
}

func (k *keptUsage) Load() (map[string]Usage, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.kept, nil
}

func (k *keptUsage) Save(used map[string]Usage) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kept = used
	return nil
}

// An orderly stop forgets nothing of the day.
func TestQuotaOverARestart(t *testing.T) {
	store := &keptUsage{}
	change := func(c *Config) {
		c.Usage = store
		c.Accounts[0].Quota.Day = 3
	}
	for _, want := range [][]pdu.Status{{pdu.ROK, pdu.ROK}, {pdu.ROK, pdu.RSubmitFail}} {
		b, shop, carrier := relayTo(t, change)
		for _, status := range want {
			shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "x"))
			if status == pdu.ROK {
				carrier.respond(t, carrier.expect(t, pdu.SubmitSM, pdu.ROK), pdu.ROK, "1")
			}
			shop.expect(t, pdu.SubmitSMResp, status)
		}
		shop.conn.Close()
		carrier.conn.Close()
		b.stop()
	}
	if got := store.kept["shop"].Segments; got != 3 {
		t.Fatalf("%d segments are kept", got)
	}
}
