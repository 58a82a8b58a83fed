package pdu

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "\n", "", "\t", "").Replace(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// golden is the wire form of sample, written out by hand from SMPP 3.4 §4.4.1.
const golden = `
	0000006c 00000004 00000000 00000007
	00
	01 01 343437373030393030303031 00
	01 01 343431313130303030303031 00
	40 00 01 00
	30303030303131303030303030303052 00
	01 00 00 00
	0c 050003c80302 48656c6c6f21
	020a 0002 1f90
	020b 0002 23f4
	1401 0003 010203
	1401 0000`

func sample() *Message {
	return &Message{
		ServiceType:          []byte{},
		Source:               Address{1, 1, []byte("447700900001")},
		Destination:          Address{1, 1, []byte("441110000001")},
		ESMClass:             ESMUDHI,
		PriorityFlag:         1,
		ScheduleDeliveryTime: []byte{},
		ValidityPeriod:       []byte("000001100000000R"),
		RegisteredDelivery:   RegisteredBoth,
		ShortMessage:         []byte("\x05\x00\x03\xc8\x03\x02Hello!"),
		TLVs: AppendTLV(AppendTLV(AppendTLV(AppendTLV(nil,
			TagSourcePort, []byte{0x1f, 0x90}), TagDestinationPort, []byte{0x23, 0xf4}), 0x1401, []byte{1, 2, 3}), 0x1401, nil),
	}
}

func TestMessageGolden(t *testing.T) {
	frame, err := sample().Append(nil, SubmitSM, 7)
	if err != nil {
		t.Fatal(err)
	}
	want := unhex(t, golden)
	if !bytes.Equal(frame, want) {
		t.Fatalf("got\n%s\nwant\n%s", hex.Dump(frame), hex.Dump(want))
	}
	var m Message
	if err := m.Decode(want[HeaderLen:]); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(&m, sample()) {
		t.Fatalf("decoded %+v", m)
	}
}

// body builds a submit_sm body octet by octet, so that each part can be wrong.
func body(parts ...string) []byte { return []byte(strings.Join(parts, "")) }

const (
	addrs = "\x01\x01447700900001\x00\x01\x01441110000001\x00"
	flags = "\x00\x00\x00"
	times = "\x00\x00"
	tail  = "\x00\x00\x00\x00"
)

func TestMessageFaults(t *testing.T) {
	nines := func(n int) string { return strings.Repeat("9", n) }
	cases := []struct {
		name   string
		body   []byte
		status Status
		field  string
	}{
		{"empty", nil, RInvCmdLen, "service_type"},
		{"service_type too long", body("CMTXYZ\x00", addrs, flags, times, tail, "\x00"), RInvSerTyp, "service_type"},
		{"service_type without end", body("CMT"), RInvCmdLen, "service_type"},
		{"source too long", body("\x00\x01\x01", nines(21), "\x00\x01\x01\x00"), RInvSrcAdr, "source_addr"},
		{"source without end", body("\x00\x01\x01", nines(15)), RInvCmdLen, "source_addr"},
		{"destination too long", body("\x00\x01\x01\x00\x01\x01", nines(21), "\x00", flags), RInvDstAdr, "destination_addr"},
		{"ends after the addresses", body("\x00", addrs), RInvCmdLen, "esm_class"},
		{"schedule too long", body("\x00", addrs, flags, nines(17), "\x00"), RInvSched, "schedule_delivery_time"},
		{"schedule too short", body("\x00", addrs, flags, nines(15), "\x00\x00", tail, "\x00"), RInvSched, "schedule_delivery_time"},
		{"validity too short", body("\x00", addrs, flags, "\x00", nines(3), "\x00", tail, "\x00"), RInvExpiry, "validity_period"},
		{"no sm_length", body("\x00", addrs, flags, times, tail), RInvCmdLen, "registered_delivery"},
		{"sm_length above the body", body("\x00", addrs, flags, times, tail, "\x05hell"), RInvMsgLen, "short_message"},
		{"sm_length above 254", body("\x00", addrs, flags, times, tail, "\xff", nines(255)), RInvMsgLen, "short_message"},
		{"octets left over", body("\x00", addrs, flags, times, tail, "\x00\x01\x02\x03"), RInvOptParStream, "optional parameters"},
		{"TLV longer than the body", body("\x00", addrs, flags, times, tail, "\x00\x02\x0a\x00\x03\x01\x02"), RInvParLen, "optional parameters"},
		{"TLV as long as can be", body("\x00", addrs, flags, times, tail, "\x00\x02\x0a\xff\xff"), RInvParLen, "optional parameters"},
		{"text and payload", body("\x00", addrs, flags, times, tail, "\x01x\x04\x24\x00\x01y"), ROptParNotAllwd, "message_payload"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := new(Message).Decode(c.body)
			var f *Fault
			if !errors.As(err, &f) || f.Status != c.status || f.Field != c.field {
				t.Fatalf("got %v, want %s with 0x%X", err, c.field, c.status)
			}
		})
	}
}

