package smpp

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"maskline/smpp/pdu"
)

const simEnd = time.Duration(math.MaxInt64)

// check judges a whole history, which ends in quiet. It returns one line for
// each invariant that is broken.
func (h *simHistory) check() []string {
	names := make([]string, 0, len(h.messages))
	for name := range h.messages {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		m := h.messages[name]
		h.checkAnswer(m)
		h.checkCarriers(m)
		h.checkReceipts(m)
	}
	h.checkWindows()
	h.checkSegments(names)
	h.checkCarriersReceipts()
	for _, e := range h.events {
		if e.kind == simLeaked {
			h.fault("no number of the other party", e)
		}
	}
	return h.faults
}

// checkAnswer: each message gets exactly one final answer, in time.
func (h *simHistory) checkAnswer(m *simMessage) {
	if m.taken.kind != simTaken {
		return
	}
	down, gone := h.down[m.taken.link]
	switch {
	case len(m.answers) > 1:
		h.fault("one answer", m.answers[1])
	case len(m.answers) == 0 && !gone:
		h.fault("one answer", m.taken, "got none")
	case len(m.answers) == 0 || h.stalled[m.taken.link]:
		// What was ready when the connection ended did not leave.
		if limit := m.taken.at + h.rules.answerWithin + h.rules.within; gone && !h.stalled[m.taken.link] && down.at > limit {
			h.fault("answered in time", m.taken, "nothing until ", down.at)
		}
	case m.answers[0].at-m.taken.at > h.rules.answerWithin+h.rules.within:
		h.fault("answered in time", m.answers[0], "taken at ", m.taken.at)
	}
	for _, a := range m.answers {
		if a.link != m.taken.link || a.request != m.taken.request {
			h.fault("one answer", a, "on another connection or request")
		}
	}
}

// checkCarriers: acknowledged means accepted, by exactly one carrier; a second
// one only after a refusal, or after an unknown outcome where the bind says so.
func (h *simHistory) checkCarriers(m *simMessage) {
	accepted := 0
	for i := range m.attempts {
		b := &m.attempts[i]
		for j := range i {
			if a := &m.attempts[j]; !h.mayFollow(a, b) {
				h.fault("one carrier", b.arrived, "after ", a.arrived)
			}
		}
		if b.reply != nil && b.reply.status == pdu.ROK {
			accepted++
		}
	}
	if len(m.answers) == 0 {
		return
	}
	answer := m.answers[0]
	before, spread := 0, false
	for i := range m.attempts {
		a := &m.attempts[i]
		spread = spread || h.binds[a.arrived.link].next
		if a.reply != nil && a.reply.status == pdu.ROK && a.reply.step <= answer.step {
			before++
		}
	}
	if answer.status == pdu.ROK && before == 0 {
		h.fault("acknowledged means accepted", answer)
	}
	if answer.status == pdu.ROK && accepted > 1 && !spread {
		h.fault("one carrier", answer, "and accepted twice")
	}
	if answer.status == pdu.ROK && answer.id == "" && h.binds[answer.link].upstream {
		h.fault("ids", answer, "has none")
	}
}

// mayFollow: of two attempts at least one was refused before the other came, or
// belongs to a bind whose unknown messages go on. What was given up in the
// outbox of such a bind may still arrive after the second carrier has it.
func (h *simHistory) mayFollow(a, b *simAttempt) bool {
	refused := a.reply != nil && a.reply.status != pdu.ROK && a.reply.step <= b.arrived.step
	return refused || h.binds[a.arrived.link].next || h.binds[b.arrived.link].next
}

// wantedBy says by the specification whether an originator wants a receipt.
// SMPP 3.4 §5.2.17, SMPP 5.0 §4.7.21
func wantedBy(registered byte, s pdu.State) bool {
	if s == pdu.Enroute || s == pdu.Accepted || s == pdu.Scheduled {
		return registered&0x10 != 0
	}
	return [4]bool{false, true, s != pdu.Delivered, s == pdu.Delivered}[registered&3]
}

