package smpp

import (
	"sync/atomic"
	"time"
)

// ShareConfig keeps a downstream that does not answer from filling the windows
// of those who send to others as well.
type ShareConfig struct {
	Of         float64       // part of an upstream bind's window that a stalled downstream may hold; 0: no such limit
	SlowerThan time.Duration // age of the oldest unanswered message that makes a bind stalled; 0: 2 s
}

// holds counts, for one upstream bind, its messages at each destination. It is
// nil where no share is configured: then nothing is counted.
type holds struct {
	most int32
	by   []atomic.Int32 // by the destination's index
}

func newHolds(c ShareConfig, window, destinations int) *holds {
	if c.Of <= 0 {
		return nil
	}
	return &holds{most: max(int32(c.Of*float64(window)), 1), by: make([]atomic.Int32, destinations)}
}

// hold counts the message as held by a destination, until release.
func (m *message) hold(d *destination) {
	m.dest = d
	if m.up == nil || m.up.holds == nil || d.index >= len(m.up.holds.by) {
		return // or its account was added after the upstream bound: no share until it binds again
	}
	m.held = &m.up.holds.by[d.index]
	m.held.Add(1)
}

func (m *message) release() {
	if m.held != nil {
		m.held.Add(-1)
		m.held = nil
	}
}

// mayHold reports whether a stalled destination may hold the message: its
// upstream has no more there than its share.
func (m *message) mayHold() bool { return m.held == nil || m.held.Load() <= m.up.holds.most }

// beyondShare reports whether a message has to leave a stalled destination, and
// stops counting it where it does.
func (m *message) beyondShare() bool {
	if m.mayHold() {
		return false
	}
	m.release()
	return true
}

// evict answers what a stalled bind holds beyond its upstreams' shares, oldest
// first. These messages were sent, so their outcome is unknown.
func (s *session) evict(t *turn) {
	var gone []slot
	s.mu.Lock()
	s.window.each(func(p *slot) {
		m := p.message
		if m == nil {
			return
		}
		cut := m.parts.open > 0
		begun := cut && m.parts.unknown // another PDU of it has gone already
		if !begun && !m.beyondShare() {
			return
		}
		p.uncertain = s.edge.redeliveries.note(m)
		if !cut || m.parts.lost(false) {
			gone = append(gone, *p)
		}
		p.message = nil
	})
	s.mu.Unlock()
	for i := range gone {
		s.unknown(t, gone[i].message, gone[i].uncertain)
	}
}
