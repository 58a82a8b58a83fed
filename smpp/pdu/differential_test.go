package pdu

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"testing"

	gopdu "github.com/fiorix/go-smpp/v2/smpp/pdu"
	"github.com/fiorix/go-smpp/v2/smpp/pdu/pdufield"
	"github.com/fiorix/go-smpp/v2/smpp/pdu/pdutext"
	"github.com/fiorix/go-smpp/v2/smpp/pdu/pdutlv"
)

// fields is a message as go-smpp names its fields; numbers are single octets.
func fields(m *Message) map[pdufield.Name][]byte {
	one := func(b byte) []byte { return []byte{b} }
	return map[pdufield.Name][]byte{
		pdufield.ServiceType:          m.ServiceType,
		pdufield.SourceAddrTON:        one(m.Source.TON),
		pdufield.SourceAddrNPI:        one(m.Source.NPI),
		pdufield.SourceAddr:           m.Source.Digits,
		pdufield.DestAddrTON:          one(m.Destination.TON),
		pdufield.DestAddrNPI:          one(m.Destination.NPI),
		pdufield.DestinationAddr:      m.Destination.Digits,
		pdufield.ESMClass:             one(m.ESMClass),
		pdufield.ProtocolID:           one(m.ProtocolID),
		pdufield.PriorityFlag:         one(m.PriorityFlag),
		pdufield.ScheduleDeliveryTime: m.ScheduleDeliveryTime,
		pdufield.ValidityPeriod:       m.ValidityPeriod,
		pdufield.RegisteredDelivery:   one(m.RegisteredDelivery),
		pdufield.ReplaceIfPresentFlag: one(m.ReplaceIfPresent),
		pdufield.DataCoding:           one(m.DataCoding),
		pdufield.SMDefaultMsgID:       one(m.DefaultMessageID),
		pdufield.ShortMessage:         m.ShortMessage,
	}
}

// randomMessage has no repeated TLV and no UDHI: go-smpp gets both wrong.
func randomMessage(r *rand.Rand) *Message {
	octets := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.UintN(256))
		}
		return b
	}
	digits := func(n int) []byte {
		b := make([]byte, r.IntN(n+1))
		for i := range b {
			b[i] = '0' + byte(r.UintN(10))
		}
		return b
	}
	m := &Message{
		ServiceType: digits(5), Source: Address{byte(r.UintN(7)), byte(r.UintN(19)), digits(20)},
		Destination: Address{byte(r.UintN(7)), byte(r.UintN(19)), digits(20)}, ESMClass: byte(r.UintN(256)) &^ ESMUDHI,
		ProtocolID: byte(r.UintN(256)), PriorityFlag: byte(r.UintN(4)), ValidityPeriod: []byte("000001100000000R"),
		RegisteredDelivery: byte(r.UintN(32)), ReplaceIfPresent: byte(r.UintN(2)), DataCoding: byte(r.UintN(256)),
		DefaultMessageID: byte(r.UintN(256)), ShortMessage: octets(r.IntN(MaxText + 1)),
	}
	for tag := range Tag(r.UintN(5)) {
		m.TLVs = AppendTLV(m.TLVs, 0x1400+tag, octets(r.IntN(40)))
	}
	return m
}

func TestGoSMPPDecodesAsWeDo(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 5000 {
		command := SubmitSM
		if i%2 == 1 {
			command = DeliverSM
		}
		frame, err := randomMessage(r).Append(nil, command, uint32(i+1))
		if err != nil {
			t.Fatal(err)
		}
		var ours Message
		if err := ours.Decode(frame[HeaderLen:]); err != nil {
			t.Fatal(err)
		}
		theirs, err := gopdu.Decode(bytes.NewReader(frame))
		if err != nil {
			t.Fatal(err)
		}
		if h := ParseHeader(frame); uint32(theirs.Header().ID) != uint32(h.Command) || theirs.Header().Seq != h.Sequence {
			t.Fatal("headers differ")
		}
		for name, want := range fields(&ours) {
			if got := bytes.TrimSuffix(theirs.Fields()[name].Bytes(), []byte{0}); !bytes.Equal(got, bytes.TrimSuffix(want, []byte{0})) {
				t.Fatalf("%s: they read % x, we % x", name, got, want)
			}
		}
		tlvs := maps.Collect(ours.TLVs.All())
		if len(tlvs) != len(theirs.TLVFields()) {
			t.Fatal("counts of TLVs differ")
		}
		for tag, value := range tlvs {
			if got := theirs.TLVFields()[pdutlv.Tag(tag)]; got == nil || !bytes.Equal(got.Bytes(), value) {
				t.Fatalf("TLV %04x differs", tag)
			}
		}
	}
}

