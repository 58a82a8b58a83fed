package sip

import "maskline/sip/message"

// answeredRequests is how many answers of a leg are known by their CSeq, so that a
// repeated request is answered as before and done once.
const answeredRequests = 16

type answeredRequest struct {
	cseq  uint32
	reply message.Reply
}

// conclude answers a request inside the dialog for good, where that needs no
// transaction of its own: a refusal, or an INFO.
func (c *call) conclude(l *leg, req *message.Request, reply message.Reply) {
	c.answer(l, req, reply)
	l.seen = max(l.seen, req.CSeq)
	if len(l.answered) == answeredRequests {
		l.answered = append(l.answered[:0], l.answered[1:]...)
	}
	l.answered = append(l.answered, answeredRequest{req.CSeq, reply})
}

// answersAgain does so for a repeated request.
func (c *call) answersAgain(l *leg, req *message.Request) bool {
	for _, a := range l.answered {
		if a.cseq == req.CSeq {
			c.answer(l, req, a.reply)
			return true
		}
	}
	return false
}
