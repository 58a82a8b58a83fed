package smpp

import (
	"encoding/binary"

	"maskline/e164"
	"maskline/routing"
	"maskline/smpp/pdu"
)

// fill copies from a request what may leave towards another party, and nothing
// else: service type, callback numbers, subaddresses, reply path, other
// elements of the user data header and other TLVs stay behind. It says why a
// message is refused that asks for what is not carried.
func (m *message) fill(in *pdu.Message, f *format) refusal {
	m.zero = f.zero
	if r := checkFields(in, f.special); r != notRefused {
		return r
	}
	m.reserve(len(in.ShortMessage) + len(in.TLVs) + fillRoom)
	if r := m.fillContent(in, f.special); r != notRefused {
		return r
	}
	m.protocolID, m.priority, m.dataCoding = in.ProtocolID, in.PriorityFlag, in.DataCoding
	m.validity = m.keep(in.ValidityPeriod)
	if m.up.dialer == nil {
		m.wants = in.RegisteredDelivery & (pdu.RegisteredMask | pdu.RegisteredIntermediate)
	}
	if m.wants != 0 {
		m.registered = askFor(m.wants)
	}
	m.origSource = pdu.Address{TON: in.Source.TON, NPI: in.Source.NPI, Digits: m.keep(in.Source.Digits)}
	m.origDest = pdu.Address{TON: in.Destination.TON, NPI: in.Destination.NPI, Digits: m.keep(in.Destination.Digits)}
	return notRefused
}

// fillRoom is what fill and present keep beside payload and TLVs: four
// addresses, a time, the heads of two TLVs.
const fillRoom = 4*maxAddress + 16 + 16

// maxAddress is the longest address of a submit_sm; a data_sm's may be longer,
// but could not be named in a receipt.
const maxAddress = 20

// askFor is the registered_delivery asked of a carrier. "Success only" came
// with SMPP 5.0, so both outcomes are asked for then.
func askFor(wants byte) byte {
	if wants&pdu.RegisteredMask == pdu.RegisteredSuccess {
		return wants&pdu.RegisteredIntermediate | pdu.RegisteredBoth
	}
	return wants
}

func checkFields(in *pdu.Message, may Special) refusal {
	kind, known := kindOf(in.ProtocolID)
	switch {
	case len(in.Source.Digits) > maxAddress:
		return badSource
	case len(in.Destination.Digits) > maxAddress:
		return badDestination
	case !known || kind&^may != 0 || classTwo(in.DataCoding) && may&SpecialClass2 == 0:
		return notCarried
	case in.PriorityFlag > maxPriority:
		return badPriority
	case len(in.ScheduleDeliveryTime) > 0:
		return badSchedule
	case !wellFormedTime(in.ValidityPeriod):
		return badValidity
	case in.DefaultMessageID != 0:
		return badDefaultID
	default:
		return notRefused
	}
}

const (
	maxProtocolID = 0x3F // above: silent and replacing messages, SIM download. 3GPP TS 23.040 §9.2.3.9
	maxPriority   = 3    // SMPP 3.4 §5.2.14
)

// classTwo reports whether the coding addresses the SIM. 3GPP TS 23.038 §4
func classTwo(dataCoding byte) bool {
	return dataCoding&0x80 == 0 && dataCoding&0x13 == 0x12 || dataCoding&0xF3 == 0xF2
}

// wellFormedTime checks YYMMDDhhmmsstnnp; none is well-formed. SMPP 3.4 §7.1.1
func wellFormedTime(s []byte) bool {
	if len(s) == 0 {
		return true
	}
	for _, c := range s[:len(s)-1] {
		if c < '0' || c > '9' {
			return false
		}
	}
	switch s[len(s)-1] {
	case '+', '-', 'R':
		return true
	default:
		return false
	}
}

// fillContent copies the payload, its header filtered, and the TLVs that pass.
func (m *message) fillContent(in *pdu.Message, may Special) refusal {
	payload := in.Payload()
	m.inTLV = len(in.ShortMessage) == 0 && len(payload) > 0 && (m.command != pdu.DataSM || len(payload) > pdu.MaxText)
	text := payload
	var header pdu.UDH
	if in.ESMClass&pdu.ESMUDHI != 0 {
		var err error
		if header, text, err = pdu.SplitUDH(payload); err != nil {
			if pdu.StatusOf(err) == pdu.RInvEsmClass {
				return badESMClass
			}
			return badLength
		}
		if header.Toolkit() && may&SpecialSIM == 0 {
			return notCarried
		}
		m.concat, _ = header.Concatenation()
	}
	start := len(m.data)
	more, r := m.fillTLVs(in.TLVs, m.concat.Total > 0)
	if r != notRefused {
		return r
	}
	if m.inTLV {
		m.data = append(m.data, byte(pdu.TagMessagePayload>>8), byte(pdu.TagMessagePayload&0xFF), 0, 0)
		m.fillPayload(header, text, may&SpecialSIM != 0)
		binary.BigEndian.PutUint16(m.data[len(m.data)-len(m.payload)-2:], uint16(len(m.payload)))
	}
	if m.more = len(more) > 0; m.more {
		m.data = pdu.AppendTLV(m.data, pdu.TagMoreMessagesToSend, more)
	}
	m.tlvs = pdu.TLVs(m.data[start:len(m.data):len(m.data)])
	if !m.inTLV {
		m.fillPayload(header, text, may&SpecialSIM != 0)
	}
	return notRefused
}

