package media

import (
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"

	"maskline/udp"
)

const (
	// mostAsleep bounds the sockets that are kept: opening one costs six times what waking
	// one does.
	mostAsleep = 2 * mostReady
	// mostStale is how many datagrams of a former call are read from a socket; where there
	// are more, it is closed.
	mostStale = 512
)

// asleep reports whether the port has a socket that sleeps.
func (b *portable) asleep(port uint16) bool {
	s := b.sockets[port-b.cfg.PortMin].Load()
	return s != nil && s.port == b.nobody
}

func (b *portable) sleepers() int { return int(b.sleeping.Load()) }

// sleep keeps the socket of a call that is over, connected to itself: nothing comes
// from there, so that the kernel drops all that comes and says, as for a port without a
// socket, that there is none. What came before is read.
func (b *portable) sleep(s *socket) bool {
	if s.loop == 0 || b.closing.Load() {
		return false
	}
	if b.sleeping.Add(1) > b.mostAsleep {
		b.sleeping.Add(-1)
		return false
	}
	if s.admit(netip.AddrPortFrom(b.cfg.Addr, s.number())) != nil || !s.empty() {
		b.sleeping.Add(-1)
		return false
	}
	kept := *s
	kept.port = b.nobody
	b.sockets[s.index].Store(&kept)
	return true
}

func (b *portable) prepare(port uint16) error {
	if b.asleep(port) {
		return nil
	}
	if b.sleeping.Load() >= b.mostAsleep {
		return ErrBind
	}
	e, err := b.bind(port)
	if err != nil {
		return err
	}
	s := e.(*socket)
	s.port = b.nobody
	if err := s.join(uint32(port) / 2 % uint32(len(b.loops))); err != nil || !b.sleep(s) {
		_ = unix.Close(int(s.fd))
		return errors.Join(err, ErrBind)
	}
	return nil
}

// empty reads what is queued at the socket, as dropped, and reports whether that was all.
func (s *socket) empty() bool {
	var from udp.Sockaddr
	var b [1]byte
	for range mostStale {
		switch _, errno := from.Receive(int(s.fd), b[:]); errno {
		case 0:
			s.backend.total.drops[DropDraining].Add(1)
		case unix.EAGAIN:
			return true
		case unix.EINTR:
		default: // what a peer's host reported; reading it has cleared it
			s.backend.total.icmp.Add(1)
		}
	}
	return false
}

// awaken takes a port's socket that sleeps, nil where none does. It goes on sleeping
// until start.
func (b *portable) awaken(port uint16) *socket {
	if !b.asleep(port) {
		return nil
	}
	kept := b.sockets[port-b.cfg.PortMin].Load()
	kept.port.session.mu.Lock()
	defer kept.port.session.mu.Unlock()
	s := *kept
	s.port = nil
	kept.fd = -1 // for who has just been told of a datagram
	b.sleeping.Add(-1)
	return &s
}

// closeSleepers closes what sleeps, when nothing moves any more.
func (b *portable) closeSleepers() {
	for i := range b.sockets {
		if s := b.sockets[i].Load(); s != nil && s.port == b.nobody {
			_ = unix.Close(int(s.fd))
			b.sockets[i].Store(nil)
			b.sleeping.Add(-1)
		}
	}
}
