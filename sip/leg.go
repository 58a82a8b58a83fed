package sip

import (
	"net/netip"
	"time"

	"maskline/sip/message"
)

// Numbers of our transactions within a leg; they are part of the branch. CANCEL
// and the ACK of a refusal share that of the INVITE (RFC 3261 §9.1, §17.1.1.3).
const (
	seqInvite uint16 = 1 + iota
	seqAck
	seqBye
	seqFork // the ACK and BYE of further answers count on from here

	// seqDialog is where requests inside the dialog begin, two numbers for each: the
	// ACK of a 2xx to INVITE has the next one. Only PRACK, re-INVITE, UPDATE and INFO
	// are as many.
	seqDialog uint16 = 64
)

// leg is the dialog with one side, and the requests inside it. RFC 3261 §12.
type leg struct {
	number uint8
	first  bool // the side that an [Order] calls first: it stands where a caller would
	trunk  *trunk
	socket int
	over   transport
	conn   uint64         // that its last message came over; 0: a datagram
	own    string         // our address as URIs for this side write it
	hop    netip.AddrPort // where our requests go
	from   netip.Addr     // where the dialog began on its side
	local  netip.AddrPort // of its media
	// unconfirmed: the dialog is the early one of a device that has agreed on the
	// session; another one may answer yet.
	unconfirmed bool
	narrow      bool // its trunk refused TCP: what is too long for a datagram goes as one
	dialog      message.Dialog
	cseq        uint32 // of our last request
	seen        uint32 // of its last request

	invited     uint32 // CSeq of our INVITE
	credentials string // of it, for its ACK; RFC 3261 §22.1
	byeSeq      uint16 // our BYE's latest transaction

	said    []byte       // the session description that we sent it last, of those agreed on
	version uint64       // of said
	latest  uint64       // the highest version that we used; one that was refused counts
	heard   uint64       // content of the one that it sent last
	sdes    *sdes        // nil: plain RTP so far
	layout  *message.SDP // the m= lines that both keep to; nil: one alone
	mux     muxing

	bye      client
	asks     uint16 // our requests inside the dialog so far
	ask      ask    // our re-INVITE or UPDATE, the last one
	ack      heldAck
	lapsed   uint16 // our last re-INVITE without an offer that had no answer in time
	acks     []sentAck
	again    server // its re-INVITE
	update   served // its UPDATE
	serves   message.Methods
	session  session
	answered []answeredRequest
	info     *infos // its INFO requests; nil: none yet
	ended    bool   // a BYE went either way
	byeUntil time.Time
}

func (c *call) leg(number uint8) *leg {
	switch {
	case number == legA, c.order.holds(number):
		return &c.a.leg
	case int(number) < len(c.b):
		return &c.b[number].leg
	default:
		return nil
	}
}

// knows reports whether a request is from the peer of this dialog. Before the
// called side has answered, its tag may be any.
func (l *leg) knows(req *message.Request) bool {
	return req.CallID == l.dialog.CallID &&
		(l.dialog.RemoteTag == "" || l.unconfirmed || req.FromTag == l.dialog.RemoteTag) &&
		l.isFrom(req.Source, req.Trunk, req.Names)
}

// accepts reports whether an address may be the peer's, in either direction: one
// that the trunk's networks or its name hold, and where they hold everybody, that
// where the dialog began.
func (l *leg) accepts(a netip.Addr) bool { return a == l.from || l.trunk.trusts(a) }

// learn takes over where the peer wants requests of the dialog that begins.
// Only addresses that the trunk allows are believed; otherwise requests go where
// the peer's message came from.
func (l *leg) learn(p message.Peer, source netip.AddrPort) {
	l.dialog.Routes = p.Routes
	if p.Target != "" {
		l.dialog.Target = p.Target
	}
	if hop := l.nextHop(p); hop.IsValid() {
		l.hop = hop
	} else {
		l.hop = source
	}
}

// nextHop is where a peer wants requests, if its trunk allows it.
func (l *leg) nextHop(p message.Peer) netip.AddrPort {
	switch {
	case !p.Next.IsValid() || !l.accepts(p.Next.Addr()):
		return netip.AddrPort{}
	case p.NoPort:
		return netip.AddrPortFrom(p.Next.Addr(), l.over.port())
	default:
		return p.Next
	}
}

// isFrom reports whether a message comes from the leg's trunk: from its networks,
// or by its certificate where that is what it is known by, whatever a reload has
// called the trunk since.
func (l *leg) isFrom(source netip.AddrPort, trunk string, names []string) bool {
	if !l.trunk.isPlain() {
		return (trunk == l.trunk.Name || l.trunk.isNamed(names)) && l.trunk.allows(source.Addr())
	}
	return l.accepts(source.Addr())
}

