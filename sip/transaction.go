package sip

import (
	"net/netip"
	"time"

	"maskline/sip/message"
)

// Times of RFC 3261 §17, table 4.
const (
	t1 = 500 * time.Millisecond
	t2 = 4 * time.Second
	t4 = 5 * time.Second
	// t64 is 64*T1: timers B, F, H, J, L and M, and, rounded, D.
	t64 = 64 * t1
)

type txState uint8

const (
	txIdle       txState = iota // not begun
	txCalling                   // client: sent, nothing heard
	txProceeding                // client: provisional heard; server: no final sent
	txCompleted                 // final other than a 2xx to INVITE: heard, or sent and not acknowledged
	txAccepted                  // 2xx to INVITE: heard, or sent and not acknowledged. RFC 6026
	txConfirmed                 // server: final acknowledged
	txDone
)

// txDue is what time asks of a transaction.
type txDue uint8

const (
	txNothing txDue = iota
	txResend        // send the last message again
	txTimeout       // nothing was heard for too long
)

// client is a client transaction. RFC 3261 §17.1.
type client struct {
	state   txState
	invite  bool
	over    transport
	request []byte
	every   time.Duration
	resend  time.Time // timer A or E
	end     time.Time // timer B or F, later D, K or M
}

func (c *client) begin(request []byte, invite bool, over transport, now time.Time) {
	*c = client{state: txCalling, invite: invite, over: over, request: request, every: t1, end: now.Add(t64)}
	if !over.reliable() {
		c.resend = now.Add(t1)
	}
}

// lost tells that the connection broke which the request was handed to: it is
// sent again by the times of UDP, over new connections. A peer that has it
// knows it by its branch. False: timers decide.
func (c *client) lost(now time.Time) bool {
	if !c.running() || c.invite || !c.over.reliable() {
		return false
	}
	if c.resend.IsZero() {
		c.resend = now.Add(c.every)
	}
	return true
}

// running reports whether the request still waits for its final response.
func (c *client) running() bool { return c.state == txCalling || c.state == txProceeding }

// quieten stops repeating the request.
func (c *client) quieten() { c.resend = time.Time{} }

// provisional tells of a 1xx. An INVITE then rings for as long as its call
// lets it; another request is repeated every T2.
func (c *client) provisional() {
	if c.state != txCalling {
		return
	}
	c.state = txProceeding
	if c.invite {
		c.resend, c.end, c.request = time.Time{}, time.Time{}, nil
	} else {
		c.every = t2
	}
}

// final tells of a final response. It is false for a repeated one.
func (c *client) final(success bool, now time.Time) bool {
	if !c.running() {
		return false
	}
	c.resend, c.request = time.Time{}, nil
	switch {
	case !c.invite:
		c.state, c.end = txDone, time.Time{} // late repetitions find no taker, so timer K has no use
	case success:
		c.state, c.end = txAccepted, now.Add(t64)
	case c.over.reliable():
		c.state, c.end = txCompleted, now // timer D is zero
	default:
		c.state, c.end = txCompleted, now.Add(t64)
	}
	return true
}

// late tells of a 2xx to an INVITE that was given up, or refused by another device:
// what answered must still be told to stop.
func (c *client) late(now time.Time) bool {
	if c.state != txDone && c.state != txCompleted {
		return false
	}
	c.state, c.end = txAccepted, now.Add(t64)
	return true
}

func (c *client) stop() { *c = client{state: txDone, over: c.over} }

func (c *client) due(now time.Time) txDue {
	if reached(c.end, now) {
		timeout := c.running()
		c.stop()
		if timeout {
			return txTimeout
		}
		return txNothing
	}
	if !reached(c.resend, now) {
		return txNothing
	}
	if c.every *= 2; !c.invite && c.every > t2 {
		c.every = t2
	}
	c.resend = now.Add(c.every)
	return txResend
}

func (c *client) next() time.Time { return sooner(c.resend, c.end) }

// server is the server transaction of an INVITE, and the repetition of its 2xx,
// which is the user agent's own over any transport. RFC 3261 §13.3.1.4, §17.2.1, RFC 6026.
type server struct {
	state  txState
	branch string
	cseq   uint32
	to     netip.AddrPort
	conn   uint64 // that the INVITE came over; 0: a datagram
	code   int
	last   []byte // response to repeat
	every  time.Duration
	resend time.Time
	end    time.Time
}

func (s *server) begin(req *message.Request) {
	*s = server{state: txProceeding, branch: req.Branch, cseq: req.CSeq, to: req.ReplyTo(), conn: req.Conn}
}

// respond notes the response that goes out.
func (s *server) respond(code int, response []byte, now time.Time) {
	s.code, s.last = code, response
	if code < 200 {
		return
	}
	s.state = txCompleted
	if code < 300 {
		s.state = txAccepted
	}
	s.every, s.resend, s.end = t1, now.Add(t1), now.Add(t64)
	if s.state == txCompleted && s.conn != 0 {
		s.resend = time.Time{} // timer G is for datagrams
	}
}

// acknowledged tells of the ACK. It is false for a repeated one.
func (s *server) acknowledged(now time.Time) bool {
	if s.state != txCompleted && s.state != txAccepted {
		return false
	}
	if s.state == txCompleted && s.conn != 0 {
		s.stop() // timer I is zero
		return true
	}
	linger := t4 // timer I
	if s.state == txAccepted {
		linger = t64 // timer L: INVITEs still under way are absorbed
	}
	s.state, s.last = txConfirmed, nil
	s.resend, s.end = time.Time{}, now.Add(linger)
	return true
}

func (s *server) stop() { *s = server{state: txDone, branch: s.branch, cseq: s.cseq} }

func (s *server) due(now time.Time) txDue {
	if reached(s.end, now) {
		timeout := s.state == txAccepted || s.state == txCompleted
		s.stop()
		if timeout {
			return txTimeout
		}
		return txNothing
	}
	if !reached(s.resend, now) {
		return txNothing
	}
	s.every = min(2*s.every, t2)
	s.resend = now.Add(s.every)
	return txResend
}

func (s *server) next() time.Time { return sooner(s.resend, s.end) }

// reached reports whether a deadline has come; the zero time never does.
func reached(deadline, now time.Time) bool {
	return !deadline.IsZero() && !now.Before(deadline)
}

// sooner is the earliest deadline, zero where there is none.
func sooner(deadlines ...time.Time) time.Time {
	var first time.Time
	for _, d := range deadlines {
		if !d.IsZero() && (first.IsZero() || d.Before(first)) {
			first = d
		}
	}
	return first
}
