package smpp

import (
	"fmt"
	"math"
	"slices"
	"time"

	"maskline/smpp/pdu"
)

// move makes one event happen.
func (w *simWorld) move() {
	w.step++
	w.turn.begin()
	p := w.peers[w.rand.IntN(len(w.peers))]
	switch n := w.rand.IntN(200); {
	case n < 35:
		w.submit()
	case n < 60:
		w.onLink(p, func() { p.arrive(w.some(len(p.conn.out))) })
	case n < 80:
		w.onLink(p, func() { p.deliver(w.some(300)) })
	case n < 105:
		w.each(func(p *simPeer) { p.answer() })
	case n < 120:
		w.receipt()
	case n < 123:
		w.onLink(p, p.lose)
	case n < 125:
		w.onLink(p, func() { p.stall(!p.stalled) })
	case n < 127:
		p.silent = !p.silent
	case n < 129:
		w.onLink(p, p.misbehave)
	case n < 140:
		if p.session == nil {
			p.connect()
		}
	case n < 144:
		w.journal.settle()
	case n == 145 || n == 146:
		if p.bound && !p.silent {
			p.query()
		}
	case n == 144 && w.rand.IntN(30) == 0:
		w.crash()
	case n < 165:
		w.sweepFor(time.Duration(w.rand.IntN(200))*time.Millisecond, tick)
	case n == 166:
		w.sweepFor(time.Duration(w.rand.IntN(6000))*time.Millisecond, tick)
	default:
		w.each(func(p *simPeer) {
			p.arrive(-1)
			p.deliver(-1)
		})
	}
	w.turn.flush()
	w.pump()
	w.inspect()
}

// some is all, by chance, or a part.
func (w *simWorld) some(n int) int {
	if w.rand.IntN(3) > 0 {
		return -1
	}
	return w.rand.IntN(n + 1)
}

func (w *simWorld) onLink(p *simPeer, fn func()) {
	if p.session != nil {
		fn()
	}
}

func (w *simWorld) each(fn func(*simPeer)) {
	for _, p := range w.peers {
		w.onLink(p, func() { fn(p) })
	}
}

// stall lets the kernel take nothing more for a peer, or again.
func (p *simPeer) stall(on bool) {
	if p.stalled = on; on {
		p.w.record(p.event(simStalled))
	}
}

// misbehave sends what nobody expects.
func (p *simPeer) misbehave() {
	w := p.w
	ends := p.event(simStalled) // from then on nothing is said of what goes where
	switch w.rand.IntN(5) {
	case 0:
		p.send(pdu.AppendHeader(nil, pdu.Command(0x0000_0FFF), pdu.ROK, p.next()), nil)
	case 1:
		p.send(pdu.AppendMessageResp(nil, pdu.SubmitSM, pdu.ROK, uint32(w.rand.IntN(1<<20)), []byte("77")), nil)
	case 2:
		p.send(pdu.AppendHeader(nil, pdu.GenericNack, pdu.RSysErr, uint32(w.rand.IntN(1<<20))), nil)
	case 3: // nothing can be read after this
		p.send([]byte{0, 0, 0, 5, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1}, &ends)
		p.bound = false
	default:
		if !p.bound {
			return // a second unbind is answered at once
		}
		p.send(pdu.AppendHeader(nil, pdu.Unbind, pdu.ROK, p.next()), &ends)
		p.unbinds = w.rand.IntN(2) == 0
		p.bound = false // it sends no more requests
	}
}

// senders are the bound peers of which messages may come.
func (w *simWorld) senders(account bool, of string) (all []*simPeer) {
	for _, p := range w.peers {
		if p.bound && !p.silent && p.account == account && p.takes() && (of == "" || p.name == of) {
			all = append(all, p)
		}
	}
	return all
}

