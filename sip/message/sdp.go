package message

import (
	"bytes"
	"hash/fnv"
	"net/netip"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

// Caps on a session description.
const (
	MaxDescription = 8 << 10 // octets
	maxMediaLines  = 8
	maxFormats     = 32
)

// Direction is who may send media, as the sender of the description sees it.
// RFC 3264 §5.1.
type Direction uint8

// The directions.
const (
	SendRecv Direction = iota
	SendOnly
	RecvOnly
	Inactive
)

var directionNames = [...]string{"sendrecv", "sendonly", "recvonly", "inactive"}

// within is the direction of an answer less what the offer's sender would not take.
func (d Direction) within(offered Direction) Direction {
	sends := (d == SendRecv || d == SendOnly) && (offered == SendRecv || offered == RecvOnly)
	receives := (d == SendRecv || d == RecvOnly) && (offered == SendRecv || offered == SendOnly)
	switch {
	case sends && receives:
		return SendRecv
	case sends:
		return SendOnly
	case receives:
		return RecvOnly
	default:
		return Inactive
	}
}

// String is the name of its attribute.
func (d Direction) String() string { return directionNames[d&3] }

// SDP is the one stream of a session description that we relay: audio, or T.38
// where the trunk has it. All but
// this is left behind when it is read: names, times, bandwidths, other streams,
// ICE, keys, and attributes that are not named in this file.
type SDP struct {
	Content   uint64         // hash of all that we read: a description that changed has another one
	RTP, RTCP netip.AddrPort // where the sender wants media; RTP is invalid on hold by c=0.0.0.0
	Direction Direction
	Mux       bool // RTCP shares the port of RTP; read where the trunk permits it

	formats         []format
	ptime, maxptime int
	fax             *fax        // nil: it is audio
	lines           []mediaLine // all m= lines in order, to answer each of them
	stream          int         // which of them is relayed
	crypto          []Crypto    // its keys, those lines that can be used
	answer          bool        // to an offer of ours
	ours            Protection  // what we write of keys
}

// format is one payload type with what describes it.
type format struct {
	pt     uint8
	rtpmap string
	fmtp   string
}

// mediaLine is what an answer repeats of an m= line that it refuses.
type mediaLine struct {
	kind, proto string
	fax         bool // it could be relayed as one
}

// ParseSDP reads a session description and checks its addresses. The fault is
// 400 for one that is malformed, 413 for one that is too long and 488 for one that
// we don't relay.
func ParseSDP(body []byte, policy *MediaPolicy) (*SDP, *Fault) {
	if len(body) > MaxDescription {
		return nil, fault(413, "sdp_size")
	}
	s := &SDP{}
	plain, f := s.readLines(body, policy)
	if f != nil {
		return nil, f
	}
	var d sdp.SessionDescription
	if err := d.Unmarshal(plain); err != nil || len(d.MediaDescriptions) != len(s.lines) {
		return nil, fault(400, "sdp")
	}
	m, f := s.pick(&d, policy)
	if f != nil {
		return nil, f
	}
	if f := s.readAddresses(&d, m, policy); f != nil {
		return nil, f
	}
	s.readDirection(&d, m)
	if s.fax != nil {
		s.readFax(m)
		s.Content = s.hash()
		return s, nil
	}
	s.readFormats(m)
	s.readMux(m, policy)
	if len(s.formats) == 0 || len(policy.Codecs) > 0 && !s.keep(policy.Codecs) {
		return nil, fault(488, "sdp_format")
	}
	s.Content = s.hash()
	return s, nil
}

func (s *SDP) hash() uint64 {
	text := s.appendStream(make([]byte, 0, 512), s.RTP.Port())
	for i := range s.crypto {
		text = s.crypto[i].append(text)
	}
	text = s.RTCP.AppendTo(s.RTP.AppendTo(text))
	for i, line := range s.lines {
		text = append(text, line.kind...)
		text = append(text, ' ')
		text = append(text, line.proto...)
		text = strconv.AppendBool(text, i == s.stream)
	}
	h := fnv.New64a()
	_, _ = h.Write(text)
	return h.Sum64()
}

// readLines notes all m= lines. The parser refuses a description with a medium
// or transport that it does not know, fax for one, so it gets the lines that
// can't be chosen in a neutral form.
func (s *SDP) readLines(body []byte, policy *MediaPolicy) ([]byte, *Fault) {
	plain := make([]byte, 0, len(body)+64)
	for line := range bytes.Lines(body) {
		if !bytes.HasPrefix(line, []byte("m=")) {
			plain = append(plain, line...)
			continue
		}
		fields := strings.Fields(string(line[2:]))
		if len(fields) < 4 || !isTokenText(fields[0]) {
			return nil, fault(400, "sdp")
		}
		relayed := policy.Fax && isFax(fields)
		if s.lines = append(s.lines, mediaLine{fields[0], fields[2], relayed}); len(s.lines) > maxMediaLines {
			return nil, fault(488, "sdp_media")
		}
		switch {
		case fields[0] == "audio" && policy.relaysAudio(fields[2]):
			plain = append(plain, line...)
		case relayed:
			plain = append(plain, "m="+faxStandIn+" "+fields[1]+" UDP 0\r\n"...)
		default:
			plain = append(plain, "m=application 0 UDP 0\r\n"...)
		}
	}
	if !bytes.HasSuffix(plain, []byte("\n")) { // some devices forget the last one
		plain = append(plain, "\r\n"...)
	}
	return plain, nil
}

// pick chooses an audio stream, else the first fax, which nothing protects.
func (s *SDP) pick(d *sdp.SessionDescription, policy *MediaPolicy) (*sdp.MediaDescription, *Fault) {
	if m, f := s.pickAudio(d, policy); m != nil || f != nil {
		return m, f
	}
	if policy.SRTP == SRTPRequired || policy.SRTP == SRTPInsecure {
		return nil, fault(488, "sdp_srtp")
	}
	if m, ok := s.pickFax(d); ok {
		return m, nil
	}
	return nil, fault(488, "sdp_media")
}

func (s *SDP) readAddresses(d *sdp.SessionDescription, m *sdp.MediaDescription, policy *MediaPolicy) *Fault {
	c := m.ConnectionInformation
	if c == nil {
		c = d.ConnectionInformation
	}
	if c == nil || c.Address == nil || c.NetworkType != "IN" {
		return fault(488, "sdp_address")
	}
	addr, f := policy.check(c.Address.Address)
	if f != nil {
		return f
	}
	if !addr.IsValid() {
		return nil // on hold
	}
	port := m.MediaName.Port.Value
	if port < minMediaPort || port > 65534 {
		return fault(488, "sdp_port")
	}
	s.RTP = netip.AddrPortFrom(addr, uint16(port))
	s.RTCP = netip.AddrPortFrom(addr, uint16(port+1))
	if value, ok := m.Attribute("rtcp"); ok {
		if s.RTCP, f = rtcpAddress(value, addr, policy); f != nil {
			return f
		}
	}
	if policy.own(s.RTP) || policy.own(s.RTCP) {
		return fault(488, "sdp_own_address")
	}
	return nil
}

// rtcpAddress reads a=rtcp: a port, and an address where it is another. RFC 3605.
func rtcpAddress(value string, addr netip.Addr, policy *MediaPolicy) (netip.AddrPort, *Fault) {
	fields := strings.Fields(value)
	if len(fields) != 1 && len(fields) != 4 {
		return netip.AddrPort{}, fault(488, "sdp_rtcp")
	}
	port, err := strconv.ParseUint(fields[0], 10, 16)
	if err != nil || port < minMediaPort {
		return netip.AddrPort{}, fault(488, "sdp_port")
	}
	if len(fields) == 4 {
		other, f := policy.check(fields[3])
		if f != nil {
			return netip.AddrPort{}, f
		}
		if other.IsValid() {
			addr = other
		}
	}
	return netip.AddrPortFrom(addr, uint16(port)), nil
}

func (s *SDP) readDirection(d *sdp.SessionDescription, m *sdp.MediaDescription) {
	for _, attributes := range [][]sdp.Attribute{d.Attributes, m.Attributes} {
		for _, a := range attributes {
			for i, name := range directionNames {
				if a.Key == name {
					s.Direction = Direction(i)
				}
			}
		}
	}
	if !s.RTP.IsValid() { // RFC 3264 §8.4: hold in the old form asks for silence
		switch s.Direction {
		case SendRecv:
			s.Direction = SendOnly
		case RecvOnly:
			s.Direction = Inactive
		case SendOnly, Inactive:
		}
	}
}

func (s *SDP) readFormats(m *sdp.MediaDescription) {
	seen := PayloadTypes{}
	for _, text := range m.MediaName.Formats {
		pt, err := strconv.ParseUint(text, 10, 7)
		if err != nil || seen.Has(uint8(pt)) || len(s.formats) == maxFormats {
			continue
		}
		seen.add(uint8(pt))
		s.formats = append(s.formats, format{pt: uint8(pt)})
	}
	for _, a := range m.Attributes {
		switch a.Key {
		case "rtpmap":
			if f, rest := s.format(a.Value); f != nil && f.rtpmap == "" {
				f.rtpmap = cleanRtpmap(rest)
			}
		case "fmtp":
			if f, rest := s.format(a.Value); f != nil && f.fmtp == "" {
				f.fmtp = cleanFmtp(rest)
			}
		case "ptime":
			s.ptime = packetTime(a.Value)
		case "maxptime":
			s.maxptime = packetTime(a.Value)
		}
	}
	s.dropUnnamed()
}

// dropUnnamed removes dynamic payload types that nothing names. RFC 3551 §6.
func (s *SDP) dropUnnamed() {
	const firstDynamic = 96
	kept := s.formats[:0]
	for _, f := range s.formats {
		if f.pt < firstDynamic || f.rtpmap != "" {
			kept = append(kept, f)
		}
	}
	s.formats = kept
}

// format finds the payload type that "PT rest" is about.
func (s *SDP) format(value string) (*format, string) {
	text, rest, _ := strings.Cut(value, " ")
	pt, err := strconv.ParseUint(text, 10, 7)
	if err != nil {
		return nil, ""
	}
	for i := range s.formats {
		if s.formats[i].pt == uint8(pt) {
			return &s.formats[i], strings.TrimSpace(rest)
		}
	}
	return nil, ""
}

func packetTime(value string) int {
	const longest = 240 // milliseconds
	ms, err := strconv.Atoi(strings.TrimSpace(value))
	if err != nil || ms < 1 || ms > longest {
		return 0
	}
	return ms
}

// Accept keeps of an answer what the offer had: its formats, and the directions that
// it left. RFC 3264 §6.1.
func (s *SDP) Accept(offer *SDP) *Fault {
	s.answer = true
	s.Direction = s.Direction.within(offer.Direction)
	if s.Fax() != offer.Fax() {
		return fault(488, "sdp_media")
	}
	if s.Fax() {
		return nil
	}
	offered := offer.PayloadTypes()
	kept := s.formats[:0]
	for _, f := range s.formats {
		if offered.Has(f.pt) {
			kept = append(kept, f)
		}
	}
	s.formats = kept
	if len(kept) == 0 {
		return fault(488, "sdp_format")
	}
	return nil
}

// PayloadTypes is a set of RTP payload types.
type PayloadTypes [2]uint64

// Has reports whether pt is in the set.
func (p *PayloadTypes) Has(pt uint8) bool { return p[pt>>6&1]&(1<<(pt&63)) != 0 }

func (p *PayloadTypes) add(pt uint8) { p[pt>>6&1] |= 1 << (pt & 63) }

// PayloadTypes are those of the stream.
func (s *SDP) PayloadTypes() PayloadTypes {
	var p PayloadTypes
	for _, f := range s.formats {
		p.add(f.pt)
	}
	return p
}