func isFinal(s pdu.State) bool { return s != pdu.Enroute && s != pdu.Accepted && s != pdu.Scheduled }

// checkReceipts: what the originator hears of a message it has asked for, was
// said by the message's carrier, and is final once.
func (h *simHistory) checkReceipts(m *simMessage) {
	finals := map[pdu.State]bool{}
	ended := time.Duration(-1)
	for _, e := range m.notified {
		if !wantedBy(m.taken.wants, e.state) {
			h.fault("asked for", e, "registered_delivery ", m.taken.wants)
		}
		if e.peer != m.taken.peer {
			h.fault("to the originator", e, "taken from ", m.taken.peer)
		}
		if len(m.answers) > 0 && m.answers[0].status == pdu.ROK && e.id != m.answers[0].id {
			h.fault("joined with its message", e, "answered with ", m.answers[0].id)
		}
		if !h.said(m, e) {
			h.fault("joined with its message", e, "nobody said so")
		}
		if isFinal(e.state) {
			finals[e.state] = true
			if ended >= 0 && e.left > ended && !h.stalled[e.link] && !h.crashed(m.taken.at, simEnd) {
				h.fault("final once", e, "confirmed at ", ended)
			}
		}
		for _, c := range m.confirmed {
			// A later one is not waited for: the receipt comes again.
			inTime := len(m.receipts) > 0 && c.at-m.receipts[0].at < h.rules.answerWithin/2-h.rules.within
			if c.status == pdu.ROK && c.link == e.link && c.request == e.request && isFinal(e.state) && ended < 0 && inTime && !h.stalled[c.link] {
				ended = c.at
			}
		}
	}
	for _, r := range m.receipts { // what was left with its carrier may come back as another one
		if r.status != pdu.ROK && r.status != pdu.RThrottled {
			finals = nil
		}
	}
	if len(finals) > 1 && !h.crashed(m.taken.at, simEnd) {
		h.fault("final once", m.taken, "two different ones")
	}
	h.checkNotified(m)
}

// said reports whether the message's carrier, or its receiving account, has
// brought this state about.
func (h *simHistory) said(m *simMessage, e simEvent) bool {
	for _, r := range m.receipts {
		if r.state == e.state && r.step <= e.step {
			return true
		}
	}
	for _, a := range m.attempts {
		if h.binds[a.arrived.link].upstream && a.reply != nil && e.state == pdu.Delivered {
			return true // an account writes no receipts: ours is about its acceptance
		}
	}
	return false
}

// checkNotified: a final receipt that the edge took reaches an originator who
// wants it. A carrier that contradicts itself is left out.
func (h *simHistory) checkNotified(m *simMessage) {
	if len(m.answers) == 0 || m.answers[0].status != pdu.ROK || len(m.attempts) != 1 {
		return
	}
	a := m.attempts[0]
	if a.reply == nil || h.crashed(m.taken.at, simEnd) {
		return
	}
	const nothing = pdu.State(255)
	said := nothing
	var took *simEvent
	for _, r := range m.receipts {
		switch {
		case r.status == pdu.RThrottled || !isFinal(r.state):
		case said != nothing && said != r.state:
			return
		default:
			said = r.state
			if r.status == pdu.ROK && r.at+h.rules.parkFor > a.reply.at+h.rules.within {
				took = r
			}
		}
	}
	if took == nil || !wantedBy(m.taken.wants, took.state) {
		return
	}
	for _, e := range m.notified {
		if isFinal(e.state) {
			return
		}
	}
	h.fault("receipt not lost", *took, "registered_delivery ", m.taken.wants)
}

