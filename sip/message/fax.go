package message

import (
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

// fax is what a description says of a T.38 stream. ITU-T T.38 D.2.3.
type fax struct {
	attributes []string // those that go on, as they are written
}

const (
	faxMedium    = "image"
	faxTransport = "udptl"
	faxFormat    = "t38"

	// faxStandIn is how the parser, which knows no udptl, gets such a line.
	faxStandIn = "application"
)

// isFax reports whether the fields of an m= line are those of T.38 over UDP.
func isFax(fields []string) bool {
	return len(fields) == 4 && fields[0] == faxMedium && strings.EqualFold(fields[2], faxTransport) && strings.EqualFold(fields[3], faxFormat)
}

// Fax reports whether the stream is T.38 rather than audio: datagrams that are no
// RTP.
func (s *SDP) Fax() bool { return s.fax != nil }

// pickFax chooses the first T.38 stream.
func (s *SDP) pickFax(d *sdp.SessionDescription) (*sdp.MediaDescription, bool) {
	for i, m := range d.MediaDescriptions {
		if s.lines[i].fax && m.MediaName.Port.Value != 0 {
			s.stream, s.fax = i, &fax{}
			return m, true
		}
	}
	return nil, false
}

// readFax keeps the attributes that are known, with plain values, each once.
func (s *SDP) readFax(m *sdp.MediaDescription) {
	seen := map[string]bool{}
	for _, a := range m.Attributes {
		name, value := cleanFax(a.Key, a.Value)
		if name == "" || seen[name] {
			continue
		}
		seen[name] = true
		if value != "" {
			name += ":" + value
		}
		s.fax.attributes = append(s.fax.attributes, name)
	}
}

// cleanFax is the attribute as it goes on; empty: it does not.
func cleanFax(key, value string) (name, clean string) {
	value = strings.TrimSpace(value)
	for _, name := range []string{"T38FaxVersion", "T38MaxBitRate", "T38FaxMaxBuffer", "T38FaxMaxDatagram", "T38FaxMaxIFP"} {
		most := longestRun
		if name == "T38FaxVersion" {
			most = 1
		}
		if strings.EqualFold(key, name) && len(value) <= most {
			if n, err := strconv.ParseUint(value, 10, 32); err == nil {
				return name, strconv.FormatUint(n, 10)
			}
		}
	}
	for _, name := range []string{"T38FaxFillBitRemoval", "T38FaxTranscodingMMR", "T38FaxTranscodingJBIG"} {
		if strings.EqualFold(key, name) && (value == "" || value == "0" || value == "1") {
			return name, value
		}
	}
	var choices []string
	switch {
	case strings.EqualFold(key, "T38FaxRateManagement"):
		name, choices = "T38FaxRateManagement", []string{"localTCF", "transferredTCF"}
	case strings.EqualFold(key, "T38FaxUdpEC"):
		name, choices = "T38FaxUdpEC", []string{"t38UDPRedundancy", "t38UDPFEC", "t38UDPNoEC"}
	}
	for _, one := range choices {
		if strings.EqualFold(value, one) {
			return name, one
		}
	}
	return "", ""
}

func (s *SDP) appendFax(dst []byte, port uint16) []byte {
	dst = append(dst, "m="+faxMedium+" "...)
	dst = strconv.AppendUint(dst, uint64(port), 10)
	dst = append(dst, " "+faxTransport+" "+faxFormat+"\r\n"...)
	for _, a := range s.fax.attributes {
		dst = append(dst, "a="...)
		dst = append(dst, a...)
		dst = append(dst, "\r\n"...)
	}
	if s.Direction != SendRecv {
		dst = append(append(append(dst, "a="...), s.Direction.String()...), "\r\n"...)
	}
	return dst
}
