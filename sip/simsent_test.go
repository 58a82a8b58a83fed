package sip

import (
	"fmt"
	"strings"
	"time"

	"maskline/sip/message"
	"maskline/testbench/leak"
)

// sent checks what leaves the edge, and carries it.
func (s *sim) sent(a actSend) {
	other := simBob
	ua := s.caller
	if a.leg != legA {
		other, ua = simAlice, s.callees[a.to]
		if s.sideOfLegTo(a) == SideA {
			other = simBob
		}
	}
	if leak.Contains(a.data, other) {
		s.fail("the other side's number is in\n%s", a.data)
	}
	if strings.Contains(string(a.data), "secret-") && a.leg != legA {
		s.fail("the caller's Call-ID is in\n%s", a.data)
	}
	s.checkManners(a)
	s.checkAddress(a)
	s.checkMuxOf(a)
	s.checkToldKeys(a)
	if drop := message.Check(a.data); drop != message.Pass {
		s.fail("our own guard drops (%v)\n%s", drop, a.data)
	}
	if ua == nil || a.to != ua.addr {
		s.fail("sent to %s\n%s", a.to, a.data)
	}
	first := a.leg == legA && strings.Contains(string(a.data), "\r\nCSeq: 1 INVITE\r\n")
	if first && a.code >= 200 {
		s.finals[string(a.data)] = true
		if len(s.finals) > 1 {
			s.fail("two final answers to the caller")
		}
	}
	s.checkVersion(a)
	if !first {
		s.inside[fmt.Sprintf("%s %d", a.method, a.code)]++
		if s.answeredAt.IsZero() {
			s.inside[fmt.Sprintf("early %s %d%s", a.method, a.code, described(string(a.data)))]++
		}
	}
	if first && a.code > 0 && a.code < 200 && len(s.finals) > 0 {
		s.fail("a provisional answer after the final one")
	}
	data := append([]byte(nil), a.data...)
	if a.over == overUDP {
		s.carry(s.edgeAddr, a.to, data, func() { ua.receive(data) })
		return
	}
	unreachable := func() {
		s.doubt()
		if a.code == 0 {
			s.edge(evUnreachable{a.leg, a.seq})
		}
	}
	if ua.over == overUDP && ua.narrow {
		s.at(time.Millisecond, unreachable) // it listens to datagrams only
		return
	}
	if a.code == 0 && a.method != message.Ack {
		whole, sent := s.sentOver[string(data)]
		if sent && whole {
			s.fail("a request is repeated over a stream\n%s", data)
		}
		s.sentOver[string(data)] = !sent
	}
	s.stream(s.edgeAddr, a.to, data, func() { ua.receive(data) }, unreachable)
}

// doubt lets all that went over streams be sent again: what shares a branch with what
// was lost is doubted too.
func (s *sim) doubt() {
	for earlier := range s.sentOver {
		s.sentOver[earlier] = false
	}
}

// checkManners holds what leaves against the rules that only the edge can see
// broken: what was lost on its way would excuse it in the eyes of a peer.
func (s *sim) checkManners(a actSend) {
	text := string(a.data)
	if _, via, _ := strings.Cut(text, "\r\nVia: "); a.code == 0 && !strings.HasPrefix(via, "SIP/2.0/"+a.over.via()+" ") {
		s.fail("sent over %v\n%s", a.over, text)
	}
	s.checkReliable(a, text)
	if strings.Contains(text, "\r\nAuthorization:") || strings.Contains(text, "\r\nProxy-Authorization:") {
		if a.leg == legA || a.trunk.auth == nil || a.to != a.trunk.addr {
			s.fail("credentials leave for %s\n%s", a.to, text)
		}
	}
	if a.leg != legA && a.method == message.Invite && a.code == 0 {
		s.invites[a.leg] = true
	}
	if a.leg == legA {
		if a.method == message.Bye && a.code == 0 && !s.acked && s.now.Sub(s.answeredAt) < t64 {
			s.fail("BYE to the caller before its ACK")
		}
		if a.method == message.Invite && a.code == 200 && s.answeredAt.IsZero() {
			s.answeredAt = s.now
			s.checkConnected()
		}
		s.media = s.media || a.method == message.Invite && strings.Contains(text, "\r\nm=audio")
		return
	}
	switch {
	case a.code == 0 && a.seq >= seqDialog:
	case a.method == message.Cancel && a.code == 0 && !s.heardFrom[a.leg]:
		s.fail("CANCEL before a provisional answer")
	case a.method == message.Invite && a.code == 0 && s.media && !s.heardFrom[a.leg]:
		s.fail("another candidate after media was passed")
	case a.method == message.Invite && a.code == 0 &&
		(!strings.Contains(text, "\r\nFrom: <sip:"+s.shownTo(a).Reveal()+"@") || !strings.Contains(text, "\r\nMax-Forwards: 69\r\n")):
		s.fail("not the INVITE that it should be:\n%s", text)
	}
}
