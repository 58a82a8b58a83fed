package smpp

import (
	"context"
	"time"
)

// tick is how often deadlines are looked at: a deadline is met within one.
const tick = 50 * time.Millisecond

// sweep meets every deadline of the edge: of connections, PDUs, responses,
// upstreams, queues, receipts. One goroutine and one ticker serve all of them.
func (e *Edge) sweep(ctx context.Context) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	t := e.newTurn()
	var sessions []*session
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		t.begin()
		sessions = e.snapshot(sessions[:0])
		e.sweepAll(t, sessions)
		clear(sessions)
	}
}

// sweepAll meets the deadlines that are due now.
func (e *Edge) sweepAll(t *turn, sessions []*session) {
	for _, s := range sessions {
		s.sweep(t)
	}
	e.sweepDestinations(t)
	e.sweepReceipts(t)
	e.sweepSegments(t)
	e.redeliveries.expire(t.at)
	t.flush()
}

func (e *Edge) sweepDestinations(t *turn) {
	for i := range e.cfg.Carriers { // in their order: a simulation runs twice alike
		e.sweepDestination(t, e.carriers[e.cfg.Carriers[i].Name].destination)
	}
	for _, a := range e.accountList() {
		e.sweepDestination(t, a.destination)
	}
}

// sweepDestination ends waits that took too long, and sends what only waited
// for a bind's pace.
func (e *Edge) sweepDestination(t *turn, d *destination) {
	e.advanceAll(t, d.expire(t.at))
	d.runDelayed(t)
	d.roomMade(t)
}

func (e *Edge) sweepReceipts(t *turn) {
	for i := range e.cfg.Carriers {
		c := e.carriers[e.cfg.Carriers[i].Name]
		e.metrics.receipts[receiptUnjoined].Add(float64(c.joiner.expire(t.at)))
	}
	for _, a := range e.accountList() {
		if gone := a.held.expire(t.now.Add(-e.cfg.ReceiptsHold)); len(gone) > 0 {
			e.metrics.receipts[receiptExpired].Add(float64(len(gone)))
			e.journal.Forget(gone...)
		}
		a.pump(t)
	}
}

// sweep meets one session's deadlines.
func (s *session) sweep(t *turn) {
	if why := s.overdue(t); why != "" {
		s.cut(why)
		return
	}
	s.expire(t)
	s.expireOperations(t, false)
	s.sweepRetiring(t)
	s.tend(t)
	s.mu.Lock()
	bound, action := s.state == stateBound, probeNothing
	if bound {
		action = s.probes.next(t.at, s.lastRead.Load(), s.terms.enquireLink)
	}
	s.mu.Unlock()
	switch action {
	case probeSend:
		s.probe(t)
	case probeGiveUp:
		s.cut("no answer to enquire_link")
	case probeNothing:
	}
}

// overdue says which deadline of the connection itself has passed, if any.
func (s *session) overdue(t *turn) string {
	cfg := &s.edge.cfg
	s.mu.Lock()
	defer s.mu.Unlock()
	switch begun := s.partial.Load(); {
	case s.state == stateOpen && t.at-s.opened > int64(cfg.BindTimeout):
		return "not bound in time"
	case begun != 0 && t.at-begun > int64(cfg.PDUTimeout):
		return "a PDU took too long"
	case s.out.since != 0 && t.at-s.out.since > int64(cfg.WriteTimeout):
		return "the peer does not read"
	case s.state == stateClosing && t.at > s.closeBy:
		return "closed"
	default:
		return ""
	}
}
