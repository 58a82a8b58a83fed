package sip

import (
	"bytes"
	"net/netip"
	"strconv"
	"time"

	"maskline/sip/message"
)

// exchange is an offer on its way from one side to the other and the answer on
// its way back, in an established call or one in which both have agreed early. There
// is one at a time.
type exchange struct {
	from, to *leg
	method   string       // of the request that asked for it
	head     []byte       // what its answer repeats
	cseq     uint32       // of it
	peer     message.Peer // where it wants requests from now on
	wants    message.Extensions
	offer    *message.SDP   // nil: it asks for the other side's
	cut      *message.SDP   // offer as far as the other side's trunk lets it be
	text     []byte         // cut as the other side gets it
	version  uint64         // of text
	deadline time.Time      // then it has failed
	replyTo  netip.AddrPort // of an UPDATE
	conn     uint64         // that it came over, 0: none
	held     string         // method of what goes to the other side after our PRACK
	answered bool           // the request has its 2xx, whose ACK has the answer
	taken    bool           // back, by a CANCEL
}

// patience is how long the other side may take with an UPDATE, whose sender gives
// up after 32 s. A re-INVITE may take as long as its own transaction.
const patience = 20 * time.Second

// side is the relay's name for the leg.
func (l *leg) side() Side {
	if l.number == legA || l.first {
		return SideA
	}
	return SideB
}

// other is the other side of an established call.
func (c *call) other(l *leg) *leg {
	if l.side() == SideA {
		return &c.active.leg
	}
	return &c.a.leg
}

// read reads a side's description, nil where we don't relay it.
func (c *call) read(l *leg, body []byte) *message.SDP {
	s, fault := l.parse(body)
	if fault != nil || !c.reaches(l, s) {
		return nil
	}
	return s
}

// describe writes a stream for a side, as a new version unless it is what the side
// was told last. RFC 3264 §8.
func (c *call) describe(l *leg, s *message.SDP) (text []byte, version uint64) {
	o := message.Origin{ID: c.number(l.number), Version: l.version}
	if l.said != nil {
		if text = c.write(l, s, o); bytes.Equal(text, l.said) {
			l.latest = max(l.latest, o.Version)
			return text, o.Version
		}
	}
	l.latest++
	o.Version = l.latest
	return c.write(l, s, o), o.Version
}

// write has a line for each m= line that the side knows of.
func (c *call) write(l *leg, s *message.SDP, o message.Origin) []byte {
	s = c.under(l, s).Muxed(l.muxes())
	if l.layout == nil {
		return s.AppendOffer(nil, o, l.local)
	}
	return s.AppendAnswer(nil, o, l.local, l.layout)
}

// says notes a description that the side has and that is agreed on.
func (l *leg) says(text []byte, version uint64) { l.said, l.version = text, version }

// newer is a description with another version.
func newer(said []byte, version uint64) []byte {
	head, rest, _ := bytes.Cut(said, []byte("o=- "))
	id, rest, _ := bytes.Cut(rest, []byte(" "))
	_, rest, _ = bytes.Cut(rest, []byte(" "))
	text := append(append([]byte(nil), head...), "o=- "...)
	text = append(append(text, id...), ' ')
	text = strconv.AppendUint(text, version, 10)
	return append(append(text, ' '), rest...)
}

// relays reports whether a side's offer can go to the other one now.
func (c *call) relays(l *leg) bool {
	switch {
	case c.alone() || c.exchange != nil:
		return false
	case c.agreedEarly():
		return c.other(l).mayAsk() && c.other(l).free()
	default:
		return c.phase == phaseUp && c.other(l).free()
	}
}

// open passes the offer in a request on, or the wish for one. The other side gets
// an UPDATE where an UPDATE came and it knows that method.
func (c *call) open(l *leg, req *message.Request, offer *message.SDP) {
	x := &exchange{
		from: l, to: c.other(l), method: req.Method, head: req.Head(l.dialog.LocalTag), cseq: req.CSeq,
		peer: req.Peer(), wants: req.Extensions(), offer: offer, replyTo: req.ReplyTo(), conn: req.Conn,
	}
	c.exchange = x
	method := message.Invite
	if req.Method != message.Invite {
		x.deadline = c.now.Add(patience)
		if x.to.serves.Has(message.Update) {
			method = message.Update
		}
	}
	if offer != nil {
		if x.cut = offer.For(x.to.policy()); x.cut == nil {
			c.relayFailed(488, "")
			return
		}
		x.text, x.version = c.describe(x.to, x.cut)
	}
	x.held = method
	c.sendHeld()
}

