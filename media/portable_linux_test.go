package media

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// boundSocket is a socket that no loop reads, so that errors stay with it.
func boundSocket(t *testing.T, b *bed) *socket {
	t.Helper()
	n, _ := b.networks[0].ports.take()
	e, err := b.networks[0].backend.bind(n)
	if err != nil {
		t.Fatal(err)
	}
	s := e.(*socket)
	t.Cleanup(s.close)
	return s
}

func TestSendTriesAgainWhenItFetchesAnOldError(t *testing.T) {
	b := newBed(t, onPortable)
	s := boundSocket(t, b)
	z := newPeer(t, "127.0.0.3")
	at := z.addr()
	if err := s.aim(at, 0); err != nil {
		t.Fatal(err)
	}
	_ = z.conn.Close()
	eventually(t, "a refusal waits at the socket", func() bool {
		s.send([]byte("lost"), netip.AddrPort{}, nil)
		code, err := unix.Poll([]unix.PollFd{{Fd: s.fd, Events: unix.POLLERR}}, 0)
		return err == nil && code == 1
	})
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if d := s.send([]byte("arrives"), netip.AddrPort{}, nil); d != Relayed {
		t.Fatalf("dropped: %v", d)
	}
	if got, _ := (&peer{t, conn}).receive(); string(got) != "arrives" {
		t.Errorf("got %q", got)
	}
}

func TestSendThatCannotSucceedIsADrop(t *testing.T) {
	b := newBed(t, onPortable)
	s := boundSocket(t, b)
	if d := s.send([]byte("x"), netip.MustParseAddrPort("192.0.2.1:9"), nil); d != DropSend { // a loopback source cannot leave the host
		t.Errorf("got %v", d)
	}
	s.close()
	s.close()
	if d := s.send([]byte("x"), netip.MustParseAddrPort("127.0.0.2:9"), nil); d != DropDraining {
		t.Errorf("after close: %v", d)
	}
	if err := s.aim(netip.MustParseAddrPort("127.0.0.2:9"), 0); err == nil {
		t.Error("aiming after close succeeded")
	}
}

// An event that was fetched before its socket was closed must not be taken for
// one of the next socket on the same port.
func TestLateEventMeetsTheNextSocket(t *testing.T) {
	b := newBed(t, func(c *Config) { onPortable(c); c.PortMin, c.PortMax, c.Drain = 20000, 20003, 0 })
	b.networks[0].backend.(*portable).mostAsleep = 0
	old := b.allocate(Options{}).sides[A].rtp.out.(*socket)
	generation := old.generation
	old.port.session.Release()
	b.pass(0)
	a, z := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3")
	s := b.call(a, z)
	fresh := b.networks[0].backend.(*portable).sockets[old.index].Load()
	if fresh == nil || fresh == old {
		t.Fatal("the port was not reused")
	}
	l, err := newLoop(b.networks[0].backend.(*portable).sockets, b.total, b.now, b.log)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	b.networks[0].backend.stop() // so that nobody else reads
	fresh.port.session.sides[fresh.port.side].rtp.latch.reopen(a.addr(), false, b.now())
	a.send(netip.AddrPortFrom(b.cfg.Addr, fresh.port.number), packet(1, 1))
	l.read(int32(fresh.index), generation)
	if st := s.Stats(); st.A.Received.Packets+st.B.Received.Packets != 0 {
		t.Error("a late event was served")
	}
	l.read(int32(fresh.index), fresh.generation)
	st := s.Stats()
	if n := st.A.Received.Packets + st.B.Received.Packets + st.A.Dropped.Total() + st.B.Dropped.Total(); n != 1 {
		t.Errorf("the socket's own event was not served: %+v", st)
	}
}

// bug panics where it should send.
type bug struct{ endpoint }

func (bug) send([]byte, netip.AddrPort, *work) Drop { panic("a bug") }

func TestAPanicCostsOnePacket(t *testing.T) {
	b := newBed(t, onPortable)
	a, z := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3")
	broken, healthy := b.call(a, z), b.call(a, z)
	broken.mu.Lock()
	out := broken.sides[B].rtp.out
	broken.sides[B].rtp.out = bug{out}
	broken.mu.Unlock()
	a.send(broken.Local(A), packet(1, 1))
	eventually(t, "the panic is counted", func() bool { return b.total.drops[DropPanic].Load() == 1 })
	exchange(t, healthy, A, a, z, 1)
	broken.mu.Lock() // which the panic must not have kept
	broken.sides[B].rtp.out = out
	broken.mu.Unlock()
	exchange(t, broken, A, a, z, 2)
}

