package media

import (
	"net/netip"
	"testing"
	"time"

	"github.com/pion/srtp/v3"
)

// FuzzIntake feeds a whole session with what comes at any of its four ports: voice,
// RTCP on a port of its own or on a shared one, and fax, in whatever order, A's under
// SRTP or not. All is accounted for, and nobody hears a stranger, nor what should be under A's key
// and is not.
func FuzzIntake(f *testing.F) {
	rtp, fax := packet(1, 1), []byte{0, 1, 6, 1, 2, 3, 4, 5, 6}
	one := func(flags, port byte, b []byte) []byte {
		return append([]byte{flags, port, byte(len(b) >> 8), byte(len(b))}, b...)
	}
	f.Add(append(one(0, 0, rtp), one(0, 1, everything(f))...), byte(0))
	f.Add(append(one(0, 0, everything(f)), one(0, 0, rtp)...), byte(1)) // shared
	f.Add(append(one(0, 0, fax), one(0, 2, fax)...), byte(2))
	f.Add(append(one(1, 0, rtp), one(2, 0, rtp)...), byte(4))
	f.Add(append(one(0, 0, rtp), one(4, 0, rtp)...), byte(0x89))
	f.Add(append(one(0, 0, rtp), append(one(8, 0, rtp), append(one(8, 1, everything(f)), one(16, 0, packet(1, 2))...)...)...), byte(0x40))
	f.Add(append(one(8, 0, rtp), append(one(12, 0, packet(1, 2)), one(8, 0, fax)...)...), byte(0x41))
	f.Fuzz(func(t *testing.T, b []byte, kind byte) {
		s, out := detached(Remote{RTP: benchFrom, PayloadTypes: NewPayloadTypes(8, 101)})
		r := s.relay
		keys := SRTP{Suite: AES128SHA80, Ours: NewMasterKey(make([]byte, 30)), Theirs: NewMasterKey(append(make([]byte, 29), 1))}
		right, wrong := farContext(t, keys.Theirs), farContext(t, keys.Ours)
		secret := kind&0x40 != 0
		remote := func(side Side) Remote {
			var own SRTP
			if secret && side == A {
				own = keys
			}
			return Remote{
				SRTP: own,
				RTP:  netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 2 + byte(side)}), 5000), PayloadTypes: NewPayloadTypes(8, 72, 101),
				Mux: kind&(1<<side) != 0 && kind&4 == 0, Datagrams: kind&2 != 0, NAT: kind&8 != 0, Direction: Direction(kind >> 4 & 3),
			}
		}
		set := func() {
			for side := range s.sides {
				_ = s.SetRemote(Side(side), remote(Side(side)))
			}
		}
		set()
		s.sides[A].rarely().keypad = &keypad{payloadType: 101}
		r.teller, r.total = newTeller(), &counters{}
		s.recording = &recording{tap: deaf{}, wake: make(chan struct{}, 1)}
		w := &work{now: time.Minute, total: r.total}
		fed, heard := 0, 0
		for ; len(b) >= 4; fed++ {
			flags, n := b[0], min(int(b[2])<<8|int(b[3]), len(b)-4)
			p := s.ports()[b[1]&3]
			from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 2 + byte(p.side)}), 5000+uint16(flags>>6))
			strange := flags&1 != 0
			if strange {
				from = netip.MustParseAddrPort("192.0.2.1:5000")
			}
			before, packet, proven := out.sent, append(make([]byte, 0, maxPacket), b[4:4+n]...), false
			switch {
			case flags&8 != 0:
				packet, proven = under(right, packet, p.rtcp)
			case flags&16 != 0:
				packet, _ = under(wrong, packet, p.rtcp)
			}
			unheard := s.sides[A].srtp() != nil && !s.sides[A].datagrams && p.side == A && !proven
			if p.receive(packet, from, w); unheard && out.sent != before {
				t.Fatal("what has no right tag was heard")
			}
			if strange && out.sent != before && kind&8 == 0 {
				t.Fatal("a stranger was heard")
			}
			if heard += out.sent - before; out.sent > before+1 {
				t.Fatal("one packet became two")
			}
			if b = b[4+n:]; flags&4 != 0 {
				kind += 3
				set() // a re-INVITE
			}
			w.now += 20 * time.Millisecond
		}
		st := s.Stats()
		if total := uint64(heard) + st.A.Dropped.Total() + st.B.Dropped.Total(); total != uint64(fed) {
			t.Fatalf("%d of %d packets are accounted for", total, fed)
		}
	})
}

// farContext is what a far end protects with, under the suite of FuzzIntake.
func farContext(t *testing.T, k MasterKey) *srtp.Context {
	size, _ := AES128SHA80.lengths()
	c, err := srtp.CreateContext(k.octets()[:size], k.octets()[size:], AES128SHA80.profile())
	if err != nil {
		t.Fatal("no context")
	}
	return c
}

// under protects a packet, if it can be: as RTCP at its port or where it looks so.
func under(c *srtp.Context, plain []byte, rtcp bool) (wire []byte, ok bool) {
	var err error
	if rtcp || looksLikeRTCP(plain) {
		if len(plain) < 8 {
			return plain, false
		}
		wire, err = c.EncryptRTCP(nil, plain, nil)
	} else {
		wire, err = c.EncryptRTP(nil, plain, nil)
	}
	if err != nil {
		return plain, false
	}
	return wire, true
}
