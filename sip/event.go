package sip

import (
	"net/netip"
	"time"

	"maskline/e164"
	"maskline/routing"
	"maskline/sip/message"
)

// event is something that happens to a call.
type event interface{ isEvent() }

type (
	// evInvite opens the call.
	evInvite struct {
		req    *message.Request
		trunk  *trunk
		socket int // where it came in, and where the leg's messages go out
		over   transport
		own    string         // that socket's advertised address
		secret message.Secret // drawn at random; our keys of SRTP are made of it
	}
	// evRepeated is the same INVITE again.
	evRepeated struct{}
	// evCancel asks to end the INVITE.
	evCancel struct{ req *message.Request }
	// evRequest is a request with our tag of one leg in To: ACK, BYE, re-INVITE
	// or another method.
	evRequest struct {
		leg uint8
		req *message.Request
	}
	// evResponse answers a request of ours.
	evResponse struct {
		leg    uint8
		seq    uint16
		res    *message.Response
		source netip.AddrPort
		conn   uint64 // that it came over; 0: a datagram
	}
	// evUnreachable tells that a request of ours cannot be delivered, or that the
	// connection broke which it was handed to.
	evUnreachable struct {
		leg uint8
		seq uint16
	}
	// evRouted answers actRoute.
	evRouted struct {
		refused    *refusal      // nil: forward
		contact    *routing.Plan // whose caller is to become known first, else it is refused; nil: not so
		present    e164.Number
		to         e164.Number
		user       string      // where the destination is a user of a peer
		mask       e164.Number // for the record; none: the dialled number is no mask
		tenant     string      // for the record
		emergency  bool
		candidates []candidate
		otherwise  refusal       // if none of them can be tried
		announce   Announcement  // before refused, or where no candidate is left
		ring       time.Duration // that it may ring at most; 0: the trunk's
		accept     time.Duration // in which the called side has to press a key; 0: none
	}
	// evAllocated answers actAllocate; local addresses are invalid where the
	// relay had no ports.
	evAllocated struct{ localA, localB netip.AddrPort }
	// evBegun answers actBegin: whether the candidate may be tried now, and the
	// local address for it. That one is invalid where it stays.
	evBegun struct {
		ok    bool
		local netip.AddrPort
	}
	// evMediaFault tells that the relay refused an address given by actRemote.
	evMediaFault struct{ side Side }
	// evEnd asks to end the call, whatever its state.
	evEnd struct{ why string }
	// evTick tells that the time of next has come.
	evTick struct{}
)

func (evInvite) isEvent()      {}
func (evRepeated) isEvent()    {}
func (evCancel) isEvent()      {}
func (evRequest) isEvent()     {}
func (evResponse) isEvent()    {}
func (evUnreachable) isEvent() {}
func (evRouted) isEvent()      {}
func (evAllocated) isEvent()   {}
func (evBegun) isEvent()       {}
func (evMediaFault) isEvent()  {}
func (evEnd) isEvent()         {}
func (evTick) isEvent()        {}

// candidate is one trunk of the plan.
type candidate struct {
	carrier *routing.Carrier // nil for a tenant's peer
	trunk   *trunk
	to      netip.AddrPort // one of the trunk's addresses; invalid: its only one
	second  e164.Number    // presented instead of the plan's number; none: that one
	cost    uint64         // of a minute, in millionths
}

// address is where the candidate's INVITE goes.
func (c *candidate) address() netip.AddrPort {
	if c.to.IsValid() {
		return c.to
	}
	return c.trunk.addr
}

// action is something that a call wants done.
type action interface{ isAction() }

type (
	// actSend sends a message.
	actSend struct {
		trunk  *trunk
		socket int
		over   transport
		conn   uint64 // over a stream, the connection to prefer; 0: any
		to     netip.AddrPort
		data   []byte
		method string // of the request, or of the one that it answers
		code   int    // 0 for a request
		leg    uint8
		seq    uint16 // of a request's transaction, for evUnreachable
	}
	// actRoute asks where the call goes.
	actRoute struct {
		dialled  string
		to, from e164.Number
	}
	// actAllocate asks for the ports of both sides, at those of the relay's addresses.
	actAllocate struct{ at [2]netip.Addr }
	// actBegin asks to try a candidate, with the side at that address of the relay's.
	actBegin struct {
		candidate candidate
		at        netip.Addr
		side      Side
	}
	// actRemote tells the relay where a side is.
	actRemote struct {
		side   Side
		remote Remote
	}
	// actAnswered starts the relay's timeouts, and tells it of the codec; a new one
	// is told of later.
	actAnswered struct{ codec string }
	// actReport tells the candidate's breaker of an outcome, once for each actBegin
	// that was granted.
	actReport struct {
		candidate candidate
		ok        bool
	}
	// actAttempt ends an attempt, once for each actBegin that was granted.
	actAttempt struct {
		candidate  candidate
		outcome    outcome
		code       int
		retryAfter time.Duration // the trunk asks to be left alone
		course     course        // zero: no INVITE was sent
		side       Side
	}
	// actRinging tells that the caller was told of ringing or an answer first.
	actRinging struct{ after time.Duration }
	// actOver tells that the call has ended: media is released, limits are given
	// back, one line is logged. It comes exactly once.
	actOver struct{ summary summary }
	// actGone tells that nothing is left to be waited for.
	actGone struct{}
)

func (actSend) isAction()     {}
func (actRoute) isAction()    {}
func (actAllocate) isAction() {}
func (actBegin) isAction()    {}
func (actRemote) isAction()   {}
func (actAnswered) isAction() {}
func (actReport) isAction()   {}
func (actAttempt) isAction()  {}
func (actRinging) isAction()  {}
func (actOver) isAction()     {}
func (actGone) isAction()     {}

// outcome is how an attempt ended, as metrics name it.
type outcome uint8

const (
	attemptAnswered    outcome = iota
	attemptRefused             // a final answer other than 2xx
	attemptNoAnswer            // it rang for too long
	attemptTimeout             // nothing, or only 100, for too long
	attemptUnreachable         // it could not be delivered
	attemptCancelled           // the caller gave up, or another answer came first
	attemptBadAnswer           // a 2xx with a session description that we don't relay
	attemptUnaccepted          // it answered, and pressed no key
	outcomes
)

var outcomeNames = [outcomes]string{"answered", "refused", "no_answer", "timeout", "unreachable", "cancelled", "bad_answer", "not_accepted"}

func (o outcome) String() string { return outcomeNames[o] }

// summary is what is told of a call at its end. It holds nobody's number: a mask at most.
type summary struct {
	from, to     *trunk      // nil where no attempt was made
	side         Side        // of an ordered call: which one was being called, or was last
	second       e164.Number // presented instead of the plan's number by the last attempt; none: that one
	cost         uint64      // of a minute through who answered, in millionths
	why          string      // "caller", "callee", "cancelled", a refusal's name, ...
	code         int         // final answer to the caller; 200 for an answered call
	cause        int         // Q.850, 0 where none was said
	attempts     []Attempt
	emergency    bool
	announced    string // the prompt that the caller heard, or was to hear
	announcement announceOutcome
	codec        string // of the answer
	began        time.Time
	ringing      time.Time // zero: the caller was not told
	answered     time.Time // zero: never
	ended        time.Time
}
