package sip

import (
	"net/netip"
	"sync"
	"time"

	"maskline/routing"
	"maskline/sip/message"
)

// textOut is a MESSAGE of ours to a tenant's peer, until its final answer: a client
// transaction for each address and each answer to a challenge.
type textOut struct {
	texts *texts
	id    uint64
	trunk *trunk
	user  string
	from  routing.Message // Text of its own
	done  func(routing.Delivery)
	alarm alarm

	mu      sync.Mutex
	events  []func() routing.Fate
	running bool

	// Only the goroutine that works the events off touches these.
	ended   bool
	over    time.Time        // not zero: its fate was told as unknown; until then an answer is heard
	targets []netip.AddrPort // not tried yet
	to      netip.AddrPort
	tx      client
	seq     uint16 // of the transaction
	try     uint8  // answers to challenges at this address
	sent    bool   // some address may have it
	narrow  bool   // this address refused TCP: what is too long for a datagram goes as one
	data    []byte
}

var _ routing.Messenger = (*Edge)(nil)

// Deliver sends a text to the tenant's peer that Message.Peer names, as a MESSAGE
// outside any dialog. The edge has to be one with a Config.Messenger.
func (e *Edge) Deliver(m *routing.Message, done func(routing.Delivery)) {
	user, t := e.peer(m.Peer)
	if t == nil || e.texts == nil {
		done(routing.Delivery{Fate: routing.FateTemporary}) // its configuration may come
		return
	}
	now := e.now()
	o := &textOut{texts: e.texts, id: e.draw(), trunk: t, user: user, from: *m, done: done}
	o.from.Text = append([]byte{}, m.Text...)
	o.targets = t.targets(o.id, now)
	o.targets = o.targets[:min(len(o.targets), mostTried)]
	why := busyRemoved
	if !t.acquire() {
		e.release(t)
	} else if why = e.texts.take(t, outbound, now); why == free && !t.fit() {
		why = busyDown
		e.texts.drop(t, outbound)
	}
	if why != free {
		t.state.metrics.busy(outbound, why)
		t.state.metrics.text(outbound, routing.FateTemporary)
		done(routing.Delivery{Fate: routing.FateTemporary})
		return
	}
	if !o.enter() {
		o.texts.settle(t, outbound, routing.FateTemporary)
		done(routing.Delivery{Fate: routing.FateTemporary})
		return
	}
	o.do(func() routing.Fate { return o.next(now) })
}

func (o *textOut) enter() bool {
	x := o.texts
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed || x.out[o.id] != nil {
		return false
	}
	x.out[o.id] = o
	o.alarm.fire = func() { o.do(func() routing.Fate { return o.tick(x.edge.now()) }) }
	return true
}

// underWay is the fate of what goes on.
const underWay = routing.Fate(0xFF)

// do lets one event happen. Whoever brings the first one works off those that come
// meanwhile, since sending may learn that an earlier request was undeliverable.
func (o *textOut) do(event func() routing.Fate) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.events = append(o.events, event)
	if o.running {
		return
	}
	o.running = true
	for len(o.events) > 0 {
		event, o.events = o.events[0], o.events[1:]
		o.mu.Unlock()
		o.work(event)
		o.mu.Lock()
	}
	o.running, o.events = false, nil
}

// work judges one event, and ends the message where it says so.
func (o *textOut) work(event func() routing.Fate) {
	x := o.texts
	defer x.edge.recovered("text")
	if o.ended {
		return
	}
	fate := event()
	x.edge.timers.clear(&o.alarm)
	isLate := !o.over.IsZero()
	switch {
	case fate == underWay && isLate:
		x.edge.timers.set(&o.alarm, o.over)
		return
	case fate == underWay:
		x.edge.timers.set(&o.alarm, sooner(o.tx.next(), o.from.AnswerBy))
		return
	case isLate || fate != routing.FateUnknown || !o.linger():
		o.forget()
	}
	if !isLate {
		x.settle(o.trunk, outbound, fate)
		o.done(routing.Delivery{Fate: fate})
		if fate != routing.FateUnknown || !o.ended {
			return
		}
	}
	if fate != routing.FateUnknown {
		o.trunk.state.metrics.lateText(fate)
	}
	if o.from.Late != nil {
		o.from.Late(routing.Delivery{Fate: fate})
	}
}

