package smpp

import (
	"cmp"
	"slices"
	"time"
)

// BindState is one bind as people and the readiness report see it.
type BindState struct {
	Peer        string    `json:"peer"`           // carrier or account
	Direction   string    `json:"direction"`      // "out": we bind to them, "in": they bind to us
	Type        string    `json:"type"`           // transceiver, transmitter or receiver
	Addr        string    `json:"addr,omitempty"` // of the SMSC; empty where they bind to us
	Backup      bool      `json:"backup,omitempty"`
	State       string    `json:"state"` // down, open, bound, closing or closed
	Since       time.Time `json:"since,omitzero"`
	Reason      string    `json:"reason,omitempty"` // why it is down
	WindowUsed  int       `json:"window_used"`      // our messages that the peer has not answered
	WindowLimit int       `json:"window_limit"`
	Unanswered  int       `json:"unanswered"`        // the peer's messages that we have not answered
	Unread      int       `json:"unread"`            // octets that the peer has not taken yet
	Waiting     int       `json:"waiting"`           // segments that wait for this bind
	Fitness     string    `json:"fitness,omitempty"` // fit, failing or stalled
	Slowed      bool      `json:"slowed"`            // the peer throttles: Rate is below what is configured
	Rate        float64   `json:"rate"`              // segments per second that may be sent; 0: no limit
	Received    uint64    `json:"received"`          // messages taken on from the peer
	Sent        uint64    `json:"sent"`              // messages sent to the peer

	fitness fitness
}

// Binds lists all binds of ours, bound or not, in the order of the
// configuration, then those of peers that are bound.
func (e *Edge) Binds() []BindState {
	all := []BindState{}
	for _, cfg := range e.cfg.Carriers {
		for _, d := range e.carriers[cfg.Name].dialers {
			all = append(all, d.bindState())
		}
	}
	ours := len(all)
	for _, s := range e.snapshot(nil) {
		if b := (BindState{Direction: "in"}); !s.isOurs() && s.describe(&b) {
			all = append(all, b)
		}
	}
	slices.SortFunc(all[ours:], func(a, b BindState) int {
		return cmp.Or(cmp.Compare(a.Peer, b.Peer), a.Since.Compare(b.Since))
	})
	return all
}

// isOurs reports whether the bind is one of ours to a carrier.
func (s *session) isOurs() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dialer != nil
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
