package pdu

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// pduOf is what the PDUs of this file have in common.
type pduOf interface {
	Decode(body []byte) error
	Append(dst []byte, sequence uint32) ([]byte, error)
}

func number(digits string) Address { return Address{1, 1, []byte(digits)} }

func TestOperationsGolden(t *testing.T) {
	one := func() pduOf { return new(Query) }
	cases := []struct {
		name string
		pdu  pduOf
		make func() pduOf
		want string
	}{
		{
			"query_sm", &Query{[]byte("17"), number("4477")}, one,
			"0000001a 00000003 00000000 00000005 313700 0101 3434373700",
		},
		{
			"cancel_sm", &Cancel{[]byte("CMT"), []byte("17"), number("4477"), number("4411")},
			func() pduOf { return new(Cancel) },
			"00000025 00000008 00000000 00000005 434d5400 313700 0101 3434373700 0101 3434313100",
		},
		{
			"cancel_sm of all", &Cancel{[]byte{}, []byte{}, number("4477"), Address{5, 0, []byte("Shop")}},
			func() pduOf { return new(Cancel) },
			"00000020 00000008 00000000 00000005 00 00 0101 3434373700 0500 53686f7000",
		},
		{
			"replace_sm", &Replace{[]byte("17"), number("4477"), []byte{}, []byte("000001100000000R"), 1, 0, []byte("new")},
			func() pduOf { return new(Replace) },
			"00000032 00000007 00000000 00000005 313700 0101 3434373700 00 30303030303131303030303030303052 00 01 00 03 6e6577",
		},
		{
			"outbind", &OutbindRequest{[]byte("smsc"), []byte("secret")}, func() pduOf { return new(OutbindRequest) },
			"0000001c 0000000b 00000000 00000005 736d736300 73656372657400",
		},
		{
			"alert_notification", &Alert{number("4477"), number("4411"), AppendTLV(nil, 0x0422, []byte{0})},
			func() pduOf { return new(Alert) },
			"00000023 00000102 00000000 00000005 0101 3434373700 0101 3434313100 0422 0001 00",
		},
		{
			"submit_multi", &Multi{
				Message: Message{
					ServiceType: []byte{}, Source: number("4477"), ScheduleDeliveryTime: []byte{}, ValidityPeriod: []byte{},
					DataCoding: 8, ShortMessage: []byte("\x00A"), TLVs: AppendTLV(nil, TagUserMessageReference, []byte{0, 7}),
				},
				Destinations: Destinations(nil).AppendNumber(number("4411")).AppendList([]byte("staff")),
			},
			func() pduOf { return new(Multi) },
			`0000003a 00000021 00000000 00000005 00 0101 3434373700 02 01 0101 3434313100 02 737461666600
			00 00 00 00 00 00 00 08 00 02 0041 0204 0002 0007`,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			frame, err := c.pdu.Append([]byte("kept"), 5)
			if err != nil {
				t.Fatal(err)
			}
			frame = frame[len("kept"):]
			if want := unhex(t, c.want); !bytes.Equal(frame, want) {
				t.Fatalf("got\n% x\nwant\n% x", frame, want)
			}
			got := c.make()
			if err := got.Decode(frame[HeaderLen:]); err != nil || !reflect.DeepEqual(got, c.pdu) {
				t.Fatalf("%v: %+v", err, got)
			}
			for i := range len(frame) - HeaderLen {
				if got.Decode(frame[HeaderLen:HeaderLen+i]) == nil && !endsBeforeTLVs(c.pdu, len(frame)-HeaderLen-i) {
					t.Errorf("cut at %d was accepted", i)
				}
			}
			if err := got.Decode(append(frame[HeaderLen:], 0)); err == nil {
				t.Error("an octet too many was accepted")
			}
		})
	}
}

// endsBeforeTLVs reports whether a PDU that is so many octets shorter has lost
// its TLVs and nothing else.
func endsBeforeTLVs(p pduOf, shorter int) bool {
	switch p := p.(type) {
	case *Alert:
		return shorter == len(p.TLVs)
	case *Multi:
		return shorter == len(p.TLVs)
	default:
		return false
	}
}

