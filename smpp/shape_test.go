package smpp

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"maskline/smpp/pdu"
)

// upstream is a message as it came from a peer with this format.
func upstream(t testing.TB, in *pdu.Message, from format) *message {
	t.Helper()
	m := &message{up: &session{dialer: &dialer{}}, command: pdu.SubmitSM}
	if r := m.fill(in, &from); r != notRefused {
		t.Fatalf("refused: %d", r)
	}
	return m
}

// described is what a bind is sent: data_coding, then each PDU by its header,
// its sar TLVs, where its text is and the text.
func described(t testing.TB, sh *shape) string {
	t.Helper()
	out := fmt.Sprintf("%d", sh.dataCoding)
	for _, p := range sh.pieces {
		text := p.payload
		out += " |"
		if p.header {
			header, rest, err := pdu.SplitUDH(p.payload)
			if err != nil {
				t.Fatal(err)
			}
			out += fmt.Sprintf(" %x", []byte(header))
			text = rest
		}
		for tag, value := range p.tlvs.All() {
			if tag == pdu.TagMessagePayload {
				if !bytes.Equal(value, p.payload) {
					t.Fatal("message_payload is not the payload")
				}
				out += " payload"
				continue
			}
			out += fmt.Sprintf(" %04x=%x", uint16(tag), value)
		}
		if len(text) > 8 {
			out += fmt.Sprintf(" %d octets", len(text))
		} else {
			out += fmt.Sprintf(" %q", text)
		}
	}
	return out
}

func plainText(coding byte, text string) *pdu.Message {
	return &pdu.Message{DataCoding: coding, ShortMessage: []byte(text)}
}

func withHeader(m *pdu.Message, elements string) *pdu.Message {
	m.ESMClass = pdu.ESMUDHI
	m.ShortMessage = append(append([]byte{byte(len(elements))}, elements...), m.ShortMessage...)
	return m
}

func withSAR(m *pdu.Message, reference uint16, total, part byte) *pdu.Message {
	m.TLVs = pdu.AppendTLV(m.TLVs, pdu.TagSarMsgRefNum, []byte{byte(reference >> 8), byte(reference)})
	m.TLVs = pdu.AppendTLV(m.TLVs, pdu.TagSarTotalSegments, []byte{total})
	m.TLVs = pdu.AppendTLV(m.TLVs, pdu.TagSarSegmentSeqnum, []byte{part})
	return m
}

func inPayload(coding byte, text string) *pdu.Message {
	return &pdu.Message{DataCoding: coding, TLVs: pdu.AppendTLV(nil, pdu.TagMessagePayload, []byte(text))}
}

