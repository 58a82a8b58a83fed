package media

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"runtime/metrics"
	"testing"
	"time"
)

// What calls of TestIntakeOfAnything have in common.
const (
	perCall   = 2000    // packets
	batch     = 16      // packets between two looks at what was allocated
	mostBatch = 1 << 20 // octets that they may have allocated; the runtime tells of some late
	mostEach  = 512     // octets for one, on average over all, those of the test among them
)

// TestIntakeOfAnything feeds calls of every kind with what their parties say (voice, keys,
// RTCP, fax, under SRTP where that is agreed on), and with the same by others, from elsewhere,
// at the wrong port, under wrong keys, altered, cut, glued, or made up. Whatever
// comes: one packet becomes one at most, goes to where a party is, is what a party
// said, and all is counted. The seed makes it the same each time.
func TestIntakeOfAnything(t *testing.T) {
	if tested != "portable" {
		return // no backend takes part
	}
	random := rand.New(rand.NewPCG(5, 6))
	sent, before := 0, allocated()
	for fed := 0; fed < anythings; fed += perCall {
		c := newAnyCall(t, random)
		c.talk()
		c.settle()
		sent += c.sent
	}
	if sent < anythings/10 {
		t.Errorf("of %d packets %d passed: too few to tell anything", anythings, sent)
	}
	each := (allocated() - before) / anythings
	if each > mostEach {
		t.Errorf("%d octets were allocated for each", each)
	}
	t.Logf("%d packets in, %d out, %d octets allocated for each", anythings, sent, each)
}

// anyCall is a call without sockets.
type anyCall struct {
	*testing.T
	random  *rand.Rand
	s       *Session
	w       *work
	parties [2]*party
	aims    bool // its endpoints let one source in alone, as sockets do

	fed, sent, octets int
	now               fed // what is being fed
	answered          bool
	buffer            [2 * maxPacket]byte
	wire              [2 * maxPacket]byte
}

// fed is a packet that is given to a port.
type fed struct {
	side    Side
	b       []byte // as it comes
	said    []byte // without protection
	refused bool   // nothing of it may be heard
	from    netip.AddrPort
	rtcp    bool // it comes at the port of RTCP
}

func newAnyCall(t *testing.T, random *rand.Rand) *anyCall {
	s, _ := detached(Remote{RTP: benchFrom})
	c := &anyCall{T: t, random: random, s: s, w: &work{now: time.Minute, total: &counters{}}, aims: random.IntN(2) == 0}
	r := s.relay
	r.networks = []*network{{ports: newPortPool(0, 1, rand.New(rand.NewPCG(random.Uint64(), 1)))}}
	r.teller, r.total = newTeller(), c.w.total
	r.now = func() time.Duration { return c.w.now }
	if random.IntN(4) == 0 {
		r.cfg.Relatch = time.Second
	}
	fax := random.IntN(8) == 0
	for i := range c.parties {
		side := Side(i)
		c.parties[i] = newParty(c, side, fax && random.IntN(8) > 0)
		d := &s.sides[i]
		d.rtp = port{session: s, side: side, out: &exit{c: c, side: side}}
		d.rtcp = port{session: s, side: side, rtcp: true, out: &exit{c: c, side: side}}
		d.cname = r.networks[0].ports.cname()
		c.signal(side)
	}
	if random.IntN(4) == 0 {
		s.sides[A].rarely().keypad = &keypad{payloadType: 101}
	}
	if random.IntN(8) == 0 {
		s.recording = &recording{tap: deaf{}, wake: make(chan struct{}, 1)}
	}
	return c
}

func (c *anyCall) signal(side Side) {
	if err := c.s.SetRemote(side, c.parties[side].remote); err != nil {
		c.Fatal(err)
	}
}

// talk feeds all, and looks at what that allocates.
func (c *anyCall) talk() {
	for range perCall / batch {
		before := allocated()
		for range batch {
			c.step()
		}
		if n := allocated() - before; n > mostBatch {
			c.Fatalf("%d packets had %d octets allocated", batch, n)
		}
	}
}

func (c *anyCall) step() {
	side := Side(c.random.IntN(2))
	p := c.parties[side]
	if c.random.IntN(500) == 0 {
		p.move()
		c.signal(side)
	}
	at := p.say()
	from := p.from(at)
	if wrong := c.s.ports()[c.random.IntN(portsPerCall)]; c.random.IntN(20) == 0 && !c.parties[side.other()].at(from) {
		at = wrong
		c.now.refused = c.now.refused || at.side != side
	}
	c.now.side, c.now.from, c.now.rtcp, c.answered = at.side, from, at.rtcp, false
	c.fed++
	c.now.b = c.now.b[:min(len(c.now.b), maxPacket+1)] // longer ones are cut by who reads them
	b := append(c.buffer[:0], c.now.b...)              // it is opened in place
	at.receive(b, from, c.w)
	c.w.now += time.Duration(c.random.IntN(int(20 * time.Millisecond)))
}