func TestOperationsFaults(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	const from, to = "\x01\x014477\x00", "\x01\x014411\x00"
	const rest = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	cases := []struct {
		name   string
		pdu    pduOf
		body   string
		field  string
		status Status
	}{
		{"query_sm: long id", new(Query), x(65) + "\x00" + from, "message_id", RInvMsgID},
		{"query_sm: long source", new(Query), "1\x00\x01\x01" + x(21) + "\x00", "source_addr", RInvSrcAdr},
		{"cancel_sm: long service_type", new(Cancel), x(6) + "\x001\x00" + from + to, "service_type", RInvSerTyp},
		{"cancel_sm: long id", new(Cancel), "\x00" + x(65) + "\x00" + from + to, "message_id", RInvMsgID},
		{"cancel_sm: long destination", new(Cancel), "\x001\x00" + from + "\x01\x01" + x(21) + "\x00", "destination_addr", RInvDstAdr},
		{"replace_sm: short schedule", new(Replace), "1\x00" + from + "12\x00\x00\x00\x00\x00", "schedule_delivery_time", RInvSched},
		{"replace_sm: short validity", new(Replace), "1\x00" + from + "\x0012\x00\x00\x00\x00", "validity_period", RInvExpiry},
		{"replace_sm: text above the body", new(Replace), "1\x00" + from + "\x00\x00\x00\x00\x05hell", "short_message", RInvMsgLen},
		{"replace_sm: TLVs", new(Replace), "1\x00" + from + "\x00\x00\x00\x00\x00\x02\x04\x00\x00", "command_length", RInvCmdLen},
		{"outbind: long system_id", new(OutbindRequest), x(16) + "\x00p\x00", "system_id", RInvSysID},
		{"outbind: long password", new(OutbindRequest), "s\x00" + x(9) + "\x00", "password", RInvPaswd},
		{"alert_notification: long source", new(Alert), "\x01\x01" + x(65) + "\x00" + to, "source_addr", RInvSrcAdr},
		{"alert_notification: TLV above the body", new(Alert), from + to + "\x04\x22\x00\x02\x01", "optional parameters", RInvParLen},
		{"submit_multi: no destination", new(Multi), "\x00" + from + "\x00" + rest, "number_of_dests", RInvNumDests},
		{"submit_multi: 255 destinations", new(Multi), "\x00" + from + "\xff" + strings.Repeat("\x01"+to, 255) + rest, "number_of_dests", RInvNumDests},
		{"submit_multi: fewer than counted", new(Multi), "\x00" + from + "\x02\x01" + to, "dest_flag", RInvCmdLen},
		{"submit_multi: dest_flag 3", new(Multi), "\x00" + from + "\x01\x03" + to + rest, "dest_flag", RInvDestFlag},
		{"submit_multi: long list name", new(Multi), "\x00" + from + "\x01\x02" + x(21) + "\x00" + rest, "dl_name", RInvDLName},
		{"submit_multi: long destination", new(Multi), "\x00" + from + "\x01\x01\x01\x01" + x(21) + "\x00" + rest, "destination_addr", RInvDstAdr},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var f *Fault
			if err := c.pdu.Decode([]byte(c.body)); !errors.As(err, &f) || f.Field != c.field || f.Status != c.status {
				t.Fatalf("got %v, want %s with 0x%02X", err, c.field, c.status)
			}
		})
	}
}

func TestOperationsRefuseToWrite(t *testing.T) {
	long := bytes.Repeat([]byte("x"), 66)
	many := Destinations(nil)
	for range 255 {
		many = many.AppendNumber(number("4411"))
	}
	cases := []struct {
		name   string
		pdu    pduOf
		status Status
	}{
		{"query_sm", &Query{MessageID: long}, RInvMsgID},
		{"cancel_sm", &Cancel{Destination: Address{Digits: long}}, RInvDstAdr},
		{"replace_sm, long text", &Replace{ShortMessage: make([]byte, 255)}, RInvMsgLen},
		{"replace_sm, short time", &Replace{ValidityPeriod: []byte("1")}, RInvExpiry},
		{"outbind", &OutbindRequest{Password: long}, RInvPaswd},
		{"alert_notification", &Alert{Source: Address{Digits: long}}, RInvSrcAdr},
		{"submit_multi to nobody", &Multi{}, RInvNumDests},
		{"submit_multi to 255", &Multi{Destinations: many}, RInvNumDests},
		{"submit_multi to a long number", &Multi{Destinations: Destinations(nil).AppendNumber(Address{Digits: long})}, RInvDstAdr},
		{"submit_multi to a long list name", &Multi{Destinations: Destinations(nil).AppendList(long)}, RInvDLName},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got, err := c.pdu.Append([]byte("kept"), 1); StatusOf(err) != c.status || string(got) != "kept" {
				t.Fatalf("got %q, %v", got, err)
			}
		})
	}
}

