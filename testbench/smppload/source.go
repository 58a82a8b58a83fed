package smppload

import (
	"bytes"

	"maskline/smpp/pdu"
)

// source is what a sending bind needs to make a message. It allocates nothing
// once it is warm.
type source struct {
	message  pdu.Message
	from, to [20]byte
	text     []byte
	again    []again
}

// lateAfter is when a message counts as late: then it is measured from the
// moment at which it was due.
const lateAfter = 1e6 // ns

// pump sends as many messages as window, rate and plan allow, those that are
// sent again first.
func (l *link) pump() {
	if !l.side.sends || l.cut != nil {
		return
	}
	l.sendAgain()
	cfg := &l.bench.cfg
	for l.inflight+cfg.Parts <= cfg.Window {
		number, due, ok := l.bench.schedule.take()
		if !ok {
			return
		}
		sent := l.at
		if due > 0 && sent-due > lateAfter {
			sent = due
		}
		for part := range cfg.Parts {
			segment := number*uint32(cfg.Parts) + uint32(part)
			l.bench.book.open(segment, sent)
			l.compose(segment, l.number)
			l.count.sent++
		}
	}
}

// compose appends one segment, as it was first made for a source bind.
func (l *link) compose(segment uint32, from uint16) {
	b, cfg, s := l.bench, &l.bench.cfg, &l.source
	number, part := segment/uint32(cfg.Parts), segment%uint32(cfg.Parts)
	g := cfg.Plan.of(uint64(number))
	m := &s.message
	m.Source = pdu.Address{TON: 1, NPI: 1, Digits: appendNumber(s.from[:0], g.party)}
	m.Destination = pdu.Address{TON: 1, NPI: 1, Digits: appendNumber(s.to[:0], g.mask)}
	if cfg.Receipts {
		m.RegisteredDelivery = pdu.RegisteredBoth
	}
	command := pdu.SubmitSM
	if l.side.cfg.Role == SMSC {
		command = pdu.DeliverSM
	}
	s.text = s.text[:0]
	if cfg.Parts > 1 {
		m.ESMClass = pdu.ESMUDHI
		s.text = append(s.text, udhLen-1, 0, 3, byte(number), byte(cfg.Parts), byte(part+1)) // TS 23.040 §9.2.3.24.1
	}
	s.text = b.tagger.append(s.text, segment, from)
	m.ShortMessage = s.text
	var err error
	if l.out, err = m.Append(l.out, command, segment+1); err != nil {
		l.cut = err // a plan that fits no PDU: nothing can be sent
		return
	}
	l.inflight++
}

// messageAnswered takes the response to a message of ours.
func (l *link) messageAnswered(h pdu.Header, body []byte) {
	if h.Sequence == 0 || h.Sequence > maxMessages {
		return
	}
	segment := h.Sequence - 1
	r := l.bench.book.find(segment)
	if r == nil || r.state.Load()&answerMask != 0 {
		l.count.strays++
		return
	}
	l.inflight = max(0, l.inflight-1)
	l.answers = timed(l.answers, l.at-r.sent)
	l.count.lastEvent = l.at
	switch verdict := answerOf(h); verdict {
	case answeredOK:
		l.count.accepted++
		r.state.Add(verdict)
		if l.bench.cfg.Receipts {
			l.expectReceipt(body, segment, r)
		}
	case answeredTemporary:
		l.count.temporary++
		r.state.Add(verdict)
		l.againLater(segment)
	default:
		l.count.refused++
		r.state.Add(verdict)
	}
}

func timed(h *histogram, v int64) *histogram {
	if h == nil {
		h = new(histogram)
	}
	h.add(v)
	return h
}

// answerOf reads a status as a sender does: it tries again after those that
// speak of load and faults.
func answerOf(h pdu.Header) uint64 {
	switch {
	case h.Command == pdu.GenericNack:
		return answeredRefused
	case h.Status == pdu.ROK:
		return answeredOK
	case h.Status == pdu.RSysErr, h.Status == pdu.RThrottled, h.Status == pdu.RMsgQFul, h.Status == pdu.RxTAppn:
		return answeredTemporary
	default:
		return answeredRefused
	}
}

func (l *link) expectReceipt(body []byte, segment uint32, r *record) {
	var resp pdu.MessageResp
	if resp.Decode(body) != nil || len(resp.MessageID) == 0 {
		l.count.altered++
		return
	}
	if l.bench.book.ids.answered(resp.MessageID, segment) {
		r.state.Add(receiptOne)
		l.count.receipts++
	}
}

// receiptArrived takes what comes to the sending end: receipts, and nothing
// else.
func (l *link) receiptArrived(m *pdu.Message, body []byte) {
	receipt, ok := pdu.ParseReceipt(m)
	if !m.IsReceipt() || !ok {
		l.count.misrouted++
		return
	}
	l.count.lastEvent = l.at
	segment, found := l.bench.book.ids.receipt(receipt.MessageID)
	if !found {
		return // it came first, or belongs to nothing: seen at the end
	}
	r := l.bench.book.find(segment)
	if r == nil {
		l.count.strays++
		return
	}
	r.state.Add(receiptOne)
	l.count.receipts++
	g := l.bench.cfg.Plan.of(uint64(segment) / uint64(l.bench.cfg.Parts))
	if !is(m.Source.Digits, g.mask) || !is(m.Destination.Digits, g.party) {
		l.count.misrouted++
	}
	if !l.bench.cfg.Unmasked && g.to != g.mask && l.sink.shows(body, g.to) && l.sink.shows(without(body, receipt.MessageID), g.to) {
		l.count.leaked++
	}
}

// without is a receipt's body without the message id, whose digits may look
// like anybody's.
func without(body, id []byte) []byte { return bytes.ReplaceAll(body, id, []byte{0}) }
