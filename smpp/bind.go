package smpp

import (
	"time"

	"go.uber.org/zap"

	"maskline/smpp/pdu"
)

// handleBind answers a peer that binds to us (SMSC role).
func (s *session) handleBind(t *turn, h pdu.Header, body []byte) {
	if s.dialer != nil {
		s.reply(t, h.Command, pdu.RInvBndSts, h.Sequence) // a carrier's SMSC does not bind
		return
	}
	if s.terms != nil {
		s.reply(t, h.Command, pdu.RAlyBnd, h.Sequence)
		return
	}
	var b pdu.Bind
	if err := b.Decode(body); err != nil {
		s.refuseBind(t, h, pdu.StatusOf(err), authFaulty)
		return
	}
	if s.edge.draining.Load() {
		s.refuseBind(t, h, pdu.RBindFail, authDraining)
		return
	}
	a, why := s.edge.authenticate(&b, s, t.now)
	if a == nil {
		s.edge.sources.failed(s.source, t.now)
		s.refuseBind(t, h, pdu.RBindFail, why)
		return
	}
	s.settle()
	version := versionFor(b.InterfaceVersion)
	terms := s.edge.accountTerms(a, h.Command, version)
	if !s.bound(t, terms, func(dst []byte) []byte { return s.edge.appendBindResp(dst, h, version) }) {
		a.releaseBind(s)
		return
	}
	s.count(outbound, h.Command.Response(), pdu.ROK)
	if a.isRemoved() {
		s.retire(t, reasonRemoved) // by a reload that did not see this bind yet
	}
}

// settle ends the session's count among the connections that are not bound.
func (s *session) settle() {
	if !s.settled {
		s.settled = true
		s.edge.sources.settled(s.source)
	}
}

// versionFor is the version that a bind gets. Later ones than 3.4 get 3.4;
// earlier ones get no TLVs. SMPP 3.4 §5.2.4
func versionFor(asked byte) byte {
	if asked >= pdu.Version34 {
		return pdu.Version34
	}
	return pdu.Version33
}

func (e *Edge) appendBindResp(dst []byte, h pdu.Header, version byte) []byte {
	resp := pdu.BindResp{SystemID: []byte(e.cfg.SystemID)}
	if version >= pdu.Version34 {
		resp.TLVs = pdu.AppendTLV(nil, pdu.TagSCInterfaceVersion, []byte{pdu.Version34})
	}
	out, err := resp.Append(dst, h.Command, pdu.ROK, h.Sequence)
	if err != nil {
		return pdu.AppendHeader(dst, h.Command.Response(), pdu.RSysErr, h.Sequence)
	}
	return out
}

// refuseBind answers after the delay that every refusal has, and closes.
func (s *session) refuseBind(t *turn, h pdu.Header, status pdu.Status, why authFault) {
	s.edge.metrics.authFailures[why].Inc()
	if s.edge.floods.allow(t.at) {
		s.edge.log.Warn("bind refused", zap.String("reason", why.text()), zap.Stringer("source", s.source))
	}
	s.waitOut(s.edge.cfg.Auth.Delay)
	s.reply(t, h.Command, status, h.Sequence)
	s.close(t, why.text())
}

// waitOut pauses the reader of a session that is not bound.
func (s *session) waitOut(d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.done:
	}
}

// bound makes the session usable under terms. The response is queued first, so
// no message overtakes it. It returns false where the connection has ended.
func (s *session) bound(t *turn, terms *terms, response func([]byte) []byte) bool {
	s.reader.SetLimit(pdu.MaxBound, readBound)
	s.mu.Lock()
	if s.state != stateOpen {
		s.mu.Unlock()
		return false
	}
	sequence := s.window.sequence
	s.terms, s.state, s.since = terms, stateBound, t.now
	if terms.canSend {
		s.window = newWindow(terms.window)
		s.window.sequence = sequence
	}
	s.flow = newFlow(terms.tps)
	if terms.canTake {
		s.holds = newHolds(s.edge.cfg.Share, terms.window, int(s.edge.destinations.Load()))
	}
	if response != nil {
		s.out.commit(response(s.out.begin()))
	}
	s.mu.Unlock()
	s.stats.begin(s)
	t.mark(s)
	if terms.canSend {
		for _, d := range terms.feeds {
			d.add(t, s)
		}
	}
	s.edge.log.Info("bound", s.fields()...)
	if terms.account != nil && terms.canSend {
		terms.account.held.wake()
		terms.account.pump(t)
	}
	return true
}

// fields describes the session in logs.
func (s *session) fields(more ...zap.Field) []zap.Field {
	direction := "in"
	if s.dialer != nil {
		direction = "out"
	}
	return append([]zap.Field{
		zap.String("peer", s.terms.peer.name),
		zap.String("direction", direction),
		zap.Stringer("bind", s.terms.bindType),
	}, more...)
}