func TestQueryResp(t *testing.T) {
	want := unhex(t, "00000026 80000003 00000000 00000005 313700 32363131323230303030303030303030 00 02 11")
	want[len(want)-4] = '+'
	r := QueryResp{[]byte("17"), []byte("261122000000000+"), Delivered, 0x11}
	frame, err := r.Append(nil, ROK, 5)
	if err != nil || !bytes.Equal(frame, want) {
		t.Fatalf("% x, %v", frame, err)
	}
	var got QueryResp
	if err := got.Decode(ROK, frame[HeaderLen:]); err != nil || !reflect.DeepEqual(got, r) {
		t.Fatalf("%v: %+v", err, got)
	}
	if err := got.Decode(ROK, nil); StatusOf(err) != RInvCmdLen {
		t.Fatalf("an answer without body: %v", err)
	}
	if frame, err := r.Append(nil, RQueryFail, 5); err != nil || len(frame) != HeaderLen || got.Decode(RQueryFail, nil) != nil {
		t.Fatalf("a refusal has a body: % x", frame)
	}
	if err := got.Decode(ROK, []byte("17\x0012\x00\x02\x00")); StatusOf(err) != RQueryFail {
		t.Fatalf("a short final_date: %v", err)
	}
}

func TestMultiResp(t *testing.T) {
	r := MultiResp{[]byte("17"), Unsuccessful(nil).Append(number("4411"), RInvDstAdr).Append(number("4422"), RThrottled)}
	frame, err := r.Append(nil, ROK, 5)
	if want := unhex(t, `0000002a 80000021 00000000 00000005 313700 02
		0101 3434313100 0000000b 0101 3434323200 00000058`); err != nil || !bytes.Equal(frame, want) {
		t.Fatalf("% x, %v", frame, err)
	}
	var got MultiResp
	if err := got.Decode(ROK, frame[HeaderLen:]); err != nil || !reflect.DeepEqual(got, r) {
		t.Fatalf("%v: %+v", err, got)
	}
	var statuses []Status
	for a, s := range got.Unsuccessful.All() {
		if a.TON != 1 {
			t.Errorf("%+v", a)
		}
		statuses = append(statuses, s)
	}
	if !reflect.DeepEqual(statuses, []Status{RInvDstAdr, RThrottled}) {
		t.Errorf("%v", statuses)
	}
	for i := range len(frame) - HeaderLen {
		if got.Decode(ROK, frame[HeaderLen:HeaderLen+i]) == nil {
			t.Errorf("cut at %d was accepted", i)
		}
	}
	if got.Decode(RSubmitFail, nil) != nil {
		t.Error("a refusal without body is a fault")
	}
}

func TestDestinations(t *testing.T) {
	d := Destinations(nil).AppendNumber(number("4411")).AppendList([]byte("staff")).AppendList(nil)
	if d.Len() != 3 {
		t.Fatalf("%d destinations", d.Len())
	}
	var got []string
	for to := range d.All() {
		if to.ListName != nil {
			got = append(got, "list "+string(to.ListName))
		} else {
			got = append(got, string(to.Address.Digits))
		}
	}
	if want := []string{"4411", "list staff", "list "}; !reflect.DeepEqual(got, want) {
		t.Fatalf("%q", got)
	}
}

func TestOperationsAllocateNothing(t *testing.T) {
	m := Multi{Message: Message{ShortMessage: []byte("x")}, Destinations: Destinations(nil).AppendNumber(number("4411"))}
	frame, err := m.Append(nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() {
		_ = m.Decode(frame[HeaderLen:])
		for range m.Destinations.All() {
		}
		_, _ = m.Append(dst, 1)
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func FuzzOperations(f *testing.F) {
	f.Add([]byte("17\x00\x01\x014477\x00"))
	f.Add([]byte("CMT\x0017\x00\x01\x014477\x00\x01\x014411\x00"))
	f.Add([]byte("17\x00\x01\x014477\x00\x00\x00\x01\x00\x03new"))
	f.Add([]byte("smsc\x00secret\x00"))
	f.Add([]byte("17\x00\x02\x01\x014411\x00\x00\x00\x00\x0b\x01\x014411\x00\x00\x00\x00\x0b"))
	f.Add([]byte("\x00\x01\x014477\x00\xfe" + strings.Repeat("\x01\x01\x014411\x00", 254) + "\x00\x00\x00\x00\x00\x00\x00\x08\x00\x00"))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, p := range []pduOf{new(Query), new(Cancel), new(Replace), new(OutbindRequest), new(Alert), new(Multi)} {
			if p.Decode(body) == nil {
				sameBody(t, body)(p.Append(nil, 1))
			}
		}
		var q QueryResp
		if q.Decode(ROK, body) == nil {
			sameBody(t, body)(q.Append(nil, ROK, 1))
		}
		var m MultiResp
		if m.Decode(ROK, body) == nil {
			sameBody(t, body)(m.Append(nil, ROK, 1))
		}
	})
}
