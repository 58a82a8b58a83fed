package smpp

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"maskline/routing"
	"maskline/smpp/pdu"
)

// message is one message, or one receipt, on its way: what came in, where it
// goes and how its upstream is answered. Exactly one party owns it at a time:
// a bind's window, a destination's queue, or the goroutine that took it out of
// one of these. Only the owner touches it, so it is completed once.
type message struct {
	// The upstream's request; up is nil for receipts that nobody waits for.
	up       *session
	sequence uint32
	command  pdu.Command
	from     *peer

	// What is sent on. All slices are parts of data.
	data        []byte
	source      pdu.Address // TON and NPI are the bind's, except for receipts
	destination pdu.Address
	payload     []byte
	headerLen   int // of payload, the user data header with its count; 0: none
	zero        Encoding
	concat      pdu.Concatenation // the place of a segment; no Total: none
	sar         bool              // that place is in tlvs
	tlvs        pdu.TLVs
	inTLV       bool     // tlvs hold the payload, as message_payload
	more        bool     // tlvs end in more_messages_to_send, for submit_sm only
	validity    []byte   // for submit_sm only
	isUSSD      bool     // a step of a USSD dialogue
	ussd        pdu.TLVs // of that; its own
	esmClass    byte
	protocolID  byte
	priority    byte
	dataCoding  byte
	registered  byte // asked of a carrier
	sticky      bool // a segment: all of one message take the same bind
	seed        uint64
	segments    int    // short messages on the air, for rates
	charged     int    // of them taken from the account's quota
	chargedOn   int64  // the day of that quota
	fingerprint uint64 // of what came in

	// Where it goes.
	plan      routing.Plan
	candidate int              // the next one of the plan
	to        *peer            // of the last attempt
	dest      *destination     // of the last attempt
	held      *atomic.Int32    // where the upstream's messages there are counted; nil: nowhere
	claimed   *routing.Carrier // of the last attempt; nil where no carrier takes part
	begun     time.Time        // when it was claimed
	verdict   attempts
	sent      sentAs // by the last attempt
	opened    bool   // a reply slot for its sender was asked for
	unfit     bool   // the last destination cannot be sent it
	parts     fragments
	joined    *message               // the segments that it was put together from
	back      func(routing.Delivery) // of a SIP peer's message: answers it
	dialled   []byte                 // and what it dialled, as it came
	own       *own                   // not nil: the edge wrote it
	answerBy  int64

	// Place in a destination's queue or a bind's lane.
	leaveBy    int64
	notBefore  int64  // its place on the mask's time line
	order      uint64 // among the segments of one bind
	next, prev *message

	// What the originator wants to know, by its own addresses.
	wants      byte        // registered_delivery; 0: no receipt
	origSource pdu.Address // as the originator wrote them
	origDest   pdu.Address
	receipt    *receiptJob // not nil: this is a receipt
}

// attempts sums up what became of the candidates tried so far.
type attempts struct {
	refused   bool // one refused for good, but another might not
	status    pdu.Status
	temporary bool // one could not take it now
	unknown   bool // one got it and did not answer
}

// messagePool keeps messages and their buffers for use again.
type messagePool struct{ pool sync.Pool }

// messageKeep is the largest buffer that is kept, in octets.
const messageKeep = 4 << 10

func (p *messagePool) get() *message {
	if m, ok := p.pool.Get().(*message); ok {
		return m
	}
	return &message{data: make([]byte, 0, 512)}
}

// put takes back a message; its plan is left for the next Decide to overwrite.
func (p *messagePool) put(m *message) {
	m.release()
	data := m.data[:0]
	if cap(data) > messageKeep {
		data = make([]byte, 0, 512)
	}
	m.reset()
	m.data = data
	p.pool.Put(m)
}

func (m *message) reset() {
	m.up, m.from, m.to, m.dest, m.claimed, m.receipt = nil, nil, nil, nil, nil, nil
	m.payload, m.tlvs, m.validity = nil, nil, nil
	m.source, m.destination, m.origSource, m.origDest = pdu.Address{}, pdu.Address{}, pdu.Address{}, pdu.Address{}
	m.verdict, m.parts, m.sent = attempts{}, fragments{}, sentAs{}
	m.concat, m.headerLen, m.zero, m.joined = pdu.Concatenation{}, 0, GSM7, nil
	m.fingerprint = 0
	m.next, m.prev = nil, nil
	m.candidate, m.wants, m.registered, m.segments, m.charged = 0, 0, 0, 0, 0
	m.sticky, m.inTLV, m.more, m.sar, m.unfit = false, false, false, false, false
	m.isUSSD, m.ussd, m.opened = false, nil, false
	m.back, m.dialled, m.own = nil, nil, nil
}

