package sip

import (
	"math/rand/v2"
	"strings"
)

const simMux = "a=rtcp-mux\r\n"

// simMuxing is what an agent does about RTCP on the port of RTP.
type simMuxing struct {
	wanted    bool // it knows of it
	fickle    bool // its later descriptions differ in it
	permitted bool // its trunk has it
	rnd       *rand.Rand

	// An answer without media to an offer without: nobody can tell it from a refusal.
	said, perhaps string
}

// planMux has some trunks permit it. Its lots are of a source of their own.
func (s *sim) planMux() {
	rnd := rand.New(rand.NewPCG(s.seed, 6))
	plan := func(u *simUA, t *trunk) {
		t.media.Mux = rnd.IntN(2) == 0
		u.mux = simMuxing{wanted: rnd.IntN(3) > 0, fickle: rnd.IntN(4) == 0, permitted: t.media.Mux, rnd: rnd}
		u.d.said = u.sdp()
	}
	plan(s.caller, s.trunkA)
	for _, t := range s.trunks {
		plan(s.callees[t.addr], t)
	}
}

// muxed adds the attribute to the agent's first description: its offer, or its
// answer to one that has it.
func (u *simUA) muxed(body string) string {
	answers := u != u.s.caller && strings.Contains(u.invited, "m=audio")
	if u.mux.wanted && (!answers || strings.Contains(u.invited, simMux)) {
		return body + simMux
	}
	return body
}

// remuxed is a later description; it answers the edge's, or is an offer.
func (u *simUA) remuxed(body, answers string) string {
	body = strings.Replace(body, simMux, "", 1)
	wanted := u.mux.wanted
	if u.mux.fickle {
		wanted = u.mux.rnd.IntN(2) == 0
	}
	if strings.Contains(answers, "\r\nv=0\r\n") && !strings.Contains(answers, simMux) {
		wanted = false
	}
	if wanted {
		return body + simMux
	}
	return body
}

// checkMuxOf wants nothing of it in what a trunk gets that does not permit it.
func (s *sim) checkMuxOf(a actSend) {
	if strings.Contains(string(a.data), simMux) {
		s.inside["mux"]++
		if !a.trunk.media.Mux {
			s.fail("a shared port for a trunk that permits none:\n%s", a.data)
		}
	}
}

// checkMuxAnswer wants the edge's answer to agree where the agent's offer has it and
// its trunk permits it, and only there. RFC 5761 §5.1.1.
func (u *simUA) checkMuxAnswer(offer, answer string) {
	_, body, _ := strings.Cut(answer, "\r\n\r\n")
	if !strings.Contains(offer, "m=audio") || !strings.Contains(body, "m=audio") || strings.Contains(offer, "127.0.0.1") {
		return
	}
	if want := strings.Contains(offer, simMux) && u.mux.permitted; strings.Contains(body, simMux) != want {
		u.s.fail("%s offered\n%s\nand got\n%s", u.name, offer, answer)
	}
}

// checkMuxAt wants the relay to know what the side last agreed to.
func (s *sim) checkMuxAt(side Side, u *simUA) {
	r := s.remotes[side]
	agrees := func(said string) bool { return r.Mux == (u.mux.permitted && strings.Contains(said, simMux) && !r.Fax) }
	if !agrees(u.d.said) && (u.mux.said != u.d.said || !agrees(u.mux.perhaps)) {
		s.fail("RTCP of %s shares its port: %v, after\n%s", u.name, r.Mux, u.d.said)
	}
}
