package smpp

import (
	"time"

	"go.uber.org/zap"

	"maskline/smpp/pdu"
)

// drain ends the edge: no new connections, binds or messages; what is in flight
// is finished within Config.Drain; then every bind is ended properly.
func (e *Edge) drain() {
	e.draining.Store(true)
	e.closeListeners()
	e.log.Info("draining")
	if !e.poll(e.cfg.Drain, func() bool { return e.inFlight() == 0 }) {
		e.log.Warn("drain time is over", zap.Int("in_flight", e.inFlight()))
	}
	t := e.newTurn()
	for _, s := range e.snapshot(nil) {
		s.unbind(t)
	}
	t.flush()
	e.poll(unbindGrace, func() bool { return len(e.snapshot(nil)) == 0 })
	for _, s := range e.snapshot(nil) {
		s.cut("the edge stops")
	}
}

// unbindGrace is how long peers have to answer our unbind.
const unbindGrace = 2 * time.Second

// poll waits until done or the time is over, and says whether it was done.
func (e *Edge) poll(limit time.Duration, done func() bool) bool {
	ticker := time.NewTicker(tick / 5)
	defer ticker.Stop()
	for end := e.clock().Add(limit); e.clock().Before(end); <-ticker.C {
		if done() {
			return true
		}
	}
	return done()
}

// inFlight counts messages that somebody still waits for.
func (e *Edge) inFlight() int {
	n := e.foreign.unanswered() + e.written.unanswered()
	for _, s := range e.snapshot(nil) {
		s.mu.Lock()
		n += s.unanswered + s.window.waited() + s.lane.length
		s.mu.Unlock()
	}
	for _, c := range e.carriers {
		n += c.destination.waiting()
	}
	for _, a := range e.accountList() {
		n += a.destination.waiting()
	}
	return n
}

// unbind asks the peer to end the bind; a connection that is not bound is cut.
func (s *session) unbind(t *turn) {
	s.mu.Lock()
	bound := s.state == stateBound
	if bound {
		s.unbindSeq = s.window.next()
	}
	sequence := s.unbindSeq
	s.mu.Unlock()
	if !bound {
		s.cut("the edge stops")
		return
	}
	s.append(t, pdu.Unbind, pdu.ROK, func(dst []byte) []byte {
		return pdu.AppendHeader(dst, pdu.Unbind, pdu.ROK, sequence)
	})
}
