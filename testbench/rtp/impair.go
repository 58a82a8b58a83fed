package rtp

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Impairments is what a bad path does to packets, each part of 1 by chance. One
// packet meets at most one of loss, duplication and reordering.
type Impairments struct {
	Seed uint64
	// Loss is the part of packets that vanish, in runs of Burst on average. Burst
	// zero: 1 and more by chance.
	Loss, Burst float64
	// Duplicate is the part that comes twice, Reorder the part that is overtaken by
	// one to three packets.
	Duplicate, Reorder float64
	// Delay holds every packet up, Jitter by up to so much more; a packet is then
	// sent behind the ones before it, unless it is to be overtaken.
	Delay, Jitter time.Duration
	// Spare is how many packets pass untouched at the beginning.
	Spare int
}

// Fate is what becomes of one packet.
type Fate struct {
	Copies int           // 0: lost
	Behind int           // packets that overtake it
	Delay  time.Duration // until it is sent
}

// Impaired counts what was done.
type Impaired struct {
	Packets, Lost, Gaps, Duplicated, Reordered int
}

// Path decides over the packets of one direction, the same for the same seed.
type Path struct {
	what Impairments
	rnd  *rand.Rand
	done Impaired
	bad  bool
}

// NewPath makes a path; each direction needs its own.
func NewPath(what Impairments) *Path {
	return &Path{what: what, rnd: rand.New(rand.NewPCG(what.Seed, 1))}
}

// Next is the fate of the next packet.
func (p *Path) Next() Fate {
	w := &p.what
	p.done.Packets++
	f := Fate{Copies: 1, Delay: w.Delay + time.Duration(p.rnd.Float64()*float64(w.Jitter))}
	lost, dice := p.loses(), p.rnd.Float64()
	if p.done.Packets <= w.Spare {
		p.bad = false
		return f
	}
	switch {
	case lost:
		f.Copies = 0
		p.done.Lost++
		if !p.bad {
			p.done.Gaps++
		}
	case dice < w.Duplicate:
		f.Copies = 2
		p.done.Duplicated++
	case dice < w.Duplicate+w.Reorder:
		f.Behind = 1 + p.rnd.IntN(3)
		p.done.Reordered++
	}
	p.bad = lost
	return f
}

// loses is a channel with two states. // Gilbert 1960
func (p *Path) loses() bool {
	loss, burst := p.what.Loss, p.what.Burst
	switch {
	case burst == 0:
		return p.rnd.Float64() < loss
	case p.bad:
		return p.rnd.Float64() >= 1/burst
	default:
		return p.rnd.Float64() < loss/burst/(1-loss)
	}
}

// Done counts what was decided until now.
func (p *Path) Done() Impaired { return p.done }

// Impairer passes datagrams between two addresses and does to those of the first
// one what a bad path would. Where it sends to the second from is its address too.
type Impairer struct {
	conn    *net.UDPConn
	near    netip.AddrPort
	far     netip.AddrPort
	arrived chan []byte
	quit    chan struct{}
	work    sync.WaitGroup

	mu    sync.Mutex
	path  *Path
	count Impaired
}

// NewImpairer opens one at a local address. What comes from near goes to far,
// impaired; what comes from elsewhere goes to near as it is.
func NewImpairer(local netip.Addr, near, far netip.AddrPort, what Impairments) (*Impairer, error) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, 0)))
	if err != nil {
		return nil, fmt.Errorf("opening an impairer: %w", err)
	}
	m := &Impairer{conn: conn, near: near, far: far, arrived: make(chan []byte, 1024), quit: make(chan struct{}), path: NewPath(what)}
	m.work.Go(m.read)
	m.work.Go(m.pass)
	return m, nil
}

// Local is the address that both ends send to.
func (m *Impairer) Local() netip.AddrPort {
	a := m.conn.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// Heal lets all packets pass from now on, and returns what was done until then.
func (m *Impairer) Heal() Impaired {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count = m.path.Done()
	m.path = NewPath(Impairments{})
	return m.count
}

// Close ends it and waits.
func (m *Impairer) Close() {
	close(m.quit)
	_ = m.conn.Close()
	m.work.Wait()
}

func (m *Impairer) read() {
	b := make([]byte, 2048)
	for {
		n, from, err := m.conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		if netip.AddrPortFrom(from.Addr().Unmap(), from.Port()) != m.near {
			_, _ = m.conn.WriteToUDPAddrPort(b[:n], m.near)
			continue
		}
		select {
		case m.arrived <- append([]byte(nil), b[:n]...):
		case <-m.quit:
			return
		}
	}
}

// pass sends what is due. One goroutine sends, so that nothing but what was decided
// changes the order.
func (m *Impairer) pass() {
	var line queue
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-m.quit:
			return
		case b := <-m.arrived:
			m.mu.Lock()
			fate := m.path.Next()
			m.mu.Unlock()
			line.add(b, fate, time.Now())
		case <-timer.C:
		}
		for b := line.next(time.Now()); b != nil; b = line.next(time.Now()) {
			_, _ = m.conn.WriteToUDPAddrPort(b, m.far)
		}
		if at := line.due(); !at.IsZero() {
			timer.Reset(time.Until(at))
		}
	}
}

// queue orders packets by what was decided over them.
type queue struct {
	waiting []queued // in order of their time
	behind  []overtaken
}

// queued is a packet that waits for its time.
type queued struct {
	b      []byte
	at     time.Time
	behind int
}

// overtaken is a packet that waits for others to go.
type overtaken struct {
	b    []byte
	left int
}

func (q *queue) add(b []byte, f Fate, now time.Time) {
	at := now.Add(f.Delay)
	if n := len(q.waiting); n > 0 && at.Before(q.waiting[n-1].at) {
		at = q.waiting[n-1].at
	}
	for range f.Copies {
		q.waiting = append(q.waiting, queued{b, at, f.Behind})
	}
}

// due is when the next packet is to be sent; zero: none waits.
func (q *queue) due() time.Time {
	if len(q.waiting) == 0 {
		return time.Time{}
	}
	return q.waiting[0].at
}

// next is a packet that is due, nil where none is.
func (q *queue) next(now time.Time) []byte {
	for i, o := range q.behind {
		if o.left == 0 {
			q.behind = slices.Delete(q.behind, i, i+1)
			return o.b
		}
	}
	for len(q.waiting) > 0 && !q.waiting[0].at.After(now) {
		p := q.waiting[0]
		q.waiting = q.waiting[1:]
		if p.behind > 0 {
			q.behind = append(q.behind, overtaken{p.b, p.behind})
			continue
		}
		for i := range q.behind {
			q.behind[i].left--
		}
		return p.b
	}
	return nil
}
