package sip

import (
	"encoding/base64"
	"math/rand/v2"
	"slices"
	"strings"

	"maskline/sip/message"
)

// planKeys gives some trunks SRTP, and most of their phones. Its lots are of a source
// of their own.
func (s *sim) planKeys() {
	rnd := rand.New(rand.NewPCG(s.seed, 7))
	s.ours, s.keyLots = map[string]uint8{}, rnd
	s.secure(s.trunkA, s.caller, rnd)
	for _, tr := range s.trunks {
		s.secure(tr, s.callees[tr.addr], rnd)
	}
}

func (s *sim) secure(tr *trunk, u *simUA, rnd *rand.Rand) {
	if tr.over != overTLS {
		return
	}
	tr.media.SRTP = message.SRTPPolicy(rnd.IntN(3))
	if tr.media.SRTP == message.SRTPOff || rnd.IntN(6) == 0 {
		u.picky = u.picky || tr.media.SRTP == message.SRTPRequired // we take none of its descriptions
		return
	}
	u.draw(rnd)
	u.savp = tr.media.SRTP == message.SRTPRequired
}

func (u *simUA) draw(rnd *rand.Rand) {
	octets := make([]byte, 30)
	for i := range octets {
		octets[i] = byte(rnd.Uint32())
	}
	key := base64.StdEncoding.EncodeToString(octets)
	u.held = append(u.held, key)
	u.keys = "a=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:" + key + "|2^31\r\n" // the place in our offers, too
}

// rekey changes the phone's key with some of its new descriptions.
func (u *simUA) rekey() {
	if len(u.held) > 0 && u.s.keyLots.IntN(4) == 0 {
		u.draw(u.s.keyLots)
		u.s.inside["rekeyed"]++
	}
}

func (u *simUA) profile() string {
	if u.savp {
		return "SAVP"
	}
	return "AVP"
}

// checkToldKeys wants no key of a phone's in what the edge sends, none of ours on two
// legs, and none but over TLS.
func (s *sim) checkToldKeys(a actSend) {
	text := string(a.data)
	if !strings.Contains(text, "a=crypto:") {
		if _, body, _ := strings.Cut(text, "\r\n\r\n"); strings.Contains(body, "m=audio") && a.trunk.media.SRTP == message.SRTPRequired && a.trunk.over == overTLS {
			s.fail("no keys for a side that must have them:\n%s", text)
		}
		return
	}
	s.inside["keys"]++
	if a.over != overTLS || a.trunk.media.SRTP == message.SRTPOff {
		s.fail("keys where they should not be:\n%s", text)
	}
	for _, u := range s.phones() {
		for _, key := range u.held {
			if strings.Contains(text, key) {
				s.fail("a key of %s came back or went on:\n%s", u.name, text)
			}
		}
	}
	for line := range strings.SplitSeq(text, "\r\n") {
		_, key, found := strings.Cut(line, "inline:")
		if !found {
			continue
		}
		if leg, told := s.ours[key]; told && leg != a.leg {
			s.fail("our key of leg %d is told on leg %d:\n%s", leg, a.leg, text)
		}
		s.ours[key] = a.leg
	}
}

// phones are all agents.
func (s *sim) phones() []*simUA {
	all := []*simUA{s.caller}
	for _, u := range s.callees {
		all = append(all, u)
	}
	return all
}

// checkRemoteKeys wants the phone's key and the one that we told it, or plain RTP
// where that may be.
func (s *sim) checkRemoteKeys(a actRemote) {
	k := a.remote.Keys
	if k.Suite == message.NoSuite {
		for _, u := range s.phones() {
			if s.sideOf(u) == a.side && !u.savp {
				return
			}
		}
		s.fail("side %d has no SRTP, and must", a.side)
		return
	}
	s.inside["protected"]++
	theirs, known := base64.StdEncoding.EncodeToString(k.Theirs.Reveal()), false
	for _, u := range s.phones() {
		known = known || slices.Contains(u.held, theirs) && s.sideOf(u) == a.side
	}
	if !known {
		s.fail("side %d is heard under another's key", a.side)
	}
	if leg, told := s.ours[base64.StdEncoding.EncodeToString(k.Ours.Reveal())]; told && s.sideOfLeg(leg) != a.side {
		s.fail("side %d is sent to under the key of leg %d", a.side, leg)
	}
}
