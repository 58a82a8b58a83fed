package smpp

import (
	"fmt"
	"strconv"
	"strings"

	"maskline/smpp/pdu"
)

// simPeer is the far end of one bind: an application's, or a carrier's SMSC.
type simPeer struct {
	w       *simWorld
	name    string
	account bool
	command pdu.Command // the bind that an account asks for
	dialer  int         // the bind of ours, of a carrier
	bind    *simBind

	session *session // nil: not connected
	conn    *simConn
	link    int
	bound   bool
	stalled bool   // the kernel takes nothing
	blocked []byte // what the writer goroutine waits with
	silent  bool   // it reads and answers nothing
	unbinds bool   // it has sent an unbind and still answers

	sequence uint32
	toEdge   []simFrame
	pending  map[uint32]simEvent // its requests
	queries  map[uint32]string   // its query_sm that are not answered: the id asked about
	arriving map[uint32]simEvent // the edge's requests that left
	unread   []byte
	waits    []simWait // the edge's requests to be answered
}

type simWait struct {
	frame
	event simEvent
}

// simFrame is a PDU on its way to the edge.
type simFrame struct {
	b    []byte
	read *simEvent // happens when the edge has read it
}

// ofCarrier reports whether it is a carrier's own account.
func (p *simPeer) ofCarrier() bool { return strings.HasSuffix(p.name, simOwnAccount) }

// takes reports whether the bind brings messages to the edge.
func (p *simPeer) takes() bool {
	if p.account {
		return p.command != pdu.BindReceiver
	}
	return p.command != pdu.BindTransmitter
}

func (p *simPeer) connect() {
	w := p.w
	w.links++
	p.link = w.links
	p.conn = &simConn{failAt: -1, left: p.left}
	p.bound, p.stalled, p.silent, p.unbinds, p.blocked = false, false, false, false, nil
	p.toEdge, p.unread, p.waits = nil, nil, nil
	p.queries = map[uint32]string{}
	p.pending, p.arriving = map[uint32]simEvent{}, map[uint32]simEvent{}
	p.sequence = uint32(w.rand.IntN(1 << 30))
	if w.rand.IntN(8) == 0 {
		p.sequence = pdu.MaxSequence - 5 // it wraps soon
	}
	if !p.account {
		p.session = w.edge.carriers[p.name].dialers[p.dialer].open(p.conn)
		return
	}
	if p.session = w.edge.open(p.conn, nil); p.session == nil {
		w.fault("connection refused")
		return
	}
	b := pdu.Bind{SystemID: []byte(p.name), Password: []byte("sesame"), InterfaceVersion: pdu.Version34}
	out, _ := b.Append(nil, p.command, p.next())
	p.send(out, nil)
}

func (p *simPeer) next() uint32 {
	if p.sequence++; p.sequence > pdu.MaxSequence {
		p.sequence = 1
	}
	return p.sequence
}

func (p *simPeer) event(k simKind) simEvent {
	return simEvent{kind: k, peer: p.name, link: p.link}
}

// send puts a PDU on its way.
func (p *simPeer) send(b []byte, read *simEvent) {
	p.toEdge = append(p.toEdge, simFrame{b, read})
}

// request sends a message or a receipt.
func (p *simPeer) request(m *pdu.Message, e simEvent) {
	c := pdu.DeliverSM
	if p.account {
		c = pdu.SubmitSM
	}
	e.request = p.next()
	b, err := m.Append(nil, c, e.request)
	if err != nil {
		p.w.fault(err.Error())
		return
	}
	p.pending[e.request] = e
	p.send(b, &e)
}

// deliver lets the edge read n octets; negative: all.
func (p *simPeer) deliver(n int) {
	if p.conn.closed {
		return
	}
	var chunk []byte
	for len(p.toEdge) > 0 && n != 0 {
		f := &p.toEdge[0]
		take := len(f.b)
		if n >= 0 {
			take = min(take, n)
			n -= take
		}
		chunk = append(chunk, f.b[:take]...)
		if f.b = f.b[take:]; len(f.b) > 0 {
			break
		}
		if f.read != nil {
			p.w.record(*f.read)
			if f.read.kind == simUp {
				p.bound = true
			}
		}
		p.toEdge = p.toEdge[1:]
	}
	p.conn.in = append(p.conn.in, chunk...)
	for p.session != nil && !p.conn.closed && len(p.conn.in) > 0 {
		if _, err := p.session.reader.Fill(); err != nil {
			return
		}
		if !p.session.received(p.w.turn) {
			p.conn.in = nil
			p.session.cut("the stream cannot be read")
		}
	}
}

// write is the writer goroutine; a stalled one has claimed and waits.
func (p *simPeer) write() (busy bool) {
	s := p.session
	if p.stalled {
		if p.blocked == nil {
			s.mu.Lock()
			p.blocked = s.out.claimLeft(p.w.turn.at)
			s.mu.Unlock()
		}
		return false
	}
	if p.blocked != nil {
		p.unblock(len(p.blocked))
	}
	for !p.conn.closed && s.writeOnce() {
		busy = true
	}
	return busy
}

