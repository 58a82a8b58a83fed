//go:build !linux

package rtp

import (
	"errors"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

func openSocket(netip.Addr) (int, netip.AddrPort, error) {
	return -1, netip.AddrPort{}, errors.New("RTP streams need Linux")
}

func sockaddr(netip.AddrPort) unix.Sockaddr { return nil }

// message is never received here.
type message struct {
	data [1]byte
	size int
	from netip.AddrPort
	at   time.Time
}

func (*message) read(int) bool { return false }
