package media

import (
	"testing"
	"time"
)

// flood sends more than a small buffer holds while nobody reads, and returns how
// many packets were lost once the rest has been relayed.
func (b *bed) flood(s *Session, a *peer, first uint16, packets int) (lost float64) {
	b.t.Helper()
	before := b.total.in.packets.Load()
	known, to := b.scrape()["receive_overruns_total{}"], reach(s, A)
	s.mu.Lock() // whoever reads waits for it
	for i := range packets {
		a.send(to, packet(1, first+uint16(i)))
	}
	s.mu.Unlock()
	eventually(b.t, "each packet is relayed or counted as lost", func() bool {
		b.sweep() // at the same time, so that waiting ends no episode
		lost = b.scrape()["receive_overruns_total{}"] - known
		return float64(b.total.in.packets.Load()-before)+lost == float64(packets)
	})
	return lost
}

func TestOverrunsAreCounted(t *testing.T) {
	b := newBed(t, func(c *Config) { c.ReceiveBuffer = 4096 })
	a, z := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3")
	s := b.call(a, z)
	told := func() int { return b.logs.FilterMessageSnippet("full receive buffers").Len() }
	for i := range 3 { // one episode
		if lost := b.flood(s, a, uint16(200*i), 200); lost == 0 {
			t.Fatal("no packet was lost")
		}
	}
	if told() != 1 {
		t.Errorf("told %d times", told())
	}
	b.pass(overrunOver)
	b.pass(time.Second)
	b.flood(s, a, 600, 200)
	if told() != 2 {
		t.Errorf("the second episode: told %d times", told())
	}
}

// What was lost is counted when the call ends, too.
func TestOverrunsOfACallThatEnds(t *testing.T) {
	b := newBed(t, func(c *Config) { c.ReceiveBuffer, c.Drain = 4096, 0 })
	a, z := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3")
	s := b.call(a, z)
	to := reach(s, A)
	s.mu.Lock()
	for i := range uint16(200) {
		a.send(to, packet(1, i))
	}
	s.mu.Unlock()
	s.Release()
	b.sweep()
	if lost := b.scrape()["receive_overruns_total{}"]; lost == 0 {
		t.Error("nothing was counted")
	}
}
