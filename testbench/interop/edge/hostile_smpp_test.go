//go:build peers

package edge

import (
	"encoding/binary"
	"testing"

	"maskline/smpp/pdu"
)

func smppAttacks() []attack {
	nacked := `maskline_smpp_pdus_total{peer="unbound",direction="out",command="generic_nack",status="invalid command length"}`
	length := func(n uint32) func(*testing.T, *hostile) {
		return func(_ *testing.T, h *hostile) {
			w := h.dialWire(h.from)
			w.write(framed(n, pdu.SubmitSM, nil))
			w.expect(pdu.GenericNack, pdu.RInvCmdLen)
			w.expectEnd()
		}
	}
	refused := func(status string) string {
		return `maskline_smpp_pdus_total{peer="outlet",direction="out",command="submit_sm_resp",status="` + status + `"}`
	}
	submit := func(status pdu.Status, change func([]byte) []byte) func(*testing.T, *hostile) {
		return func(_ *testing.T, h *hostile) {
			w := h.bindWire(h.from, "outlet")
			body := change(aSubmission())
			for range bodies {
				w.write(framed(uint32(pdu.HeaderLen+len(body)), pdu.SubmitSM, body))
				w.expect(pdu.SubmitSMResp, status)
			}
			w.write(pdu.AppendHeader(nil, pdu.Unbind, pdu.ROK, 9)) // the session was kept
			w.expect(pdu.UnbindResp, pdu.ROK)
			w.expectEnd()
		}
	}
	return []attack{
		{
			input: "SMPP, `command_length` 0", answer: "generic_nack 0x02, connection closed",
			counter: nacked, times: 50, each: 1, make: length(0),
		},
		{
			input: "SMPP, `command_length` 15", answer: "generic_nack 0x02, connection closed",
			counter: nacked, times: 50, each: 1, make: length(15),
		},
		{
			input: "SMPP, `command_length` 0xFFFFFFFF", answer: "generic_nack 0x02, connection closed",
			counter: nacked, times: 50, each: 1, make: length(0xFFFFFFFF),
		},
		{
			input: "SMPP, a submit_sm that ends inside its source address", answer: "submit_sm_resp 0x02, the bind stays",
			counter: refused("invalid command length"), times: 5, each: bodies,
			make: submit(pdu.RInvCmdLen, func(body []byte) []byte { return body[:8] }),
		},
		{
			input: "SMPP, a submit_sm that ends inside its text", answer: "submit_sm_resp 0x01, the bind stays",
			counter: refused("invalid message length"), times: 5, each: bodies,
			make: submit(pdu.RInvMsgLen, func(body []byte) []byte { return body[:len(body)-2] }),
		},
		{
			input: "SMPP, a submit_sm with an octet after its fields", answer: "submit_sm_resp 0xC0, the bind stays",
			counter: refused("error in the optional part of the pdu body"), times: 5, each: bodies,
			make: submit(pdu.RInvOptParStream, func(body []byte) []byte { return append(body, 0) }),
		},
		{
			input: "SMPP, connections that say nothing", answer: "closed after `smpp.bind_timeout`",
			counter: notCounted, times: 2, make: silentConnections,
		},
	}
}

const (
	bodies  = 50 // PDUs in one bind
	silents = 40 // connections at once
)

// framed is a PDU whose command_length says what it likes.
func framed(length uint32, c pdu.Command, body []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, length)
	b = binary.BigEndian.AppendUint32(b, uint32(c))
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint32(b, 7)
	return append(b, body...)
}

// aSubmission is the body of a good submit_sm.
func aSubmission() []byte {
	address := func(digits string) pdu.Address { return pdu.Address{TON: 1, NPI: 1, Digits: []byte(digits)} }
	m := pdu.Message{Source: address(digits(outletShows)), Destination: address(digits(shopNumber)), ShortMessage: []byte("hello there")}
	frame, err := m.Append(nil, pdu.SubmitSM, 1)
	if err != nil {
		panic(err)
	}
	return frame[pdu.HeaderLen:]
}

func silentConnections(_ *testing.T, h *hostile) {
	var all []*wire
	for range silents {
		all = append(all, h.dialWire(h.from))
	}
	for _, w := range all {
		w.expectEnd()
	}
}
