package smpp

import (
	"maskline/smpp/pdu"
)

// handle works off one whole frame. What is wrong with its content is answered
// and the session goes on.
func (s *session) handle(t *turn, frame []byte) {
	h := pdu.ParseHeader(frame)
	s.count(inbound, h.Command, h.Status)
	body := frame[pdu.HeaderLen:]
	if h.Command.IsResponse() {
		s.handleResponse(t, h, body)
		return
	}
	if h.Command.IsBind() {
		s.handleBind(t, h, body)
		return
	}
	if s.terms == nil && h.Command == pdu.Outbind {
		s.handleOutbind(t, h, body)
		return
	}
	if s.terms == nil {
		s.refuseState(t, h)
		return
	}
	switch h.Command {
	case pdu.SubmitSM, pdu.DeliverSM, pdu.DataSM:
		s.handleMessage(t, h, body)
	case pdu.EnquireLink:
		s.reply(t, h.Command, pdu.StatusOf(pdu.CheckNoBody(body)), h.Sequence)
	case pdu.Unbind:
		s.handleUnbind(t, h, body)
	case pdu.QuerySM, pdu.CancelSM, pdu.ReplaceSM:
		s.handleOperation(t, h, body)
	case pdu.AlertNotification:
		s.handleAlert(t, body)
	case pdu.SubmitMulti, pdu.BroadcastSM, pdu.QueryBroadcastSM, pdu.CancelBroadcastSM:
		s.refuseCommand(t, h)
	default:
		s.nack(t, h.Sequence, pdu.RInvCmdID)
	}
}

// handleResponse sorts responses by what they answer.
func (s *session) handleResponse(t *turn, h pdu.Header, body []byte) {
	s.stats.failed(h.Status)
	switch h.Command {
	case pdu.SubmitSMResp, pdu.DeliverSMResp, pdu.DataSMResp:
		s.handleMessageResponse(t, h, body)
	case pdu.GenericNack:
		if !s.handleControlResponse(t, h) && !s.handleOperationResponse(t, h, body) {
			s.handleMessageResponse(t, h, body)
		}
	case pdu.QuerySMResp, pdu.CancelSMResp, pdu.ReplaceSMResp:
		if !s.handleOperationResponse(t, h, body) {
			s.edge.metrics.unexpected.Inc()
		}
	case pdu.BindReceiverResp, pdu.BindTransmitterResp, pdu.BindTransceiverResp:
		s.handleBindResponse(t, h, body)
	case pdu.EnquireLinkResp, pdu.UnbindResp:
		s.handleControlResponse(t, h)
	default:
		s.edge.metrics.unexpected.Inc()
	}
}

// handleControlResponse takes responses to our own enquire_link and unbind.
func (s *session) handleControlResponse(t *turn, h pdu.Header) bool {
	s.mu.Lock()
	probe, unbind := s.probes.answered(h.Sequence), h.Sequence != 0 && h.Sequence == s.unbindSeq
	sentAt := s.probes.sentAt
	s.mu.Unlock()
	if probe && s.stats != nil {
		s.stats.probeTime.Observe(float64(t.at-sentAt) / 1e9)
	}
	if unbind {
		s.close(t, "unbound by us")
	}
	return probe || unbind
}

// refuseCommand answers what a peer may ask and we never do: one message to
// many, and the broadcasts of SMPP 5.0. The response is the command's own, so
// that the peer finds its request again. SMPP 3.4 §5.1.3
func (s *session) refuseCommand(t *turn, h pdu.Header) {
	status := pdu.RInvCmdID
	if s.dialer != nil || !s.terms.canTake {
		status = pdu.RInvBndSts
	}
	s.reply(t, h.Command, status, h.Sequence)
}

// refuseState answers what is not allowed before the bind.
func (s *session) refuseState(t *turn, h pdu.Header) {
	switch h.Command {
	case pdu.SubmitSM, pdu.DeliverSM, pdu.DataSM:
		s.replyMessage(t, h, pdu.RInvBndSts)
	case pdu.EnquireLink, pdu.Unbind, pdu.QuerySM, pdu.CancelSM, pdu.ReplaceSM, pdu.SubmitMulti:
		s.reply(t, h.Command, pdu.RInvBndSts, h.Sequence)
	case pdu.AlertNotification:
	default:
		s.nack(t, h.Sequence, pdu.RInvCmdID)
	}
}

// reply appends a response that is a header alone.
func (s *session) reply(t *turn, request pdu.Command, status pdu.Status, sequence uint32) {
	s.append(t, request.Response(), status, func(dst []byte) []byte {
		return pdu.AppendHeader(dst, request.Response(), status, sequence)
	})
}

// replyMessage answers a message that was never taken on.
func (s *session) replyMessage(t *turn, h pdu.Header, status pdu.Status) {
	s.append(t, h.Command.Response(), status, func(dst []byte) []byte {
		return pdu.AppendMessageResp(dst, h.Command, status, h.Sequence, nil)
	})
}

func (s *session) nack(t *turn, sequence uint32, status pdu.Status) {
	s.append(t, pdu.GenericNack, status, func(dst []byte) []byte {
		return pdu.AppendHeader(dst, pdu.GenericNack, status, sequence)
	})
}

// append adds one PDU to the outbox. A peer that leaves too much unread is cut
// off.
func (s *session) append(t *turn, c pdu.Command, status pdu.Status, build func([]byte) []byte) {
	sent, over := s.appendPDU(build)
	if !sent {
		return
	}
	s.count(outbound, c, status)
	t.mark(s)
	if over {
		s.cut("the peer does not read")
	}
}

// appendPDU returns false where the connection is gone, and whether the peer
// has left too much unread.
func (s *session) appendPDU(build func([]byte) []byte) (sent, over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == stateClosed {
		return false, false
	}
	s.out.commit(build(s.out.begin()))
	return true, s.out.overrun()
}
