package sip

import (
	"testing"

	"golang.org/x/sys/unix"
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
	raw, err := s.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var left error
	if err := raw.Control(func(fd uintptr) {
		_, _, _, _, left = unix.Recvmsg(int(fd), make([]byte, 64), make([]byte, 512), unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
	}); err != nil {
		t.Fatal(err)
	}
	if left != unix.EAGAIN {
		t.Fatalf("the queue holds a note: %v", left)
	}
	b.caller.send(b.caller.other("OPTIONS"))
	b.caller.expect("SIP/2.0 200")
}
