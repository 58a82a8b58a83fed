package smpp

import (
	"net"
	"testing"

	"maskline/smpp/pdu"
)

// deadConn stands for a connection that nobody reads or writes.
type deadConn struct{ net.Conn }

func (deadConn) Close() error { return nil }

// send submits one message from Alice over the first account.
func (w *simWorld) send(name string) {
	w.wants[name] = 0
	w.sendMessage(w.peers[0], text(alice, maskOfBob, name), name, bob, 0)
	w.peers[0].deliver(-1)
}

// What never left may go elsewhere, even where part of it did.
func TestLostLinkBeforeTheWrite(t *testing.T) {
	for name, octets := range map[string]int{"nothing left": 0, "all but the last octet left": -1} {
		t.Run(name, func(t *testing.T) {
			w := plainWorld()
			alfa, bravo := w.peers[2], w.peers[3]
			w.send("m1")
			if octets < 0 {
				octets = len(alfa.session.out.pending) - 1
			}
			alfa.conn.failAt = octets
			w.pump()
			if alfa.session != nil || bravo.session.window.used != 1 {
				t.Fatal("the message did not go on")
			}
		})
	}
}

func TestLostLinkAfterTheWrite(t *testing.T) {
	w := plainWorld()
	alfa, bravo := w.peers[2], w.peers[3]
	w.send("m1")
	w.pump()
	alfa.session.cut("lost")
	w.pump()
	answers := newSimHistory(w.rules(), w.events).message("m1").answers
	if bravo.session.window.used != 0 || len(answers) != 1 || answers[0].status != pdu.RSysErr {
		t.Fatalf("answers %v", answers)
	}
}

// A write that is under way while its connection ends is accounted for before
// anybody judges what had left.
func TestLostLinkDuringTheWrite(t *testing.T) {
	w := plainWorld()
	alfa, bravo := w.peers[2].session, w.peers[3].session
	w.send("m1")
	alfa.direct = &directWriter{}
	alfa.direct.mu.Lock() // as writeDirect does
	b := alfa.out.claim(w.turn.at)
	alfa.cut("lost")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		alfa.teardown(w.edge.newTurn())
	}()
	eventually(t, "the teardown has begun", func() bool { return w.edge.carriers["alfa"].destination.binds.Load().empty() })
	alfa.mu.Lock()
	alfa.out.wrote(len(b))
	alfa.mu.Unlock()
	alfa.direct.mu.Unlock()
	<-ended
	if bravo.window.used != 0 {
		t.Fatal("a message that had left went to the second carrier")
	}
}
