//go:build linux

package media

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// inNamespace opens a peer in another network namespace.
func inNamespace(t *testing.T, name, ip string) *peer {
	t.Helper()
	opened := make(chan error, 1)
	var conn *net.UDPConn
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		opened <- func() error {
			home, err := os.Open("/proc/thread-self/ns/net")
			if err != nil {
				return err
			}
			defer home.Close()
			ns, err := os.Open("/var/run/netns/" + name)
			if err != nil {
				return err
			}
			defer ns.Close()
			if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
				return err
			}
			conn, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(ip), 0)))
			if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
				panic(back) // the thread may be the process's first, which cannot end by itself
			}
			return err
		}()
	}()
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &peer{t: t, conn: conn}
}

// TestKernelOverVeth relays between two peers in another network namespace, so that
// packets come and leave by a link with addresses of its own.
func TestKernelOverVeth(t *testing.T) {
	if tested != "kernel" {
		return
	}
	name := fmt.Sprintf("mlt%d", os.Getpid()%10000)
	ip := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %v: %v: %s", args, err, out)
		}
	}
	subnet := fmt.Sprintf("198.18.%d.", os.Getpid()%250) // other runs have their own
	ip("netns", "add", name)
	t.Cleanup(func() { ip("netns", "del", name) }) // the link goes with it
	ip("link", "add", name, "type", "veth", "peer", "name", "peer0", "netns", name)
	ip("addr", "add", subnet+"1/24", "dev", name)
	ip("link", "set", name, "up")
	for _, addr := range []string{subnet + "2/24", subnet + "3/24"} {
		ip("-n", name, "addr", "add", addr, "dev", "peer0")
	}
	ip("-n", name, "link", "set", "peer0", "up")

	b := newBed(t, func(c *Config) { c.Addr = netip.MustParseAddr(subnet + "1") })
	a, z := inNamespace(t, name, subnet+"2"), inNamespace(t, name, subnet+"3")
	s := b.allocate(Options{})
	types := NewPayloadTypes(8)
	b.setRemote(s, A, Remote{RTP: a.addr(), PayloadTypes: types})
	b.setRemote(s, B, Remote{RTP: z.addr(), PayloadTypes: types, DSCP: 46})
	for seq := range uint16(20) {
		exchange(t, s, A, a, z, seq)
		exchange(t, s, B, z, a, seq)
	}
	if x, y := b.forwarded(s, A), b.forwarded(s, B); x < 15 || y < 15 {
		t.Errorf("%d and %d packets were forwarded", x, y)
	}
	if got := s.Stats(); got.A.Received.Packets != 20 || got.B.Received.Packets != 20 || got.A.Lost+got.B.Lost != 0 {
		t.Errorf("%+v", got)
	}
}
