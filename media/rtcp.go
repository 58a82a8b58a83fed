package media

import (
	"encoding/binary"

	"github.com/pion/rtcp"
)

// namedRTCP is how much longer a compound may become by our name.
const namedRTCP = 28

// Octets of the parts of RTCP packets. // RFC 3550 §6.4, §6.6
const (
	rtcpHeader = 4
	rtcpSSRC   = 4
	senderInfo = 20
	rtcpBlock  = 24
)

// rewriteRTCP appends to dst, another piece of memory, what of a compound may pass to
// the other side: the sender and receiver reports without their profile extensions, one SDES
// chunk with our CNAME for the sender, and BYE without a reason. Whatever else the
// compound holds (other SDES items, APP, XR, feedback, unknown types) ends here, and so does a
// compound that breaks RFC 3550 A.2. The content of SDES is never looked at.
func rewriteRTCP(dst, b []byte, name cname) ([]byte, Drop) {
	if len(b) < 8 || len(b) > maxPacket {
		return nil, DropSize
	}
	sender, rest := senderOf(b), b
	for first := true; len(rest) > 0; first = false {
		h, body, after, ok := splitRTCP(rest)
		if !ok || first && (h.Padding || !isReport(h.Type)) {
			return nil, DropRTCP
		}
		size, ok := mayPass(h, body)
		if !ok {
			return nil, DropRTCP
		}
		if isReport(h.Type) {
			dst = appendRTCP(dst, h, body[:size])
		}
		rest = after
	}
	dst = appendName(dst, sender, name)
	for rest = b; len(rest) > 0; {
		h, body, after, _ := splitRTCP(rest)
		if h.Type == rtcp.TypeGoodbye {
			size, _ := mayPass(h, body)
			dst = appendRTCP(dst, h, body[:size])
		}
		rest = after
	}
	return dst, Relayed
}

// splitRTCP cuts the first packet from a compound, without its padding, which
// only the last one may have. // RFC 3550 §6.4.1
func splitRTCP(b []byte) (h rtcp.Header, body, rest []byte, ok bool) {
	if err := h.Unmarshal(b); err != nil {
		return h, nil, nil, false
	}
	size := 4 * (int(h.Length) + 1)
	if size > len(b) || h.Padding && size != len(b) {
		return h, nil, nil, false
	}
	body, rest = b[:size], b[size:]
	if h.Padding {
		pad := int(body[size-1])
		if pad == 0 || pad%4 != 0 || pad > size-rtcpHeader {
			return h, nil, nil, false
		}
		body = body[:size-pad]
	}
	return h, body, rest, true
}

func isReport(t rtcp.PacketType) bool {
	return t == rtcp.TypeSenderReport || t == rtcp.TypeReceiverReport
}

// mayPass is how much of a packet that is a report or BYE may pass, as its count of blocks
// or sources says; nothing of any other. False: it contradicts its size.
func mayPass(h rtcp.Header, body []byte) (size int, ok bool) {
	count := int(h.Count)
	switch h.Type {
	case rtcp.TypeSenderReport:
		size = rtcpHeader + rtcpSSRC + senderInfo + rtcpBlock*count
	case rtcp.TypeReceiverReport:
		size = rtcpHeader + rtcpSSRC + rtcpBlock*count
	case rtcp.TypeGoodbye:
		size = rtcpHeader + rtcpSSRC*count
		if size < len(body) && size+1+int(body[size]) > len(body) {
			return 0, false // its reason
		}
	default:
		return 0, true
	}
	return size, size <= len(body)
}

// appendRTCP writes a packet of a type and count with a header of our own.
func appendRTCP(dst []byte, h rtcp.Header, body []byte) []byte {
	dst = append(dst, rtpVersion<<6|h.Count, byte(h.Type))
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(body)/4-1))
	return append(dst, body[rtcpHeader:]...)
}

// appendName writes our name for the sender: one chunk of one item, which ends with two
// zeros. // RFC 3550 §6.5
func appendName(dst []byte, sender uint32, name cname) []byte {
	dst = append(dst, rtpVersion<<6|1, byte(rtcp.TypeSourceDescription), 0, namedRTCP/4-1)
	dst = binary.BigEndian.AppendUint32(dst, sender)
	dst = append(dst, byte(rtcp.SDESCNAME), cnameLength)
	return append(name.append(dst), 0, 0)
}
