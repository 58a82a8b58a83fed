package sip

import (
	"time"

	"maskline/sip/message"
)

// served is the server transaction of a request other than INVITE that may not be
// done twice: the answer is kept for its repetitions. RFC 3261 §17.2.2.
type served struct {
	branch string
	cseq   uint32
	open   bool // not answered yet
	last   []byte
	end    time.Time // timer J
}

func (s *served) begin(req *message.Request) {
	*s = served{branch: req.Branch, cseq: req.CSeq, open: true}
}

func (s *served) respond(data []byte, now time.Time) {
	s.open, s.last, s.end = false, data, now.Add(t64)
}

// is reports whether it is that request again.
func (s *served) is(req *message.Request) bool {
	return s.branch != "" && s.branch == req.Branch && s.cseq == req.CSeq
}

// onUpdate changes the session, or refreshes it. RFC 3311 §5.2.
func (c *call) onUpdate(l *leg, req *message.Request) {
	if l.update.is(req) {
		if l.update.last != nil {
			c.repeat(l, req, l.update.last)
		}
		return
	}
	if len(req.Body) == 0 {
		c.onTargetRefresh(l, req)
		return
	}
	if reply := c.mayModify(l, req); reply.Code != 0 {
		c.conclude(l, req, reply)
		return
	}
	l.seen = req.CSeq
	l.update.begin(req)
	offer, fault := l.parse(req.Body)
	switch {
	case fault != nil:
		c.concludeUpdate(l, req, message.Reply{Code: fault.Code})
	case !c.reaches(l, offer):
		c.concludeUpdate(l, req, message.Reply{Code: 488})
	case offer.Content == l.heard && l.fits(offer):
		l.follow(req.Peer())
		l.hears(req.Allowed())
		ext := req.Extensions()
		c.concludeUpdate(l, req, message.Reply{Code: 200, Contact: l.own, Allow: true, Extensions: c.agree(l, &ext), SDP: l.said})
	case !c.relays(l):
		c.concludeUpdate(l, req, message.Reply{Code: 491})
	default:
		l.hears(req.Allowed())
		c.open(l, req, offer)
	}
}

// onTargetRefresh is an UPDATE without a description: it tells where its sender
// is, and that it lives. Nothing else needs to be free for it.
func (c *call) onTargetRefresh(l *leg, req *message.Request) {
	switch {
	case c.phase == phaseOver || l.ended:
		c.answer(l, req, message.Reply{Code: 481})
		return
	case req.CSeq <= l.seen:
		c.answer(l, req, message.Reply{Code: 500})
		return
	case l.update.open:
		c.conclude(l, req, message.Reply{Code: 500, Header: c.retryAfter(l, req.CSeq)})
		return
	}
	ext := req.Extensions()
	if reply := l.trunk.tooShort(&ext); reply.Code != 0 {
		c.answer(l, req, reply)
		return
	}
	l.seen = req.CSeq
	l.update.begin(req)
	if l.dialog.RemoteTag != "" { // else it is one of several devices
		l.follow(req.Peer())
		l.hears(req.Allowed())
	}
	reply := message.Reply{Code: 200, Contact: l.own, Allow: true}
	if c.established(l) {
		reply.Extensions = c.agree(l, &ext)
	}
	c.concludeUpdate(l, req, reply)
}

func (c *call) concludeUpdate(l *leg, req *message.Request, reply message.Reply) {
	l.update.respond(c.answer(l, req, reply), c.now)
}

// repeat sends an answer again.
func (c *call) repeat(l *leg, req *message.Request, data []byte) {
	c.do(actSend{
		trunk: l.trunk, socket: l.socket, over: l.over, conn: req.Conn, to: req.ReplyTo(), data: data,
		method: req.Method, code: statusOf(data), leg: l.number,
	})
}

// statusOf reads the code of an answer of ours.
func statusOf(data []byte) int {
	return int(data[8]-'0')*100 + int(data[9]-'0')*10 + int(data[10]-'0')
}
