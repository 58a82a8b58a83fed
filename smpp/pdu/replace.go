package pdu

// Replace is a replace_sm: new content for a message that is not delivered yet.
// It takes no TLVs. Its response is a header alone. SMPP 3.4 §4.10.1
type Replace struct {
	MessageID            []byte
	Source               Address
	ScheduleDeliveryTime []byte
	ValidityPeriod       []byte
	RegisteredDelivery   byte
	DefaultMessageID     byte
	ShortMessage         []byte
}

// Decode reads the body of a replace_sm; the fields are views of it.
func (r *Replace) Decode(body []byte) error {
	c := cursor{rest: body}
	r.MessageID = c.cString("message_id", messageIDSize, RInvMsgID)
	r.Source = c.address("source_addr", addressSize, RInvSrcAdr)
	r.ScheduleDeliveryTime = c.timeString("schedule_delivery_time", RInvSched)
	r.ValidityPeriod = c.timeString("validity_period", RInvExpiry)
	tail := c.octets("registered_delivery", 3)
	r.RegisteredDelivery, r.DefaultMessageID = tail[0], tail[1]
	r.ShortMessage = c.shortMessage(int(tail[2]))
	return c.end()
}

// Append appends the replace_sm with status ROK.
func (r *Replace) Append(dst []byte, sequence uint32) ([]byte, error) {
	start := len(dst)
	dst = appendHeader(dst, ReplaceSM, ROK, sequence, 0)
	dst, err := appendCString(dst, r.MessageID, "message_id", messageIDSize, RInvMsgID)
	if err == nil {
		dst, err = r.Source.append(dst, "source_addr", addressSize, RInvSrcAdr)
	}
	if err == nil {
		dst, err = appendTime(dst, r.ScheduleDeliveryTime, "schedule_delivery_time", RInvSched)
	}
	if err == nil {
		dst, err = appendTime(dst, r.ValidityPeriod, "validity_period", RInvExpiry)
	}
	if err == nil && len(r.ShortMessage) > MaxText {
		err = &Fault{"short_message", RInvMsgLen}
	}
	if err == nil {
		dst = append(dst, r.RegisteredDelivery, r.DefaultMessageID, byte(len(r.ShortMessage)))
		dst = append(dst, r.ShortMessage...)
	}
	return finish(dst, start, err)
}
