package pdu

// Query is a query_sm. SMPP 3.4 §4.8.1
type Query struct {
	MessageID []byte
	Source    Address // of the message asked about
}

// Decode reads the body of a query_sm; the fields are views of it.
func (q *Query) Decode(body []byte) error {
	c := cursor{rest: body}
	q.MessageID = c.cString("message_id", messageIDSize, RInvMsgID)
	q.Source = c.address("source_addr", addressSize, RInvSrcAdr)
	return c.end()
}

// Append appends the query_sm with status ROK.
func (q *Query) Append(dst []byte, sequence uint32) ([]byte, error) {
	start := len(dst)
	dst = appendHeader(dst, QuerySM, ROK, sequence, 0)
	dst, err := appendCString(dst, q.MessageID, "message_id", messageIDSize, RInvMsgID)
	if err == nil {
		dst, err = q.Source.append(dst, "source_addr", addressSize, RInvSrcAdr)
	}
	return finish(dst, start, err)
}

// QueryResp is the response to a query_sm. SMPP 3.4 §4.8.2
type QueryResp struct {
	MessageID []byte
	FinalDate []byte // when the state became final; empty before
	State     State
	ErrorCode byte // of the network; 0 where there is none
}

// Decode reads the body of a query_sm_resp. It may be empty where the status
// is not ROK.
func (r *QueryResp) Decode(status Status, body []byte) error {
	*r = QueryResp{}
	if len(body) == 0 && status != ROK {
		return nil
	}
	c := cursor{rest: body}
	r.MessageID = c.cString("message_id", messageIDSize, RInvMsgID)
	r.FinalDate = c.timeString("final_date", RQueryFail)
	tail := c.octets("message_state", 2)
	r.State, r.ErrorCode = State(tail[0]), tail[1]
	return c.end()
}

// Append appends the response. Where the status is not ROK it has no body.
func (r *QueryResp) Append(dst []byte, s Status, sequence uint32) ([]byte, error) {
	if s != ROK {
		return AppendHeader(dst, QuerySMResp, s, sequence), nil
	}
	start := len(dst)
	dst = appendHeader(dst, QuerySMResp, s, sequence, 0)
	dst, err := appendCString(dst, r.MessageID, "message_id", messageIDSize, RInvMsgID)
	if err == nil {
		dst, err = appendTime(dst, r.FinalDate, "final_date", RQueryFail)
	}
	if err == nil {
		dst = append(dst, byte(r.State), r.ErrorCode)
	}
	return finish(dst, start, err)
}