// follow takes over the contact that a message inside the dialog names, if it names
// one; the route set stays. RFC 3261 §12.2.1.2.
func (l *leg) follow(p message.Peer) {
	if p.Target == "" {
		return
	}
	l.dialog.Target = p.Target
	if hop := l.nextHop(p); len(l.dialog.Routes)+len(p.Routes) == 0 && hop.IsValid() {
		l.hop = hop
	}
}

// hears takes over what the peer says it serves.
func (l *leg) hears(m message.Methods) {
	if m.Known() {
		l.serves = m
	}
}

func (l *leg) next() time.Time {
	first := sooner(l.bye.next(), l.again.next(), l.ask.next(), l.update.end, l.info.next(), l.byeUntil)
	if l.ended {
		return first
	}
	return sooner(first, l.session.next())
}

// draft starts a request of ours inside the leg's dialog.
func (c *call) draft(l *leg, method string, seq uint16) message.Draft {
	return message.Draft{
		Method: method, Dialog: &l.dialog, Via: sentBy(l.own), Transport: l.over.via(), CSeq: l.cseq, MaxForwards: maxForwards,
		Branch: c.tokens.branch(token{c.id, branchToken, l.number, seq}),
	}
}

const maxForwards = 70 // RFC 3261 §8.1.1.6

// request sends a request of ours inside the leg's dialog.
func (c *call) request(l *leg, to netip.AddrPort, method string, seq uint16, data []byte) {
	c.requestOver(l.fit(len(data)), l, to, method, seq, data)
}

// requestOver sends a request by a transport that may be another than the leg's.
func (c *call) requestOver(over transport, l *leg, to netip.AddrPort, method string, seq uint16, data []byte) {
	if over != l.over {
		data = message.Reroute(data, l.over.via(), over.via())
	}
	c.do(actSend{
		trunk: l.trunk, socket: l.socket, over: over, conn: l.conn, to: to, data: data,
		method: method, leg: l.number, seq: seq,
	})
}

// fit is the transport for a request of this length. RFC 3261 §18.1.1.
func (l *leg) fit(octets int) transport {
	if l.over == overUDP && !l.narrow && l.trunk.TCPAbove > 0 && octets > l.trunk.TCPAbove {
		return overTCP
	}
	return l.over
}

// answer answers a request inside the leg's dialog.
func (c *call) answer(l *leg, req *message.Request, reply message.Reply) []byte {
	data := reply.Append(nil, req.Head(l.dialog.LocalTag))
	c.do(actSend{
		trunk: l.trunk, socket: l.socket, over: l.over, conn: req.Conn, to: req.ReplyTo(), data: data,
		method: req.Method, code: reply.Code, leg: l.number,
	})
	return data
}

// hang ends the leg's dialog with a BYE, unless it has ended. The caller's
// waits for the ACK, without which no BYE may follow our 2xx (RFC 3261 §15).
func (c *call) hang(l *leg) {
	if l.number == legA && c.a.invite.state == txAccepted {
		c.a.byeWanted = !l.ended
		return
	}
	c.declineHeld(l)
	if l.ended {
		return
	}
	l.ended = true
	l.cseq++
	l.byeSeq = seqBye
	d := c.draft(l, message.Bye, seqBye)
	c.preauthorize(l, &d, l.hop, seqBye)
	data := d.Append(nil)
	l.bye.begin(data, false, l.fit(len(data)), c.now)
	c.request(l, l.hop, message.Bye, seqBye, data)
}

// tickLeg does what is due inside the dialog.
func (c *call) tickLeg(l *leg) {
	if l.bye.due(c.now) == txResend {
		c.request(l, l.hop, message.Bye, l.byeSeq, l.bye.request)
	}
	c.tickAsk(l)
	c.tickInfo(l)
	l.update.tick(c.now)
	accepted := l.again.state == txAccepted
	switch l.again.due(c.now) {
	case txResend:
		c.respond(l, &l.again)
	case txTimeout:
		if accepted {
			c.end("no_ack")
		}
	case txNothing:
	}
	if reached(l.byeUntil, c.now) {
		l.byeUntil = time.Time{}
	}
	c.tickSession(l)
}

// respond sends the last response of an INVITE's transaction, again or first.
func (c *call) respond(l *leg, s *server) {
	c.do(actSend{
		trunk: l.trunk, socket: l.socket, over: l.over, conn: s.conn, to: s.to, data: s.last,
		method: message.Invite, code: s.code, leg: l.number,
	})
}
