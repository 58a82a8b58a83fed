package smpp

import "maskline/smpp/pdu"

// retire ends one bind gracefully: no more messages pass, what is in flight is
// finished within Config.Drain, then it is unbound. The sweeper does the rest.
func (s *session) retire(t *turn, why string) {
	s.mu.Lock()
	begins := s.state == stateBound && s.retiring == ""
	if begins {
		s.retiring, s.retireBy = why, t.at+int64(s.edge.cfg.Drain)
	}
	s.mu.Unlock()
	if begins {
		s.leave(t)
	}
}

type retireAction uint8

const (
	retireWait retireAction = iota
	retireUnbind
	retireLeave
	retireCut
)

// sweepRetiring unbinds a retiring session once nothing is in flight, and cuts
// it where the unbind is not answered; a peer's own unbind is answered then.
func (s *session) sweepRetiring(t *turn) {
	switch action, why := s.nextRetiring(t.at); action {
	case retireUnbind:
		s.unbind(t)
	case retireLeave:
		s.reply(t, pdu.Unbind, pdu.ROK, s.leaving.sequence)
		s.close(t, why)
	case retireCut:
		s.cut(why)
	case retireWait:
	}
}

func (s *session) nextRetiring(at int64) (retireAction, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch idle := s.window.used == 0 && s.unanswered == 0 && s.lane.length == 0 && len(s.operations) == 0; {
	case s.retiring == "" || s.state != stateBound:
		return retireWait, ""
	case s.leaving.asked && s.mayLeave(at):
		return retireLeave, s.retiring
	case s.leaving.asked:
		return retireWait, ""
	case s.unbindSeq == 0 && (idle || at >= s.retireBy):
		s.retireBy = at + int64(unbindGrace)
		return retireUnbind, ""
	case s.unbindSeq != 0 && at >= s.retireBy:
		return retireCut, s.retiring
	default:
		return retireWait, ""
	}
}

// retireAccount ends every bind of an account.
func (e *Edge) retireAccount(t *turn, a *account, why string) {
	for _, s := range e.snapshot(nil) {
		s.mu.Lock()
		mine := s.terms != nil && s.terms.account == a
		s.mu.Unlock()
		if mine {
			s.retire(t, why)
		}
	}
}

// reasonRemoved is why the binds of a removed account end.
const reasonRemoved = "the account was removed"
