package smpp

import (
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
	m.verdict = attempts{}
	m.next, m.prev = nil, nil
	m.candidate, m.wants, m.registered, m.segments, m.charged = 0, 0, 0, 0, 0
	m.sticky, m.inTLV, m.more, m.isUSSD, m.ussd = false, false, false, false, nil
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

// appendTo writes the message as the PDU that terms ask for.
func (m *message) appendTo(dst []byte, t *terms, sequence uint32) ([]byte, error) {
	out := pdu.Message{
		Source:       m.source,
		Destination:  m.destination,
		ESMClass:     m.esmClass,
		ProtocolID:   m.protocolID,
		PriorityFlag: m.priority,
		DataCoding:   m.dataCoding,
	}
	if m.receipt == nil {
		out.Source.TON, out.Source.NPI = t.ton, t.npi
		out.Destination.TON, out.Destination.NPI = t.ton, t.npi
	}
	if t.sends == pdu.SubmitSM {
		out.ValidityPeriod, out.RegisteredDelivery = m.validity, m.registered
	}
	if t.version < pdu.Version34 {
		m.addUSSD(&out, t)
		out.ShortMessage = m.payload // no TLVs before 3.4; canCarry has checked that it fits
		return out.Append(dst, t.sends, sequence)
	}
	if !m.inTLV {
		out.ShortMessage = m.payload
	}
	out.TLVs = m.tlvs
	if m.more && t.sends != pdu.SubmitSM {
		out.TLVs = m.tlvs[:len(m.tlvs)-moreLen]
	}
	m.addUSSD(&out, t)
	return out.Append(dst, t.sends, sequence)
}

// moreLen is the length of a more_messages_to_send.
const moreLen = 5

// canCarry reports whether a bind's version can carry the message.
func (m *message) canCarry(t *terms) bool {
	fits := t.version >= pdu.Version34 || len(m.payload) <= pdu.MaxText && !m.segmented()
	return fits && m.fitsUSSD(t)
}

// segmented reports whether TLVs make the message one segment of several.
func (m *message) segmented() bool {
	_, ok := m.tlvs.Find(pdu.TagSarMsgRefNum)
	return ok
}

// due reports whether a message has waited long enough.
func (m *message) due(at int64) bool { return at >= m.leaveBy || m.abandoned() }

// unclaim ends an attempt that was never sent.
func (m *message) unclaim() {
	if m.claimed != nil {
		m.claimed.Cancel(routing.SMS, m.begun)
		m.claimed = nil
	}
}
