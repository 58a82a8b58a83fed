package rtp

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Config of a generator.
type Config struct {
	// Interval between two packets of a stream. Zero: 20ms.
	Interval time.Duration
	// Payload in octets, at least 20 and a multiple of it. Zero: 160.
	Payload int
	// Tone is what the payload holds.
	Tone Tone
}

const (
	slots    = 20 // the streams are spread over that many moments of an interval
	hopeless = 500 * time.Millisecond
)

// Generator paces streams. Close it to end all of them.
type Generator struct {
	cfg  Config
	quit chan struct{}
	work sync.WaitGroup

	mu      sync.Mutex
	streams [slots][]*Stream
	opened  int

	turns, late atomic.Int64
}

// New starts a generator without streams.
func New(cfg Config) (*Generator, error) {
	if cfg.Interval == 0 {
		cfg.Interval = 20 * time.Millisecond
	}
	if cfg.Payload == 0 {
		cfg.Payload = 160
	}
	if cfg.Payload < 20 || cfg.Payload%20 != 0 || cfg.Interval < slots {
		return nil, fmt.Errorf("payload of %d octets every %v cannot be made", cfg.Payload, cfg.Interval)
	}
	g := &Generator{cfg: cfg, quit: make(chan struct{})}
	g.work.Go(g.pace)
	return g, nil
}

// Open binds a socket on a port of the kernel's choice. The stream receives
// from now on and sends from [Stream.Start] on.
func (g *Generator) Open(local netip.Addr) (*Stream, error) {
	fd, bound, err := openSocket(local)
	if err != nil {
		return nil, err
	}
	s := &Stream{generator: g, fd: fd, local: bound, id: rand.Uint64(), ssrc: rand.Uint32()}
	s.packet = make([]byte, headerSize, headerSize+g.cfg.Payload)
	s.packet[0], s.packet[1] = 0x80, g.cfg.Tone.payloadType()
	binary.BigEndian.PutUint32(s.packet[8:], s.ssrc)
	s.packet = append(s.packet, g.cfg.Tone.payload(g.cfg.Payload, s.id)...)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.streams[g.opened%slots] = append(g.streams[g.opened%slots], s)
	g.opened++
	return s, nil
}

func (g *Generator) closing() bool {
	select {
	case <-g.quit:
		return true
	default:
		return false
	}
}

// Late is the part of the moments at which streams were to send that began more
// than one moment too late: where it is large, the generator is short of CPU and
// what it measures is its own.
func (g *Generator) Late() float64 {
	return float64(g.late.Load()) / max(1, float64(g.turns.Load()))
}

// Close ends all streams and waits.
func (g *Generator) Close() {
	close(g.quit)
	g.work.Wait()
	for _, slot := range g.streams {
		for _, s := range slot {
			_ = unix.Close(s.fd)
		}
	}
}

// pace serves slot after slot. Where it is late it catches up, as a real
// sender's clock would, unless it is too late for that. No stream is read more often than it sends, so that
// nobody is woken for each packet; when a packet came, the kernel has noted.
func (g *Generator) pace() {
	step := g.cfg.Interval / slots
	tick := time.NewTicker(step)
	defer tick.Stop()
	due, m := time.Now(), &message{}
	for slot := 0; ; {
		select {
		case <-g.quit:
			return
		case <-tick.C:
		}
		for now := time.Now(); !now.Before(due); now, due = time.Now(), due.Add(step) {
			g.turns.Add(1)
			if now.Sub(due) > step {
				g.late.Add(1)
			}
			g.mu.Lock()
			for _, s := range g.streams[slot] {
				s.turn(m)
			}
			g.mu.Unlock()
			slot = (slot + 1) % slots
			if now.Sub(due) > hopeless {
				due = now
			}
			if g.closing() {
				return
			}
		}
	}
}
