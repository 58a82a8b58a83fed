package message

import "github.com/pion/sdp/v3"

// SRTPPolicy says what a trunk wants of SRTP.
type SRTPPolicy uint8

// The policies.
const (
	SRTPOff      SRTPPolicy = iota // plain RTP; keys are not read
	SRTPOptional                   // SRTP where the peer has it. RFC 8643
	SRTPRequired                   // nothing else
	SRTPInsecure                   // nothing else, and the signalling would show the keys
)

const (
	plainTransport  = "RTP/AVP"
	secureTransport = "RTP/SAVP"
)

// Protection is what we write of SRTP in a description of ours.
type Protection struct {
	Secure bool     // as RTP/SAVP, else as RTP/AVP
	Lines  []Crypto // our keys; none: plain RTP
}

// relaysAudio reports whether an audio stream of this transport may be chosen.
func (p *MediaPolicy) relaysAudio(transport string) bool {
	return transport == plainTransport || transport == secureTransport && p.SRTP != SRTPOff
}

// pickAudio chooses the first audio stream with keys that we can use, else the first
// plain one where the policy lets it be.
func (s *SDP) pickAudio(d *sdp.SessionDescription, policy *MediaPolicy) (*sdp.MediaDescription, *Fault) {
	var plain *sdp.MediaDescription
	at, seen := 0, false
	for i, m := range d.MediaDescriptions {
		if m.MediaName.Media != "audio" || m.MediaName.Port.Value == 0 {
			continue
		}
		seen = true
		if policy.SRTP == SRTPOff {
			s.stream = i
			return m, nil
		}
		if lines := cryptoOf(m); len(lines) > 0 && policy.SRTP != SRTPInsecure {
			s.stream, s.crypto = i, lines
			return m, nil
		}
		if plain == nil && s.lines[i].proto == plainTransport {
			plain, at = m, i
		}
	}
	switch {
	case plain != nil && policy.SRTP == SRTPOptional:
		s.stream = at
		return plain, nil
	case !seen:
		return nil, nil
	case policy.SRTP == SRTPInsecure:
		return nil, fault(488, "sdp_srtp_insecure")
	case plain != nil:
		return nil, fault(488, "sdp_srtp")
	default:
		return nil, fault(488, "sdp_crypto")
	}
}

// cryptoOf are the lines of a stream that can be used, in its order.
func cryptoOf(m *sdp.MediaDescription) []Crypto {
	var lines []Crypto
	read := 0
	for _, a := range m.Attributes {
		if a.Key != "crypto" {
			continue
		}
		if read++; read > mostCrypto {
			break
		}
		if c, ok := parseCrypto(a.Value); ok {
			lines = append(lines, c)
		}
	}
	return lines
}

// Crypto is the line of keys that counts: the first one that can be used. RFC 4568
// §5.1.2.
func (s *SDP) Crypto() (Crypto, bool) {
	if len(s.crypto) == 0 {
		return Crypto{}, false
	}
	return s.crypto[0], true
}

// Secure reports whether the stream is RTP/SAVP.
func (s *SDP) Secure() bool { return s.lines[s.stream].proto == secureTransport }

// SameKeys reports whether another description has the line of keys that counts here,
// or as this one none.
func (s *SDP) SameKeys(o *SDP) bool {
	mine, has := s.Crypto()
	other, others := o.Crypto()
	return has == others && mine.Equal(&other)
}

// IsAnswer reports whether it was taken as an answer to an offer of ours.
func (s *SDP) IsAnswer() bool { return s.answer }

// SetAnswer marks it as one. Accept does so too.
func (s *SDP) SetAnswer() { s.answer = true }

// Under is the stream as we write it: with our protection. What its sender wrote of
// keys is in none of our descriptions.
func (s *SDP) Under(p Protection) *SDP {
	if len(p.Lines) == 0 && len(s.crypto) == 0 && len(s.ours.Lines) == 0 {
		return s
	}
	ours := *s
	ours.crypto, ours.ours = nil, p
	return &ours
}

func (p *Protection) transport() string {
	if p.Secure {
		return secureTransport
	}
	return plainTransport
}

func (p *Protection) append(dst []byte) []byte {
	for i := range p.Lines {
		dst = p.Lines[i].append(dst)
	}
	return dst
}