// checkCarriersReceipts: each receipt gets exactly one answer while its
// connection stands.
func (h *simHistory) checkCarriersReceipts() {
	type key struct {
		link    int
		request uint32
	}
	answers := map[key]int{}
	for _, e := range h.events {
		if e.kind == simReceived {
			answers[key{e.link, e.request}]++
		}
	}
	for _, e := range h.events {
		if e.kind != simReceipt {
			continue
		}
		_, gone := h.down[e.link]
		if n := answers[key{e.link, e.request}]; n > 1 || n == 0 && !gone {
			h.fault("receipt answered once", e, n, " answers")
		}
	}
}

// checkWindows: neither side leaves more unanswered than was agreed. What a
// stalled connection holds cannot be seen from outside.
func (h *simHistory) checkWindows() {
	type open struct {
		link    int
		request uint32
	}
	ours, theirs := map[open]time.Duration{}, map[open]int{}
	count := func(link int, at time.Duration) (n int) {
		for o, since := range ours {
			if o.link == link && at-since < h.binds[link].timeout {
				n++
			}
		}
		return n
	}
	for _, e := range h.events {
		o := open{e.link, e.request}
		bind := h.binds[e.link]
		switch e.kind {
		case simArrived, simNotified:
			ours[o] = e.left
			if n := count(e.link, e.left); n > bind.window && !h.stalled[e.link] {
				h.fault("our window", e, n, " of ", bind.window)
			}
		case simReplied, simConfirmed:
			delete(ours, o)
		case simTaken, simReceipt:
			theirs[o] = e.step
			n := 0
			for x, step := range theirs {
				if x.link == e.link && step < e.step {
					n++
				}
			}
			if n > bind.window && !h.stalled[e.link] {
				h.fault("their window", e, n, " of ", bind.window)
			}
		case simAnswered, simReceived:
			delete(theirs, o)
		default:
		}
	}
}

// checkSegments: the segments of one message take one bind of a carrier, in
// order, while it is up and takes them. A segment's name is "message.part".
func (h *simHistory) checkSegments(names []string) {
	type place struct {
		message, peer string
	}
	last := map[place]simEvent{}
	disturbed := map[string]bool{} // one was refused or not answered
	var arrivals []simEvent
	for _, name := range names {
		if strings.Contains(name, ".") {
			for _, a := range h.messages[name].attempts {
				arrivals = append(arrivals, a.arrived)
				if a.reply == nil || a.reply.status != pdu.ROK {
					long, _, _ := strings.Cut(name, ".")
					disturbed[long] = true
				}
			}
		}
	}
	slices.SortStableFunc(arrivals, func(a, b simEvent) int { return a.step*1_000_000 + int(a.request) - b.step*1_000_000 - int(b.request) })
	for _, e := range arrivals {
		long, part, _ := strings.Cut(e.message, ".")
		p := place{long, e.peer}
		before, known := last[p]
		last[p] = e
		if !known || disturbed[long] || h.slow(before.link, e.at) || h.slow(e.link, e.at) || h.changed(min(h.messages[e.message].taken.at, h.messages[before.message].taken.at), e.at) {
			continue
		}
		_, partBefore, _ := strings.Cut(before.message, ".")
		i, _ := strconv.Atoi(partBefore)
		j, _ := strconv.Atoi(part)
		if e.link == before.link && j < i {
			h.fault("segments in order", e, "after ", before)
		}
		if e.link != before.link {
			h.fault("segments on one bind", e, "after ", before)
		}
	}
}

// changed reports whether a bind came or went, or could not be written to: then
// segments may have begun their way elsewhere.
func (h *simHistory) changed(from, to time.Duration) bool {
	for _, e := range h.events {
		if (e.kind == simUp || e.kind == simDown || e.kind == simStalled) && e.at >= from && e.at <= to {
			return true
		}
	}
	return false
}

// slow reports whether a bind leaves something unanswered for so long that its
// messages may go elsewhere.
func (h *simHistory) slow(link int, at time.Duration) bool {
	const patience = time.Second
	for _, m := range h.messages {
		for _, a := range m.attempts {
			if a.arrived.link == link && a.arrived.left+patience < at && (a.reply == nil || a.reply.at+patience > at) {
				return true
			}
		}
	}
	return false
}
