package media

import (
	"encoding/binary"

	"github.com/pion/rtp"
)

const (
	rtpHeader  = 12   // octets
	maxPacket  = 1500 // octets, longer ones are refused
	rtpVersion = 2
)

// parseRTP checks a packet and leaves its header in h. // RFC 3550 §5.1, A.1
func parseRTP(b []byte, h *rtp.Header, types PayloadTypes) Drop {
	if len(b) < rtpHeader || len(b) > maxPacket {
		return DropSize
	}
	if b[0]>>6 != rtpVersion {
		return DropVersion
	}
	if looksLikeRTCP(b) { // it must not pass unseen
		return DropMultiplexed
	}
	if !types.Has(b[1] & 0x7f) {
		return DropPayloadType
	}
	if !fits(b) {
		return DropMalformed
	}
	n, err := h.Unmarshal(b)
	if err != nil {
		return DropMalformed
	}
	if h.Padding {
		if pad := int(b[len(b)-1]); pad == 0 || n+pad > len(b) {
			return DropMalformed
		}
	}
	return Relayed
}

// fits reports whether sources and extension lie inside the packet. The parser
// asks the same but allocates its error.
func fits(b []byte) bool {
	n := rtpHeader + 4*int(b[0]&0x0f)
	if b[0]&0x10 == 0 {
		return n <= len(b)
	}
	return n+4 <= len(b) && n+4+4*int(binary.BigEndian.Uint16(b[n+2:])) <= len(b)
}
