package media

import (
	"hash/maphash"
	"net/netip"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"maskline/udp"
)

// routes remembers for some seconds whether the system sends to an address from
// ours. To ask takes three system calls, and a call whose peer is elsewhere would
// ask for each of its packets. A place of the table holds one address: where two
// share one, they are asked about more often.
type routes struct {
	own   netip.Addr
	now   clock
	ask   func(own, to netip.Addr) bool
	seed  maphash.Seed
	table [512]atomic.Pointer[route]
}

type route struct {
	to    netip.Addr
	until time.Duration
	ours  bool
}

// routeFresh is how long an answer holds: a changed route of the host is seen
// after that.
const routeFresh = 5 * time.Second

func newRoutes(own netip.Addr, now clock) *routes {
	return &routes{own: own, now: now, ask: sendsFrom, seed: maphash.MakeSeed()}
}

func (r *routes) place(to netip.Addr) *atomic.Pointer[route] {
	return &r.table[maphash.Comparable(r.seed, to)%uint64(len(r.table))]
}

func (r *routes) ours(to netip.Addr) bool {
	place, now := r.place(to), r.now()
	if known := place.Load(); known != nil && known.to == to && now < known.until {
		return known.ours
	}
	fresh := &route{to: to, until: now + routeFresh, ours: r.ask(r.own, to)}
	place.Store(fresh)
	return fresh.ours
}

// sendsFrom asks the system whether it would send to an address from ours.
func sendsFrom(own, to netip.Addr) bool {
	family := unix.AF_INET
	if to.Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.IPPROTO_UDP)
	if err != nil {
		return false
	}
	defer func() { _ = unix.Close(fd) }()
	const anyPort = 9
	var peer udp.Sockaddr
	peer.Put(netip.AddrPortFrom(to, anyPort))
	if peer.Connect(fd) != nil { // sends nothing
		return false
	}
	local, err := unix.Getsockname(fd)
	if err != nil {
		return false
	}
	switch at := local.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrFrom4(at.Addr) == own
	case *unix.SockaddrInet6:
		return netip.AddrFrom16(at.Addr) == own
	}
	return false
}
