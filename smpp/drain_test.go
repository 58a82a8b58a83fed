package smpp

import (
	"net"
	"sync"
	"testing"
	"time"

	"maskline/smpp/pdu"
)

// At the end what is in flight is finished, new messages are refused for now,
// binds are ended properly, and nobody can connect.
func TestDrain(t *testing.T) {
	b, shop, carrier := relayTo(t, nil)
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "in flight"))
	f := carrier.expect(t, pdu.SubmitSM, pdu.ROK)
	var stopping sync.WaitGroup
	stopping.Go(b.stop)
	eventually(t, "it drains", func() bool { return b.draining.Load() })
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "too late"))
	shop.expect(t, pdu.SubmitSMResp, pdu.RSysErr)
	carrier.respond(t, f, pdu.ROK, "1")
	shop.expect(t, pdu.SubmitSMResp, pdu.ROK)
	for _, w := range []*wire{shop, carrier} {
		u := w.expect(t, pdu.Unbind, pdu.ROK)
		w.write(t, pdu.AppendHeader(nil, pdu.UnbindResp, pdu.ROK, u.Sequence))
		w.expectEnd(t)
	}
	stopping.Wait()
	if conn, err := net.DialTimeout("tcp", b.addr, time.Second); err == nil {
		conn.Close()
		t.Fatal("the listener is still open")
	}
}

// A carrier that does not answer cannot keep the edge from ending; the upstream
// keeps its message.
func TestDrainEndsInTime(t *testing.T) {
	b, shop, carrier := relayTo(t, func(c *Config) { c.Drain = 100 * time.Millisecond })
	shop.send(t, pdu.SubmitSM, text(alice, maskOfBob, "x"))
	carrier.expect(t, pdu.SubmitSM, pdu.ROK)
	b.stop()
	for {
		_ = shop.conn.SetReadDeadline(time.Now().Add(patience))
		f, ok := shop.read()
		if !ok {
			return
		}
		if f.Command == pdu.SubmitSMResp && f.Status == pdu.ROK {
			t.Fatal("a message was acknowledged that no carrier had accepted")
		}
	}
}

// Receipts that wait on the disk do not hold up the end: the next start sends
// them.
func TestDrainLeavesHeldReceipts(t *testing.T) {
	s := newStill(t, nil)
	shop := s.account("shop")
	s.Edge.account("shop").held.restore(HeldReceipt{ID: 1, Account: "shop", State: pdu.Delivered, Held: s.now})
	s.draining.Store(true)
	s.pass(tick)
	shop.none("a held receipt was sent")
	if n := s.inFlight(); n != 0 {
		t.Fatalf("%d in flight", n)
	}
}

// After our unbind the peer may close at any moment: it is sent nothing more.
func TestNothingIsSentAfterOurUnbind(t *testing.T) {
	for name, m := range map[string]*pdu.Message{"message": text(alice, maskOfBob, "taxi"), "segment": segment(1, 2, 1)} {
		t.Run(name, func(t *testing.T) {
			s := newStill(t, nil)
			shop, alfa := s.account("shop"), s.carrier("alfa")
			alfa.unbind(s.turn)
			alfa.one(pdu.Unbind)
			shop.submit(m)
			s.pass(tick)
			alfa.none("it was sent")
		})
	}
}

// A segment that was throttled back is sent before a removed account is unbound.
func TestRetiringWaitsForTheLane(t *testing.T) {
	s := newStill(t, nil)
	shop := s.account("shop")
	shop.retire(s.turn, reasonRemoved)
	m := &message{}
	shop.lane.push(m)
	if action, _ := shop.nextRetiring(s.turn.at); action != retireWait {
		t.Error("unbound while a segment waits")
	}
	shop.lane.remove(m)
	if action, _ := shop.nextRetiring(s.turn.at); action != retireUnbind {
		t.Error("not unbound when none does")
	}
}
