package sip

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// CallState is one call as an operator sees it, without numbers.
type CallState struct {
	ID       string // correlation id of the logs
	From, To string // trunks; From is "none" of an ordered call, To is empty before an attempt
	State    string // routing, calling, answered, up, over
	Began    time.Time
	Answered time.Time // zero: not yet
}

// TrunkState is one trunk as an operator sees it.
type TrunkState struct {
	Name     string         `json:"name"`
	Carrier  string         `json:"carrier,omitempty"`
	Tenant   string         `json:"tenant,omitempty"`
	Addr     netip.AddrPort `json:"addr,omitzero"` // invalid: it only sends to us, or its name is not known yet
	Up       bool           `json:"up"`
	Channels int            `json:"channels"` // in use

	Stale         bool `json:"stale,omitempty"`          // its name was not found the last time
	Draining      bool `json:"draining,omitempty"`       // a reload has removed it; calls go on
	ChannelsLimit int  `json:"channels_limit,omitempty"` // 0: none
	CPSLimit      int  `json:"cps_limit,omitempty"`      // each direction; 0: none

	HeldUntil    time.Time          `json:"held_until,omitzero"`    // it asked to be left alone until then; zero: no
	Registration *RegistrationState `json:"registration,omitempty"` // nil: it wants none
}

// show keeps what Calls reports.
func (a *actor) show() {
	s := CallState{ID: a.id, From: a.trunk.label(), State: a.call.phase.String(), Began: a.call.began, Answered: a.call.answered}
	if a.last != nil {
		s.To = a.last.Name
	}
	a.shown.Store(&s)
}

// Calls lists the calls that are not over, oldest first.
func (e *Edge) Calls() []CallState {
	var list []CallState
	for _, a := range e.calls.all() {
		if s := a.shown.Load(); s != nil && s.State != phaseOver.String() {
			list = append(list, *s)
		}
	}
	slices.SortFunc(list, func(a, b CallState) int { return cmp.Or(a.Began.Compare(b.Began), cmp.Compare(a.ID, b.ID)) })
	return list
}

// ActiveCalls counts the calls that are not over. Unlike Calls it costs nothing.
func (e *Edge) ActiveCalls() int { return int(e.active.Load()) }

// Trunks lists the trunks in the order of the configuration.
func (e *Edge) Trunks() []TrunkState {
	set := e.set()
	list := make([]TrunkState, 0, len(set.list))
	listed := map[string]bool{}
	for _, t := range slices.Concat(set.list, set.retired) {
		if listed[t.Name] {
			continue // the one of before a change
		}
		listed[t.Name] = true
		s := TrunkState{
			Name: t.Name, Carrier: t.Carrier, Tenant: t.Tenant, Addr: t.addr,
			Up: t.fit(), Stale: t.state.stale.Load(), Channels: int(t.state.channels.Load()),
			Draining: retirement(t.retired.Load()) == removed, ChannelsLimit: t.Channels, CPSLimit: t.CPS,
		}
		if known := t.targets(0, e.now()); t.name != "" && len(known) > 0 {
			s.Addr = known[0]
		}
		if r := t.registrar; r != nil {
			state := r.state(e.now())
			s.Registration = &state
		}
		if t.held(e.now()) {
			s.HeldUntil = time.Unix(0, t.state.heldUntil.Load())
		}
		list = append(list, s)
	}
	return list
}
