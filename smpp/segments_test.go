package smpp

import (
	"bytes"
	"testing"

	"maskline/smpp/pdu"
)

func TestSegments(t *testing.T) {
	octets := func(n int) []byte { return bytes.Repeat([]byte{'x'}, n) }
	udh := func(header []byte, n int) []byte { return append(header, octets(n)...) }
	ports := []byte{6, 5, 4, 0, 1, 0, 2}
	part := []byte{5, 0, 3, 1, 2, 1}
	sar := pdu.AppendTLV(nil, pdu.TagSarMsgRefNum, []byte{0, 1})
	cases := []struct {
		name    string
		coding  byte
		payload []byte
		udhi    bool
		tlvs    pdu.TLVs
		want    int
	}{
		{"nothing", 0, nil, false, nil, 1},
		{"one of 7 bits, full", 0, octets(160), false, nil, 1},
		{"one more", 0, octets(161), false, nil, 2},
		{"two, full", 0, octets(306), false, nil, 2},
		{"three", 0, octets(307), false, nil, 3},
		{"Latin-1 becomes 7 bits", 3, octets(160), false, nil, 1},
		{"8 bits, full", 4, octets(140), false, nil, 1},
		{"8 bits, one more", 4, octets(141), false, nil, 2},
		{"8 bits, two full", 4, octets(268), false, nil, 2},
		{"8 bits, three", 4, octets(269), false, nil, 3},
		{"UCS-2, full", 8, octets(140), false, nil, 1},
		{"UCS-2, one more", 8, octets(142), false, nil, 2},
		{"UCS-2, two full", 8, octets(268), false, nil, 2},
		{"UCS-2, three", 8, octets(270), false, nil, 3},
		{"class 0, UCS-2", 0x18, octets(142), false, nil, 2},
		{"class 1, 7 bits", 0xF1, octets(160), false, nil, 1},
		{"class 1, 8 bits", 0xF5, octets(141), false, nil, 2},
		{"waiting indication, 7 bits", 0xC8, octets(160), false, nil, 1},
		{"waiting indication, UCS-2", 0xE8, octets(142), false, nil, 2},
		{"a part, full", 0, udh(part, 153), true, nil, 1},
		{"a part of 8 bits, full", 4, udh(part, 134), true, nil, 1},
		{"a part by TLVs, full", 0, octets(160), false, sar, 1},
		{"a part that is no short message", 0, udh(part, 30_000), true, nil, 197},
		{"a part by TLVs that is none", 4, octets(30_000), false, sar, 215},
		{"ports, full", 0, udh(ports, 152), true, nil, 1},
		{"ports, one more", 0, udh(ports, 153), true, nil, 2},
		{"the longest payload", 8, octets(65535), false, nil, 490},
		{"a header as long as a message", 0, udh(append([]byte{139, 0x24, 137}, octets(137)...), 30), true, nil, 1},
		{"a header that promises too much", 0, udh([]byte{255}, 200), true, nil, 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in := pdu.Message{DataCoding: c.coding, TLVs: c.tlvs}
			if len(c.payload) <= pdu.MaxText {
				in.ShortMessage = c.payload
			} else {
				in.TLVs = pdu.AppendTLV(c.tlvs, pdu.TagMessagePayload, c.payload)
			}
			if c.udhi {
				in.ESMClass = pdu.ESMUDHI
			}
			if got := segmentsOf(&in, GSM7); got != c.want {
				t.Fatalf("%d segments, want %d", got, c.want)
			}
		})
	}
}

func TestSegmentsOfTheDefaultAlphabet(t *testing.T) {
	in := pdu.Message{ShortMessage: bytes.Repeat([]byte{0, 'x'}, 71)}
	if gsm7, ucs2 := segmentsOf(&in, GSM7), segmentsOf(&in, UCS2); gsm7 != 1 || ucs2 != 2 {
		t.Fatalf("%d of 7 bits, %d of UCS-2", gsm7, ucs2)
	}
}

// What an account submits counts by segments, and so does what leaves.
func TestRatesCountSegments(t *testing.T) {
	s := newStill(t, func(c *Config) { c.Accounts[0].TPS = 10 })
	shop, alfa := s.account("shop"), s.carrier("alfa")
	long := text(alice, maskOfBob, "")
	long.TLVs = pdu.AppendTLV(nil, pdu.TagMessagePayload, bytes.Repeat([]byte{'x'}, 10*153))
	shop.submit(long)
	alfa.one(pdu.SubmitSM)
	shop.submit(text(alice, maskOfBob, "too soon"))
	if r := shop.one(pdu.SubmitSMResp); r.Status != pdu.RThrottled {
		t.Fatalf("answered %02x", uint32(r.Status))
	}
	s.pass(second)
	shop.submit(text(alice, maskOfBob, "paid for"))
	alfa.one(pdu.SubmitSM)
}

func BenchmarkSegments(b *testing.B) {
	in := pdu.Message{ShortMessage: bytes.Repeat([]byte{'x'}, 120)}
	b.ReportAllocs()
	for b.Loop() {
		segmentsOf(&in, GSM7)
	}
}
