package media

import (
	"encoding/binary"
	"math/bits"
	"net/netip"

	"golang.org/x/sys/unix"

	"maskline/udp"
)

const (
	ip4Header = 20
	ip6Header = 40
	udpHeader = 8
	hopLimit  = 64
)

// outgoing is one UDP datagram with its IP header, as a raw socket takes it.
type outgoing struct {
	to   udp.Sockaddr
	size int
	b    [ip6Header + udpHeader + maxPacket]byte
}

func (o *outgoing) bytes() []byte { return o.b[:o.size] }

// write makes the datagram. The kernel fills in IPv4's length, identification and
// checksum. False: it is too long, or the addresses differ in version.
func (o *outgoing) write(from, to netip.AddrPort, dscp uint8, payload []byte) bool {
	if len(payload) > maxPacket || from.Addr().Is4() != to.Addr().Is4() {
		return false
	}
	o.to.Put(netip.AddrPortFrom(to.Addr(), 0)) // a raw socket reads a protocol in the port
	length := udpHeader + len(payload)
	var udp []byte
	var sum uint64
	if from.Addr().Is4() {
		udp, sum = o.ip4(from.Addr().As4(), to.Addr().As4(), dscp, length)
	} else {
		udp, sum = o.ip6(from.Addr().As16(), to.Addr().As16(), dscp, length)
	}
	binary.BigEndian.PutUint16(udp[0:], from.Port())
	binary.BigEndian.PutUint16(udp[2:], to.Port())
	binary.BigEndian.PutUint16(udp[4:], uint16(length))
	binary.BigEndian.PutUint16(udp[6:], 0)
	copy(udp[udpHeader:], payload)
	binary.BigEndian.PutUint16(udp[6:], checksum(sum+unix.IPPROTO_UDP+uint64(length), udp[:length]))
	return true
}

// ip4 writes the header and returns the room behind it and the sum of the
// addresses. // RFC 791 §3.1
func (o *outgoing) ip4(from, to [4]byte, dscp uint8, length int) (udp []byte, sum uint64) {
	h := o.b[:ip4Header]
	clear(h)
	o.size = ip4Header + length
	h[0], h[1] = 4<<4|ip4Header/4, dscp<<2
	binary.BigEndian.PutUint16(h[2:], uint16(o.size))
	const dontFragment = 0x40
	h[6], h[8], h[9] = dontFragment, hopLimit, unix.IPPROTO_UDP
	copy(h[12:], from[:])
	copy(h[16:], to[:])
	return o.b[ip4Header:], sumOf(h[12:])
}

// ip6 is ip4 for IPv6. // RFC 8200 §3
func (o *outgoing) ip6(from, to [16]byte, dscp uint8, length int) (udp []byte, sum uint64) {
	h := o.b[:ip6Header]
	clear(h)
	o.size = ip6Header + length
	binary.BigEndian.PutUint32(h, 6<<28|uint32(dscp)<<22)
	binary.BigEndian.PutUint16(h[4:], uint16(length))
	h[6], h[7] = unix.IPPROTO_UDP, hopLimit
	copy(h[8:], from[:])
	copy(h[24:], to[:])
	return o.b[ip6Header:], sumOf(h[8:])
}

// checksum is the one's complement of the sum of 16 bit words, never zero.
// RFC 768, RFC 1071.
func checksum(sum uint64, b []byte) uint16 {
	sum += sumOf(b)
	for sum>>16 != 0 {
		sum = sum>>16 + sum&0xFFFF
	}
	if c := ^uint16(sum); c != 0 {
		return c
	}
	return 0xFFFF
}

// sumOf adds up 16 bit words. Eight octets at a time give the same once folded.
// RFC 1071 §2(B).
func sumOf(b []byte) uint64 {
	var sum, carry uint64
	for ; len(b) >= 8; b = b[8:] {
		sum, carry = bits.Add64(sum, binary.BigEndian.Uint64(b), carry)
	}
	sum = sum>>32 + sum&0xFFFFFFFF + carry
	for ; len(b) >= 2; b = b[2:] {
		sum += uint64(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint64(b[0]) << 8
	}
	return sum
}