// linger keeps a message of unknown fate for an answer that comes late, as long as
// its transaction could live, without its text. It is false at the end of the edge.
func (o *textOut) linger() bool {
	x := o.texts
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed || len(x.out) > mostTexts {
		return false
	}
	o.over = x.edge.now().Add(t64)
	o.data, o.from.Text, o.targets = nil, nil, nil
	x.edge.timers.set(&o.alarm, o.over)
	return true
}

func (o *textOut) forget() {
	o.ended = true
	o.texts.mu.Lock()
	defer o.texts.mu.Unlock()
	delete(o.texts.out, o.id)
}

// next sends the message to the next address.
func (o *textOut) next(now time.Time) routing.Fate {
	for len(o.targets) > 0 {
		o.to, o.targets, o.try = o.targets[0], o.targets[1:], 0
		o.narrow = false
		if fate := o.begin("", now); fate != routing.FateTemporary {
			return fate
		}
	}
	if o.sent {
		return routing.FateUnknown
	}
	return routing.FateTemporary
}

// begin starts a transaction with the address in hand; FateTemporary: it cannot be
// reached.
func (o *textOut) begin(credentials string, now time.Time) routing.Fate {
	o.seq++
	d := o.draft(credentials)
	o.data = d.Append(nil)
	over := o.trunk.over
	if over == overUDP && !o.narrow && o.trunk.TCPAbove > 0 && len(o.data) > o.trunk.TCPAbove {
		over = overTCP
		o.data = message.Reroute(o.data, overUDP.via(), over.via())
	}
	if over == overUDP && len(o.data) > mostDatagram {
		return routing.FateTooLong
	}
	o.tx.begin(o.data, false, over, now)
	return o.send()
}

// draft is the request: all of it is ours, the binding's or the sender's text.
func (o *textOut) draft(credentials string) message.Draft {
	e, t := o.texts.edge, o.trunk
	_, own := t.from(o.to.Addr())
	b := message.LegB{CLI: &t.cli, Present: o.from.From, User: o.user, Host: t.host, Own: sentBy(own)}
	target := b.Callee()
	d := message.Draft{
		Method: message.Message, Via: sentBy(own), Transport: t.over.via(), CSeq: uint32(o.seq), MaxForwards: maxForwards,
		Branch: e.tokens.branch(token{call: o.id, kind: textToken, seq: o.seq}),
		Dialog: &message.Dialog{
			CallID: e.tokens.String(token{call: o.id, kind: textToken, leg: legA}), LocalURI: b.Caller(), RemoteURI: target, Target: target,
			LocalTag: e.tokens.String(token{call: o.id, kind: textToken, leg: legA - 1}),
		},
		Asserted: b.Asserted(), Text: o.from.Text, Credentials: credentials,
	}
	if credentials == "" && t.auth != nil {
		d.Credentials = t.auth.again(authCalls, message.Message, target, o.cnonce(o.seq))
	}
	return d
}

func (o *textOut) cnonce(seq uint16) string {
	return o.texts.edge.tokens.String(token{call: o.id, kind: cnonceToken, leg: legA, seq: seq})
}

func (o *textOut) send() routing.Fate {
	e, t := o.texts.edge, o.trunk
	socket, _ := t.from(o.to.Addr())
	t.state.metrics.out.request(message.Message)
	err := e.transmit(actSend{trunk: t, socket: socket, over: o.tx.over, to: o.to, data: o.data, method: message.Message}, o.id)
	if err != nil && o.tx.over != t.over {
		return o.lost(e.now())
	}
	if err != nil && (isUndeliverable(err) || !o.sent) {
		t.shun(o.to, e.now())
		return routing.FateTemporary
	}
	o.sent = true
	return underWay
}