// submit sends a message, or the segments of one, from an account or, as its
// deliver_sm, from a carrier.
func (w *simWorld) submit() {
	senders := w.senders(w.rand.IntN(4) > 0, "")
	if len(senders) == 0 {
		return
	}
	p := senders[w.rand.IntN(len(senders))]
	w.count++
	name := fmt.Sprint("m", w.count)
	m, to := text(alice, maskOfBob, name), bob
	switch w.rand.IntN(10) {
	case 0, 1, 2:
		m, to = text(bob, maskOfAlice, name), alice
	case 3:
		m, to = text(carol, maskShop, name), ""
	case 4:
		m, to = text(carol, maskOutlet, name), ""
	case 5:
		m, to = text(carol, "441119999999", name), "nobody"
	}
	var wants byte
	if p.account && w.rand.IntN(3) > 0 {
		wants = byte(w.rand.IntN(4)) | byte(w.rand.IntN(2))<<4 | byte(w.rand.IntN(4))<<2
	}
	m.RegisteredDelivery = wants
	own := wants&3 != 0 && (to == "" || w.hasBindingCarrier())
	if own {
		w.own++
	}
	if w.rand.IntN(4) > 0 {
		w.sendMessage(p, m, name, to, wants)
		return
	}
	total := 2 + w.rand.IntN(3)
	for part := range total {
		name := fmt.Sprintf("m%d.%d", w.count, part+1)
		m.ESMClass = pdu.ESMUDHI
		m.ShortMessage = append([]byte{5, 0, 3, byte(w.count), byte(total), byte(part + 1)}, name...)
		w.sendMessage(p, m, name, to, wants)
		if part > 0 && own {
			w.own++
		}
	}
}

func (w *simWorld) sendMessage(p *simPeer, m *pdu.Message, name, to string, wants byte) {
	w.intents[name] = to
	w.wants[name] = wants
	e := p.event(simTaken)
	e.message, e.wants = name, wants
	if !p.account {
		e.wants = 0
	}
	p.request(m, e)
}

// asked notes what a carrier's SMSC got, and checks what it was asked for.
func (w *simWorld) asked(p *simPeer, m *pdu.Message, e simEvent) {
	if p.account {
		if m.RegisteredDelivery != 0 {
			w.fault("an account was asked for a receipt")
		}
		return
	}
	want := w.wants[e.message] & 0x13
	if want&3 == 3 {
		want ^= 2 // success only is 5.0's
	}
	if m.RegisteredDelivery != want {
		w.fault(fmt.Sprintf("registered_delivery %02x for %02x", m.RegisteredDelivery, w.wants[e.message]))
	}
	form := w.formOf(p.name)
	w.remotes[p.name] = append(w.remotes[p.name], newRemote(e.message, form, len(w.remotes[p.name])))
}

func (w *simWorld) formOf(carrier string) Receipts {
	for _, c := range w.cfg.Carriers {
		if c.Name == carrier {
			return c.Binds[0].Receipts
		}
	}
	return StandardIDs
}

// remoteID is the id that a carrier answers with.
func (w *simWorld) remoteID(p *simPeer, message string) string {
	list := w.remotes[p.name]
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].message == message {
			return list[i].response
		}
	}
	return ""
}

var simStates = []pdu.State{
	pdu.Delivered, pdu.Delivered, pdu.Delivered, pdu.Undeliverable, pdu.Expired, pdu.Rejected, pdu.Unknown, pdu.Enroute, pdu.Accepted,
}

// receipt lets a carrier send one: early, late, again, about another message or
// none, in either form, on any of its binds.
func (w *simWorld) receipt() {
	senders := w.senders(false, "")
	if len(senders) == 0 {
		return
	}
	p := senders[w.rand.IntN(len(senders))]
	remote := &simRemote{receipt: "999999"}
	if list := w.remotes[p.name]; len(list) > 0 && w.rand.IntN(12) > 0 {
		remote = list[len(list)-1-w.rand.IntN(min(len(list), 12))]
	}
	if w.wants[remote.message] == 0 && w.rand.IntN(4) > 0 {
		return
	}
	e := p.event(simReceipt)
	e.message, e.state = remote.message, simStates[w.rand.IntN(len(simStates))]
	if isFinal(e.state) && w.rand.IntN(10) > 0 {
		e.state = remote.final
	}
	m := receipt(remote.receipt, e.state)
	switch w.rand.IntN(8) {
	case 0:
		m.TLVs = nil
	case 1:
		m.ShortMessage = nil
	case 2:
		m.TLVs, m.ShortMessage, e.message = nil, []byte("delivered, I think"), ""
	}
	p.request(m, e)
}

// repeat lets carriers send again what the edge has left with them.
func (w *simWorld) repeat() {
	returned := w.returned
	w.returned = nil
	for _, e := range returned {
		senders := w.senders(false, e.peer)
		if len(senders) == 0 {
			continue
		}
		p := senders[0]
		for _, r := range w.remotes[p.name] {
			if r.message == e.message {
				again := p.event(simReceipt)
				again.message, again.state = e.message, e.state
				p.request(receipt(r.receipt, e.state), again)
			}
		}
	}
}

