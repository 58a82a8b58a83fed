package smpp

import (
	"testing"

	"maskline/smpp/pdu"
)

// The last answers leave before the connection is closed, whoever writes them.
func TestClosingWaitsForAFlushUnderWay(t *testing.T) {
	s := newStill(t, nil)
	shop := s.account("shop")
	shop.nack(s.turn, 1, pdu.RInvCmdID)
	leaving := shop.out.claim(s.turn.at) // a flush writes it
	shop.close(s.turn, "unbound by the peer")
	shop.reply(s.turn, pdu.Unbind, pdu.ROK, 2)
	if shop.writeOnce() || shop.state != stateClosing {
		t.Fatalf("%s while something was being written", shop.state)
	}
	shop.out.wrote(len(leaving))
	shop.one(pdu.UnbindResp)
	if shop.writeOnce(); shop.state != stateClosed {
		t.Fatalf("%s though all is written", shop.state)
	}
}