func (p *simPeer) unblock(n int) {
	b := p.blocked
	p.blocked = nil
	n, _ = p.conn.Write(b[:n])
	p.session.mu.Lock()
	p.session.out.wrote(n)
	p.session.mu.Unlock()
}

// ended is what the goroutines of a session do at its end.
func (p *simPeer) ended() {
	s, w := p.session, p.w
	if p.blocked != nil { // the kernel has taken some of it
		p.conn.closed = false
		p.unblock(w.rand.IntN(len(p.blocked) + 1))
		p.conn.closed = true
	}
	p.session, p.bound = nil, false
	s.end(w.turn)
	if p.account {
		w.edge.closed(s)
	} else {
		w.edge.remove(s)
		w.edge.carriers[p.name].dialers[p.dialer].ended(s.reason)
	}
	n := -1
	if w.rand.IntN(2) == 0 {
		n = w.rand.IntN(len(p.conn.out) + 1)
	}
	p.arrive(n)
	w.record(p.event(simDown))
}

// lose ends the connection in the middle of whatever both sides send.
func (p *simPeer) lose() {
	w := p.w
	if w.rand.IntN(3) == 0 {
		p.conn.failAt = w.rand.IntN(100) // a later write tells
		return
	}
	p.deliver(w.rand.IntN(200))
	if p.session != nil {
		p.session.cut("connection closed by the peer")
	}
}

// left notes a PDU that the edge has handed to the kernel.
func (p *simPeer) left(f frame) {
	p.w.scan(p, f)
	switch f.Command {
	case pdu.SubmitSMResp, pdu.DeliverSMResp, pdu.DataSMResp:
		e, known := p.pending[f.Sequence]
		if !known {
			p.w.fault("an answer to nothing")
			return
		}
		delete(p.pending, f.Sequence)
		e.status = f.Status
		if e.kind == simReceipt {
			e.kind = simReceived
			if e.status != pdu.ROK && e.message != "" {
				p.w.returned = append(p.w.returned, e)
			}
		} else {
			e.kind = simAnswered
			var r pdu.MessageResp
			if r.Decode(f.body) == nil {
				e.id = string(r.MessageID)
				p.w.heard = append(p.w.heard, e.id)
			}
		}
		p.w.record(e)
	case pdu.QuerySMResp:
		p.queried(f)
	case pdu.UnbindResp:
		for _, e := range p.pending {
			if e.kind == simTaken { // a receipt may wait for the disk for longer
				p.w.fault("unbound before an answer: " + e.message)
			}
		}
	case pdu.SubmitSM, pdu.DeliverSM:
		e := p.event(simArrived)
		e.request, e.left = f.Sequence, p.w.at()
		p.arriving[f.Sequence] = e
	default:
	}
}

// arrive lets the far end read n octets; negative: all.
func (p *simPeer) arrive(n int) {
	if n < 0 || n > len(p.conn.out) {
		n = len(p.conn.out)
	}
	p.unread = append(p.unread, p.conn.out[:n]...)
	p.conn.out = p.conn.out[n:]
	p.unread = eachFrame(p.unread, p.handle)
}

// handle takes in one PDU of the edge's.
func (p *simPeer) handle(f frame) {
	switch c := f.Command; {
	case c.IsBind():
		status := pdu.ROK
		if !p.w.calm && p.w.rand.IntN(10) == 0 {
			status = pdu.RBindFail
		}
		b, _ := (&pdu.BindResp{}).Append(nil, c, status, f.Sequence)
		e := p.up()
		if status != pdu.ROK {
			p.send(b, nil)
			return
		}
		p.send(b, &e)
	case c == pdu.BindTransceiverResp || c == pdu.BindReceiverResp || c == pdu.BindTransmitterResp:
		if f.Status == pdu.ROK {
			p.bound = p.session != nil
			p.w.record(p.up())
		}
	case c == pdu.SubmitSM || c == pdu.DeliverSM:
		p.arrived(f)
	case c == pdu.QuerySM && (p.w.calm || p.w.rand.IntN(3) > 0):
		var q pdu.Query
		if q.Decode(f.body) == nil {
			b, _ := (&pdu.QueryResp{MessageID: q.MessageID, State: pdu.Enroute}).Append(nil, pdu.ROK, f.Sequence)
			p.send(b, nil)
		}
	case c == pdu.EnquireLink && !p.silent:
		p.send(pdu.AppendHeader(nil, pdu.EnquireLinkResp, pdu.ROK, f.Sequence), nil)
	}
}

// query asks about a message whose id was heard, its own or not.
func (p *simPeer) query() {
	w := p.w
	if !p.account || len(w.heard) == 0 {
		return
	}
	id := w.heard[w.rand.IntN(len(w.heard))]
	q := pdu.Query{MessageID: []byte(id), Source: pdu.Address{TON: 1, NPI: 1, Digits: []byte(alice)}}
	sequence := p.next()
	b, _ := q.Append(nil, sequence)
	p.queries[sequence] = id
	p.send(b, nil)
}

