package media

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// event is a telephone event's packet of payload type 101.
func event(seq uint16, timestamp uint32, marker bool, code byte, end bool, duration uint16) []byte {
	b := packet(9, seq)[:rtpHeader+eventSize]
	b[1] = 101
	if marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint32(b[4:], timestamp)
	b[rtpHeader], b[rtpHeader+1] = code, 10
	if end {
		b[rtpHeader+1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[rtpHeader+2:], duration)
	return b
}

func TestKeys(t *testing.T) {
	type step struct {
		packet []byte
		key    byte // 0: none
	}
	other := event(1, 900, true, 3, false, 160)
	binary.BigEndian.PutUint32(other[8:], 77)
	padded := append(event(1, 900, true, 6, false, 160), 0, 0, 0, 4)
	padded[0] |= 0x20
	hollow := append(event(1, 900, true, 6, false, 160)[:rtpHeader], 0, 0, 0, 4)
	hollow[0] |= 0x20
	extended := append(append(event(1, 900, true, 6, false, 160)[:rtpHeader:rtpHeader], 0xbe, 0xde, 0, 1, 0, 0, 0, 0), 9, 10, 0, 160)
	extended[0] |= 0x10
	voice := event(1, 900, true, 1, false, 160)
	voice[1] = 0
	for _, tt := range []struct {
		name  string
		steps []step
	}{
		{"one key, three ends", []step{
			{event(1, 900, true, 1, false, 160), '1'},
			{event(2, 900, false, 1, false, 320), 0},
			{event(3, 900, false, 1, true, 480), 0},
			{event(4, 900, false, 1, true, 480), 0},
			{event(5, 900, false, 1, true, 480), 0},
		}},
		{"the beginning was lost", []step{{event(3, 900, false, 1, true, 480), '1'}, {event(4, 900, false, 1, true, 480), 0}}},
		{"the same key twice", []step{
			{event(1, 900, true, 1, true, 480), '1'}, {event(2, 2000, true, 1, false, 160), '1'},
		}},
		{"late packets of the key before", []step{
			{event(1, 900, true, 1, false, 160), '1'}, {event(4, 2000, true, 2, false, 160), '2'}, {event(3, 900, false, 1, true, 480), 0},
		}},
		{"the timestamp wraps", []step{
			{event(1, 0xffffff00, true, 1, true, 160), '1'}, {event(2, 100, true, 2, false, 160), '2'},
		}},
		{"a long key in parts", []step{
			{event(1, 900, true, 1, false, 0xffff), '1'}, {event(2, 900+0xffff, false, 1, false, 160), 0}, {event(3, 900+0xffff, false, 1, true, 320), 0},
		}},
		{"another stream", []step{{event(1, 900, true, 1, false, 160), '1'}, {other, '3'}}},
		{"every key", []step{
			{event(1, 100, true, 0, true, 1), '0'},
			{event(2, 200, true, 9, true, 1), '9'},
			{event(3, 300, true, 10, true, 1), '*'},
			{event(4, 400, true, 11, true, 1), '#'},
			{event(5, 500, true, 12, true, 1), 'A'},
			{event(6, 600, true, 15, true, 1), 'D'},
		}},
		{"flash and fax tones are no keys", []step{{event(1, 100, true, 16, true, 1), 0}, {event(2, 200, true, 36, true, 1), 0}}},
		{"three octets", []step{{event(1, 900, true, 1, true, 1)[:rtpHeader+3], 0}}},
		{"padding", []step{{padded, '6'}}},
		{"nothing but padding", []step{{hollow, 0}}},
		{"an extension", []step{{extended, '9'}}},
		{"voice", []step{{voice, 0}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := &keypad{payloadType: 101}
			for i, s := range tt.steps {
				var h rtp.Header
				if d := parseRTP(s.packet, &h, PayloadTypes{}); d != Relayed {
					t.Fatalf("packet %d: %v", i, d)
				}
				if got, _ := k.press(&h, s.packet); got != s.key {
					t.Errorf("packet %d: key %q, want %q", i, got, s.key)
				}
			}
		})
	}
}

func TestKeysAreToldAndRelayed(t *testing.T) {
	b := newBed(t, nil)
	a, z := newPeer(t, "127.0.0.1"), newPeer(t, "127.0.0.1")
	var keys []byte
	s := b.allocate(Options{Events: Events{OnDigit: func(side Side, key byte) { keys = append(keys, byte('A'+side), key) }}})
	b.setRemote(s, A, Remote{RTP: a.addr()})
	b.setRemote(s, B, Remote{RTP: z.addr()})
	press := func(n uint16, code byte) {
		z.send(s.Local(B), event(n, uint32(n)*1000, true, code, true, 160))
		a.receive()
	}
	press(1, 5)
	s.Listen(B, 101)
	press(2, 1)
	press(3, 11)
	b.tell()
	if string(keys) != "B1B#" {
		t.Errorf("told of %q", keys)
	}
	s.Listen(B, 255)
	press(4, 2)
	b.tell()
	if string(keys) != "B1B#" {
		t.Errorf("told of %q after nobody listens", keys)
	}

	s.Listen(B, 101)
	s.Separate(true)
	for n := range uint16(mostNotices + 4) {
		z.send(s.Local(B), event(10+n, uint32(10+n)*1000, true, 3, true, 160))
	}
	eventually(t, "a flood of keys is bounded", func() bool { return b.total.digitsLost.Load() == 4 })
	b.tell()
	if got := len(keys)/2 - 2; got != mostNotices {
		t.Errorf("%d keys of a flood are told", got)
	}
	a.nothing()

	press5 := func() { z.send(s.Local(B), event(90, 90000, true, 5, true, 160)) }
	told := len(keys)
	press5()
	eventually(t, "the key is waiting", func() bool { return s.toTell() == 1 })
	s.Release()
	b.tell()
	if len(keys) != told {
		t.Error("a released session is told")
	}
	b.pass(time.Second)
}

func (s *Session) toTell() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int(s.waiting)
}

func FuzzKeys(f *testing.F) {
	f.Add(event(1, 900, true, 1, false, 160), event(2, 900, false, 1, true, 320))
	f.Fuzz(func(t *testing.T, one, two []byte) {
		k := &keypad{payloadType: 101}
		keys := 0
		for _, b := range [][]byte{one, two, one, two} {
			var h rtp.Header
			if parseRTP(b, &h, PayloadTypes{}) != Relayed {
				continue
			}
			if _, ok := k.press(&h, b); ok {
				keys++
			}
		}
		if keys > 4 {
			t.Errorf("%d keys in 4 packets", keys)
		}
	})
}

func BenchmarkKeys(b *testing.B) {
	k := &keypad{payloadType: 101}
	p := event(1, 900, true, 1, false, 160)
	var h rtp.Header
	b.ReportAllocs()
	for b.Loop() {
		if parseRTP(p, &h, PayloadTypes{}) == Relayed {
			k.press(&h, p)
		}
	}
}
