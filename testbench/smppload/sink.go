package smppload

import (
	"bytes"
	"math"
	"strconv"

	"maskline/e164"
	"maskline/smpp/pdu"
	"maskline/testbench/leak"
)

// sink is what a receiving bind remembers.
type sink struct {
	message  pdu.Message
	digits   [20]byte
	id       []byte
	ids      uint64       // given so far
	last     []uint32     // by source bind: the message that arrived last, plus one
	late     []lateAnswer // in the order of their time
	outgoing outgoing
}

// lateAnswer is an answer that waits.
type lateAnswer struct {
	due      int64
	command  pdu.Command
	sequence uint32
	id       uint64
}

// scanEvery is how many messages go by between two that are searched for every
// disguise of a number, not only for its digits.
const scanEvery = 4096

// comparedDigits are the last ones of a number: national forms have them too.
const comparedDigits = 9

// arrived judges a message, decides on a fault and answers.
func (l *link) arrived(h pdu.Header, m *pdu.Message, body []byte) {
	l.count.arrived++
	l.count.lastEvent = l.at
	r, segment := l.examine(m, body)
	f := l.side.faults.Load()
	if f == nil {
		l.accept(h, m, r, segment)
		return
	}
	l.fault(f, h, m, r, segment)
}

// examine compares a message with what was sent.
func (l *link) examine(m *pdu.Message, body []byte) (r *record, segment uint32) {
	text := m.Payload()
	if m.ESMClass&pdu.ESMUDHI != 0 && len(text) > 0 {
		text = text[min(len(text), int(text[0])+1):]
	}
	b := l.bench
	segment, from, verdict := b.tagger.parse(text)
	switch {
	case verdict == altered:
		l.count.altered++
		return nil, 0
	case verdict == foreign || b.in == nil:
		return nil, segment // another run's, whose bindings we do not know
	}
	if r = b.book.find(segment); r == nil {
		l.count.strays++
		return nil, segment
	}
	l.transit = timed(l.transit, l.at-r.sent)
	l.addressed(m, body, segment)
	l.ordered(m, segment, from)
	return r, segment
}

// addressed checks the addresses, and that the sender's number is nowhere.
func (l *link) addressed(m *pdu.Message, body []byte, segment uint32) {
	b := l.bench
	g := b.cfg.Plan.of(uint64(segment) / uint64(b.cfg.Parts))
	if b.cfg.Unmasked {
		if !is(m.Source.Digits, g.party) || !is(m.Destination.Digits, g.mask) {
			l.count.misrouted++
		}
		return
	}
	if !is(m.Source.Digits, g.present) || !is(m.Destination.Digits, g.to) {
		l.count.misrouted++
	}
	if l.sink.shows(body, g.party) || segment%scanEvery == 0 && leak.Contains(body, e164.MustParse(strconv.FormatUint(g.party, 10))) {
		l.count.leaked++
	}
}

// ordered counts what overtook: a message of the same source bind on this bind,
// or an earlier part of the same message.
func (l *link) ordered(m *pdu.Message, segment uint32, from uint16) {
	if int(from) >= len(l.sink.last) {
		l.sink.last = append(l.sink.last, make([]uint32, int(from)+1-len(l.sink.last))...)
	}
	if last := &l.sink.last[from]; segment+1 < *last {
		l.count.reordered++
	} else {
		*last = segment + 1
	}
	parts := uint32(l.bench.cfg.Parts)
	if parts == 1 || segment%parts == 0 {
		return
	}
	if m.ESMClass&pdu.ESMUDHI == 0 && len(m.TLVs) == 0 {
		l.count.altered++ // a part that is none any more
	}
	before := l.bench.book.find(segment - 1)
	if before == nil {
		return
	}
	switch state := before.state.Load(); {
	case accepted(state)+swallowed(state) == 0:
		l.count.partsReordered++
	case state>>arrivedAt != l.place():
		l.count.partsSplit++
	}
}

// accept answers ESME_ROK.
func (l *link) accept(h pdu.Header, m *pdu.Message, r *record, segment uint32) {
	id := l.take(r)
	l.out = l.appendAccepted(l.out, h.Command, h.Sequence, id)
	if l.bench.cfg.Receipts && m.RegisteredDelivery&pdu.RegisteredMask == pdu.RegisteredBoth && h.Command == pdu.SubmitSM {
		l.sink.outgoing.owe(owed{message: segment, generation: l.generation, id: id})
	}
}

// take notes that a message was accepted, and gives it an id.
func (l *link) take(r *record) uint64 {
	l.count.taken++
	if r != nil {
		r.state.Add(acceptedOne)
		l.stamp(r)
	}
	l.sink.ids++
	return l.sink.ids
}

// place is the bind, among all of all receiving ends.
func (l *link) place() uint64 { return uint64(l.side.number)*maxBinds + uint64(l.number) + 1 }

// stamp notes the bind of a message's first arrival.
func (l *link) stamp(r *record) {
	if state := r.state.Load(); state>>arrivedAt == 0 {
		r.state.CompareAndSwap(state, state|l.place()<<arrivedAt)
	}
}

func (l *link) appendAccepted(dst []byte, c pdu.Command, sequence uint32, id uint64) []byte {
	l.sink.id = appendID(l.sink.id[:0], l.bench.tagger.run[:], l.generation, id)
	return pdu.AppendMessageResp(dst, c, pdu.ROK, sequence, l.sink.id)
}

// appendID makes an id that no other run and no other connection gives.
func appendID(dst, run []byte, generation, id uint64) []byte {
	return strconv.AppendUint(append(dst, run...), generation<<40|id, 16)
}

func appendNumber(dst []byte, n uint64) []byte { return strconv.AppendUint(dst, n, 10) }

// is compares an address with a number, with or without "+".
func is(digits []byte, number uint64) bool {
	if len(digits) > 0 && digits[0] == '+' {
		digits = digits[1:]
	}
	var n uint64
	for _, c := range digits {
		if c < '0' || c > '9' || n > math.MaxUint64/10-1 {
			return false
		}
		n = n*10 + uint64(c-'0')
	}
	return n == number && len(digits) > 0
}

// shows reports whether a number's digits are in a PDU's body.
func (s *sink) shows(body []byte, number uint64) bool {
	digits := strconv.AppendUint(s.digits[:0], number, 10)
	return bytes.Contains(body, digits[max(0, len(digits)-comparedDigits):])
}
