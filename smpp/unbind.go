package smpp

import (
	"time"

	"maskline/smpp/pdu"
)

// leaving is a peer's unbind that is not answered yet.
type leaving struct {
	asked    bool
	sequence uint32
	since    int64
}

// handleUnbind ends the bind once what is open is finished: the peer's requests
// are answered first, since an answer that it never reads makes it send them
// again. A second unbind is answered at once. SMPP 3.4 §4.2
func (s *session) handleUnbind(t *turn, h pdu.Header, body []byte) {
	if err := pdu.CheckNoBody(body); err != nil {
		s.reply(t, h.Command, pdu.StatusOf(err), h.Sequence)
		return
	}
	s.mu.Lock()
	waits := s.state == stateBound && s.unbindSeq == 0 && !s.leaving.asked && (s.unanswered > 0 || s.owes())
	if waits {
		s.leaving = leaving{true, h.Sequence, t.at}
		s.retiring = reasonUnbound
	}
	s.mu.Unlock()
	if waits {
		s.leave(t)
		return
	}
	s.reply(t, h.Command, pdu.ROK, h.Sequence)
	s.close(t, reasonUnbound)
}

// reasonUnbound is why a bind ends that its peer has unbound.
const reasonUnbound = "unbound by the peer"

// owes reports whether the peer has to answer something. The caller holds mu.
func (s *session) owes() bool { return s.window.used > 0 || len(s.operations) > 0 }

// mayLeave reports whether the peer's unbind can be answered. It is waited for
// until every request of its own has its answer, for its answers only a moment:
// it may have stopped giving any. The caller holds mu.
func (s *session) mayLeave(at int64) bool {
	waited := time.Duration(at - s.leaving.since)
	if s.unanswered > 0 {
		return waited >= s.edge.cfg.AnswerWithin+unbindGrace
	}
	return !s.owes() || waited >= unbindGrace
}
