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
	"unsafe"

	"golang.org/x/sys/unix"
)

// inside does something in another network namespace.
func inside(t *testing.T, name string, do func() error) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		done <- func() error {
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
			err = do()
			if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
				panic(back) // the thread may be the process's first, which cannot end by itself
			}
			return err
		}()
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// inNamespace opens a peer in another network namespace.
func inNamespace(t *testing.T, name string, ip netip.Addr) *peer {
	t.Helper()
	var conn *net.UDPConn
	inside(t, name, func() (err error) {
		conn, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, 0)))
		return err
	})
	t.Cleanup(func() { conn.Close() })
	return &peer{t: t, conn: conn}
}

// computeChecksums lets the kernel of a namespace write and verify checksums as
// for a card that does not do it, so that a wrong one is dropped.
func computeChecksums(t *testing.T, name, link string) {
	t.Helper()
	inside(t, name, func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		const setTxChecksum = 0x17 // ETHTOOL_STXCSUM
		value := [2]uint32{setTxChecksum, 0}
		request := struct {
			name [unix.IFNAMSIZ]byte
			data unsafe.Pointer
			rest [16]byte
		}{data: unsafe.Pointer(&value)}
		copy(request.name[:], link)
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request))); errno != 0 {
			return errno
		}
		return nil
	})
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
	v4 := fmt.Sprintf("198.18.%d.", os.Getpid()%250) // other runs have their own
	v6 := fmt.Sprintf("fd00:6d6c:%x::", os.Getpid()%10000)
	ip("netns", "add", name)
	t.Cleanup(func() { ip("netns", "del", name) }) // the link goes with it
	ip("link", "add", name, "type", "veth", "peer", "name", "peer0", "netns", name)
	ip("addr", "add", v4+"1/24", "dev", name)
	ip("addr", "add", v6+"1/64", "dev", name, "nodad")
	ip("link", "set", name, "up")
	for _, host := range []string{"2", "3"} {
		ip("-n", name, "addr", "add", v4+host+"/24", "dev", "peer0")
		ip("-n", name, "addr", "add", v6+host+"/64", "dev", "peer0", "nodad")
	}
	ip("-n", name, "link", "set", "peer0", "up")

	overVeth := func(subnet string) func(*testing.T) {
		return func(t *testing.T) {
			at := func(host string) netip.Addr { return netip.MustParseAddr(subnet + host) }
			for what, relays := range map[string]func(*testing.T, *bed, *peer, *peer){
				"voice": kernelForwards, "shared port": kernelRelaysMuxed,
			} {
				t.Run(what, func(t *testing.T) {
					b := newBed(t, func(c *Config) { c.Addr = at("1") })
					relays(t, b, inNamespace(t, name, at("2")), inNamespace(t, name, at("3")))
				})
			}
		}
	}
	t.Run("IPv4", overVeth(v4))
	t.Run("IPv6", overVeth(v6))
	computeChecksums(t, name, "peer0")
	t.Run("IPv4 with checksums", overVeth(v4))
	t.Run("IPv6 with checksums", overVeth(v6))
}
