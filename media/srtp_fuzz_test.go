package media

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// What a step of FuzzSRTPIntake does; the bits above choose the side, RTCP and a
// stranger's address.
const (
	stepGood = iota // protected with the keys in use
	stepFlipped
	stepAgain // what was sent before
	stepCut
	stepRaw     // from the input, unprotected
	stepPlain   // a good packet without protection
	stepRekeyed // a re-INVITE with new keys
	stepHeld    // a re-INVITE that changes the direction

	stepKinds   = 8
	stepOnB     = 8
	stepRTCP    = 16
	stepStrange = 32
)

// FuzzSRTPIntake feeds a call with SRTP on one side or both. Nothing passes but
// what has a right tag and is new; what leaves is protected, under no index twice;
// all is accounted for.
func FuzzSRTPIntake(f *testing.F) {
	step := func(what byte, ssrc byte, seq uint16) []byte { return []byte{what, ssrc, byte(seq >> 8), byte(seq)} }
	script := func(steps ...[]byte) (all []byte) {
		for _, s := range steps {
			all = append(all, s...)
		}
		return all
	}
	good := script(step(stepGood, 7, 1), step(stepGood|stepOnB, 9, 1), step(stepGood|stepRTCP, 7, 0), step(stepGood|stepRTCP|stepOnB, 9, 0))
	for kind := range byte(2 * suites) {
		f.Add(good, kind)
	}
	f.Add(script(good, step(stepAgain, 0, 0), step(stepAgain, 0, 1), step(stepAgain|stepOnB, 0, 1), step(stepAgain|stepRTCP, 0, 2)), byte(1))
	f.Add(script(good, step(stepCut, 7, 11), step(stepCut, 7, 171), step(stepCut|stepRTCP, 7, 9), step(stepCut|stepOnB, 9, 5)), byte(11))
	f.Add(script(good, step(stepFlipped, 7, 3), step(stepFlipped, 7, 1370), step(stepFlipped|stepRTCP, 7, 100)), byte(5))
	f.Add(script(step(stepGood, 7, 65535), step(stepGood, 7, 0), step(stepGood|stepOnB, 9, 30000), step(stepGood|stepOnB, 9, 5), step(stepGood|stepOnB, 9, 30000)), byte(2))
	f.Add(script(good, step(stepRekeyed, 0, 0), good, step(stepAgain, 0, 0), step(stepHeld, 1, 0), good), byte(8))
	f.Add(script(step(stepPlain, 7, 2), step(stepPlain|stepRTCP, 7, 2), step(stepGood|stepStrange, 7, 2), step(stepRaw, 0, 4), []byte("GET ")), byte(7))
	f.Fuzz(func(t *testing.T, b []byte, kind byte) {
		if len(b) > 4096 {
			return
		}
		c := newFuzzedCall(t, kind)
		for c.fed = 0; len(b) >= 4; c.fed++ {
			used := c.step(b[0], b[1], binary.BigEndian.Uint16(b[2:]), b[4:])
			b = b[4+used:]
			c.w.now += 20 * time.Millisecond
		}
		st := c.s.Stats()
		if total := uint64(c.left+c.turns) + st.A.Dropped.Total() + st.B.Dropped.Total(); total != uint64(c.fed) {
			t.Fatalf("%d of %d steps are accounted for", total, c.fed)
		}
	})
}

// fuzzedCall is a call without sockets, and what its far ends know.
type fuzzedCall struct {
	t     *testing.T
	s     *Session
	w     *work
	suite [2]Suite
	keys  [2]SRTP
	far   [2]*phone // nil: plain RTP
	drawn byte
	wires [2][][]byte       // what was fed to each side
	real  [2]map[string]int // good packets that a side has sent, and how often each left
	// streams are the key streams of what left towards each side.
	streams                  [2]map[string]bool
	fed, left, before, turns int
}

func newFuzzedCall(t *testing.T, kind byte) *fuzzedCall {
	s, _ := detached(Remote{RTP: benchFrom})
	c := &fuzzedCall{t: t, s: s, w: &work{now: time.Minute, total: &counters{}}}
	s.relay.networks = []*network{{ports: &portPool{random: rand.New(rand.NewPCG(1, 2))}}}
	c.suite = [2]Suite{Suite(kind % byte(suites)), Suite(kind / byte(suites) % byte(suites))}
	for side := range s.sides {
		s.sides[side].rtp.out, s.sides[side].rtcp.out = hearer{c, Side(side), false}, hearer{c, Side(side), true}
		c.real[side], c.streams[side] = map[string]int{}, map[string]bool{}
		c.rekey(Side(side))
		c.remote(Side(side), SendRecv)
	}
	return c
}

// rekey has a side keys as nobody had them before.
func (c *fuzzedCall) rekey(side Side) {
	suite := c.suite[side]
	if suite == PlainRTP {
		return
	}
	draw := func() MasterKey {
		key, salt := suite.lengths()
		c.drawn++
		b := make([]byte, key+salt)
		for i := range b {
			b[i] = c.drawn + byte(i)*7
		}
		return NewMasterKey(b)
	}
	c.keys[side] = SRTP{Suite: suite, Ours: draw(), Theirs: draw()}
	c.far[side] = &phone{t: c.t, in: c.context(side, c.keys[side].Ours), out: c.context(side, c.keys[side].Theirs)}
	clear(c.streams[side])
}

// context judges no replay itself.
func (c *fuzzedCall) context(side Side, k MasterKey) *srtp.Context {
	size, _ := c.suite[side].lengths()
	ctx, err := srtp.CreateContext(k.octets()[:size], k.octets()[size:], c.suite[side].profile())
	if err != nil {
		c.t.Fatal("the far end has no context")
	}
	return ctx
}

