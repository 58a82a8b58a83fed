package sip

import (
	"testing"
)

// TestErrorQueueIsEmptied sends what the kernel refuses with a note in the
// socket's error queue, as ICMP's "fragmentation needed" leaves one there too.
// Notes that stay fill the receive buffer until the socket is deaf.
func TestErrorQueueIsEmptied(t *testing.T) {
	const longerThanIPv4 = 65510
	b := newBed(t, nil)
	s := b.edge.sockets[0].udp[0]
	if err := s.send(make([]byte, longerThanIPv4), b.caller.addr); err == nil {
		t.Fatal("it was sent")
	}
	s.Notes(func([]byte) { t.Error("the queue holds a note") })
	b.caller.send(b.caller.other("OPTIONS"))
	b.caller.expect("SIP/2.0 200")
}
