package udp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// MaxDatagram bounds what is handled; longer datagrams cannot be.
const MaxDatagram = 65535

// Handler takes what a socket has received. It must not keep the octets.
type Handler interface {
	Datagram(b []byte, from netip.AddrPort)
	// Fault says that reading has failed, for what ICMP said of a datagram that was
	// sent: there may be [Socket.Notes].
	Fault()
}

// Group reads sockets.
type Group struct {
	epoll, wake int
	waiting     syscall.RawConn // of epoll in Go's poller; nil: a thread waits
	poller      *os.File        // that waiting belongs to
	members     []member        // not changed once Run is called
	handOver    chan *member    // to helpers that have nothing to do
	stopped     chan struct{}

	mu      sync.Mutex
	running bool
	over    bool
}

// member is a socket that is read.
type member struct {
	*Socket
	handler Handler
}

// A socket's turn. It is ready when a datagram comes, of which epoll tells once;
// whoever takes it reads until it is empty.
const (
	turnFree  = iota
	turnTaken // somebody reads it
	turnAgain // more came meanwhile
)

const (
	wakeMember = -1
	events     = 64
	round      = 32                   // datagrams of a socket before others have their turn
	behind     = 16                   // datagrams without a pause after which help is asked for
	yieldEvery = 5 * time.Millisecond // below the 10 ms after which Go thinks that a thread hangs
)

// NewGroup makes an empty group.
func NewGroup() (*Group, error) {
	g := &Group{epoll: -1, wake: -1, handOver: make(chan *member), stopped: make(chan struct{})}
	err := g.init()
	if err != nil {
		g.release()
		return nil, fmt.Errorf("preparing to wait for datagrams: %w", err)
	}
	return g, nil
}

func (g *Group) init() (err error) {
	if g.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	if g.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return err
	}
	if err = g.watch(g.wake, wakeMember); err != nil {
		return err
	}
	if runtime.GOMAXPROCS(0) > 1 {
		return nil
	}
	// A thread that waits keeps Go's only processor from all else for a while.
	if err = unix.SetNonblock(g.epoll, true); err != nil {
		return err
	}
	g.poller = os.NewFile(uintptr(g.epoll), "epoll")
	g.waiting, err = g.poller.SyscallConn()
	return err
}

// watch adds a descriptor; its events carry the place of the member.
func (g *Group) watch(fd int, place int32) error {
	return unix.EpollCtl(g.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: place})
}

// Add adds a socket before Run is called.
func (g *Group) Add(s *Socket, h Handler) error {
	g.members = append(g.members, member{s, h})
	err := s.use(func(fd int) error { return g.watch(fd, int32(len(g.members)-1)) })
	if err != nil {
		return fmt.Errorf("waiting for a socket: %w", err)
	}
	return nil
}

// Run serves until Stop, and returns when nobody reads any more.
func (g *Group) Run() {
	if !g.begin() {
		return
	}
	var helpers sync.WaitGroup
	for range min(len(g.members), runtime.GOMAXPROCS(0)) - 1 {
		helpers.Go(g.help)
	}
	g.lead()
	close(g.stopped)
	helpers.Wait()
	g.mu.Lock() // Stop may write yet
	defer g.mu.Unlock()
	g.release()
}

func (g *Group) begin() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running = !g.over
	return g.running
}

// Stop makes Run return, at once where it is called later.
func (g *Group) Stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.over:
	case g.running:
		_, _ = unix.Write(g.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // an eventfd takes it always
	default:
		g.release()
	}
	g.over = true
}

func (g *Group) release() {
	if g.poller != nil {
		_ = g.poller.Close()
	} else if g.epoll >= 0 {
		_ = unix.Close(g.epoll)
	}
	if g.wake >= 0 {
		_ = unix.Close(g.wake)
	}
}

// lead waits for all sockets. What it has taken it reads itself, a round each;
// when it is behind, helpers get what more there is.
func (g *Group) lead() {
	var ready [events]unix.EpollEvent
	var mine []*member
	b := make([]byte, MaxDatagram)
	streak, yielded := 0, time.Now()
	for {
		n := g.poll(ready[:])
		if n == 0 && len(mine) == 0 {
			streak = 0
			if now := time.Now(); now.Sub(yielded) > yieldEvery {
				runtime.Gosched()
				yielded = now
			}
			n = g.wait(ready[:])
		}
		for i := range n {
			place := ready[i].Fd
			if place == wakeMember {
				return
			}
			if m := &g.members[place]; m.take() {
				mine = append(mine, m)
			}
		}
		left := mine[:0]
		for _, m := range mine {
			if streak > behind && len(mine) > 1 && g.offer(m) {
				continue
			}
			read, empty := m.read(b, round)
			streak += read
			if !empty || !m.leave() {
				left = append(left, m)
			}
		}
		mine = left
	}
}

// poll returns what is ready.
func (g *Group) poll(ready []unix.EpollEvent) int {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(g.epoll), uintptr(unsafe.Pointer(unsafe.SliceData(ready))), uintptr(len(ready)), 0, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// wait returns when something is ready, or for no reason.
func (g *Group) wait(ready []unix.EpollEvent) (n int) {
	if g.waiting != nil {
		_ = g.waiting.Read(func(uintptr) bool {
			n = g.poll(ready)
			return n > 0
		})
		return n
	}
	n, _ = unix.EpollWait(g.epoll, ready, -1)
	return max(n, 0)
}

// offer gives a socket to a helper that has nothing to do.
func (g *Group) offer(m *member) bool {
	select {
	case g.handOver <- m:
		return true
	default:
		return false
	}
}

// help reads the sockets that are handed over, each until it is empty.
func (g *Group) help() {
	b := make([]byte, MaxDatagram)
	for {
		select {
		case <-g.stopped:
			return
		case m := <-g.handOver:
			for empty := false; !empty || !m.leave(); {
				select {
				case <-g.stopped:
					return
				default:
					_, empty = m.read(b, round)
				}
			}
		}
	}
}

// take reports whether the caller is to read the socket.
func (m *member) take() bool {
	for {
		switch {
		case m.turn.CompareAndSwap(turnFree, turnTaken):
			return true
		case m.turn.CompareAndSwap(turnTaken, turnAgain), m.turn.Load() == turnAgain:
			return false
		}
	}
}

// leave gives a socket back that was found empty, unless more has come.
func (m *member) leave() bool {
	if m.turn.CompareAndSwap(turnTaken, turnFree) {
		return true
	}
	m.turn.Store(turnTaken)
	return false
}

// read handles most datagrams at most, and reports whether no more was there. A
// socket that returns nothing but faults counts as empty.
func (m *member) read(b []byte, most int) (n int, empty bool) {
	empty = true
	for n < most {
		size, from, err := m.receive(b)
		switch {
		case err == nil:
			empty = false
			m.handler.Datagram(b[:size], from)
		case errors.Is(err, unix.EAGAIN), errors.Is(err, net.ErrClosed):
			return n, true
		case errors.Is(err, unix.EINTR):
		default: // reading it has cleared it
			m.handler.Fault()
		}
		n++
	}
	return n, empty
}
