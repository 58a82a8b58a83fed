package media

import (
	"bytes"
	"encoding/hex"
	"slices"
	"testing"

	"github.com/pion/rtcp"
)

const (
	testCNAME  = "abcdefghijklmnop"
	testNumber = "+447700900123"
)

// testName is sent as testCNAME.
var testName = cname{0x69, 0xb7, 0x1d, 0x79, 0xf8, 0x21, 0x8a, 0x39, 0x25, 0x9a, 0x7a, 0x29}

func marshal(t testing.TB, packets ...rtcp.Packet) []byte {
	t.Helper()
	b, err := rtcp.Marshal(packets)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func report() rtcp.ReceptionReport {
	return rtcp.ReceptionReport{SSRC: 9, FractionLost: 1, TotalLost: 2, LastSequenceNumber: 3, Jitter: 4, LastSenderReport: 5, Delay: 6}
}

func senderReport() *rtcp.SenderReport {
	return &rtcp.SenderReport{SSRC: 7, NTPTime: 8, RTPTime: 9, PacketCount: 10, OctetCount: 11, Reports: []rtcp.ReceptionReport{report()}}
}

// everything is a compound with the number wherever RTCP can carry text.
func everything(t testing.TB) []byte {
	var items []rtcp.SourceDescriptionItem
	for kind := rtcp.SDESCNAME; kind <= rtcp.SDESPrivate; kind++ {
		items = append(items, rtcp.SourceDescriptionItem{Type: kind, Text: testNumber})
	}
	sr := senderReport()
	sr.ProfileExtensions = []byte(testNumber + "   ")
	rr := marshal(t, &rtcp.ReceiverReport{SSRC: 7, Reports: []rtcp.ReceptionReport{report()}})
	rr = append(rr, testNumber+"   "...)
	rr[3] += 4 // the library leaves the extension out of the length
	return marshal(t, sr, raw(rr),
		&rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{Source: 7, Items: items}, {Source: 8, Items: items}}},
		&rtcp.ApplicationDefined{SSRC: 7, Name: "0123", Data: []byte(testNumber + "   ")},
		&rtcp.PictureLossIndication{SenderSSRC: 7, MediaSSRC: 9},
		&rtcp.ExtendedReport{SenderSSRC: 7},
		raw([]byte("\x80\xd1\x00\x04"+testNumber+"   ")),
		&rtcp.Goodbye{Sources: []uint32{7, 8}, Reason: testNumber},
	)
}

func raw(b rtcp.RawPacket) *rtcp.RawPacket { return &b }

func TestRewriteRTCPKeepsReportsAndNothingElse(t *testing.T) {
	in := everything(t)
	if !bytes.Contains(in, []byte(testNumber)) {
		t.Fatal("the number is not in the compound")
	}
	got, d := rewriteRTCP(nil, in, testName)
	if d != Relayed {
		t.Fatalf("dropped: %v", d)
	}
	want := marshal(t, senderReport(), &rtcp.ReceiverReport{SSRC: 7, Reports: []rtcp.ReceptionReport{report()}},
		rtcp.NewCNAMESourceDescription(7, testCNAME), &rtcp.Goodbye{Sources: []uint32{7, 8}})
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%swant\n%s", hex.Dump(got), hex.Dump(want))
	}
	for n := 4; n <= len(testNumber); n++ {
		if part := testNumber[len(testNumber)-n:]; bytes.Contains(got, []byte(part)) {
			t.Errorf("%d digits of the number got through", n)
		}
	}
}

func TestRewriteRTCPGolden(t *testing.T) {
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	sdes := "81ca0006" + "00000007" + "0110" + hex.EncodeToString([]byte(testCNAME)) + "0000"
	sr := "80c80006" + "00000007" + "0000000000000008" + "00000009" + "0000000a" + "0000000b"
	rr := "80c90001" + "00000007"
	tests := []struct{ name, in, want string }{
		{"empty receiver report", rr, rr + sdes},
		{"sender report and name", sr + "81ca0004" + "00000007" + "01032b3434" + "02032b3434" + "0000", sr + sdes},
		{"profile extension", "80c90002" + "00000007" + "2b343437", rr + sdes},
		{"padding", rr + "a0ca0001" + "00000004", rr + sdes},
		{"padded bye", rr + "a1cb0002" + "00000007" + "00000004", rr + sdes + "81cb0001" + "00000007"},
		{"bye with reason", rr + "81cb0002" + "00000007" + "032b3434", rr + sdes + "81cb0001" + "00000007"},
		{"bye of nobody", rr + "80cb0000", rr + sdes + "80cb0000"},
		{"application", rr + "80cc0003" + "00000007" + "30313233" + "2b343437", rr + sdes},
		{"broken name is never read", rr + "81ca0001" + "02ff2b34", rr + sdes},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, d := rewriteRTCP(nil, unhex(tt.in), testName)
			if d != Relayed || !bytes.Equal(got, unhex(tt.want)) {
				t.Errorf("%v\ngot  %x\nwant %s", d, got, tt.want)
			}
		})
	}
}

