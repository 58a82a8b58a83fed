package smpp

import (
	"cmp"
	"slices"
	"time"
)

// BindState is one bind as people and the readiness report see it.
type BindState struct {
	Peer        string // carrier or account
	Direction   string // "out": we bind to them, "in": they bind to us
	Type        string // transceiver, transmitter or receiver
	Addr        string // of the SMSC; empty where they bind to us
	Backup      bool
	State       string // down, open, bound, closing or closed
	Since       time.Time
	Reason      string // why it is down
	WindowUsed  int    // our messages that the peer has not answered
	WindowLimit int
	Unanswered  int     // the peer's messages that we have not answered
	Unread      int     // octets that the peer has not taken yet
	Waiting     int     // segments that wait for this bind
	Fitness     string  // fit, failing or stalled
	Slowed      bool    // the peer throttles: Rate is below what is configured
	Rate        float64 // segments per second that may be sent; 0: no limit
	Received    uint64  // messages taken on from the peer
	Sent        uint64  // messages sent to the peer

	fitness fitness
}

// Binds lists all binds of ours, bound or not, in the order of the
// configuration, then those of peers that are bound.
func (e *Edge) Binds() []BindState {
	var all []BindState
	for _, cfg := range e.cfg.Carriers {
		for _, d := range e.carriers[cfg.Name].dialers {
			all = append(all, d.bindState())
		}
	}
	ours := len(all)
	for _, s := range e.snapshot(nil) {
		if b := (BindState{Direction: "in"}); s.dialer == nil && s.describe(&b) {
			all = append(all, b)
		}
	}
	slices.SortFunc(all[ours:], func(a, b BindState) int {
		return cmp.Or(cmp.Compare(a.Peer, b.Peer), a.Since.Compare(b.Since))
	})
	return all
}

func (d *dialer) bindState() BindState {
	b := BindState{
		Peer: d.carrier.peer.name, Direction: "out", Type: d.bind.BindType.String(),
		Addr: d.bind.Addr, Backup: d.bind.Backup, State: "down",
	}
	d.mu.Lock()
	s := d.session
	b.Since, b.Reason = d.since, d.reason
	d.mu.Unlock()
	if s != nil {
		s.describe(&b)
	}
	return b
}

// describe fills in the state of a session; false where it is not bound.
func (s *session) describe(b *BindState) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	b.State, b.Reason = s.state.String(), s.reason
	if s.terms == nil {
		return false
	}
	b.Peer, b.Type, b.Since = s.terms.peer.name, s.terms.bindType.String(), s.since
	b.WindowUsed, b.Unanswered, b.Unread = s.window.used, s.unanswered, len(s.out.pending)
	b.WindowLimit = s.window.limit
	b.Waiting, b.fitness = s.lane.length, s.load.fitness()
	b.Fitness = b.fitness.String()
	b.Slowed, b.Rate = s.flow.regulator.rate != 0, s.flow.rate()
	b.Received, b.Sent = s.counts.received, s.counts.sent
	return true
}
