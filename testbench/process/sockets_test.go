package process

import (
	"net"
	"os"
	"testing"
)

func TestSocketsAreFound(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := conn.LocalAddr().(*net.UDPAddr).Port
	want := func(network string, pid int, held bool) {
		t.Helper()
		got, err := Holds(pid, network, port)
		if err != nil || got != held {
			t.Errorf("%s of %d: %v, %v", network, pid, got, err)
		}
	}
	if taken, err := Taken("udp", port); err != nil || !taken {
		t.Errorf("%v, %v", taken, err)
	}
	want("udp", os.Getpid(), true)
	want("udp", os.Getppid(), false)
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	want("udp", os.Getpid(), false)
	port = l.Addr().(*net.TCPAddr).Port
	want("tcp", os.Getpid(), true)
}