// settle compares what was counted, and ends the call.
func (c *anyCall) settle() {
	st, total := c.s.Stats(), c.w.total
	if n := uint64(c.sent) + st.A.Dropped.Total() + st.B.Dropped.Total(); n != uint64(c.fed) {
		c.Fatalf("%d of %d packets are accounted for", n, c.fed)
	}
	if n := total.out.packets.Load() + total.rtcpOut.packets.Load(); n != uint64(c.sent) {
		c.Fatalf("%d were sent and %d counted", c.sent, n)
	}
	if n := total.out.octets.Load() + total.rtcpOut.octets.Load(); n != uint64(c.octets) {
		c.Fatalf("%d octets were sent and %d counted", c.octets, n)
	}
	for side, one := range map[Side]SideStats{A: st.A, B: st.B} {
		if one.Sent.Packets+one.RTCPSent > uint64(c.sent) || one.Received.Packets+one.RTCPReceived > uint64(c.fed) {
			c.Fatalf("%v: more than there were: %+v", side, one)
		}
	}
	if in := total.in.packets.Load(); in != st.A.Received.Packets+st.B.Received.Packets {
		c.Fatalf("%d came in, %d and %d by side", in, st.A.Received.Packets, st.B.Received.Packets)
	}
	if out := total.out.packets.Load(); out != st.A.Sent.Packets+st.B.Sent.Packets {
		c.Fatalf("%d went out, %d and %d by side", out, st.A.Sent.Packets, st.B.Sent.Packets)
	}
	dropped := uint64(0)
	for d := range total.drops {
		dropped += total.drops[d].Load()
	}
	if dropped != st.A.Dropped.Total()+st.B.Dropped.Total() {
		c.Fatalf("%d were dropped, %d and %d by side", dropped, st.A.Dropped.Total(), st.B.Dropped.Total())
	}
	if total.drops[DropPanic].Load() != 0 {
		c.Fatal("a bug")
	}
	c.s.released = true
	for _, p := range c.s.ports() {
		c.now.refused = true
		p.receive(packet(1, 1), benchFrom, c.w)
	}
	if total.drops[DropDraining].Load() != portsPerCall {
		c.Fatal("what came after the end was not counted")
	}
}

// exit is where what is sent to a side leaves.
type exit struct {
	c    *anyCall
	side Side
	peer netip.AddrPort
}

func (*exit) start(*port) error { return nil }
func (*exit) close()            {}

func (e *exit) aim(peer netip.AddrPort, _ uint8) error {
	if !e.c.aims {
		return ErrClosed
	}
	e.peer = peer
	return nil
}

// send judges what leaves.
func (e *exit) send(b []byte, target netip.AddrPort, _ *work) Drop {
	c, to, from := e.c, e.c.parties[e.side], e.c.parties[e.side.other()]
	if !target.IsValid() {
		target = e.peer
	}
	switch {
	case c.answered:
		c.Fatal("one packet became two")
	case c.now.side == e.side:
		c.Fatal("a side heard itself")
	case c.now.refused:
		c.Fatalf("what nobody may say was heard: %v from %v to %v, %+v, x%x", c.now.from, c.now.side, target, from.remote, c.now.b[:min(len(c.now.b), 20)])
	case !to.at(target):
		c.Fatal("it was sent where no party is")
	}
	control := c.now.rtcp || looksLikeRTCP(b) && !from.remote.Datagrams
	switch secret := to.remote.SRTP.Suite != PlainRTP && !to.remote.Datagrams; {
	case secret && len(c.now.said) > rtpHeader+8 && c.now.said[0] == 0x80 && bytes.Contains(b, c.now.said[rtpHeader:]): // else the header may be all of it
		c.Fatal("it left without protection")
	case secret:
	case control:
		e.c.checkRTCP(b, c.s.sides[e.side.other()].cname)
	case !bytes.Equal(b, c.now.said):
		c.Fatalf("it was altered: %v, %d %d %d octets, %x %x %x", from.remote, len(b), len(c.now.said), len(c.now.b), b[:min(len(b), 20)], c.now.said[:min(len(c.now.said), 20)], c.now.b[:min(20, len(c.now.b))])
	}
	c.answered = true
	c.sent++
	c.octets += len(b)
	return Relayed
}

// checkRTCP wants reports and BYE without text, and our name.
func (c *anyCall) checkRTCP(b []byte, name cname) {
	names := 0
	for len(b) > 0 {
		size, count := 4+4*int(binary.BigEndian.Uint16(b[2:])), int(b[0]&0x1f)
		switch {
		case b[0]&^0x1f != 0x80 || size > len(b):
			c.Fatal("what left is no RTCP")
		case b[1] == 200 && size == 28+24*count, b[1] == 201 && size == 8+24*count, b[1] == 203 && size == 4+4*count:
		case b[1] == 202 && size == namedRTCP && bytes.Equal(b[10:28], append(name.append(nil), 0, 0)):
			names++
		default:
			c.Fatalf("what must not pass has passed: type %d, %d octets", b[1], size)
		}
		b = b[size:]
	}
	if names != 1 {
		c.Fatalf("%d names", names)
	}
}

// allocated is how many octets the process has ever allocated, to some kilobytes.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
