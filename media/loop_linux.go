package media

import (
	"errors"
	"fmt"
	"sync/atomic"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"maskline/udp"
)

const (
	loopEvents = 256
	wakeIndex  = -1
)

// loop is one thread that waits for datagrams and relays them. It reads one
// datagram per ready socket and turn, so that a flood on one port delays the
// others by one packet at most.
type loop struct {
	sockets []atomic.Pointer[socket]
	now     clock
	log     *zap.Logger
	epoll   int
	wake    int // eventfd, readable once stopped
	events  [loopEvents]unix.EpollEvent
	buffer  [maxPacket + 1]byte
	from    udp.Sockaddr
	work    work
	rhythm  rhythm
}

func newLoop(sockets []atomic.Pointer[socket], total *counters, now clock, log *zap.Logger) (*loop, error) {
	l := &loop{sockets: sockets, now: now, log: log, epoll: -1, wake: -1, work: work{total: total}}
	var err error
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("creating epoll: %w", err)
	}
	if l.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err == nil {
		err = l.watch(l.wake, wakeIndex, 0)
	}
	if err != nil {
		l.close()
		return nil, fmt.Errorf("creating the wake-up of a loop: %w", err)
	}
	return l, nil
}

// watch adds a descriptor; its events carry index and generation.
func (l *loop) watch(fd int, index int32, generation uint16) error {
	return unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: index, Pad: int32(generation)})
}

// leave takes a descriptor out again.
func (l *loop) leave(fd int) error {
	return unix.EpollCtl(l.epoll, unix.EPOLL_CTL_DEL, fd, nil)
}

func (l *loop) run() {
	for {
		n, err := unix.EpollWait(l.epoll, l.events[:], -1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			l.log.Error("media loop ended", zap.Error(err))
			return
		}
		l.work.now = l.now()
		for i := 0; i < n; {
			var stopped bool
			if i, stopped = l.turn(i, n); stopped {
				return
			}
		}
		l.rhythm.rest(n, l.work.now)
	}
}

// turn relays for the events from i to n. After a panic it returns early; the
// packet that caused it is lost, the ones behind it are not.
func (l *loop) turn(i, n int) (next int, stopped bool) {
	defer func() {
		if p := recover(); p != nil {
			l.work.total.drops[DropPanic].Add(1)
			l.log.Error("media loop met a bug", zap.Any("panic", p), zap.Stack("stack"))
		}
	}()
	for next = i; next < n; {
		e := &l.events[next]
		next++
		if e.Fd == wakeIndex {
			return next, true
		}
		l.read(e.Fd, uint16(e.Pad))
	}
	return next, false
}

// read takes one datagram from a socket, unless the socket is no longer the
// one that the event was about.
func (l *loop) read(index int32, generation uint16) {
	s := l.sockets[index].Load()
	if s == nil || s.generation != generation {
		return
	}
	session := s.port.session
	session.mu.Lock()
	defer session.mu.Unlock()
	if s.fd < 0 {
		return
	}
	n, errno := l.from.Receive(int(s.fd), l.buffer[:])
	switch errno {
	case 0:
		s.port.receive(l.buffer[:min(n, len(l.buffer))], l.from.Get(), &l.work)
	case unix.EAGAIN, unix.EINTR:
	default: // what a peer's host reported; reading it has cleared it
		l.work.total.icmp.Add(1)
	}
}

// stop makes run return.
func (l *loop) stop() {
	_, _ = unix.Write(l.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // an eventfd takes it always
}

func (l *loop) close() {
	for _, fd := range []int{l.epoll, l.wake} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}