func TestMessageEveryCutIsAFault(t *testing.T) {
	whole := unhex(t, golden)[HeaderLen:]
	tlvEnds := map[int]bool{}
	var m Message
	if err := m.Decode(whole); err != nil {
		t.Fatal(err)
	}
	at := len(whole) - len(m.TLVs)
	tlvEnds[at] = true
	for _, value := range m.TLVs.All() {
		at += tlvHeaderLen + len(value)
		tlvEnds[at] = true
	}
	for i := range len(whole) {
		if err := m.Decode(whole[:i]); (err == nil) != tlvEnds[i] {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
}

func TestMessageAppendRefuses(t *testing.T) {
	cases := []struct {
		name   string
		change func(*Message)
		status Status
	}{
		{"long service_type", func(m *Message) { m.ServiceType = []byte("CMTXYZ") }, RInvSerTyp},
		{"NUL in the source", func(m *Message) { m.Source.Digits = []byte("44\x0077") }, RInvSrcAdr},
		{"long destination", func(m *Message) { m.Destination.Digits = bytes.Repeat([]byte("9"), 21) }, RInvDstAdr},
		{"short validity", func(m *Message) { m.ValidityPeriod = []byte("0") }, RInvExpiry},
		{"long schedule", func(m *Message) { m.ScheduleDeliveryTime = bytes.Repeat([]byte("9"), 17) }, RInvSched},
		{"long text", func(m *Message) { m.ShortMessage = make([]byte, 255) }, RInvMsgLen},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := sample()
			c.change(m)
			before := []byte("kept")
			dst, err := m.Append(before, SubmitSM, 1)
			if StatusOf(err) != c.status {
				t.Fatalf("fault %v", err)
			}
			if string(dst) != "kept" {
				t.Fatal("a part of the PDU stayed behind")
			}
		})
	}
}

func TestFaultsQuoteNothing(t *testing.T) {
	err := new(Message).Decode(body("\x00\x01\x01", strings.Repeat("4477009", 4), "\x00"))
	if err == nil || strings.Contains(err.Error(), "7009") {
		t.Fatalf("the fault says %v", err)
	}
}

func TestPayload(t *testing.T) {
	m := Message{ShortMessage: []byte("short")}
	if string(m.Payload()) != "short" {
		t.Fatal("short_message is not the payload")
	}
	m = Message{TLVs: AppendTLV(AppendTLV(nil, 0x1400, []byte("no")), TagMessagePayload, []byte("long"))}
	if string(m.Payload()) != "long" {
		t.Fatal("message_payload is not the payload")
	}
}

func FuzzMessage(f *testing.F) {
	f.Add(unhex(f, golden)[HeaderLen:])
	f.Add(body("\x00", addrs, flags, times, tail, "\x05hello\x04\x24\x00\x01y"))
	f.Add(append(body("\x00", addrs, flags, times, tail, "\x00"), bytes.Repeat([]byte{0x14, 0, 0, 0}, 10_000)...))
	f.Fuzz(func(t *testing.T, body []byte) {
		var m Message
		if m.Decode(body) != nil {
			return
		}
		frame, err := m.Append(nil, DeliverSM, 1)
		if err != nil {
			t.Fatalf("a decoded message cannot be encoded: %v", err)
		}
		if !bytes.Equal(frame[HeaderLen:], body) {
			t.Fatal("decoding and encoding changed the message")
		}
		for tag, value := range m.TLVs.All() {
			_, _ = tag, value
		}
		if m.ESMClass&ESMUDHI != 0 {
			checkUDH(t, m.Payload())
		}
		_, _ = ParseReceipt(&m)
	})
}

// benchmarkFrame is a submit_sm of 190 octets with three TLVs.
func benchmarkFrame(t testing.TB) []byte {
	m := sample()
	m.ESMClass = 0
	m.ShortMessage = bytes.Repeat([]byte("x"), 101)
	m.TLVs = AppendTLV(AppendTLV(AppendTLV(nil, TagSarMsgRefNum, []byte{0, 1}), TagSarTotalSegments, []byte{2}), TagSarSegmentSeqnum, []byte{1})
	frame, err := m.Append(nil, SubmitSM, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(frame) != 190 {
		t.Fatalf("%d octets", len(frame))
	}
	return frame
}

func TestDecodeAllocatesNothing(t *testing.T) {
	frame := benchmarkFrame(t)
	var m Message
	n := testing.AllocsPerRun(100, func() {
		_ = m.Decode(frame[HeaderLen:])
		for range m.TLVs.All() {
		}
	})
	if n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func BenchmarkMessageDecode(b *testing.B) {
	frame := benchmarkFrame(b)
	b.ReportAllocs()
	var m Message
	for b.Loop() {
		if err := m.Decode(frame[HeaderLen:]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMessageAppend(b *testing.B) {
	frame := benchmarkFrame(b)
	var m Message
	if err := m.Decode(frame[HeaderLen:]); err != nil {
		b.Fatal(err)
	}
	dst := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Append(dst, SubmitSM, 1); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTLVsAll(b *testing.B) {
	var m Message
	if err := m.Decode(benchmarkFrame(b)[HeaderLen:]); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		for tag, value := range m.TLVs.All() {
			_, _ = tag, value
		}
	}
}