func TestRewriteRTCPRefuses(t *testing.T) {
	rr := []byte{0x80, 201, 0, 1, 0, 0, 0, 7}
	tests := []struct {
		name string
		in   []byte
		want Drop
	}{
		{"empty", nil, DropSize},
		{"a header alone", rr[:4], DropSize},
		{"1501 octets", append(slices.Clone(rr), make([]byte, 1493)...), DropSize},
		{"version 1", []byte{0x40, 201, 0, 1, 0, 0, 0, 7}, DropRTCP},
		{"RTP", packet(1, 2), DropRTCP},
		{"text", []byte("OPTIONS sip:a@b SIP/2.0\r\n\r\n"), DropRTCP},
		{"first is a name", []byte{0x81, 202, 0, 2, 0, 0, 0, 7, 0, 0, 0, 0}, DropRTCP},
		{"first is BYE", []byte{0x81, 203, 0, 1, 0, 0, 0, 7}, DropRTCP},
		{"first is APP", []byte{0x80, 204, 0, 2, 0, 0, 0, 7, 'n', 'a', 'm', 'e'}, DropRTCP},
		{"first is padded", []byte{0xa0, 201, 0, 2, 0, 0, 0, 7, 0, 0, 0, 4}, DropRTCP},
		{"length beyond the end", []byte{0x80, 201, 0, 2, 0, 0, 0, 7}, DropRTCP},
		{"length of 65535 words", []byte{0x80, 201, 0xff, 0xff, 0, 0, 0, 7}, DropRTCP},
		{"length of nothing", []byte{0x80, 201, 0, 0, 0, 0, 0, 7}, DropRTCP},
		{"octets behind the last", append(slices.Clone(rr), 0x80, 201), DropRTCP},
		{"reports beyond the length", []byte{0x9f, 201, 0, 1, 0, 0, 0, 7}, DropRTCP},
		{"sender report cut short", []byte{0x80, 200, 0, 1, 0, 0, 0, 7}, DropRTCP},
		{"padding in the middle", append(append(slices.Clone(rr), 0xa0, 202, 0, 1, 0, 0, 0, 4), rr...), DropRTCP},
		{"padding longer than the packet", append(slices.Clone(rr), 0xa0, 202, 0, 1, 0, 0, 0, 8), DropRTCP},
		{"padding of nothing", append(slices.Clone(rr), 0xa0, 202, 0, 1, 0, 0, 0, 0), DropRTCP},
		{"padding of an odd size", append(slices.Clone(rr), 0xa0, 202, 0, 1, 0, 0, 0, 3), DropRTCP},
		{"BYE with sources beyond its end", append(slices.Clone(rr), 0x9f, 203, 0, 1, 0, 0, 0, 7), DropRTCP},
		{"BYE with a reason beyond its end", append(slices.Clone(rr), 0x80, 203, 0, 1, 0xff, 0, 0, 7), DropRTCP},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if out, d := rewriteRTCP(nil, tt.in, testName); d != tt.want || out != nil {
				t.Errorf("got %v and %d octets, want %v", d, len(out), tt.want)
			}
		})
	}
}

func FuzzRewriteRTCP(f *testing.F) {
	f.Add(everything(f))
	f.Add(marshal(f, senderReport()))
	f.Add([]byte{0x80, 201, 0, 1, 0, 0, 0, 7, 0xa0, 202, 0, 1, 0, 0, 0, 4})
	f.Add([]byte{0x80, 201, 0, 1, 0, 0, 0, 7, 0x81, 203, 0, 2, 0, 0, 0, 7, 3, 'b', 'y', 'e'})
	f.Fuzz(func(t *testing.T, b []byte) {
		before := slices.Clone(b)
		out, d := rewriteRTCP(nil, b, testName)
		if !slices.Equal(b, before) {
			t.Fatal("the compound was changed in place")
		}
		if d != Relayed {
			return
		}
		if len(out) > len(b)+28 {
			t.Fatalf("%d octets became %d", len(b), len(out))
		}
		names := 0
		packets, err := rtcp.Unmarshal(out)
		if err != nil {
			t.Fatalf("built what cannot be read: %v", err)
		}
		for _, p := range packets {
			switch p := p.(type) {
			case *rtcp.SenderReport:
				names += len(p.ProfileExtensions)
			case *rtcp.ReceiverReport:
				names += len(p.ProfileExtensions)
			case *rtcp.Goodbye:
				names += len(p.Reason)
			case *rtcp.SourceDescription:
				if len(p.Chunks) != 1 || len(p.Chunks[0].Items) != 1 || p.Chunks[0].Items[0].Text != testCNAME {
					t.Fatal("a name that is not ours")
				}
			default:
				t.Fatalf("%T got through", p)
			}
		}
		if names != 0 {
			t.Fatal("text got through")
		}
		if again, d := rewriteRTCP(nil, out, testName); d != Relayed || !bytes.Equal(again, out) {
			t.Fatal("what we build would not pass unchanged")
		}
	})
}
