package loopback

import (
	"math/rand/v2"
	"net/netip"
)

// Addr is an address of the loopback network that nobody else on this machine uses
// by chance. It is none of 127.0.0.0/10.
func Addr() netip.Addr {
	return netip.AddrFrom4([4]byte{127, byte(64 + rand.IntN(128)), byte(rand.IntN(256)), byte(1 + rand.IntN(254))})
}
