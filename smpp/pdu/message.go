package pdu

// Lengths in octets, terminating NUL included. SMPP 3.4 §4.4.1, §4.7.1
const (
	serviceTypeSize = 6
	addressSize     = 21
	dataAddressSize = 65
	timeLen         = 16
	// MaxText is the longest short_message.
	MaxText = 254
)

// Address is a number or name as SMPP writes it.
type Address struct {
	TON, NPI byte // SMPP 3.4 §5.2.5, §5.2.6
	Digits   []byte
}

// TONAlphanumeric marks an address that is a name.
const TONAlphanumeric = 5

// The bits of esm_class. SMPP 3.4 §5.2.12
const (
	ESMMode         = 0x03
	ESMType         = 0x3C
	ESMReceipt      = 0x04
	ESMIntermediate = 0x20
	ESMUDHI         = 0x40
	ESMReplyPath    = 0x80
)

// The bits of registered_delivery. SMPP 3.4 §5.2.17
const (
	RegisteredMask         = 0x03
	RegisteredBoth         = 0x01
	RegisteredFailure      = 0x02
	RegisteredSuccess      = 0x03 // SMPP 5.0 §4.7.21; reserved in 3.4
	RegisteredIntermediate = 0x10
)

// Message is a submit_sm or a deliver_sm, whose bodies are alike.
// SMPP 3.4 §4.4.1, §4.6.1
type Message struct {
	ServiceType          []byte
	Source, Destination  Address
	ESMClass             byte
	ProtocolID           byte
	PriorityFlag         byte
	ScheduleDeliveryTime []byte
	ValidityPeriod       []byte
	RegisteredDelivery   byte
	ReplaceIfPresent     byte
	DataCoding           byte
	DefaultMessageID     byte
	ShortMessage         []byte
	TLVs                 TLVs
}

// Decode reads the body of a submit_sm or deliver_sm; the fields are views of
// it.
func (m *Message) Decode(body []byte) error {
	c := cursor{rest: body}
	m.ServiceType = c.cString("service_type", serviceTypeSize, RInvSerTyp)
	m.Source = c.address("source_addr", addressSize, RInvSrcAdr)
	m.Destination = c.address("destination_addr", addressSize, RInvDstAdr)
	m.decodeRest(&c)
	return c.end()
}

// decodeRest reads what follows the addresses.
func (m *Message) decodeRest(c *cursor) {
	head := c.octets("esm_class", 3)
	m.ESMClass, m.ProtocolID, m.PriorityFlag = head[0], head[1], head[2]
	m.ScheduleDeliveryTime = c.timeString("schedule_delivery_time", RInvSched)
	m.ValidityPeriod = c.timeString("validity_period", RInvExpiry)
	tail := c.octets("registered_delivery", 5)
	m.RegisteredDelivery, m.ReplaceIfPresent, m.DataCoding, m.DefaultMessageID = tail[0], tail[1], tail[2], tail[3]
	m.ShortMessage = c.shortMessage(int(tail[4]))
	var payload bool
	m.TLVs, payload = c.tlvs()
	if payload && len(m.ShortMessage) > 0 {
		c.fail("message_payload", ROptParNotAllwd) // SMPP 3.4 §5.3.2.32: one of the two
	}
}

func (c *cursor) shortMessage(length int) []byte {
	if length > MaxText || length > len(c.rest) {
		c.fail("short_message", RInvMsgLen)
		return nil
	}
	text := c.rest[:length:length]
	c.rest = c.rest[length:]
	return text
}

// Payload is the message's content wherever it is: the user data header, if
// esm_class says so, and the text.
func (m *Message) Payload() []byte {
	if len(m.ShortMessage) == 0 && len(m.TLVs) > 0 {
		payload, _ := m.TLVs.Find(TagMessagePayload)
		return payload
	}
	return m.ShortMessage
}

// Append appends the message as a PDU of command c, with status ROK.
func (m *Message) Append(dst []byte, c Command, sequence uint32) ([]byte, error) {
	start := len(dst)
	dst = appendHeader(dst, c, ROK, sequence, 0)
	dst, err := m.appendBody(dst)
	return finish(dst, start, err)
}

func (m *Message) appendBody(dst []byte) ([]byte, error) {
	dst, err := appendCString(dst, m.ServiceType, "service_type", serviceTypeSize, RInvSerTyp)
	if err != nil {
		return dst, err
	}
	if dst, err = m.Source.append(dst, "source_addr", addressSize, RInvSrcAdr); err != nil {
		return dst, err
	}
	if dst, err = m.Destination.append(dst, "destination_addr", addressSize, RInvDstAdr); err != nil {
		return dst, err
	}
	return m.appendRest(dst)
}

func (m *Message) appendRest(dst []byte) ([]byte, error) {
	dst = append(dst, m.ESMClass, m.ProtocolID, m.PriorityFlag)
	dst, err := appendTime(dst, m.ScheduleDeliveryTime, "schedule_delivery_time", RInvSched)
	if err != nil {
		return dst, err
	}
	if dst, err = appendTime(dst, m.ValidityPeriod, "validity_period", RInvExpiry); err != nil {
		return dst, err
	}
	if len(m.ShortMessage) > MaxText {
		return dst, &Fault{"short_message", RInvMsgLen}
	}
	dst = append(dst, m.RegisteredDelivery, m.ReplaceIfPresent, m.DataCoding, m.DefaultMessageID, byte(len(m.ShortMessage)))
	dst = append(dst, m.ShortMessage...)
	return append(dst, m.TLVs...), nil
}

func (a *Address) append(dst []byte, field string, size int, status Status) ([]byte, error) {
	return appendCString(append(dst, a.TON, a.NPI), a.Digits, field, size, status)
}

func appendTime(dst, s []byte, field string, status Status) ([]byte, error) {
	if len(s) != 0 && len(s) != timeLen {
		return dst, &Fault{field, status}
	}
	return appendCString(dst, s, field, timeLen+1, status)
}
