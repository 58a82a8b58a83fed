package message

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Response is a received response, checked. Its texts come from the wire.
type Response struct {
	Code       int
	Trunk      string   // name of the trunk that it came from
	Names      []string // of the certificate that its connection showed us
	Branch     string   // of its only Via: ours
	Method     string   // of CSeq
	CSeq       uint32
	CallID     string
	FromTag    string
	ToTag      string
	Cause      int           // Q.850 cause of its Reason header; 0: none
	RetryAfter time.Duration // 0: none
	Body       []byte        // empty unless it is a session description

	msg *sip.Response
}

// NewResponse checks what the parser made of a response. Faults have no code:
// a bad response is dropped.
func NewResponse(msg *sip.Response) (*Response, *Fault) {
	if msg.SipVersion != "SIP/2.0" {
		return nil, fault(0, "version")
	}
	n := countHeaders(msg.Headers())
	if f := n.check(); f != nil {
		return nil, fault(0, f.Name)
	}
	if n.via != 1 {
		return nil, fault(0, "via") // more hops than ours, RFC 3261 §8.1.3.3
	}
	r := &Response{
		Code:    msg.StatusCode,
		Branch:  param(msg.Via().Params, "branch"),
		Method:  strings.TrimSpace(string(msg.CSeq().MethodName)),
		CSeq:    msg.CSeq().SeqNo,
		CallID:  string(*msg.CallID()),
		FromTag: param(msg.From().Params, "tag"),
		ToTag:   param(msg.To().Params, "tag"),
		msg:     msg,
	}
	if r.Code < 100 || r.Code > 699 {
		return nil, fault(0, "status_code")
	}
	r.Body = descriptionIn(msg)
	if r.Code >= 300 {
		r.readReasons()
	}
	return r, nil
}

// descriptionIn finds the session description of an answer; other parts are left.
func descriptionIn(msg bodied) []byte {
	if isPlain(msg) {
		return msg.Body()
	}
	parts, f := partsOf(msg)
	if f != nil {
		return nil
	}
	for _, p := range parts {
		if p.kind == "application/sdp" && !p.encoded {
			return p.data
		}
	}
	return nil
}

// Peer is the sender of the response, as the called side of a dialog.
func (r *Response) Peer() Peer {
	return peerOf(r.msg.Contact(), r.msg.GetHeaders("record-route"), true)
}

// readReasons takes the numbers out of Reason (RFC 3326) and Retry-After; their
// texts are left.
func (r *Response) readReasons() {
	for _, h := range r.msg.Headers() {
		switch name := h.Name(); {
		case strings.EqualFold(name, "reason"):
			r.Cause = cmp.Or(r.Cause, q850(h.Value()))
		case strings.EqualFold(name, "retry-after"):
			r.RetryAfter = seconds(h.Value())
		}
	}
}

// q850 reads `Q.850;cause=17;text="..."`, among other protocols' values.
func q850(value string) int {
	for one := range strings.SplitSeq(value, ",") {
		protocol, params, _ := strings.Cut(one, ";")
		if !strings.EqualFold(strings.TrimSpace(protocol), "q.850") {
			continue
		}
		for p := range strings.SplitSeq(params, ";") {
			k, v, _ := strings.Cut(p, "=")
			if !strings.EqualFold(strings.TrimSpace(k), "cause") {
				continue
			}
			if cause, err := strconv.Atoi(strings.TrimSpace(v)); err == nil && cause > 0 && cause < 128 {
				return cause
			}
		}
	}
	return 0
}

// seconds reads the start of a Retry-After value.
func seconds(value string) time.Duration {
	end := 0
	for end < len(value) && end < 9 && isDigit(value[end]) {
		end++
	}
	n, err := strconv.Atoi(value[:end])
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}
