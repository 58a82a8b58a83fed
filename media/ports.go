package media

import (
	"encoding/base64"
	"encoding/binary"
	"math/rand/v2"
	"sync"
)

// portPool hands out pairs of an even port (RTP) and the next (RTCP), each
// known by its even port, at random. // RFC 3550 §11
type portPool struct {
	total int // pairs

	mu     sync.Mutex
	free   []uint16
	ready  []uint16 // free too, and what they need is there
	random *rand.Rand
}

// anyPort is one in how many pairs is taken from all that are free, though some are
// ready: who knows the ports of former calls shall not know those of later ones.
const anyPort = 16

func countPairs(low, high uint16) int {
	first := (int(low) + 1) &^ 1
	return max(0, (int(high)-first+1)/2)
}

func newPortPool(low, high uint16, random *rand.Rand) *portPool {
	n := countPairs(low, high)
	p := &portPool{total: n, free: make([]uint16, n), random: random}
	first := (int(low) + 1) &^ 1
	for i := range p.free {
		p.free[i] = uint16(first + 2*i)
	}
	return p
}

// take removes a random pair.
func (p *portPool) take() (uint16, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.ready) > 0 && (len(p.free) == 0 || p.random.IntN(anyPort) > 0) {
		return p.draw(&p.ready)
	}
	return p.draw(&p.free)
}

// takeUnready removes a random pair that is not ready, where fewer than enough are. The
// last ones it leaves to calls: one that comes meanwhile would be refused for want of it.
func (p *portPool) takeUnready(enough int) (uint16, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.ready) >= enough || len(p.free) <= portsPerCall {
		return 0, false
	}
	return p.draw(&p.free)
}

func (p *portPool) draw(from *[]uint16) (uint16, bool) {
	list := *from
	last := len(list) - 1
	if last < 0 {
		return 0, false
	}
	i := p.random.IntN(last + 1)
	port := list[i]
	list[i] = list[last]
	*from = list[:last]
	return port, true
}

// give returns pairs, each taken before.
func (p *portPool) give(ports ...uint16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, ports...)
}

// giveReady returns a pair that has what it needs.
func (p *portPool) giveReady(port uint16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ready = append(p.ready, port)
}

// used counts pairs that cannot be taken: in use or resting.
func (p *portPool) used() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.total - len(p.free) - len(p.ready)
}

// ssrc draws one. // RFC 3550 §8
func (p *portPool) ssrc() uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.random.Uint32()
}

// stream draws what a stream of our own begins with. // The number is a low one,
// lest who misses the first packets of SRTP takes a later count of rounds for the
// first, and since some phones go on counting when the other side's stream follows
// ours: they drop what is behind. // RFC 3550 §5.1, RFC 3711 §3.3.1
func (p *portPool) stream() (ssrc uint32, seq uint16, timestamp uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.random.Uint32(), uint16(p.random.Uint32()) >> 8, p.random.Uint32()
}

// cname is a name of 96 bits that says nothing about anybody. // RFC 7022 §4.2
type cname [12]byte

// cnameLength is that of the name as it is sent.
const cnameLength = 16

// append writes the name as it is sent.
func (c cname) append(dst []byte) []byte { return base64.StdEncoding.AppendEncode(dst, c[:]) }

func (p *portPool) cname() (name cname) {
	p.mu.Lock()
	defer p.mu.Unlock()
	binary.NativeEndian.PutUint64(name[:], p.random.Uint64())
	binary.NativeEndian.PutUint32(name[8:], p.random.Uint32())
	return name
}