func TestDescriptorLimit(t *testing.T) {
	for _, tt := range []struct {
		name      string
		beside    int // connections
		have      uint64
		mayRaise  bool
		wantError string
		wantRaise uint64
	}{
		{"enough", 0, 1512, false, "", 0},
		{"too low and may be raised", 0, 1511, true, "", 1512},
		{"too low", 0, 1024, false, "media ports 10000-10999 need a limit of 1512 open files and it is 1024: raise it (LimitNOFILE, ulimit -n) or narrow the range", 0},
		{"enough for connections too", 4096, 5608, false, "", 0},
		{"too low for connections", 4096, 1512, true, "", 5608},
		{"too low for them, for good", 4096, 5607, false, "media ports 10000-10999 and 4096 connections need a limit of 5608 open files and it is 5607: raise it (LimitNOFILE, ulimit -n) or narrow the range, or allow fewer connections", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var raised uint64
			err := limits{
				get: func(_ int, l *unix.Rlimit) error {
					*l = unix.Rlimit{Cur: tt.have, Max: tt.have}
					return nil
				},
				set: func(_ int, l *unix.Rlimit) error {
					if !tt.mayRaise {
						return unix.EPERM
					}
					raised = l.Cur
					return nil
				},
			}.reserve(Config{PortMin: 10000, PortMax: 10999, Connections: tt.beside})
			if tt.wantError == "" && err != nil || tt.wantError != "" && (err == nil || err.Error() != tt.wantError) {
				t.Errorf("error %v, want %q", err, tt.wantError)
			}
			if raised != tt.wantRaise {
				t.Errorf("raised to %d, want %d", raised, tt.wantRaise)
			}
		})
	}
}

func TestAddressThatIsNotOurs(t *testing.T) {
	_, err := openPortable(Config{Addr: netip.MustParseAddr("192.0.2.1"), PortMin: 20000, PortMax: 20003, Loops: 1}, nil, nil, nil)
	if err == nil || !strings.Contains(err.Error(), "binding to media address 192.0.2.1") {
		t.Errorf("got %v", err)
	}
}

// withDescriptors runs f while only n more descriptors may be opened.
func withDescriptors(t *testing.T, n int, f func()) {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	highest, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 200) // above all that are open
	if err != nil {
		t.Fatal(err)
	}
	held := []int{highest}
	for fd := 0; fd < highest; { // so that no number below the limit is free
		if fd, err = unix.Dup(0); err != nil {
			t.Fatal(err)
		}
		held = append(held, fd)
	}
	defer func() {
		for _, fd := range held {
			_ = unix.Close(fd)
		}
	}()
	low := unix.Rlimit{Cur: uint64(slices.Max(held) + 1 + n), Max: old.Max}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Setrlimit(unix.RLIMIT_NOFILE, &old) }()
	f()
}

func TestShortOfDescriptorsNothingLeaks(t *testing.T) {
	b := newBed(t, onPortable)
	before := descriptors(t)
	for n := range portsPerCall {
		withDescriptors(t, n, func() {
			if _, err := b.Allocate(Options{}); !errors.Is(err, ErrBind) || !errors.Is(err, unix.EMFILE) {
				t.Errorf("with %d descriptors: %v", n, err)
			}
		})
	}
	for n := range 4 { // the probe needs one, a loop two, and there are two loops
		withDescriptors(t, n, func() {
			if _, err := openPortable(b.cfg, b.total, b.now, b.log); !errors.Is(err, unix.EMFILE) {
				t.Errorf("opening with %d descriptors: %v", n, err)
			}
		})
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
	if got := b.networks[0].ports.used(); got != 0 {
		t.Errorf("%d pairs used", got)
	}
}

// A call's set-up does not pay for the growth of the kernel's table of descriptors.
func TestTableOfDescriptorsIsGrownAtTheStart(t *testing.T) {
	size := func() (n int) {
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			t.Fatal(err)
		}
		_, field, _ := strings.Cut(string(status), "FDSize:")
		if _, err := fmt.Sscan(field, &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := size()
	if err := reserveDescriptors(Config{PortMin: 10000, PortMax: 10003, Addr: netip.MustParseAddr("127.0.0.1"), Connections: before}); err != nil {
		t.Fatal(err)
	}
	if after := size(); after < before+4 {
		t.Errorf("room for %d descriptors, of %d before; want %d more", after, before, 4)
	}
}
