package media

import (
	"slices"
	"testing"

	"github.com/pion/rtp"
)

func TestParseRTP(t *testing.T) {
	with := func(change func(b []byte) []byte) []byte { return change(packet(1, 2)) }
	types := NewPayloadTypes(8, 101)
	tests := []struct {
		name string
		in   []byte
		want Drop
	}{
		{"plain", packet(1, 2), Relayed},
		{"header alone", packet(1, 2)[:12], Relayed},
		{"event with marker", with(func(b []byte) []byte { b[1] = 0x80 | 101; return b }), Relayed},
		{"1500 octets", append(packet(1, 2), make([]byte, 1500-172)...), Relayed},
		{"empty", nil, DropSize},
		{"eleven octets", packet(1, 2)[:11], DropSize},
		{"1501 octets", append(packet(1, 2), make([]byte, 1501-172)...), DropSize},
		{"version 0 (STUN)", with(func(b []byte) []byte { b[0] = 0; return b }), DropVersion},
		{"version 1", with(func(b []byte) []byte { b[0] = 0x40; return b }), DropVersion},
		{"version 3", with(func(b []byte) []byte { b[0] = 0xc0; return b }), DropVersion},
		{"type not negotiated", with(func(b []byte) []byte { b[1] = 0; return b }), DropPayloadType},
		{"sender report", with(func(b []byte) []byte { b[1] = 200; return b }), DropMultiplexed},
		{"source description", with(func(b []byte) []byte { b[1] = 202; return b }), DropMultiplexed},
		{"sources beyond the end", with(func(b []byte) []byte { b[0] |= 15; return b[:12+59] }), DropMalformed},
		{"fifteen sources", with(func(b []byte) []byte { b[0] |= 15; return b[:12+60] }), Relayed},
		{"extension header beyond the end", with(func(b []byte) []byte { b[0] |= 0x10; return b[:15] }), DropMalformed},
		{"extension beyond the end", with(func(b []byte) []byte { b[0] |= 0x10; b[14], b[15] = 0, 40; return b }), DropMalformed},
		{"extension of 65535 words", with(func(b []byte) []byte { b[0] |= 0x10; b[14], b[15] = 0xff, 0xff; return b }), DropMalformed},
		{"extension to the very end", with(func(b []byte) []byte { b[0] |= 0x10; b[12], b[14], b[15] = 1, 0, 39; return b }), Relayed},
		{"one-byte element beyond its extension", with(func(b []byte) []byte {
			b[0] |= 0x10
			copy(b[12:], []byte{0xbe, 0xde, 0, 1, 0x1f})
			return b
		}), DropMalformed},
		{"padding of all the payload", with(func(b []byte) []byte { b[0] |= 0x20; b[171] = 160; return b }), Relayed},
		{"padding longer than the payload", with(func(b []byte) []byte { b[0] |= 0x20; b[171] = 161; return b }), DropMalformed},
		{"padding of nothing", with(func(b []byte) []byte { b[0] |= 0x20; b[171] = 0; return b }), DropMalformed},
		{"padding without payload", with(func(b []byte) []byte { b[0] |= 0x20; return b[:12] }), DropMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var h rtp.Header
			if got := parseRTP(tt.in, &h, types); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestPayloadTypes(t *testing.T) {
	set := NewPayloadTypes(0, 63, 64, 127, 200)
	for i := range 256 {
		if got, want := set.Has(uint8(i)), slices.Contains([]int{0, 63, 64, 127}, i); got != want {
			t.Errorf("type %d: %v, want %v", i, got, want)
		}
	}
	if !(PayloadTypes{}).Has(17) {
		t.Error("the empty set must let any type pass")
	}
}

func FuzzParseRTP(f *testing.F) {
	f.Add(packet(1, 2))
	f.Add([]byte{0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xbe, 0xde, 0, 1, 0x10, 0, 0, 0})
	f.Add([]byte{0xb0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 1, 1, 2, 3, 4, 4})
	f.Fuzz(func(t *testing.T, b []byte) {
		var h rtp.Header
		before := slices.Clone(b)
		d := parseRTP(b, &h, PayloadTypes{})
		if !slices.Equal(b, before) {
			t.Fatal("the packet was changed")
		}
		if d != Relayed {
			return
		}
		if len(b) < rtpHeader || len(b) > maxPacket || b[0]>>6 != 2 {
			t.Fatal("let in what breaks the bounds")
		}
		var p rtp.Packet
		if err := p.Unmarshal(b); err != nil {
			t.Fatalf("let in what the parser refuses: %v", err)
		}
	})
}
