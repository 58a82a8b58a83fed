package pdu

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func TestBind(t *testing.T) {
	want := unhex(t, `0000002c 00000009 00000000 00000001
		6d61736b6c696e6500 736563726574303100 564d4100 34 01 01 343400`)
	b := Bind{
		SystemID: []byte("maskline"), Password: []byte("secret01"), SystemType: []byte("VMA"),
		InterfaceVersion: Version34, AddrTON: 1, AddrNPI: 1, AddressRange: []byte("44"),
	}
	frame, err := b.Append(nil, BindTransceiver, 1)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(frame, want) {
		t.Fatalf("got % x", frame)
	}
	var got Bind
	if err := got.Decode(frame[HeaderLen:]); err != nil || !reflect.DeepEqual(got, b) {
		t.Fatalf("%v: %+v", err, got)
	}
}

func TestBindFaults(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	cases := []struct {
		name, body string
		status     Status
	}{
		{"long system_id", x(16) + "\x00p\x00\x00\x34\x00\x00\x00", RInvSysID},
		{"long password", "s\x00" + x(9) + "\x00\x00\x34\x00\x00\x00", RInvPaswd},
		{"long system_type", "s\x00p\x00" + x(13) + "\x00\x34\x00\x00\x00", RInvSysTyp},
		{"long address_range", "s\x00p\x00\x00\x34\x00\x00" + x(41) + "\x00", RBindFail},
		{"cut", "s\x00p\x00\x00\x34", RInvCmdLen},
		{"octets left over", "s\x00p\x00\x00\x34\x00\x00\x00\x00", RInvCmdLen},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if err := new(Bind).Decode([]byte(c.body)); StatusOf(err) != c.status {
				t.Fatal(err)
			}
		})
	}
	b := Bind{SystemID: []byte(x(16))}
	if _, err := b.Append(nil, BindReceiver, 1); StatusOf(err) != RInvSysID {
		t.Fatal(err)
	}
}

func TestBindResp(t *testing.T) {
	r := BindResp{SystemID: []byte("edge"), TLVs: AppendTLV(nil, TagSCInterfaceVersion, []byte{Version34})}
	frame, err := r.Append(nil, BindReceiver, ROK, 9)
	if err != nil {
		t.Fatal(err)
	}
	if want := unhex(t, "0000001a 80000001 00000000 00000009 6564676500 0210 0001 34"); !bytes.Equal(frame, want) {
		t.Fatalf("got % x", frame)
	}
	var got BindResp
	if err := got.Decode(ROK, frame[HeaderLen:]); err != nil || !reflect.DeepEqual(got, r) {
		t.Fatalf("%v: %+v", err, got)
	}
	refused, _ := r.Append(nil, BindTransceiver, RBindFail, 9)
	if want := unhex(t, "00000010 80000009 0000000d 00000009"); !bytes.Equal(refused, want) {
		t.Fatalf("got % x", refused)
	}
	if err := got.Decode(RBindFail, nil); err != nil {
		t.Fatal(err)
	}
	if err := got.Decode(ROK, nil); StatusOf(err) != RInvCmdLen {
		t.Fatalf("an accepted bind without body: %v", err)
	}
}

func TestData(t *testing.T) {
	want := unhex(t, `00000032 00000103 00000000 00000005
		00 01 01 3434373700 05 00 53686f7000 00 01 08
		0424 000c 003100320033003400350036`)
	d := Data{
		ServiceType: []byte{}, Source: Address{1, 1, []byte("4477")}, Destination: Address{5, 0, []byte("Shop")},
		RegisteredDelivery: 1, DataCoding: 8, TLVs: AppendTLV(nil, TagMessagePayload, []byte("\x001\x002\x003\x004\x005\x006")),
	}
	frame, err := d.Append(nil, 5)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(frame, want) {
		t.Fatalf("got % x", frame)
	}
	var got Data
	if err := got.Decode(frame[HeaderLen:]); err != nil || !reflect.DeepEqual(got, d) {
		t.Fatalf("%v: %+v", err, got)
	}
	for i := range len(frame) - HeaderLen - 16 {
		if err := got.Decode(frame[HeaderLen : HeaderLen+i]); err == nil {
			t.Errorf("cut at %d was accepted", i)
		}
	}
}

func TestMessageResp(t *testing.T) {
	cases := []struct {
		name    string
		command Command
		status  Status
		id      string
		want    string
	}{
		{"submit_sm", SubmitSM, ROK, "42", "00000013 80000004 00000000 00000003 343200"},
		{"submit_sm refused", SubmitSM, RThrottled, "42", "00000010 80000004 00000058 00000003"},
		{"deliver_sm", DeliverSM, ROK, "42", "00000011 80000005 00000000 00000003 00"},
		{"deliver_sm refused", DeliverSM, RxTAppn, "", "00000011 80000005 00000064 00000003 00"},
		{"data_sm", DataSM, ROK, "42", "00000013 80000103 00000000 00000003 343200"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := AppendMessageResp(nil, c.command, c.status, 3, []byte(c.id))
			if !bytes.Equal(got, unhex(t, c.want)) {
				t.Fatalf("got % x", got)
			}
			var r MessageResp
			if err := r.Decode(got[HeaderLen:]); err != nil {
				t.Fatal(err)
			}
		})
	}
	var r MessageResp
	if err := r.Decode([]byte(strings.Repeat("1", 65) + "\x00")); StatusOf(err) != RInvMsgID {
		t.Fatalf("a long id: %v", err)
	}
	if err := r.Decode([]byte("12")); StatusOf(err) != RInvCmdLen {
		t.Fatalf("an id without end: %v", err)
	}
	if err := r.Decode([]byte("12\x00\x04\x27\x00\x01\x02")); err != nil || string(r.MessageID) != "12" {
		t.Fatalf("a response with a TLV: %v", err)
	}
}

