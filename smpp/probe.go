package smpp

import (
	"time"

	"maskline/smpp/pdu"
)

// probes is the state of a session's enquire_links: silence brings one, a miss
// another, a second miss the end.
type probes struct {
	sequence uint32 // of the latest; 0: none sent
	sentAt   int64
	missed   int
}

// maxProbeWait bounds the wait for an enquire_link_resp.
const maxProbeWait = 10 * time.Second

// probeWait is how long a probe may go unanswered. Both waits and the silence
// before them stay within two intervals.
func probeWait(interval time.Duration) int64 {
	return int64(min(interval/2, maxProbeWait))
}

type probeAction uint8

const (
	probeNothing probeAction = iota
	probeSend
	probeGiveUp
)

// next says what a silence since lastRead calls for at the instant at. Any
// octet received counts as life.
func (p *probes) next(at, lastRead int64, interval time.Duration) probeAction {
	if p.sequence == 0 || lastRead >= p.sentAt {
		p.sequence, p.missed = 0, 0
		if at-lastRead >= int64(interval) {
			return probeSend
		}
		return probeNothing
	}
	if at-p.sentAt < probeWait(interval) {
		return probeNothing
	}
	p.missed++
	if p.missed >= 2 {
		return probeGiveUp
	}
	return probeSend
}

// sent notes a probe.
func (p *probes) sent(sequence uint32, at int64) {
	p.sequence, p.sentAt = sequence, at
}

// answered reports whether sequence is that of the latest probe.
func (p *probes) answered(sequence uint32) bool {
	return sequence != 0 && sequence == p.sequence
}

// probe sends an enquire_link.
func (s *session) probe(t *turn) {
	s.mu.Lock()
	sequence := s.window.next()
	s.probes.sent(sequence, t.at)
	s.mu.Unlock()
	s.append(t, pdu.EnquireLink, pdu.ROK, func(dst []byte) []byte {
		return pdu.AppendHeader(dst, pdu.EnquireLink, pdu.ROK, sequence)
	})
}
