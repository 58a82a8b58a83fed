package pdu

// Cancel is a cancel_sm. It names one message by its id, or several by
// addresses and service type. Its response is a header alone.
// SMPP 3.4 §4.9.1
type Cancel struct {
	ServiceType []byte
	MessageID   []byte // empty: every message between the two addresses
	Source      Address
	Destination Address
}

// Decode reads the body of a cancel_sm; the fields are views of it.
func (x *Cancel) Decode(body []byte) error {
	c := cursor{rest: body}
	x.ServiceType = c.cString("service_type", serviceTypeSize, RInvSerTyp)
	x.MessageID = c.cString("message_id", messageIDSize, RInvMsgID)
	x.Source = c.address("source_addr", addressSize, RInvSrcAdr)
	x.Destination = c.address("destination_addr", addressSize, RInvDstAdr)
	return c.end()
}

// Append appends the cancel_sm with status ROK.
func (x *Cancel) Append(dst []byte, sequence uint32) ([]byte, error) {
	start := len(dst)
	dst = appendHeader(dst, CancelSM, ROK, sequence, 0)
	dst, err := appendCString(dst, x.ServiceType, "service_type", serviceTypeSize, RInvSerTyp)
	if err == nil {
		dst, err = appendCString(dst, x.MessageID, "message_id", messageIDSize, RInvMsgID)
	}
	if err == nil {
		dst, err = x.Source.append(dst, "source_addr", addressSize, RInvSrcAdr)
	}
	if err == nil {
		dst, err = x.Destination.append(dst, "destination_addr", addressSize, RInvDstAdr)
	}
	return finish(dst, start, err)
}