// onRelayAnswered is the other side's 2xx: its answer, or the offer that was asked
// for.
func (c *call) onRelayAnswered(l *leg, res *message.Response) {
	x := c.exchange
	s := l.ack.offer
	if x.offer != nil {
		s = c.read(l, res.Body)
	}
	if s != nil && x.offer == nil {
		x.cut = s.For(x.from.policy())
	}
	if s == nil || x.cut == nil || x.offer != nil && !l.takes(s, x.cut) {
		c.relayFailed(488, "") // what this side believes now is not what we can do
		c.refuse(refusal{488, 0, "bad_answer"})
		c.end("bad_answer")
		return
	}
	if x.offer == nil {
		c.passOffer(x, s)
		return
	}
	from, to := x.from, x.to
	c.adoptSide(to, s)
	c.adoptSide(from, x.offer)
	if c.phase == phaseCalling {
		c.settleEarly(x, s)
	} else {
		c.speak(s)
	}
	to.says(x.text, x.version)
	from.layout = x.offer.Layout()
	from.says(c.describe(from, s))
	c.closeExchange(message.Reply{Code: 200, Contact: from.own, Allow: true, SDP: from.said})
}

// adoptSide tells the relay where a side is now.
func (c *call) adoptSide(l *leg, s *message.SDP) {
	l.heard = s.Content
	c.do(actRemote{l.side(), c.remote(l, s)})
}

// passOffer gives the side that asked for it the other one's offer.
func (c *call) passOffer(x *exchange, s *message.SDP) {
	x.offer, x.answered, x.deadline = s, true, time.Time{}
	x.from.follow(x.peer)
	x.text, x.version = c.describe(x.from, x.cut)
	reply := message.Reply{Code: 200, Contact: x.from.own, Allow: true, Extensions: c.agree(x.from, &x.wants), SDP: x.text}
	x.from.again.respond(200, reply.Append(nil, x.head), c.now)
	c.respond(x.from, &x.from.again)
}

// onAnswerInAck ends an exchange that began without an offer.
func (c *call) onAnswerInAck(req *message.Request) {
	x := c.exchange
	c.exchange = nil
	from, to := x.from, x.to
	s := c.read(from, req.SDP())
	if s == nil || !from.takes(s, x.cut) {
		c.end("bad_answer")
		return
	}
	c.adoptSide(from, s)
	c.adoptSide(to, x.offer)
	c.speak(s)
	from.says(x.text, x.version)
	to.layout = x.offer.Layout()
	to.says(c.describe(to, s))
	c.releaseAck(to, to.said)
}

// onRelayRefused is the other side's refusal: the session stays as it was.
func (c *call) onRelayRefused(l *leg, res *message.Response) {
	switch code := res.Code; {
	case code == 481 && c.phase != phaseCalling: // the dialog is gone there. RFC 3261 §12.2.1.2
		c.relayFailed(481, "")
		c.end("dialog_lost")
	case code == 500 && res.RetryAfter > 0:
		c.relayFailed(500, c.retryAfter(l, l.ask.cseq))
	default:
		c.relayFailed(inDialogAnswer(code), "")
	}
}

// relayFailed answers the request that opened the exchange, if it has no answer. If
// the other side is still at it, it is told to stop; should it agree late, it is
// offered again what was agreed.
func (c *call) relayFailed(code int, header string) {
	x := c.exchange
	if x == nil {
		return
	}
	if x.to.ask.running() && x.to.ask.why == askRelay {
		x.to.ask.why = askDropped
		c.cancelAsk(x.to)
	}
	if x.answered {
		c.exchange = nil
		return
	}
	c.closeExchange(message.Reply{Code: code, Header: header})
}

// dropExchange ends an exchange with its call. RFC 3261 §15.1.2.
func (c *call) dropExchange() {
	if x := c.exchange; x != nil {
		x.to.ask.why = askDropped // a BYE follows, no CANCEL
		c.relayFailed(487, "")
	}
}

// closeExchange answers the request that opened the exchange.
func (c *call) closeExchange(reply message.Reply) {
	x := c.exchange
	c.exchange = nil
	switch {
	case x.method == message.Prack:
		reply = message.Reply{Code: reply.Code, SDP: reply.SDP}
	case reply.Code < 300:
		x.from.follow(x.peer)
		if c.established(x.from) {
			reply.Extensions = c.agree(x.from, &x.wants)
		}
	case x.taken:
		reply = message.Reply{Code: 487}
	}
	data := reply.Append(nil, x.head)
	switch x.method {
	case message.Invite:
		x.from.again.respond(reply.Code, data, c.now)
		c.respond(x.from, &x.from.again)
	case message.Prack:
		c.a.reliable.prack.respond(data, c.now)
		c.replyTo(x, data, reply.Code)
	default:
		x.from.update.respond(data, c.now)
		c.replyTo(x, data, reply.Code)
	}
	c.resume()
}

func (c *call) replyTo(x *exchange, data []byte, code int) {
	c.do(actSend{
		trunk: x.from.trunk, socket: x.from.socket, over: x.from.over, conn: x.conn, to: x.replyTo, data: data,
		method: x.method, code: code, leg: x.from.number,
	})
}

// tickExchange ends an exchange that took too long.
func (c *call) tickExchange() {
	if x := c.exchange; x != nil && reached(x.deadline, c.now) {
		c.relayFailed(504, "")
	}
}