// queried notes the answer to a query_sm: one for each, about the id asked for.
func (p *simPeer) queried(f frame) {
	id, asked := p.queries[f.Sequence]
	var r pdu.QueryResp
	if err := r.Decode(f.Status, f.body); !asked || err != nil || f.Status == pdu.ROK && string(r.MessageID) != id {
		p.w.fault("an answer to no query, or about another message")
	}
	delete(p.queries, f.Sequence)
}

func (p *simPeer) up() simEvent {
	e := p.event(simUp)
	e.bind = p.bind
	return e
}

// arrived notes a message or a receipt at its far end.
func (p *simPeer) arrived(f frame) {
	e := p.arriving[f.Sequence]
	delete(p.arriving, f.Sequence)
	m := new(pdu.Message)
	if err := m.Decode(f.body); err != nil {
		p.w.fault("a PDU that cannot be read: " + err.Error())
		return
	}
	if m.ESMClass&pdu.ESMType != 0 {
		r, _ := pdu.ParseReceipt(m)
		e.kind, e.id, e.state = simNotified, string(r.MessageID), r.State
	} else {
		e.message = textOf(m)
		p.w.intent(p, m, e)
	}
	p.w.record(e)
	p.waits = append(p.waits, simWait{f, e})
	p.w.asked(p, m, e)
}

// textOf is a message's text without its user data header.
func textOf(m *pdu.Message) string {
	text := m.Payload()
	if m.ESMClass&pdu.ESMUDHI != 0 {
		_, text, _ = pdu.SplitUDH(text)
	}
	return string(text)
}

// statuses are what a far end answers with.
var simStatuses = []pdu.Status{
	pdu.ROK, pdu.ROK, pdu.ROK, pdu.ROK, pdu.ROK, pdu.ROK, pdu.RThrottled, pdu.RMsgQFul, pdu.RSubmitFail, pdu.RInvDstAdr,
	pdu.RSysErr, pdu.RInvSrcAdr, pdu.RxTAppn, 0x4FF,
}

// answer answers one of the waiting requests, in any order, rightly or not.
func (p *simPeer) answer() {
	w := p.w
	if len(p.waits) == 0 || !p.bound && !p.unbinds {
		return
	}
	i := w.rand.IntN(len(p.waits))
	if w.calm {
		i = 0
	}
	f := p.waits[i]
	status := simStatuses[w.rand.IntN(len(simStatuses))]
	fault := w.rand.IntN(40)
	if w.calm {
		status, fault = pdu.ROK, -1
	}
	e := f.event
	if e.kind, e.status = simReplied, status; e.id != "" {
		e.kind = simConfirmed
	}
	resp := pdu.AppendMessageResp(nil, f.Command, status, f.Sequence, []byte(w.remoteID(p, e.message)))
	if fault == 0 { // the wrong type of response: it counts for nothing
		p.send(pdu.AppendHeader(nil, pdu.EnquireLinkResp, pdu.ROK, f.Sequence), nil)
		p.send(pdu.AppendHeader(nil, pdu.QuerySM.Response(), pdu.ROK, f.Sequence), nil)
		return
	}
	p.waits = append(p.waits[:i:i], p.waits[i+1:]...)
	switch fault {
	case 1, 2: // never
	case 3:
		e.status = pdu.RUnknownErr
		p.send(pdu.AppendHeader(nil, pdu.GenericNack, pdu.Status(w.rand.IntN(3)), f.Sequence), &e)
	case 4:
		p.send(resp, &e)
		p.send(resp, nil) // twice
	default:
		p.send(resp, &e)
	}
}

// simRemote is a message as a carrier names it.
type simRemote struct {
	message           string
	response, receipt string // forms of its id
	final             pdu.State
}

// newRemote makes the ids of a message. Each carrier counts by itself, so
// different carriers use the same ids.
func newRemote(message string, form Receipts, n int) *simRemote {
	r := &simRemote{message: message, final: simStates[n%7]}
	n += 0xA000
	switch form {
	case DecimalIDs:
		r.response, r.receipt = fmt.Sprintf("%08X", n), strconv.Itoa(n)
	case HexIDs:
		r.response, r.receipt = strconv.Itoa(n), fmt.Sprintf("%x", n)
	default:
		switch n % 3 {
		case 0:
			r.response, r.receipt = strconv.Itoa(n), fmt.Sprintf("%012d", n)
		case 1:
			r.response, r.receipt = fmt.Sprintf("0AB%X", n), fmt.Sprintf("ab%x", n)
		default:
			r.response = fmt.Sprintf("6F9619FF-8B86-D011-B42D-%012X", n)
			r.receipt = strings.ToLower(r.response)
		}
	}
	return r
}