func (m *message) fillPayload(header pdu.UDH, text []byte, toolkit bool) {
	start := len(m.data)
	m.data = header.AppendForwarded(m.data, toolkit)
	m.esmClass = 0
	if m.headerLen = len(m.data) - start; m.headerLen > 0 {
		m.esmClass = pdu.ESMUDHI
	}
	m.data = append(m.data, text...)
	m.payload = m.data[start:len(m.data):len(m.data)]
}

// tlvSize is the length of a TLV that may pass, 0 for those that may not.
func tlvSize(tag pdu.Tag) int {
	switch tag {
	case pdu.TagPayloadType, pdu.TagLanguageIndicator, pdu.TagSarTotalSegments, pdu.TagSarSegmentSeqnum, pdu.TagMoreMessagesToSend:
		return 1
	case pdu.TagUserMessageReference, pdu.TagSourcePort, pdu.TagDestinationPort, pdu.TagSarMsgRefNum:
		return 2
	default:
		return 0
	}
}

// fillTLVs appends the TLVs that pass, each once, and returns the value of
// more_messages_to_send. A segment that has its place in the header loses the
// sar TLVs.
func (m *message) fillTLVs(in pdu.TLVs, segment bool) (more []byte, r refusal) {
	start := len(m.data)
	var sar sarTLVs
	for tag, value := range in.All() {
		size := tlvSize(tag)
		if size == 0 {
			continue
		}
		if len(value) != size {
			return nil, badParameter
		}
		if tag == pdu.TagMoreMessagesToSend {
			more = value
			continue
		}
		if sar.read(tag, value) && segment {
			continue
		}
		if _, again := pdu.TLVs(m.data[start:]).Find(tag); !again {
			m.data = pdu.AppendTLV(m.data, tag, value)
		}
	}
	if !segment && sar.seen == sarAll {
		if sar.place.Part == 0 || sar.place.Part > sar.place.Total {
			return nil, badESMClass
		}
		m.concat, m.sar = sar.place, true
	}
	return more, notRefused
}

// address reads who writes to whom, and what segments of one message have in
// common.
func (m *message) address(req *routing.Request, in *pdu.Message, numbers *Numbers) {
	req.Dialled = in.Destination.Digits
	req.To, req.From = numbers.dialled(in.Destination), numbers.sender(in.Source)
	if req.To == 0 || numbers != nil && asNetworksDo(in.Destination) {
		if code := shortCode(req.Origin, in.Destination); code != 0 {
			req.To = code
		}
	}
	if req.From == 0 && req.Origin.Tenant != "" { // perhaps its own mask
		req.From = shortCode(req.Origin, in.Source)
	}
	req.Seed = seed(req.From, req.To, in.Source.Digits)
	switch {
	case m.joined != nil:
		req.Seed = m.joined.seed // so that it goes where its segments would
	case m.concat.Total > 0:
		m.sticky = true
		req.Seed = mix(req.Seed + uint64(m.concat.Reference) + 1)
	}
	m.seed = req.Seed
}

func seed(from, to e164.Number, name []byte) uint64 {
	h := uint64(from)
	if from == 0 {
		for _, c := range name {
			h = h*31 + uint64(c)
		}
	}
	return mix(mix(h) + uint64(to))
}

// mix is the finaliser of splitmix64.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

// present writes the addresses that the destination sees: the mask as the
// sender, and as the receiver the party's number, or the mask for an account.
func (m *message) present() {
	to := m.plan.To.Number
	if m.plan.To.Kind == routing.ToAccount {
		to = m.plan.Mask
	}
	m.source.Digits = m.keepNumber(m.plan.Present)
	m.destination.Digits = m.keepNumber(to)
}

// presentAs writes another mask as the sender, for a carrier that may not present
// the one before.
func (m *message) presentAs(mask e164.Number) {
	if mask != m.plan.Present {
		m.plan.Present = mask
		m.source.Digits = m.keepNumber(mask)
	}
}

func (m *message) keepNumber(n e164.Number) []byte {
	at := len(m.data)
	m.data = n.AppendDigits(m.data)
	return m.data[at:len(m.data):len(m.data)]
}
