package leak

import (
	"strings"
	"testing"

	"maskline/e164"
	"maskline/smpp/pdu"
)

func TestWatch(t *testing.T) {
	rider, driver := e164.MustParse("+447700900101"), e164.MustParse("+447700900202")
	w := NewWatch(rider, driver)
	address := func(digits string) pdu.Address { return pdu.Address{TON: 1, NPI: 1, Digits: []byte(digits)} }
	message := func(c pdu.Command, from, to, text string) []byte {
		m := pdu.Message{Source: address(from), Destination: address(to), ShortMessage: []byte(text)}
		frame, err := m.Append(nil, c, 1)
		if err != nil {
			t.Fatal(err)
		}
		return frame
	}
	sip := func(lines ...string) []byte { return []byte(strings.Join(lines, "\r\n") + "\r\n\r\n") }
	const mask = "442079460001"
	cases := []struct {
		name  string
		found []Finding
		leaks bool
	}{
		{"submit_sm to the driver", w.SMPP(message(pdu.SubmitSM, mask, "447700900202", "hello")), false},
		{"submit_sm that shows the rider", w.SMPP(message(pdu.SubmitSM, "447700900101", "447700900202", "hello")), true},
		{"submit_sm with the rider in its text", w.SMPP(message(pdu.SubmitSM, mask, "447700900202", "call 07700900101")), true},
		{"deliver_sm to an account that shows a party", w.SMPP(message(pdu.DeliverSM, "447700900101", mask, "hello")), true},
		{"response", w.SMPP(pdu.AppendMessageResp(nil, pdu.DeliverSMResp, pdu.ROK, 1, nil)), false},
		{"INVITE to the driver", w.SIP(sip("INVITE sip:+447700900202@h SIP/2.0", "From: <sip:+442079460001@m>;tag=1", "To: <sip:+447700900202@h>")), false},
		{"INVITE with the rider in Contact", w.SIP(sip("INVITE sip:+447700900202@h SIP/2.0", "From: <sip:+442079460001@m>;tag=1", "To: <sip:+447700900202@h>", "Contact: <sip:+447700900101@m>")), true},
		{"response to the rider", w.SIP(sip("SIP/2.0 180 Ringing", "From: <sip:+447700900101@h>;tag=1", "To: <sip:+442079460001@m>;tag=2")), false},
		{"response to the rider that shows the driver", w.SIP(sip("SIP/2.0 180 Ringing", "f: <sip:+447700900101@h>;tag=1", "t: <sip:+442079460001@m>;tag=2", "Contact: <sip:+447700900202@m>")), true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if (len(c.found) > 0) != c.leaks {
				t.Fatalf("found %v", c.found)
			}
		})
	}
}

// 1936 as a sequence number, with an empty service_type and an international
// address after it, is 7009001 in semi-octets.
func TestASequenceNumberIsNoNumber(t *testing.T) {
	w := NewWatch(e164.MustParse("+447700900101"))
	m := pdu.Message{Source: pdu.Address{TON: 1, NPI: 1, Digits: []byte("442079460001")}}
	frame, err := m.Append(nil, pdu.DeliverSM, 1936)
	if err != nil {
		t.Fatal(err)
	}
	if found := w.SMPP(frame); len(found) > 0 {
		t.Fatalf("found %v", found)
	}
	if len(w.SMPP([]byte("07700900101"))) == 0 {
		t.Fatal("found nothing in what is no PDU")
	}
}

func TestAPeerMayHearOfWhomItWroteTo(t *testing.T) {
	party := e164.MustParse("+447700900101")
	w := NewWatch(party)
	receipt := pdu.Message{Source: pdu.Address{TON: 1, NPI: 1, Digits: []byte("447700900101")}, ESMClass: pdu.ESMReceipt}
	frame, err := receipt.Append(nil, pdu.DeliverSM, 1)
	if err != nil {
		t.Fatal(err)
	}
	if found := w.SMPP(frame, party); len(found) > 0 {
		t.Fatalf("found %v", found)
	}
	if len(w.SMPP(frame)) == 0 {
		t.Fatal("found nothing towards a peer who does not know the number")
	}
}