// tick does what is due.
func (o *textOut) tick(now time.Time) routing.Fate {
	if !o.over.IsZero() {
		return routing.FateUnknown // for good
	}
	if reached(o.from.AnswerBy, now) {
		return routing.FateUnknown
	}
	switch o.tx.due(now) {
	case txResend:
		if o.send() != underWay {
			return o.next(now)
		}
	case txTimeout:
		return routing.FateUnknown // 32 s: what has it may have it for good
	case txNothing:
	}
	return underWay
}

// answered is a response to a message of ours; false: nobody waits for it.
func (x *texts) answered(k token, res *message.Response, source netip.AddrPort) bool {
	o := x.find(k)
	if o == nil || res.Method != message.Message || !o.trunk.allows(source.Addr()) {
		return false
	}
	o.do(func() routing.Fate { return o.hear(k.seq, res, source, x.edge.now()) })
	return true
}

func (x *texts) find(k token) *textOut {
	if x == nil {
		return nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.out[k.call]
}

func (o *textOut) hear(seq uint16, res *message.Response, source netip.AddrPort, now time.Time) routing.Fate {
	if !o.over.IsZero() {
		if res.Code < 200 {
			return underWay
		}
		return fateOf(res.Code)
	}
	if seq != o.seq || !o.tx.running() {
		return underWay
	}
	if res.Code < 200 {
		o.tx.provisional()
		return underWay
	}
	o.tx.final(res.Code < 300, now)
	if fate, again := o.authorize(res, source, now); again {
		return fate
	}
	fate := fateOf(res.Code)
	if res.Code == 503 && len(o.targets) > 0 {
		o.sent = false // RFC 3263 §4.3: this one says that it has not
		return o.next(now)
	}
	return fate
}

// authorize answers a challenge, once, and once more where the nonce was too old.
func (o *textOut) authorize(res *message.Response, source netip.AddrPort, now time.Time) (fate routing.Fate, again bool) {
	t := o.trunk
	if t.auth == nil || source.Addr() != o.to.Addr() || o.try >= mostTry {
		return 0, false
	}
	b := message.LegB{CLI: &t.cli, User: o.user, Host: t.host}
	line, stale, ok := t.auth.answer(authCalls, res, message.Message, b.Callee(), o.cnonce(o.seq+1))
	if !ok || o.try > 0 && !stale {
		return 0, false
	}
	o.try++
	o.sent = false // it refused
	if fate = o.begin(line, now); fate == routing.FateTemporary {
		return o.next(now), true
	}
	return fate, true
}

// undelivered is the word that a request could not be delivered, or that its
// connection broke.
func (x *texts) undelivered(k token) {
	o := x.find(k)
	if o == nil {
		return
	}
	o.do(func() routing.Fate {
		if !o.over.IsZero() || k.seq != o.seq || !o.tx.running() {
			return underWay
		}
		return o.lost(x.edge.now())
	})
}

// lost decides where a message goes on that was not delivered.
func (o *textOut) lost(now time.Time) routing.Fate {
	if o.tx.over != o.trunk.over { // RFC 3261 §18.1.1
		o.narrow = true
		if fate := o.begin("", now); fate != routing.FateTemporary {
			return fate
		}
	} else if o.tx.lost(now) {
		return underWay
	}
	o.trunk.shun(o.to, now)
	o.sent = false
	return o.next(now)
}

// fateOf reads a peer's final answer.
func fateOf(code int) routing.Fate {
	switch {
	case code < 300:
		return routing.FateDelivered
	case code == 404, code == 410, code == 484, code == 485, code == 604:
		return routing.FateNoReceiver
	case code == 413, code == 513:
		return routing.FateTooLong
	case code == 401, code == 407, code == 408, code == 429, code == 480, code == 486, code == 491, code == 600:
		return routing.FateTemporary
	case code == 501, code == 505:
		return routing.FateRefused
	case code >= 500 && code < 600:
		return routing.FateTemporary
	default:
		return routing.FateRefused
	}
}