// inspect looks inside: what must hold after every event.
func (w *simWorld) inspect() {
	for _, p := range w.peers {
		s := p.session
		if s == nil || s.terms == nil {
			continue
		}
		if s.window.used > s.window.limit && s.terms.canSend || s.unanswered > s.terms.window || s.unanswered < 0 {
			w.fault(fmt.Sprintf("window of %s: %d of %d, %d unanswered", p.name, s.window.used, s.window.limit, s.unanswered))
		}
	}
}

// quiet lets everybody behave until nothing is left to do.
func (w *simWorld) quiet() {
	w.calm, w.journal.calm = true, true
	for i := range 180 {
		w.step++
		w.turn.begin()
		for _, p := range w.peers {
			if p.stalled, p.silent = false, false; p.session == nil {
				p.connect()
			}
		}
		for range 3 {
			w.each(func(p *simPeer) {
				p.arrive(-1)
				p.deliver(-1)
			})
			w.pump()
			w.each(func(p *simPeer) {
				for range len(p.waits) {
					p.answer()
				}
			})
			w.each(func(p *simPeer) { p.deliver(-1) })
			w.journal.settle()
			w.pump()
		}
		if i%4 == 3 && i < 30 {
			w.repeat()
		}
		every := tick
		if i > 40 {
			every = 500 * time.Millisecond
		}
		w.sweepFor(500*time.Millisecond, every)
	}
}

// leftovers is what must be gone in the end.
func (w *simWorld) leftovers() {
	e := w.edge
	check := func(what string, n int) {
		if n != 0 {
			w.fault(fmt.Sprintf("left over: %d %s", n, what))
		}
	}
	check("in flight", e.inFlight())
	check("held durably", len(w.journal.held))
	check("not durable", len(w.journal.holding))
	sessions := 0
	for _, p := range w.peers {
		if s := p.session; s != nil {
			sessions++
			check("in the window of "+p.name, s.window.used)
			check("unanswered of "+p.name, s.unanswered)
			check("queries of "+p.name, len(p.queries))
			check("octets to "+p.name, len(s.out.pending)+len(s.out.leaving))
		}
	}
	check("sessions", len(e.sessions)-sessions)
	for name, c := range e.carriers {
		_, parked := c.joiner.size()
		check("parked of "+name, parked)
		check("waiting for "+name, c.destination.queue.length+int(c.destination.queued.Load()))
	}
	for name, a := range e.accounts.Load().byID {
		check("held for "+name, a.held.length())
		check("waiting for "+name, a.destination.queue.length+int(a.destination.queued.Load()))
		bound := slices.DeleteFunc(slices.Clone(a.binds), func(s *session) bool { return s == nil })
		check("binds of "+name, len(bound)-2)
	}
	for _, r := range e.sources.seen {
		check("connections not bound", r.unbound)
	}
	check("connections", int(e.connections.Load())-2*len(w.cfg.Accounts))
}

// counted is the sum of outcomes of receipts.
func (w *simWorld) counted(results ...receiptResult) (sum float64) {
	families, err := w.registry.Gather()
	if err != nil {
		panic(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, r := range results {
				if f.GetName() == "maskline_smpp_receipts_total" && m.GetLabel()[0].GetValue() == r.String() {
					sum += m.GetCounter().GetValue()
				}
			}
		}
	}
	return sum
}

// tally compares how receipts were counted with how many there were.
func (w *simWorld) tally(h *simHistory) {
	if len(h.crashes) > 0 {
		return // what was parked or in flight is gone with its counters
	}
	taken, unsure := 0, w.own
	for _, r := range h.receipts {
		switch r.status {
		case pdu.RThrottled, pdu.RInvBndSts: // never taken on
		case simNoAnswer:
			unsure++
		default:
			taken++
		}
	}
	counted := w.counted(
		receiptDelivered, receiptRefused, receiptExpired, receiptDropped, receiptReturned, receiptUnjoined, receiptRepeated,
		receiptUnwanted, receiptUnreadable,
	)
	if n := int(math.Round(counted)); n < taken || n > taken+unsure {
		w.fault(fmt.Sprintf("counted once: %d receipts, and up to %d more; counted %d", taken, unsure, n))
	}
}