func TestDataRespWithTLVs(t *testing.T) {
	r := MessageResp{[]byte("42"), AppendTLV(nil, TagNetworkErrorCode, []byte{3, 0, 27})}
	cases := []struct {
		name   string
		status Status
		tlvs   TLVs
		want   string
	}{
		{"accepted", ROK, r.TLVs, "0000001a 80000103 00000000 00000003 343200 0423 0003 03001b"},
		{"refused, with a reason", RDeliveryFailure, r.TLVs, "00000018 80000103 000000fe 00000003 00 0423 0003 03001b"},
		{"refused", RDeliveryFailure, nil, "00000010 80000103 000000fe 00000003"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := MessageResp{r.MessageID, c.tlvs}
			frame, err := r.Append(nil, DataSM, c.status, 3)
			if err != nil || !bytes.Equal(frame, unhex(t, c.want)) {
				t.Fatalf("% x, %v", frame, err)
			}
			var got MessageResp
			if err := got.Decode(frame[HeaderLen:]); err != nil || !bytes.Equal(got.TLVs, c.tlvs) {
				t.Fatalf("%v: %+v", err, got)
			}
		})
	}
	r.MessageID = bytes.Repeat([]byte("1"), 65)
	if _, err := r.Append(nil, DataSM, ROK, 3); StatusOf(err) != RInvMsgID {
		t.Fatalf("a long id: %v", err)
	}
}

func TestHeader(t *testing.T) {
	frame := AppendHeader(nil, GenericNack, RInvCmdID, MaxSequence)
	if want := unhex(t, "00000010 80000000 00000003 7fffffff"); !bytes.Equal(frame, want) {
		t.Fatalf("got % x", frame)
	}
	if h := ParseHeader(frame); h != (Header{16, GenericNack, RInvCmdID, MaxSequence}) {
		t.Fatalf("%+v", h)
	}
	if CheckNoBody(nil) != nil || StatusOf(CheckNoBody([]byte{0})) != RInvCmdLen {
		t.Fatal("CheckNoBody")
	}
}

func TestCommands(t *testing.T) {
	if SubmitSM.Response() != SubmitSMResp || SubmitSMResp.Request() != SubmitSM || !GenericNack.IsResponse() || SubmitSM.IsResponse() {
		t.Fatal("requests and responses")
	}
	for c, want := range map[Command]bool{BindReceiver: true, BindTransmitter: true, BindTransceiver: true, Unbind: false, BindReceiverResp: false} {
		if c.IsBind() != want {
			t.Errorf("%x", c)
		}
	}
}

func FuzzOthers(f *testing.F) {
	f.Add([]byte("maskline\x00secret01\x00VMA\x00\x34\x01\x0144\x00"))
	f.Add([]byte("edge\x00\x02\x10\x00\x01\x34"))
	f.Add([]byte("\x00\x01\x014477\x00\x05\x00Shop\x00\x00\x01\x08\x04\x24\x00\x01x"))
	f.Fuzz(func(t *testing.T, body []byte) {
		var b Bind
		if b.Decode(body) == nil {
			sameBody(t, body)(b.Append(nil, BindReceiver, 1))
		}
		var br BindResp
		if br.Decode(ROK, body) == nil {
			sameBody(t, body)(br.Append(nil, BindReceiver, ROK, 1))
		}
		var d Data
		if d.Decode(body) == nil {
			sameBody(t, body)(d.Append(nil, 1))
		}
		var r MessageResp
		if r.Decode(body) == nil && len(body) > 0 {
			got := append(AppendMessageResp(nil, SubmitSM, ROK, 1, r.MessageID), r.TLVs...)
			sameBody(t, body)(got, nil)
		}
	})
}

func sameBody(t *testing.T, body []byte) func([]byte, error) {
	return func(frame []byte, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("what was decoded cannot be encoded: %v", err)
		}
		if !bytes.Equal(frame[HeaderLen:], body) {
			t.Fatal("decoding and encoding changed the PDU")
		}
	}
}

func BenchmarkMessageResp(b *testing.B) {
	frame := AppendMessageResp(nil, SubmitSM, ROK, 1, []byte("123456789012345678"))
	dst := make([]byte, 0, 64)
	b.ReportAllocs()
	var r MessageResp
	for b.Loop() {
		if err := r.Decode(frame[HeaderLen:]); err != nil {
			b.Fatal(err)
		}
		AppendMessageResp(dst, SubmitSM, ROK, 1, r.MessageID)
	}
}
