package pdu

const messageIDSize = 65 // SMPP 3.4 §5.2.23

// MessageResp is the response to a submit_sm, deliver_sm or data_sm.
// SMPP 3.4 §4.4.2, §4.6.2, §4.7.2
type MessageResp struct {
	MessageID []byte
	TLVs      TLVs
}

// Decode reads the body of a response. Many peers leave it out where there is
// nothing to say (a status other than ROK, a deliver_sm_resp), so an empty one
// is no fault.
func (r *MessageResp) Decode(body []byte) error {
	*r = MessageResp{}
	if len(body) == 0 {
		return nil
	}
	c := cursor{rest: body}
	r.MessageID = c.cString("message_id", messageIDSize, RInvMsgID)
	r.TLVs, _ = c.tlvs()
	return c.end()
}

// Append appends the response to a request of command c with its TLVs, which
// data_sm_resp has. Where the status is not ROK the message_id stays behind; with
// nothing to say there is no body. SMPP 3.4 §4.7.2
func (r *MessageResp) Append(dst []byte, c Command, s Status, sequence uint32) ([]byte, error) {
	if s != ROK && len(r.TLVs) == 0 {
		return AppendHeader(dst, c.Response(), s, sequence), nil
	}
	id := r.MessageID
	if s != ROK {
		id = nil
	}
	start := len(dst)
	dst = appendHeader(dst, c.Response(), s, sequence, 0)
	dst, err := appendCString(dst, id, "message_id", messageIDSize, RInvMsgID)
	if err == nil {
		dst = append(dst, r.TLVs...)
	}
	return finish(dst, start, err)
}

// AppendMessageResp appends the response to a request of command c. A
// deliver_sm_resp always has an empty message_id; other responses have no body
// where the status is not ROK.
func AppendMessageResp(dst []byte, c Command, s Status, sequence uint32, messageID []byte) []byte {
	if c.Request() == DeliverSM {
		messageID = nil
	} else if s != ROK {
		return AppendHeader(dst, c.Response(), s, sequence)
	}
	messageID = messageID[:min(len(messageID), messageIDSize-1)]
	dst = appendHeader(dst, c.Response(), s, sequence, HeaderLen+len(messageID)+1)
	return append(append(dst, messageID...), 0)
}
