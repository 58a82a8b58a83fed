package smpp

import (
	"errors"

	"maskline/smpp/pdu"
)

// operation is a query_sm, cancel_sm or replace_sm of an account, on its way to
// the carrier that has the message. There are few of them, so they share no
// window with the messages.
type operation struct {
	command  pdu.Command
	up       *session
	sequence uint32 // of the account's request
	local    uint64 // the message
	until    int64  // then nobody waits any longer
}

// errNotWritten is a mask that a bind's form of numbers has no way to write; the
// message could not have left by that bind.
var errNotWritten = errors.New("the mask cannot be written on this bind")

// maxOperations bounds those that one bind to a carrier has not answered.
const maxOperations = 32

// handleOperation takes on a query_sm, cancel_sm or replace_sm. Only who sent a
// message may ask about it, by our id and its own source address.
func (s *session) handleOperation(t *turn, h pdu.Header, body []byte) {
	if s.dialer != nil || !s.terms.canTake {
		s.reply(t, h.Command, pdu.RInvBndSts, h.Sequence)
		return
	}
	var r operationRequest
	if err := r.decode(h.Command, body); err != nil {
		s.reply(t, h.Command, pdu.StatusOf(err), h.Sequence)
		return
	}
	if status := s.limit(t, 0); status != pdu.ROK {
		s.reply(t, h.Command, status, h.Sequence)
		return
	}
	op := operation{command: h.Command, up: s, sequence: h.Sequence, until: t.at + int64(s.edge.answerWithin)}
	if status := s.edge.relayOperation(t, &op, &r); status != pdu.ROK {
		op.answer(t, status, nil)
	}
}

// operationRequest is what the three requests have in common, and the content of
// a replace_sm.
type operationRequest struct {
	id      []byte
	source  pdu.Address
	replace pdu.Replace
	text    []byte // of replace, as the carrier reads it
}

func (r *operationRequest) decode(c pdu.Command, body []byte) error {
	switch c {
	case pdu.QuerySM:
		var q pdu.Query
		if err := q.Decode(body); err != nil {
			return err
		}
		r.id, r.source = q.MessageID, q.Source
	case pdu.CancelSM:
		var x pdu.Cancel
		if err := x.Decode(body); err != nil {
			return err
		}
		r.id, r.source = x.MessageID, x.Source
	default:
		if err := r.replace.Decode(body); err != nil {
			return err
		}
		r.id, r.source = r.replace.MessageID, r.replace.Source
	}
	return nil
}

// relayOperation sends the request to a bind of the SMSC that has the message.
// A status other than ROK is to be answered at once.
func (e *Edge) relayOperation(t *turn, op *operation, r *operationRequest) pdu.Status {
	c, sub, found := e.lookup(op.up.terms.account, r.id)
	if !found {
		return pdu.RInvMsgID
	}
	if !sub.isFrom(r.source) {
		return pdu.RInvSrcAdr
	}
	if sub.remote.length == 0 {
		return failureOf(op.command)
	}
	if op.command == pdu.ReplaceSM {
		if status := e.judgeReplacement(t, op, &sub, &r.replace); status != pdu.ROK {
			return status
		}
	}
	op.local = sub.local
	for _, d := range c.dialers {
		if d.index != int(sub.bind) {
			continue // ids are an SMSC's own
		}
		s := d.current()
		if s == nil {
			continue
		}
		if op.command == pdu.ReplaceSM && !r.rewrite(&t.shape, &sub, op.up.terms, s.terms) {
			e.metrics.replaced[replacementUnfit].Inc()
			return pdu.RReplaceFail
		}
		if s.sendOperation(t, op, &sub, r) {
			return pdu.ROK
		}
	}
	return pdu.RSysErr
}

// current is the dialer's session, nil between two.
func (d *dialer) current() *session {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.session
}

// sendOperation returns false where the session cannot take the request now.
func (s *session) sendOperation(t *turn, op *operation, sub *submission, r *operationRequest) bool {
	s.mu.Lock()
	if !s.maySend() || !s.terms.canSend || len(s.operations) >= maxOperations || !s.out.hasRoom() {
		s.mu.Unlock()
		return false
	}
	sequence := s.window.next()
	b, err := appendOperation(s.out.begin(), op.command, s.terms, sub, r, sequence)
	s.out.commit(b)
	if err == nil {
		if s.operations == nil {
			s.operations = make(map[uint32]operation)
		}
		s.operations[sequence] = *op
	}
	s.mu.Unlock()
	if err != nil { // what came in was checked, so this is a fault of ours
		s.edge.metrics.unexpected.Inc()
		return false
	}
	s.count(outbound, op.command, pdu.ROK)
	t.mark(s)
	return true
}

