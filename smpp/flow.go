package smpp

import (
	"time"

	"maskline/smpp/pdu"
)

// flow is how fast a bind may send and how well its peer answers. The session's
// lock guards it.
type flow struct {
	limit     float64 // configured segments a second; 0: none
	pace      pace
	meter     meter
	regulator regulator
	health    health
}

func newFlow(tps int) flow { return flow{limit: float64(tps), pace: newPace(tps)} }

// rate is what may leave now, in segments a second; 0: no limit.
func (f *flow) rate() float64 {
	if f.regulator.rate != 0 {
		return f.regulator.rate
	}
	return f.limit
}

// sent notes a message of n segments.
func (f *flow) sent(at int64, n int) {
	f.pace.spend(at, n)
	f.meter.add(at, n)
}

// throttledRest is how long a bind sends nothing once its peer has throttled, so
// that all answers to one window come before anything is sent again.
const throttledRest = int64(100 * time.Millisecond)

// responded notes a response to a message that was sent at the instant sentAt.
func (f *flow) responded(at, sentAt int64, status pdu.Status) {
	f.health.responded(at, at-sentAt, status)
	if throttling(status) && f.regulator.lower(at, f.limit, f.meter.rate()) {
		f.pace.setRate(f.rate())
		f.pace.rest(at + max(throttledRest, f.pace.interval))
	}
}

// recover gives back some of a lowered rate when it is time.
func (f *flow) recover(at int64) {
	if f.regulator.raise(at) {
		f.pace.setRate(f.rate())
	}
}

// tend looks after a bind once a tick: its rate, its health, its lane.
func (s *session) tend(t *turn) {
	var late queue
	s.mu.Lock()
	if s.state != stateBound || !s.terms.canSend {
		s.mu.Unlock()
		return
	}
	s.flow.recover(t.at)
	oldest := never
	if p := s.window.oldest(); p != nil {
		oldest = p.until - int64(s.terms.responseTimeout)
	}
	fitness := s.flow.health.judge(t.at, oldest, int64(s.edge.cfg.Share.SlowerThan))
	s.load.fit.Store(uint32(fitness))
	lane := s.lane.head != nil
	if lane {
		s.lane.takeIf(&late, func(m *message) bool { return m.due(t.at) || fitness == stalled && m.beyondShare() })
	}
	s.mu.Unlock()
	s.edge.advanceAll(t, late.takeAll())
	if fitness == stalled && s.edge.cfg.Share.Of > 0 {
		s.evict(t)
	}
	if lane {
		s.runLane(t)
	}
}
