package sip

import (
	"crypto/rand"
	"fmt"
	"slices"

	"maskline/sip/message"
)

// sdes are the keys of a leg's media, which both sides of it tell each other in
// their session descriptions. RFC 4568. The other leg has others, or none.
type sdes struct {
	round   uint32           // of our keys: a side that changes its own gets new ones
	offered []message.Crypto // our lines in the latest description
	secure  bool             // the stream is RTP/SAVP
	state   protection
	agreed  message.Crypto // the line that counts, with our key
	theirs  message.Key
	used    bool // keys of this round have protected something
}

// protection is how far a leg has come.
type protection uint8

const (
	undecided protection = iota
	plain
	protected
)

// Keys protect one side's packets. The zero value is plain RTP.
type Keys struct {
	Suite        message.Suite
	Ours, Theirs message.Key
}

// newSecret draws what the keys of a call are made of.
func newSecret() message.Secret {
	octets := make([]byte, 32)
	_, _ = rand.Read(octets) // never fails
	return message.NewSecret(octets)
}

// policy is what the trunk may ask of us in a description that came, or goes, by
// this transport. Keys are told over TLS alone.
func (t *trunk) policy(over transport) *message.MediaPolicy {
	if t.media.SRTP == message.SRTPOff || over == overTLS {
		return &t.media
	}
	p := t.media
	if p.SRTP == message.SRTPOptional {
		p.SRTP = message.SRTPOff
	} else {
		p.SRTP = message.SRTPInsecure
	}
	return &p
}

func (l *leg) policy() *message.MediaPolicy { return l.trunk.policy(l.over) }

// protects reports whether keys may be told on the leg.
func (l *leg) protects() bool {
	p := l.policy().SRTP
	return p == message.SRTPOptional || p == message.SRTPRequired
}

// under is the stream as the leg is told of it: with our keys, and nobody else's.
func (c *call) under(l *leg, s *message.SDP) *message.SDP {
	if s.Fax() || !l.protects() {
		return s.Under(message.Protection{})
	}
	k := l.keys()
	switch k.state {
	case plain:
		k.offered = nil
	case protected:
		k.offered = []message.Crypto{k.agreed}
	case undecided:
		k.secure, k.offered = l.policy().SRTP == message.SRTPRequired, nil
		for i, suite := range message.OfferedSuites() {
			k.offered = append(k.offered, message.Crypto{Tag: uint32(i) + 1, Suite: suite, Key: c.secret.Key(l.number, k.round, suite)})
		}
	}
	return s.Under(message.Protection{Secure: k.secure, Lines: k.offered})
}

func (l *leg) keys() *sdes {
	if l.sdes == nil {
		l.sdes = &sdes{}
	}
	return l.sdes
}

// takes keeps of an answer what the offer to the leg had, and reports whether
// that is enough.
func (l *leg) takes(answer, offer *message.SDP) bool {
	if answer.Accept(offer) != nil {
		return false
	}
	if answer.Fax() || !l.protects() {
		return true
	}
	k := l.keys()
	line, has := answer.Crypto()
	if !has || len(k.offered) == 0 {
		return !k.secure && !answer.Secure()
	}
	_, found := k.line(line)
	return found
}

// line is the one of ours that an answer chose. RFC 4568 §5.1.3.
func (k *sdes) line(of message.Crypto) (message.Crypto, bool) {
	i := slices.IndexFunc(k.offered, func(o message.Crypto) bool { return o.Tag == of.Tag && o.Suite == of.Suite })
	if i < 0 {
		return message.Crypto{}, false
	}
	return k.offered[i], true
}

// secure takes over the keys in a description that is agreed on, and returns those
// of both directions. A side that changes its own may be another device, which
// knows nothing of the packets so far: it gets new ones of ours.
func (c *call) secure(l *leg, s *message.SDP) Keys {
	if s.Fax() || !l.protects() {
		return Keys{}
	}
	k := l.keys()
	line, has := s.Crypto()
	ours, found := k.line(line)
	switch {
	case !has || s.IsAnswer() && !found:
		k.renew(k.state == protected)
		k.state, k.secure = plain, false
		return Keys{}
	case s.IsAnswer():
		k.agreed = ours
	default:
		k.renew(k.state != protected || line.Suite != k.agreed.Suite || !line.Key.Equal(k.theirs))
		k.secure = s.Secure()
		k.agreed = message.Crypto{Tag: line.Tag, Suite: line.Suite, Key: c.secret.Key(l.number, k.round, line.Suite)}
	}
	k.state, k.theirs, k.used = protected, line.Key, true
	return Keys{Suite: line.Suite, Ours: k.agreed.Key, Theirs: line.Key}
}

// declines is the offer of a device that is not connected, as our answer to it has
// the keys.
func (c *call) declines(l *leg, s *message.SDP) *message.SDP {
	line, has := s.Crypto()
	if !has || !l.protects() {
		return s.Under(message.Protection{})
	}
	line.Key = c.secret.Key(l.number, declined, line.Suite)
	return s.Under(message.Protection{Secure: s.Secure(), Lines: []message.Crypto{line}})
}

// declined is the round of keys under which nothing is ever sent.
const declined = 1<<32 - 1

// renew makes our next keys others than those that were used. RFC 3711 §9.1.
func (k *sdes) renew(changed bool) {
	if changed && k.used {
		k.round++
		k.used = false
	}
}

// remote is where a leg's media is, and under which keys, by a description that is
// agreed on.
func (c *call) remote(l *leg, s *message.SDP) Remote {
	r := remote(l.trunk, s, s.PayloadTypes())
	r.Keys = c.secure(l, s)
	return r
}

// Values of TrunkConfig.SRTP.
const (
	SRTPOff      = "off"
	SRTPOptional = "optional"
	SRTPRequired = "required"
)

// protect reads what the trunk wants of SRTP.
func (t *trunk) protect(c *TrunkConfig) error {
	switch c.SRTP {
	case "", SRTPOff:
	case SRTPOptional:
		t.media.SRTP = message.SRTPOptional
	case SRTPRequired:
		t.media.SRTP = message.SRTPRequired
	default:
		return fmt.Errorf("srtp: %q is neither off, optional nor required", c.SRTP)
	}
	return nil
}