// appendOperation builds the request anew: the carrier's id, the mask as the
// source, of a replace_sm the text and its validity.
func appendOperation(dst []byte, c pdu.Command, t *terms, sub *submission, r *operationRequest, sequence uint32) ([]byte, error) {
	source, ok := t.written(sub.presented) // as the message had it
	if !ok {
		return dst, errNotWritten
	}
	switch c {
	case pdu.QuerySM:
		return (&pdu.Query{MessageID: sub.remote.bytes(), Source: source}).Append(dst, sequence)
	case pdu.CancelSM:
		return (&pdu.Cancel{MessageID: sub.remote.bytes(), Source: source}).Append(dst, sequence)
	default:
		return (&pdu.Replace{
			MessageID: sub.remote.bytes(), Source: source, ValidityPeriod: r.replace.ValidityPeriod,
			RegisteredDelivery: askFor(sub.wants), ShortMessage: r.text,
		}).Append(dst, sequence)
	}
}

// takeOperation ends the wait for a response; false where none is awaited with
// this sequence number and command.
func (s *session) takeOperation(h pdu.Header) (operation, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	op, found := s.operations[h.Sequence]
	if !found || h.Command != pdu.GenericNack && h.Command != op.command.Response() {
		return operation{}, false
	}
	delete(s.operations, h.Sequence)
	return op, true
}

// handleOperationResponse passes on what the carrier answered.
func (s *session) handleOperationResponse(t *turn, h pdu.Header, body []byte) bool {
	op, found := s.takeOperation(h)
	if !found {
		return false
	}
	status := h.Status
	if h.Command == pdu.GenericNack && status == pdu.ROK {
		status = pdu.RUnknownErr
	}
	var answer *pdu.QueryResp
	if status == pdu.ROK && op.command == pdu.QuerySM {
		answer = new(pdu.QueryResp)
		if answer.Decode(status, body) != nil {
			status = pdu.RQueryFail
		}
	}
	op.answer(t, operationStatus(op.command, status), answer)
	return true
}

// answer ends the operation for the account that asked.
func (op *operation) answer(t *turn, status pdu.Status, answer *pdu.QueryResp) {
	s := op.up
	s.mu.Lock()
	s.unanswered--
	s.mu.Unlock()
	s.append(t, op.command.Response(), status, func(dst []byte) []byte {
		if answer == nil || status != pdu.ROK {
			return pdu.AppendHeader(dst, op.command.Response(), status, op.sequence)
		}
		out := pdu.QueryResp{MessageID: appendID(nil, op.local), State: answer.State, ErrorCode: answer.ErrorCode}
		if wellFormedTime(answer.FinalDate) {
			out.FinalDate = answer.FinalDate
		}
		full, err := out.Append(dst, status, op.sequence)
		if err != nil {
			return pdu.AppendHeader(dst, op.command.Response(), pdu.RQueryFail, op.sequence)
		}
		return full
	})
}

// failureOf is the status that an operation fails with. SMPP 3.4 §5.1.3
func failureOf(c pdu.Command) pdu.Status {
	switch c {
	case pdu.QuerySM:
		return pdu.RQueryFail
	case pdu.CancelSM:
		return pdu.RCancelFail
	default:
		return pdu.RReplaceFail
	}
}

// operationStatus translates a carrier's status for the account.
func operationStatus(c pdu.Command, s pdu.Status) pdu.Status {
	switch s {
	case pdu.ROK, pdu.RInvMsgID:
		return s
	case pdu.RThrottled, pdu.RMsgQFul:
		return pdu.RThrottled
	case pdu.RSysErr, pdu.RxTAppn:
		return pdu.RSysErr
	default:
		return failureOf(c)
	}
}

// expireOperations answers those that waited too long; with all set, every one.
func (s *session) expireOperations(t *turn, all bool) {
	var due []operation
	s.mu.Lock()
	for sequence, op := range s.operations {
		if all || t.at >= op.until {
			due = append(due, op)
			delete(s.operations, sequence)
		}
	}
	s.mu.Unlock()
	for i := range due {
		due[i].answer(t, pdu.RSysErr, nil)
	}
}
