package sip

import (
	"cmp"
	"time"

	"maskline/e164"
	"maskline/sip/message"
)

// Records takes the records of calls. *ledger.CDRs is one, in other words.
type Records interface {
	// Add takes the record of a call that has ended. It never blocks and never
	// refuses.
	Add(*Record)
	// Full reports whether so many records wait for the disk that no call should
	// begin: it is refused then, unless it is an emergency call.
	Full() bool
}

// Record is one call as billing sees it. It holds real numbers, redacted where
// it is printed.
type Record struct {
	ID       string // correlation id of the logs
	Order    string // whose order it was; empty: a caller brought it
	Tenant   string // whose mask it was, or whose trunk it came from
	From, To Endpoint

	Received time.Time // the INVITE
	Ringing  time.Time // the caller was told; zero: it was not
	Answered time.Time // the caller was told; zero: it was not
	Ended    time.Time

	EndedBy   Ender
	Reason    string // as in the metrics
	Code      int    // final answer to the caller
	Cause     int    // Q.850: as said, else by RFC 3398
	Emergency bool
	Announced string // the prompt that the caller heard, in part at least; empty: none

	// The parties. Of an emergency call, nothing is a mask.
	Mask, Presented e164.Number // none: the dialled number is no mask; no leg B was made
	Caller, Called  e164.Number // none: withheld, a mask, no number, or unknown
	CalledUser      string      // endpoint of a tenant's peer instead of Called
	Dialled         string      // where it is no mask

	Codec string      // of the answer, "PCMA/8000"; empty: never answered
	Media *MediaStats // nil: no media was allocated

	Attempts []Attempt // in order
}

// Endpoint is the trunk at one end. It is empty where no attempt was made.
type Endpoint struct{ Trunk, Carrier string }

// Ender is who ended a call.
type Ender uint8

// Those who can.
const (
	EndedByEdge Ender = iota // a refusal, a limit, a fault, or no candidate that answered
	EndedByCaller
	EndedByCallee
)

var enderNames = [...]string{"edge", "caller", "callee"}

// String is the name in records.
func (e Ender) String() string { return enderNames[e] }

// Attempt is one seizure of a trunk.
type Attempt struct {
	Endpoint
	First    bool      // to the side that an [Order] calls first
	Outcome  string    // as in the metrics
	Code     int       // final, as the trunk said or as we concluded; 0: cancelled
	Cause    int       // Q.850, as the trunk said; 0: nothing
	Began    time.Time // INVITE sent
	Response time.Time // the first one; zero: none
	Ringing  time.Time // the first of 180 to 189; zero: none
	Answered time.Time // zero: not
	Ended    time.Time
}

// enderOf says who a call's end came from.
func enderOf(why string) Ender {
	switch why {
	case "caller", "cancelled":
		return EndedByCaller
	case "callee", "refused":
		return EndedByCallee
	default:
		return EndedByEdge
	}
}

// course is what an attempt has met, for its record.
type course struct {
	began, response, ringing, answered, ended time.Time
	outcome                                   outcome
	code, cause                               int
}

// hear notes a response to the attempt's INVITE. What comes after its answer or
// its end, late or repeated, tells nothing.
func (a *attempt) hear(res *message.Response, now time.Time) {
	c := &a.course
	if a.closed || !c.answered.IsZero() {
		return
	}
	if c.response.IsZero() {
		c.response = now
	}
	switch {
	case res.Code >= 300:
		c.cause = res.Cause
	case res.Code >= 200:
		c.answered = now
	case res.Code >= 180 && res.Code < 190 && c.ringing.IsZero():
		c.ringing = now
	}
}

// attempts are the seizures of the call so far.
func (c *call) attempts() []Attempt {
	list := make([]Attempt, 0, len(c.b))
	for _, a := range c.b {
		k := &a.course
		end := k.ended
		if end.IsZero() { // after a fault of ours
			end = c.now
		}
		list = append(list, Attempt{
			Endpoint: a.trunk.endpoint(), First: a.first, Outcome: k.outcome.String(), Code: k.code, Cause: k.cause,
			Began: k.began, Response: k.response, Ringing: k.ringing, Answered: k.answered, Ended: end,
		})
	}
	return list
}

func (t *trunk) endpoint() Endpoint {
	if t == nil {
		return Endpoint{}
	}
	return Endpoint{t.Name, t.Carrier}
}

// effective reports whether the trunk did its part, whatever the called person
// did: the seizures that NER counts. ITU-T E.425 §3.1.2.
func (k *course) effective() bool {
	if k.began.IsZero() {
		return false
	}
	switch k.outcome {
	case attemptAnswered, attemptNoAnswer, attemptUnaccepted:
		return true
	case attemptRefused:
		return isSubscribers(k.code)
	case attemptCancelled:
		return !k.ringing.IsZero()
	default:
		return false
	}
}

// parties are the numbers of a call, as far as routing knows them. The call does
// not keep them.
type parties struct {
	tenant          string
	mask, presented e164.Number
	caller, called  e164.Number
	calledUser      string
	dialled         string
}

// newParties sorts what routing was asked and what it answered. Only what it
// knows as a mask may be written in clear.
func newParties(asked actRoute, ev *evRouted, from *trunk) parties {
	p := parties{tenant: ev.tenant, mask: ev.mask, caller: asked.from, called: ev.to, calledUser: ev.user}
	if p.tenant == "" {
		p.tenant = from.Tenant
	}
	if !ev.emergency {
		p.presented = ev.present
	}
	if p.caller == p.mask {
		p.caller = 0
	}
	switch asked.to {
	case p.mask, p.called:
	default:
		p.dialled = asked.to.Reveal()
	}
	if asked.to == 0 {
		p.dialled = asked.dialled[:min(len(asked.dialled), mostDialled)]
	}
	return p
}

// mostDialled bounds the octets that are kept of a dialled string.
const mostDialled = 64

// record is the call's record; what the call itself does not know comes from
// the actor.
func (a *actor) record(s *summary, media *MediaStats) *Record {
	p := &a.parties
	return &Record{
		ID: a.id, Order: a.order.id(), Tenant: p.tenant, From: s.from.endpoint(), To: s.to.endpoint(),
		Received: s.began, Ringing: s.ringing, Answered: s.answered, Ended: s.ended,
		EndedBy: enderOf(s.why), Reason: s.why, Code: s.code, Cause: s.recordCause(), Emergency: s.emergency, Announced: s.heard(),
		Mask: p.mask, Presented: cmp.Or(s.second, p.presented), Caller: p.caller, Called: p.called, CalledUser: p.calledUser, Dialled: p.dialled,
		Codec: s.codec, Media: media, Attempts: s.attempts,
	}
}