// keep copies b behind what data holds already. The capacity must be there,
// or slices made before would point elsewhere.
func (m *message) keep(b []byte) []byte {
	at := len(m.data)
	m.data = append(m.data, b...)
	return m.data[at:len(m.data):len(m.data)]
}

// reserve makes room for n octets before the first keep.
func (m *message) reserve(n int) {
	if cap(m.data) < n {
		m.data = make([]byte, 0, n)
	}
	m.data = m.data[:0]
}

// appendTo writes the message as it came as the PDU that terms ask for.
func (m *message) appendTo(dst []byte, t *terms, sequence uint32, sh *shape) ([]byte, error) {
	out := pdu.Message{ESMClass: m.esmClass, DataCoding: m.dataCoding, RegisteredDelivery: m.registered}
	if !m.inTLV {
		out.ShortMessage = m.payload
	}
	if t.version >= pdu.Version34 { // no TLVs before
		out.TLVs = m.tlvs
		if m.more && t.sends != pdu.SubmitSM {
			out.TLVs = m.tlvs[:len(m.tlvs)-moreLen]
		}
	}
	return m.write(dst, &out, t, sequence, sh)
}

// appendPiece writes one PDU of several, or of another shape. Only the last one
// asks for a receipt: there is one for the message.
func (m *message) appendPiece(dst []byte, t *terms, sequence uint32, sh *shape, i int) ([]byte, error) {
	p := &sh.pieces[i]
	out := pdu.Message{DataCoding: sh.dataCoding}
	if p.header {
		out.ESMClass = pdu.ESMUDHI
	}
	if i == len(sh.pieces)-1 {
		out.RegisteredDelivery = m.registered
	}
	if !p.inTLV {
		out.ShortMessage = p.payload
	}
	if t.version >= pdu.Version34 {
		out.TLVs = p.tlvs
	}
	return m.write(dst, &out, t, sequence, sh)
}

// write fills in what does not depend on the content.
func (m *message) write(dst []byte, out *pdu.Message, t *terms, sequence uint32, sh *shape) ([]byte, error) {
	m.addUSSD(out, t)
	out.Source, out.Destination = m.source, m.destination
	out.ProtocolID, out.PriorityFlag = m.protocolID, m.priority
	if m.receipt == nil {
		out.Source.TON, out.Source.NPI = t.ton, t.npi
		out.Destination.TON, out.Destination.NPI = t.ton, t.npi
		if t.numbers != nil {
			sh.from, _ = t.numbers.append(sh.from[:0], m.source.Digits) // fits has looked
			sh.to, _ = t.numbers.append(sh.to[:0], m.destination.Digits)
			out.Source.Digits, out.Destination.Digits = sh.from, sh.to
		}
		if m.plan.Present.IsShortCode() {
			out.Source = asShort(m.source.Digits)
		}
		if m.toShort() {
			out.Destination = asShort(m.destination.Digits)
		}
	}
	if t.sends != pdu.SubmitSM {
		out.RegisteredDelivery = 0
		return out.Append(dst, t.sends, sequence)
	}
	out.ValidityPeriod = m.validity
	start := len(dst)
	dst, err := out.Append(dst, t.sends, sequence)
	if err != nil || len(t.static) == 0 || t.version < pdu.Version34 {
		return dst, err
	}
	dst = append(dst, t.static...)
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start))
	return dst, nil
}

// toShort reports whether the destination that is written is a short code: an
// account's own.
func (m *message) toShort() bool {
	return m.plan.To.Kind == routing.ToAccount && m.plan.Mask.IsShortCode()
}

// moreLen is the length of a more_messages_to_send.
const moreLen = 5

// fits says why the bind cannot be sent the message at all; shaped reports
// whether it is sent in another shape than it came in.
func (m *message) fits(t *terms, sh *shape, next func() uint16) (shaped bool, r refusal) {
	if m.receipt != nil {
		return false, notRefused
	}
	if n := t.numbers; n != nil {
		if !m.plan.Present.IsShortCode() && !n.writes(m.source.Digits) {
			return false, badSource
		}
		if !m.toShort() && !n.writes(m.destination.Digits) {
			return false, badDestination
		}
	}
	if m.passes(t) {
		return false, notRefused
	}
	return true, sh.make(m, t, next)
}

// misfit notes that a destination cannot be sent the message.
func (m *message) misfit(r refusal) {
	m.unfit = true
	m.verdict.refused, m.verdict.status = true, r.status()
}

// due reports whether a message has waited long enough.
func (m *message) due(at int64) bool { return at >= m.leaveBy || m.unfit || m.abandoned() }

// unclaim ends an attempt that was never sent.
func (m *message) unclaim() {
	if m.claimed != nil {
		m.claimed.Cancel(routing.SMS, m.begun)
		m.claimed = nil
	}
}
