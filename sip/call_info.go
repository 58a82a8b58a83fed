package sip

import (
	"strings"
	"time"

	"maskline/sip/message"
)

// mostInfos bounds those of a side that wait for the other one.
const mostInfos = 8

// infos are the key presses of one side on their way to the other: one at a time,
// since two that overtake each other on the way would be another number.
type infos struct {
	waiting []info // the first one is under way
	tx      client
	seq     uint16
}

type info struct {
	req  *message.Request
	dtmf message.DTMF
}

func (q *infos) next() time.Time {
	if q == nil {
		return time.Time{}
	}
	return q.tx.next()
}

// onInfo passes a key press on. RFC 6086 §4.2.2.
func (c *call) onInfo(l *leg, req *message.Request) {
	if c.phase == phaseOver || l.ended || c.phase == phaseUp && !c.established(l) {
		c.answer(l, req, message.Reply{Code: 481})
		return
	}
	if l.info == nil {
		l.info = &infos{}
	}
	if l.info.waits(req) {
		return
	}
	if req.CSeq <= l.seen {
		c.answer(l, req, message.Reply{Code: 500})
		return
	}
	l.seen = req.CSeq
	dtmf, reply := c.judgeInfo(l, req)
	if reply.Code != 0 {
		c.conclude(l, req, reply)
		return
	}
	l.info.waiting = append(l.info.waiting, info{req, dtmf})
	if len(l.info.waiting) == 1 {
		c.sendInfo(l)
	}
}

// waits reports whether the request is one that has no answer yet.
func (q *infos) waits(req *message.Request) bool {
	for _, w := range q.waiting {
		if w.req.CSeq == req.CSeq {
			return true
		}
	}
	return false
}

// judgeInfo reads what is passed on; otherwise the reply has a code.
func (c *call) judgeInfo(l *leg, req *message.Request) (message.DTMF, message.Reply) {
	switch {
	case req.InfoPackage():
		return message.DTMF{}, message.Reply{Code: 469, Header: "Recv-Info:"}
	case len(req.Body) == 0: // asks whether we live
		return message.DTMF{}, message.Reply{Code: 200}
	}
	dtmf, fault := req.DTMF()
	switch {
	case fault != nil:
		return dtmf, message.Reply{Code: fault.Code, Header: fault.Header}
	case c.phase != phaseUp || len(l.info.waiting) == mostInfos:
		return dtmf, message.Reply{Code: 500, Header: c.retryAfter(l, req.CSeq)}
	case c.other(l).serves.Known() && !c.other(l).serves.Has(message.Info):
		return dtmf, noInfo()
	}
	return dtmf, message.Reply{}
}

// noInfo tells that the other side takes no INFO.
func noInfo() message.Reply {
	return message.Reply{Code: 405, Header: "Allow: " + strings.Replace(message.Allow, ", "+message.Info, "", 1)}
}

// sendInfo sends the side's next key press to the other one.
func (c *call) sendInfo(l *leg) {
	to, q := c.other(l), l.info
	to.cseq++
	q.seq = to.nextSeq()
	d := c.infoDraft(to, q)
	c.preauthorize(to, &d, to.hop, q.seq)
	c.dispatchInfo(to, q, &d)
}

func (c *call) infoDraft(to *leg, q *infos) message.Draft {
	d := c.draft(to, message.Info, q.seq)
	d.DTMF = &q.waiting[0].dtmf
	return d
}

func (c *call) dispatchInfo(to *leg, q *infos, d *message.Draft) {
	data := d.Append(nil)
	q.tx.begin(data, false, to.fit(len(data)), c.now)
	q.tx.end = c.now.Add(patience)
	c.requestOver(q.tx.over, to, to.hop, message.Info, q.seq, data)
}

// onInfoResponse is an answer by the side that got a key press.
func (c *call) onInfoResponse(to *leg, ev evResponse) {
	if c.phase != phaseUp || ev.res.ToTag != to.dialog.RemoteTag {
		return
	}
	from := c.other(to)
	if from.info == nil || from.info.seq != ev.seq {
		return
	}
	if ev.res.Code < 200 {
		from.info.tx.provisional()
		return
	}
	if c.infoAgain(to, from.info, ev) || !from.info.tx.final(ev.res.Code < 300, c.now) {
		return
	}
	c.concludeInfo(from, infoAnswer(ev.res.Code))
}

// infoAnswer maps the other side's answer to one for the sender.
func infoAnswer(code int) message.Reply {
	switch {
	case code < 300:
		return message.Reply{Code: 200}
	case code == 405 || code == 501:
		return noInfo()
	case code == 415:
		return message.Reply{Code: 415}
	default:
		return message.Reply{Code: inDialogAnswer(code)}
	}
}

// concludeInfo answers the key press under way and sends the next one.
func (c *call) concludeInfo(l *leg, reply message.Reply) {
	q := l.info
	c.conclude(l, q.waiting[0].req, reply)
	q.waiting = append(q.waiting[:0], q.waiting[1:]...)
	if len(q.waiting) > 0 {
		c.sendInfo(l)
	}
}

func (c *call) tickInfo(l *leg) {
	if l.info == nil {
		return
	}
	switch l.info.tx.due(c.now) {
	case txResend:
		to := c.other(l)
		c.requestOver(l.info.tx.over, to, to.hop, message.Info, l.info.seq, l.info.tx.request)
	case txTimeout:
		c.concludeInfo(l, message.Reply{Code: 504})
	case txNothing:
	}
}

// dropInfos answers what waits at the call's end. RFC 3261 §15.1.2.
func (c *call) dropInfos(l *leg) {
	if l.info == nil {
		return
	}
	for _, w := range l.info.waiting {
		c.conclude(l, w.req, message.Reply{Code: 487})
	}
	l.info.waiting = nil
	l.info.tx.stop()
}
