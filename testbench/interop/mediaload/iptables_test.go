//go:build peers

package mediaload

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"syscall"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"maskline/media"
)

// TestLossByIptables has the kernel of another network namespace drop packets, by
// chance and every so many, and holds what each backend reports against the rule's
// own counter.
func TestLossByIptables(t *testing.T) {
	n := newNamespace(t)
	for _, backend := range []string{"portable", "steer", "kernel"} {
		for _, mode := range [][]string{
			{"--mode", "random", "--probability", "0.05"},
			{"--mode", "nth", "--every", "25", "--packet", "3"},
		} {
			t.Run(backend+" "+mode[1], func(t *testing.T) {
				s := n.call(t, backend)
				n.speak(t, s, 20) // the first and the last ones come
				rule := append([]string{"OUTPUT", "-p", "udp", "-s", n.ip(2).String(), "-m", "statistic"}, append(mode, "-j", "DROP")...)
				n.iptables(t, append([]string{"-A"}, rule...)...)
				lost, gaps := n.speak(t, s, 2000)
				dropped := n.dropped(t)
				n.iptables(t, append([]string{"-D"}, rule...)...)
				n.speak(t, s, 20)
				if lost != dropped || dropped < 40 {
					t.Fatalf("%d packets were refused, the rule dropped %d", lost, dropped)
				}
				eventually(t, "all has come", func() bool { return int(s.Stats().A.Received.Packets) == 2040-dropped })
				st := s.Stats().A
				if int(st.Lost) != dropped || st.Loss != float64(dropped)/2040 || st.Late+st.Duplicates+st.Restarts != 0 {
					t.Errorf("%d lost (%v), %d late, %d twice, %d restarts; %d were dropped", st.Lost, st.Loss, st.Late, st.Duplicates, st.Restarts, dropped)
				}
				if backend != "kernel" && int(st.Bursts) != gaps { // which does not tell how its losses lie
					t.Errorf("%d gaps, want %d", st.Bursts, gaps)
				}
				if other := s.Stats().B; other.Lost != 0 || st.MOS == 0 || st.MOS >= other.MOS {
					t.Errorf("MOS %v beside %v on the way without loss, where %d were lost", st.MOS, other.MOS, other.Lost)
				}
			})
		}
	}
}

// namespace has two parties at a link to this one.
type namespace struct {
	name   string
	subnet [3]byte
	a, z   *net.UDPConn
	seq    uint16

	refused uint64 // of the call's packets
}

func (n *namespace) ip(last byte) netip.Addr {
	return netip.AddrFrom4([4]byte{n.subnet[0], n.subnet[1], n.subnet[2], last})
}

func newNamespace(t *testing.T) *namespace {
	t.Helper()
	n := &namespace{name: fmt.Sprintf("mli%d", os.Getpid()%10000), subnet: [3]byte{198, 19, byte(os.Getpid() % 250)}}
	run(t, "ip", "netns", "add", n.name)
	t.Cleanup(func() { run(t, "ip", "netns", "del", n.name) }) // the link goes with it
	run(t, "ip", "link", "add", n.name, "type", "veth", "peer", "name", "peer0", "netns", n.name)
	run(t, "ip", "addr", "add", n.ip(1).String()+"/24", "dev", n.name)
	run(t, "ip", "link", "set", n.name, "up")
	for _, last := range []byte{2, 3} {
		run(t, "ip", "-n", n.name, "addr", "add", n.ip(last).String()+"/24", "dev", "peer0")
	}
	run(t, "ip", "-n", n.name, "link", "set", "peer0", "up")
	return n
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
	return string(out)
}

func (n *namespace) iptables(t *testing.T, args ...string) string {
	t.Helper()
	return run(t, "ip", append([]string{"netns", "exec", n.name, "iptables"}, args...)...)
}

// dropped is the packet count of the rule.
func (n *namespace) dropped(t *testing.T) int {
	t.Helper()
	found := regexp.MustCompile(`(?m)^\s*(\d+)\s+\d+\s+DROP\s`).FindStringSubmatch(n.iptables(t, "-nvxL", "OUTPUT"))
	if found == nil {
		t.Fatal("no rule")
	}
	count, _ := strconv.Atoi(found[1])
	return count
}

// open opens a socket in the namespace, on a thread that returns from it.
func (n *namespace) open(t *testing.T, ip netip.Addr) *net.UDPConn {
	t.Helper()
	var conn *net.UDPConn
	opened := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		opened <- func() error {
			home, err := os.Open("/proc/thread-self/ns/net")
			if err != nil {
				return err
			}
			defer home.Close()
			ns, err := os.Open("/var/run/netns/" + n.name)
			if err != nil {
				return err
			}
			defer ns.Close()
			if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
				return err
			}
			conn, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, 0)))
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
	return conn
}

// call is a session between two new sockets over one backend.
func (n *namespace) call(t *testing.T, backend string) *media.Session {
	t.Helper()
	n.a, n.z, n.seq, n.refused = n.open(t, n.ip(2)), n.open(t, n.ip(3)), 0, 0
	relay, err := media.New(media.Config{Addr: n.ip(1), PortMin: 20000, PortMax: 20099, Backend: backend}, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = relay.Close() })
	s, err := relay.Allocate(media.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for side, conn := range map[media.Side]*net.UDPConn{media.A: n.a, media.B: n.z} {
		at := conn.LocalAddr().(*net.UDPAddr).AddrPort()
		if err := s.SetRemote(side, media.Remote{RTP: at, PayloadTypes: media.NewPayloadTypes(8)}); err != nil {
			t.Fatal(err)
		}
	}
	s.SetCodec("PCMA", 8000)
	return s
}

// speak sends packets both ways. The rule's drop is what the sender's system tells it.
func (n *namespace) speak(t *testing.T, s *media.Session, packets int) (lost, gaps int) {
	t.Helper()
	b, wasLost := make([]byte, 172), false
	b[0], b[1] = 0x80, 8
	for i := range packets {
		binary.BigEndian.PutUint16(b[2:], n.seq)
		binary.BigEndian.PutUint32(b[4:], uint32(n.seq)*160)
		n.seq++
		_, err := n.a.WriteToUDPAddrPort(b, s.Local(media.A))
		isLost := errors.Is(err, syscall.EPERM)
		if err != nil && !isLost {
			t.Fatal(err)
		}
		if isLost {
			lost++
			n.refused++
		}
		if isLost && !wasLost {
			gaps++
		}
		wasLost = isLost
		if _, err := n.z.WriteToUDPAddrPort(b, s.Local(media.B)); err != nil {
			t.Fatal(err)
		}
		if i < 20 || i%50 == 0 { // no more than the receive buffers hold
			eventually(t, "what was sent has come", func() bool {
				st := s.Stats()
				return st.B.Received.Packets == uint64(n.seq) && st.A.Received.Packets == uint64(n.seq)-n.refused
			})
		}
	}
	return lost, gaps
}
