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
