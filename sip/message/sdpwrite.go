package message

import (
	"net/netip"
	"strconv"
)

// Origin identifies a session description among ours in one dialog: a changed one
// has a new version. RFC 3264 §8.
type Origin struct {
	ID      uint64
	Version uint64
}

// AppendOffer writes the stream as our own offer: one m= line, our addresses.
func (s *SDP) AppendOffer(dst []byte, o Origin, local netip.AddrPort) []byte {
	dst = appendSession(dst, o, local.Addr())
	return s.appendStream(dst, local.Port())
}

// AppendAnswer writes the stream as our own answer to offer: a line for each of
// its m= lines, all but one refused (RFC 3264 §6).
func (s *SDP) AppendAnswer(dst []byte, o Origin, local netip.AddrPort, offer *SDP) []byte {
	dst = appendSession(dst, o, local.Addr())
	for i, line := range offer.lines {
		if i == offer.stream {
			dst = s.appendStream(dst, local.Port())
			continue
		}
		dst = append(dst, "m="...)
		dst = append(dst, line.kind...)
		dst = append(dst, " 0 "...)
		dst = append(dst, line.proto...)
		dst = append(dst, " 0\r\n"...)
	}
	return dst
}

func appendSession(dst []byte, o Origin, addr netip.Addr) []byte {
	dst = append(dst, "v=0\r\no=- "...)
	dst = strconv.AppendUint(dst, o.ID, 10)
	dst = append(dst, ' ')
	dst = strconv.AppendUint(dst, o.Version, 10)
	dst = appendAddr(append(dst, ' '), addr)
	dst = append(dst, "\r\ns=-\r\nc="...)
	dst = appendAddr(dst, addr)
	return append(dst, "\r\nt=0 0\r\n"...)
}

func appendAddr(dst []byte, addr netip.Addr) []byte {
	if addr.Is4() {
		dst = append(dst, "IN IP4 "...)
	} else {
		dst = append(dst, "IN IP6 "...)
	}
	return addr.AppendTo(dst)
}

func (s *SDP) appendStream(dst []byte, port uint16) []byte {
	if s.fax != nil {
		return s.appendFax(dst, port)
	}
	return s.appendAudio(dst, port)
}

func (s *SDP) appendAudio(dst []byte, port uint16) []byte {
	dst = append(dst, "m=audio "...)
	dst = strconv.AppendUint(dst, uint64(port), 10)
	dst = append(append(dst, ' '), s.ours.transport()...)
	for _, f := range s.formats {
		dst = append(dst, ' ')
		dst = strconv.AppendUint(dst, uint64(f.pt), 10)
	}
	dst = append(dst, "\r\n"...)
	for _, f := range s.formats {
		dst = appendAttribute(dst, "rtpmap:", f.pt, f.rtpmap)
		dst = appendAttribute(dst, "fmtp:", f.pt, f.fmtp)
	}
	dst = appendTime(dst, "ptime:", s.ptime)
	dst = appendTime(dst, "maxptime:", s.maxptime)
	dst = s.ours.append(dst)
	if s.Mux {
		dst = append(dst, muxAttribute...)
	}
	dst = append(dst, "a="...)
	dst = append(dst, s.Direction.String()...)
	return append(dst, "\r\n"...)
}

func appendAttribute(dst []byte, name string, pt uint8, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(dst, "a="...)
	dst = append(dst, name...)
	dst = strconv.AppendUint(dst, uint64(pt), 10)
	dst = append(dst, ' ')
	dst = append(dst, value...)
	return append(dst, "\r\n"...)
}

func appendTime(dst []byte, name string, ms int) []byte {
	if ms == 0 {
		return dst
	}
	dst = append(dst, "a="...)
	dst = append(dst, name...)
	dst = strconv.AppendInt(dst, int64(ms), 10)
	return append(dst, "\r\n"...)
}