func (c *fuzzedCall) remote(side Side, d Direction) {
	at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 2 + byte(side)}), 5000)
	if err := c.s.SetRemote(side, Remote{RTP: at, SRTP: c.keys[side], Direction: d, PayloadTypes: NewPayloadTypes(8)}); err != nil {
		c.t.Fatal(err)
	}
}

// step feeds one packet, or signals, and tells how much of rest it used.
func (c *fuzzedCall) step(what, ssrc byte, n uint16, rest []byte) (used int) {
	side, control := A, what&stepRTCP != 0
	if what&stepOnB != 0 {
		side = B
	}
	var wire []byte
	switch what % stepKinds {
	case stepGood:
		plain := c.good(ssrc, n, control)
		if wire = c.protect(side, plain, control); wire != nil && !control {
			c.real[side][nameless(plain)] = 0
		}
	case stepFlipped:
		if wire = c.protect(side, c.good(ssrc, n, control), control); c.far[side] != nil && wire != nil {
			wire[int(n)/8%len(wire)] ^= 1 << (n % 8)
		}
	case stepAgain:
		if sent := c.wires[side]; len(sent) > 0 {
			wire = sent[int(n)%len(sent)]
		}
	case stepCut:
		if wire = c.protect(side, c.good(ssrc, n, control), control); wire != nil {
			wire = wire[:int(n)%len(wire)]
		}
	case stepRaw:
		used = min(int(n), len(rest))
		wire = rest[:used]
	case stepPlain:
		wire = c.good(ssrc, n, control)
	case stepRekeyed, stepHeld:
		d := Direction(ssrc & 3)
		if what%stepKinds == stepRekeyed {
			d = SendRecv
			c.rekey(side)
		}
		c.remote(side, d)
		c.turns++
		return 0
	}
	if c.far[side] == nil {
		c.allow(side, wire)
	}
	c.feed(side, wire, control, what&stepStrange != 0)
	return used
}

// allow has a plain side say whatever it wants.
func (c *fuzzedCall) allow(side Side, wire []byte) {
	if _, known := c.real[side][nameless(wire)]; !known {
		c.real[side][nameless(wire)] = 0
	}
}

func (c *fuzzedCall) feed(side Side, wire []byte, control, strange bool) {
	c.wires[side] = append(c.wires[side], wire)
	p := &c.s.sides[side].rtp
	if control {
		p = &c.s.sides[side].rtcp
	}
	from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 2 + byte(side)}), 5000)
	if control {
		from = next(from)
	}
	if strange {
		from = netip.MustParseAddrPort("192.0.2.1:5000")
	}
	c.before = c.left
	p.receive(append(make([]byte, 0, maxPacket), wire...), from, c.w)
	if strange && c.left != c.before {
		c.t.Fatal("a stranger was heard")
	}
}

// good is a packet as no other is.
func (c *fuzzedCall) good(ssrc byte, seq uint16, control bool) []byte {
	if control {
		return marshal(c.t, &rtcp.ReceiverReport{SSRC: uint32(ssrc)})
	}
	b := packet(uint32(ssrc), seq)
	binary.BigEndian.PutUint32(b[rtpHeader:], uint32(c.fed))
	return b
}

func (c *fuzzedCall) protect(side Side, plain []byte, control bool) []byte {
	far := c.far[side]
	if far == nil {
		return append([]byte(nil), plain...)
	}
	if control {
		wire, _ := far.out.EncryptRTCP(nil, plain, nil)
		return wire
	}
	wire, _ := far.out.EncryptRTP(nil, plain, nil)
	return wire
}

// hearer is where what we send arrives: at a side's RTP or RTCP.
type hearer struct {
	c    *fuzzedCall
	side Side
	rtcp bool
}

func (h hearer) start(*port) error               { return nil }
func (h hearer) aim(netip.AddrPort, uint8) error { return nil }
func (h hearer) close()                          {}

func (h hearer) send(wire []byte, _ netip.AddrPort, _ *work) Drop {
	c, t := h.c, h.c.t
	if c.left++; c.left != c.before+1 {
		t.Fatal("one packet became two")
	}
	plain, far := wire, c.far[h.side]
	var err error
	switch {
	case far != nil && h.rtcp:
		plain, err = far.in.DecryptRTCP(nil, wire, nil)
	case far != nil:
		if plain, err = far.in.DecryptRTP(nil, wire, nil); err == nil {
			c.keyStream(h.side, wire, plain)
		}
	}
	if err != nil {
		t.Fatal("what left has no right tag")
	}
	if h.rtcp {
		if _, err := rtcp.Unmarshal(plain); err != nil {
			t.Fatal("what left is no RTCP")
		}
		return Relayed
	}
	from, what := h.side.other(), nameless(plain)
	times, known := c.real[from][what]
	if !known {
		t.Fatal("what nobody said was heard")
	}
	if c.real[from][what]++; times > 0 && c.far[from] != nil {
		t.Fatal("it was heard twice")
	}
	return Relayed
}

// nameless is a packet without its SSRC, in whose place another may leave.
func nameless(plain []byte) string {
	if len(plain) < rtpHeader {
		return string(plain)
	}
	return string(plain[:8]) + string(plain[rtpHeader:])
}

// keyStream notes what the payload was mixed with: the same twice shows what was
// said.
func (c *fuzzedCall) keyStream(side Side, wire, plain []byte) {
	var header rtp.Header
	n, err := header.Unmarshal(plain)
	if err != nil || len(plain) < n+16 {
		return
	}
	mixed := make([]byte, 16)
	for i := range mixed {
		mixed[i] = wire[n+i] ^ plain[n+i]
	}
	if c.streams[side][string(mixed)] {
		c.t.Fatal("an index was used twice")
	}
	c.streams[side][string(mixed)] = true
}
