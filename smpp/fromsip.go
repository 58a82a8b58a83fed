package smpp

import (
	"sync"
	"time"

	"maskline/e164"
	"maskline/routing"
	"maskline/smpp/pdu"
)

// peerSIP is the name in metrics of all SIP peers together, as origin and as
// destination; those of sip tell them apart.
const peerSIP = "sip"

// maxForeign bounds the messages of one SIP peer that are not answered yet.
const maxForeign = 1000

// foreign is what messages that no bind brings need: an upstream for each SIP peer,
// or for each tenant that the edge writes for, which is a session that is never
// connected, bound for ever.
type foreign struct {
	peer *peer

	mu        sync.Mutex
	upstreams map[routing.Origin]*session
}

func (e *Edge) newForeign(name string) *foreign {
	return &foreign{peer: e.metrics.peer(name), upstreams: map[routing.Origin]*session{}}
}

// upstream finds or makes that of an origin; there are as many as trunks or tenants.
func (f *foreign) upstream(e *Edge, origin *routing.Origin) *session {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s := f.upstreams[*origin]; s != nil {
		return s
	}
	s := &session{
		edge: e, state: stateBound, done: make(chan struct{}), since: e.clock(),
		holds: newHolds(e.cfg.Share, maxForeign, int(e.destinations.Load())),
	}
	own := *origin
	s.terms = &terms{
		peer: f.peer, origin: &own, window: maxForeign, version: pdu.Version34,
		replies: accountReplies(), format: format{zero: GSM7},
	}
	f.upstreams[own] = s
	return s
}

// destination is whom a message went to by a session, or without one.
func (f *foreign) destination(via *session) *peer {
	if via == nil {
		return f.peer
	}
	return via.terms.peer
}

// unanswered counts the messages that somebody waits for.
func (f *foreign) unanswered() (n int) {
	if f == nil {
		return 0
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.upstreams {
		s.mu.Lock()
		n += s.unanswered
		s.mu.Unlock()
	}
	return n
}

var _ routing.Messenger = (*Edge)(nil)

// Deliver takes the message of a SIP peer into the way that those of accounts go:
// the same rules, carriers, paces and deadlines. The edge has to be one with a
// Config.Messenger.
func (e *Edge) Deliver(in *routing.Message, done func(routing.Delivery)) {
	if e.foreign == nil || e.draining.Load() {
		done(routing.Delivery{Fate: routing.FateTemporary})
		return
	}
	up := e.foreign.upstream(e, in.Origin)
	if up.takeOn() != notRefused {
		done(routing.Delivery{Fate: routing.FateTemporary})
		return
	}
	t := e.newTurn()
	m := e.messages.get()
	m.up, m.command, m.from, m.back, m.dialled = up, pdu.SubmitSM, up.terms.peer, done, []byte(in.Dialled)
	m.plan.Verdict = routing.Forward // routing has not been asked yet
	m.answerBy = t.at + int64(min(e.answerWithin, max(in.AnswerBy.Sub(t.now)-2*tick, time.Duration(0))))
	t.in = submission34(in)
	m.segments = segmentsOf(&t.in, GSM7)
	if r := m.fill(&t.in, &up.terms.format); r != notRefused {
		e.refuse(t, m, r)
	} else if !e.redelivered(t, m) {
		e.route(t, m)
	}
	t.flush()
}

// submission34 is the message as an account would submit it: in the alphabet of
// phones where that has every character, else in UCS2; in message_payload where it
// is longer than one short message.
func submission34(in *routing.Message) pdu.Message {
	out := pdu.Message{Source: written(in.From), Destination: written(in.To), DataCoding: pdu.CodingDefault}
	alphabet := GSM7
	text, err := pdu.AppendEncoded(nil, in.Text, GSM7)
	if err != nil {
		alphabet, out.DataCoding = UCS2, pdu.CodingUCS2
		text, _ = pdu.AppendEncoded(nil, in.Text, UCS2) // sip hands on UTF-8 alone, and it has every character
	}
	if pdu.Units(alphabet, text) > pdu.Room(alphabet, 0) {
		out.TLVs = pdu.AppendTLV(nil, pdu.TagMessagePayload, text)
	} else {
		out.ShortMessage = text
	}
	return out
}

func written(n e164.Number) pdu.Address {
	if n == 0 {
		return pdu.Address{}
	}
	return pdu.Address{TON: tonInternational, NPI: 1, Digits: n.AppendDigits(nil)}
}

// tellBack answers the SIP peer whose message has ended.
func (m *message) tellBack(o outcome, status pdu.Status) {
	m.up.mu.Lock()
	m.up.unanswered--
	m.up.mu.Unlock()
	d := routing.Delivery{Fate: fateOf(o, status)}
	if d.Fate == routing.FateRefused || d.Fate == routing.FateNoReceiver || d.Fate == routing.FateTemporary {
		d.Verdict, d.Answer = m.plan.Verdict, m.plan.Answer
	}
	m.back(d)
}

func fateOf(o outcome, status pdu.Status) routing.Fate {
	switch o {
	case outcomeAccepted, outcomeDropped:
		return routing.FateDelivered
	case outcomeTemporary:
		return routing.FateTemporary
	case outcomeUnknown:
		return routing.FateUnknown
	default:
	}
	switch status {
	case pdu.RInvDstAdr:
		return routing.FateNoReceiver
	case pdu.RInvMsgLen:
		return routing.FateTooLong
	default:
		return routing.FateRefused
	}
}

// formless reports whether the message came in no form of SMPP that a bind could
// take as it is.
func (m *message) formless() bool { return m.joined != nil || m.back != nil }