func TestShape(t *testing.T) {
	const (
		second8  = "\x00\x03\xc8\x03\x02"
		second16 = "\x08\x04\x01\xc8\x03\x02"
		port     = "\x05\x04\x0b\x84\x23\xf0"
		turkish  = "\x24\x01\x01"
	)
	latin1, ucs2 := format{zero: Latin1}, format{zero: UCS2}
	udh, sar, payload := format{long: LongUDH}, format{long: LongSAR}, format{long: LongPayload}
	a := func(n int) string { return strings.Repeat("a", n) }
	longPart := inPayload(0, "\x05"+second8+a(300))
	longPart.ESMClass = pdu.ESMUDHI
	cases := []struct {
		name     string
		in       *pdu.Message
		from, to format
		want     string // empty: as it came; "refused": not at all
	}{
		{"the same alphabet", plainText(0, "a\x00"), format{}, format{}, ""},
		{"UCS2 means the same to all", plainText(8, "\x00a"), format{}, latin1, ""},
		{"Latin-1 by its own number", plainText(3, "\xe9"), format{}, latin1, ""},
		{"binary", plainText(4, "\x00\xff"), format{}, latin1, ""},
		{"septets with a class", plainText(0xF0, "\x00"), format{}, latin1, ""},
		{"septets to Latin-1", plainText(0, "\x00\x05[\x1b<"), format{}, latin1, `0 | "@\xe9\xc4["`},
		{"septets without Latin-1", plainText(0, "a\x1be"), format{}, latin1, `8 | "\x00a \xac"`},
		{"Latin-1 to septets", plainText(0, "@\xe9["), latin1, format{}, `0 | "\x00\x05\x1b<"`},
		{"Latin-1 that is no septet", plainText(0, "\xe7"), latin1, format{}, `8 | "\x00\xe7"`},
		{"UCS2 to septets", plainText(0, "\x00a\x00@"), ucs2, format{}, `0 | "a\x00"`},
		{"UCS2 that is no septet keeps its octets", plainText(0, "\xd8\x3d"), ucs2, format{}, `8 | "\xd8="`},
		{"septets to UCS2", plainText(0, "a"), format{}, ucs2, `0 | "\x00a"`},
		{"shift tables end with the alphabet", withHeader(plainText(0, "\x1bg"), turkish+port), format{}, ucs2, `0 | 05040b8423f0 "\x01\x1f"`},
		{
			"does not fit any more", plainText(0, "\xe7"+a(99)), latin1,
			format{},
			"8 | 080400070201 132 octets | 080400070202 68 octets",
		},
		{"a segment in another alphabet", withHeader(plainText(0, "\xe9"), second8), latin1, format{}, `0 | 0003c80302 "\x05"`},
		{"a segment that does not fit any more", withHeader(plainText(0, "\xe7"+a(99)), second8), latin1, format{}, "refused"},
		{"a sar segment in another alphabet", withSAR(plainText(0, "\xe9"), 0x1c8, 3, 2), latin1, format{}, `0 | 020c=01c8 020e=03 020f=02 "\x05"`},
		{"a payload in another alphabet", inPayload(0, "\xe9"+a(299)), latin1, format{}, "0 | payload 300 octets"},

		{"udh from udh", withHeader(plainText(0, "x"), second16), format{}, udh, ""},
		{"udh from sar", withSAR(plainText(0, "x"), 0x1c8, 3, 2), format{}, udh, `0 | 0003c90302 "x"`},
		{"udh from sar, with a port", withSAR(withHeader(plainText(0, "x"), port), 7, 3, 2), format{}, udh, `0 | 000307030205040b8423f0 "x"`},
		{"udh from a sar segment that is full", withSAR(plainText(0, a(153)), 7, 3, 2), format{}, udh, "0 | 0003070302 153 octets"},
		{"udh from a sar segment that is too long", withSAR(plainText(0, a(154)), 7, 3, 2), format{}, udh, "refused"},
		{"udh from a short payload", inPayload(0, a(160)), format{}, udh, "0 | 160 octets"},
		{"udh from a payload", inPayload(0, a(161)), format{}, udh, "0 | 080400070201 152 octets | 080400070202 9 octets"},
		{"udh from a payload with a port", withHeader(plainText(4, a(150)), port), format{}, udh, "4 | 08040007020105040b8423f0 127 octets | 08040007020205040b8423f0 23 octets"},
		{"udh from 160 septets", plainText(0, a(160)), format{}, udh, ""},
		{"udh from 161 septets", plainText(0, a(161)), format{}, udh, "0 | 080400070201 152 octets | 080400070202 9 octets"},

		{"udh from a segment in a payload", longPart, format{}, udh, "refused"},
		{"sar from a segment in a payload", longPart, format{}, sar, "refused"},
		{"a segment in a payload as it came", longPart, format{}, format{}, ""},

		{"sar from sar", withSAR(plainText(0, "x"), 7, 3, 2), format{}, sar, ""},
		{"sar from udh", withHeader(plainText(0, "x"), second16), format{}, sar, `0 | 020c=01c8 020e=03 020f=02 "x"`},
		{"sar from udh with a port", withHeader(plainText(0, "x"), port+second8), format{}, sar, `0 | 05040b8423f0 020c=00c8 020e=03 020f=02 "x"`},
		{
			"sar from a payload", inPayload(8, strings.Repeat("\x00a", 71)),
			format{},
			sar,
			"8 | 020c=0007 020e=02 020f=01 132 octets | 020c=0007 020e=02 020f=02 10 octets",
		},

		{"payload from a payload", inPayload(0, a(300)), format{}, payload, ""},
		{"payload from a segment", withHeader(plainText(0, "x"), second8), format{}, payload, ""},
		{"payload in another alphabet", inPayload(0, "\xe7"+a(299)), latin1, payload, "8 | payload 600 octets"},
		{"a payload that another alphabet makes too long", inPayload(0, "\xe7"+a(33_000)), latin1, format{}, "refused"},
		{"the longest payload of another alphabet", inPayload(0, "\xe7"+a(32_766)), latin1, payload, "8 | payload 65534 octets"},
		{"payload that fits in another alphabet", inPayload(0, a(100)), latin1, payload, "0 | 100 octets"},

		{"more parts than the window", inPayload(4, a(133*10+1)), format{}, udh, "refused"},
		{"an escape at the cut", inPayload(0, a(151)+"\x1be"+a(20)), format{}, udh, "0 | 080400070201 151 octets | 080400070202 22 octets"},
		{"a pair at the cut", inPayload(8, strings.Repeat("\x00a", 65)+"\xd8\x3d\xde\x00"+strings.Repeat("\x00a", 5)), format{}, udh, "8 | 080400070201 130 octets | 080400070202 14 octets"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := upstream(t, c.in, c.from)
			to := &terms{format: c.to, window: 10, version: pdu.Version34}
			var sh shape
			shaped, r := m.fits(to, &sh, func() uint16 { return 7 })
			got := ""
			switch {
			case r != notRefused:
				got = "refused"
			case shaped:
				got = described(t, &sh)
			}
			if got != c.want {
				t.Fatalf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestHeaderGoesBeforeSAR(t *testing.T) {
	in := withSAR(withHeader(plainText(0, "x"), "\x00\x03\xc8\x03\x02"), 9, 5, 4)
	m := upstream(t, in, format{})
	if m.concat != (pdu.Concatenation{Reference: 0xc8, Total: 3, Part: 2}) || m.sar || len(m.tlvs) != 0 {
		t.Fatalf("%+v, sar %v, %d octets of TLVs", m.concat, m.sar, len(m.tlvs))
	}
}

func TestSARThatContradictsItself(t *testing.T) {
	for name, in := range map[string]*pdu.Message{
		"part 0":               withSAR(plainText(0, "x"), 9, 3, 0),
		"part above the total": withSAR(plainText(0, "x"), 9, 3, 4),
		"total 0":              withSAR(plainText(0, "x"), 9, 0, 1),
	} {
		m := &message{up: &session{dialer: &dialer{}}}
		if r := m.fill(in, &format{}); r != badESMClass {
			t.Errorf("%s: %d", name, r)
		}
	}
}

func TestSpecial(t *testing.T) {
	class2 := plainText(0xF6, "x")
	cases := []struct {
		name string
		in   *pdu.Message
		may  Special
	}{
		{"silent", &pdu.Message{ProtocolID: 0x40}, SpecialSilent},
		{"first replace", &pdu.Message{ProtocolID: 0x41}, SpecialReplace},
		{"last replace", &pdu.Message{ProtocolID: 0x47}, SpecialReplace},
		{"SIM data download", &pdu.Message{ProtocolID: 0x7F}, SpecialSIM},
		{"toolkit element", withHeader(plainText(4, "x"), "\x70\x00"), SpecialSIM},
		{"class 2", class2, SpecialClass2},
		{"return call", &pdu.Message{ProtocolID: 0x5F}, 0},
		{"an SMSC's own", &pdu.Message{ProtocolID: 0xC0}, 0},
	}
	for _, c := range cases {
		for may := range SpecialSilent | SpecialReplace | SpecialSIM | SpecialClass2 + 1 {
			m := &message{up: &session{dialer: &dialer{}}, command: pdu.SubmitSM}
			want := notCarried
			if c.may != 0 && may&c.may != 0 {
				want = notRefused
			}
			if got := m.fill(c.in, &format{special: may}); got != want {
				t.Errorf("%s with leave %04b: %d, want %d", c.name, may, got, want)
			}
		}
	}
}

func TestNumbers(t *testing.T) {
	british := &Numbers{CountryCode: "44", TrunkPrefix: "0", International: "00"}
	closed := &Numbers{CountryCode: "1"}
	cases := []struct {
		name   string
		f      *Numbers
		digits string
		want   string // empty: cannot be written
	}{
		{"international", nil, "447700900123", "447700900123"},
		{"with plus", &Numbers{Plus: true}, "447700900123", "+447700900123"},
		{"national", british, "447700900123", "07700900123"},
		{"another country", british, "33123456789", "0033123456789"},
		{"without trunk prefix", closed, "14155550100", "4155550100"},
		{"another country, which has no form", closed, "447700900123", ""},
	}
	for _, c := range cases {
		got, ok := c.f.append(nil, []byte(c.digits))
		if !ok {
			got = nil
		}
		if string(got) != c.want || c.f.writes([]byte(c.digits)) != (c.want != "") {
			t.Errorf("%s: %q, %v", c.name, got, ok)
		}
	}
	read := []struct {
		name   string
		f      *Numbers
		ton    byte
		digits string
		want   string
	}{
		{"international", nil, 1, "447700900123", "+447700900123"},
		{"with plus", nil, 0, "+447700900123", "+447700900123"},
		{"a name", nil, 5, "4477009001", ""},
		{"a short code", nil, 3, "44770090", ""},
		{"an abbreviated number", nil, 6, "44770090", ""},
		{"too short to be a number", nil, 1, "60123", ""},
		{"national", british, 2, "07700900123", "+447700900123"},
		{"national without trunk prefix", british, 2, "7700900123", "+447700900123"},
		{"unknown type with trunk prefix", british, 0, "07700900123", "+447700900123"},
		{"unknown type with international prefix", british, 0, "0033123456789", "+33123456789"},
		{"unknown type with plus", british, 0, "+33123456789", "+33123456789"},
		{"international on a national bind", british, 1, "33123456789", "+33123456789"},
		{"nothing", british, 2, "", ""},
		{"only the trunk prefix", british, 2, "0", ""},
		{"too long", british, 2, strings.Repeat("7", 60), ""},
	}
	for _, c := range read {
		if got := c.f.sender(pdu.Address{TON: c.ton, Digits: []byte(c.digits)}).Reveal(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestMasksAreDialledWithAnyType(t *testing.T) {
	for ton, want := range map[byte]string{0: "+447700900123", 1: "+447700900123", 3: "+447700900123", 4: "+447700900123", 5: "", 6: "+447700900123"} {
		if got := (*Numbers)(nil).dialled(pdu.Address{TON: ton, Digits: []byte("447700900123")}).Reveal(); got != want {
			t.Errorf("TON %d: %q, want %q", ton, got, want)
		}
	}
}

func TestShapesAllocateNothing(t *testing.T) {
	m := upstream(t, inPayload(0, "\xe7"+strings.Repeat("a", 500)), format{zero: Latin1})
	to := &terms{format: format{long: LongUDH}, window: 10, version: pdu.Version34}
	var sh shape
	next := func() uint16 { return 7 }
	if n := testing.AllocsPerRun(100, func() { _, _ = m.fits(to, &sh, next) }); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}