func TestWeDecodeWhatGoSMPPWrites(t *testing.T) {
	p := gopdu.NewSubmitSM(nil)
	for name, value := range map[pdufield.Name]any{
		pdufield.SourceAddrTON: 5, pdufield.SourceAddr: "Shop", pdufield.DestAddrTON: 1, pdufield.DestAddrNPI: 1,
		pdufield.DestinationAddr: "447700900001", pdufield.RegisteredDelivery: 1,
		pdufield.ShortMessage: pdutext.UCS2("Привет"),
	} {
		if err := p.Fields().Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.TLVFields().Set(pdutlv.TagDestinationPort, []byte{0, 1}); err != nil {
		t.Fatal(err)
	}
	var frame bytes.Buffer
	if err := p.SerializeTo(&frame); err != nil {
		t.Fatal(err)
	}
	var m Message
	if err := m.Decode(frame.Bytes()[HeaderLen:]); err != nil {
		t.Fatal(err)
	}
	port, _ := m.TLVs.Find(TagDestinationPort)
	if string(m.Source.Digits) != "Shop" || m.Source.TON != 5 || string(m.Destination.Digits) != "447700900001" ||
		m.DataCoding != 8 || string(pdutext.UCS2(m.ShortMessage).Decode()) != "Привет" || !bytes.Equal(port, []byte{0, 1}) {
		t.Fatalf("decoded %+v", m)
	}
}

func TestBindAsGoSMPP(t *testing.T) {
	b := Bind{SystemID: []byte("a"), Password: []byte("b"), SystemType: []byte("c"), InterfaceVersion: Version34, AddrTON: 2, AddrNPI: 3, AddressRange: []byte("4")}
	frame, err := b.Append(nil, BindTransceiver, 1)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := gopdu.Decode(bytes.NewReader(frame))
	if err != nil {
		t.Fatal(err)
	}
	want := map[pdufield.Name]string{
		pdufield.SystemID: "a", pdufield.Password: "b", pdufield.SystemType: "c", pdufield.InterfaceVersion: "52",
		pdufield.AddrTON: "2", pdufield.AddrNPI: "3", pdufield.AddressRange: "4",
	}
	for name, value := range want {
		if got := theirs.Fields()[name].String(); got != value {
			t.Errorf("%s: they read %q", name, got)
		}
	}
}

// FuzzAgainstGoSMPP lets both decode: what we accept without a user data
// header they must read alike.
func FuzzAgainstGoSMPP(f *testing.F) {
	f.Add(unhex(f, golden)[HeaderLen:])
	f.Fuzz(func(t *testing.T, body []byte) {
		var ours Message
		if len(body) > 4000 || ours.Decode(body) != nil || ours.ESMClass&ESMUDHI != 0 {
			return
		}
		frame, err := ours.Append(nil, SubmitSM, 1)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := gopdu.Decode(bytes.NewReader(frame))
		if err != nil {
			t.Fatalf("go-smpp refuses what we accept: %v", err)
		}
		for name, want := range fields(&ours) {
			got := theirs.Fields()[name]
			if got == nil || !bytes.Equal(bytes.TrimSuffix(got.Bytes(), []byte{0}), bytes.TrimSuffix(want, []byte{0})) {
				t.Fatalf("%s differs", name)
			}
		}
	})
}
